/** A notification as its subscribers get it: one message, addressed to each of them in turn. */
import { ATTR_DATA, ATTR_METHOD, ATTR_NO_REPLY, ATTR_OBJID, finishMessage, MSG_INVOKE, readdress, startMessage } from './message.ts';

/** INVOKE of a subscriber; address() fills in whose. */
export function encodeNotification(method: string, data: Uint8Array | undefined, noReply: boolean): Uint8Array {
  const writer = startMessage(MSG_INVOKE, 0, 0, (data?.length ?? 0) + 128);
  if (noReply) writer.putInt8(ATTR_NO_REPLY, 1);
  writer.putInt32(ATTR_OBJID, 0);
  writer.putString(ATTR_METHOD, method);
  if (data !== undefined) writer.putBytes(ATTR_DATA, data);
  return finishMessage(writer);
}

export function address(notification: Uint8Array, seq: number, peer: number, subscriber: number): void {
  readdress(notification, seq, peer);
  // OBJID is the first attribute, or the second after NO_REPLY.
  const at = notification[12] === ATTR_OBJID ? 16 : 24;
  notification[at] = subscriber >>> 24;
  notification[at + 1] = subscriber >>> 16;
  notification[at + 2] = subscriber >>> 8;
  notification[at + 3] = subscriber;
}
