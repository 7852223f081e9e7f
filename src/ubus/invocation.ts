/** INVOKE as an object gets it: a call, or a notification, which is one message addressed to each subscriber in turn. */
import {
  ATTR_DATA, ATTR_GROUP, ATTR_METHOD, ATTR_NO_REPLY, ATTR_OBJID, ATTR_USER, finishMessage, MSG_INVOKE, readdress, startMessage,
} from './message.ts';

/** address() fills in whose. Who calls is not known, but must be there: ucode's binding reads it unasked. */
export function encodeInvocation(method: string, data: Uint8Array | undefined, noReply: boolean): Uint8Array {
  const writer = startMessage(MSG_INVOKE, 0, 0, (data?.length ?? 0) + 128);
  if (noReply) writer.putInt8(ATTR_NO_REPLY, 1);
  writer.putInt32(ATTR_OBJID, 0);
  writer.putString(ATTR_METHOD, method);
  for (const id of [ATTR_USER, ATTR_GROUP]) writer.putString(id, '');
  if (data !== undefined) writer.putBytes(ATTR_DATA, data);
  return finishMessage(writer);
}

export function address(invocation: Uint8Array, seq: number, peer: number, object: number): void {
  readdress(invocation, seq, peer);
  // OBJID is the first attribute, or the second after NO_REPLY.
  const at = invocation[12] === ATTR_OBJID ? 16 : 24;
  invocation[at] = object >>> 24;
  invocation[at + 1] = object >>> 16;
  invocation[at + 2] = object >>> 8;
  invocation[at + 3] = object;
}
