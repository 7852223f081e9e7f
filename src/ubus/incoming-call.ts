/** A call of one of our objects, on either end of a connection: replies DATA …, then exactly one STATUS. */
import type { Call } from './bus-object.ts';
import type { Attributes } from './message.ts';
import { encodeData, encodeStatus } from './message.ts';

/** `peer`: whom the answer names, which is the caller to a bus, and our object to a client of ours. */
export function incomingCall(
  { objid = 0, method = '', data = NOTHING, noReply }: Attributes, seq: number, peer: number, caller: number,
  send: (message: Uint8Array) => void,
): Call {
  let finished = noReply === true;
  return {
    caller, method, data,
    reply(table) {
      if (!finished) send(encodeData(seq, peer, objid, table));
    },
    finish(status) {
      if (!finished) send(encodeStatus(seq, peer, status, objid));
      finished = true;
    },
  };
}

const NOTHING = new Uint8Array(0);
