/** A client's call of one of our own objects: replies DATA …, then exactly one STATUS. */
import type { Call } from './bus-object.ts';
import { ATTR_DATA, ATTR_OBJID, encodeStatus, finishMessage, MSG_DATA, startMessage } from './message.ts';
import type { ServerClient } from './server-client.ts';

export class OwnCall implements Call {
  readonly method: string;
  readonly data: Uint8Array;
  readonly #client: ServerClient;
  readonly #seq: number;
  readonly #objid: number;
  #finished: boolean;

  constructor(client: ServerClient, seq: number, objid: number, method: string, data: Uint8Array, noReply: boolean) {
    this.#client = client;
    this.#seq = seq;
    this.#objid = objid;
    this.method = method;
    this.data = data;
    this.#finished = noReply;
  }
  get caller(): number {
    return this.#client.id;
  }
  reply(data: Uint8Array): void {
    if (this.#finished) return;
    const writer = startMessage(MSG_DATA, this.#seq, this.#objid, data.length + 32);
    writer.putInt32(ATTR_OBJID, this.#objid);
    writer.putBytes(ATTR_DATA, data);
    this.#client.send(finishMessage(writer));
  }
  finish(status: number): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#client.send(encodeStatus(this.#seq, this.#objid, status, this.#objid));
  }
}
