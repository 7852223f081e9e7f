/** Clients that want to see every message of the others (`ubus monitor`; ubusd_monitor.c). */
import { finishMessage, MSG_MONITOR, readdress, startMessage } from './message.ts';
import type { ServerClient } from './server-client.ts';

export class Monitors {
  readonly #clients = new Set<ServerClient>();

  add(client: ServerClient): void {
    this.#clients.add(client);
  }
  delete(client: ServerClient): void {
    this.#clients.delete(client);
  }

  /** @param sent to the client, else come from it */
  tell({ id }: ServerClient, message: Uint8Array, sent: boolean): void {
    if (this.#clients.size === 0) return;
    const view = new DataView(message.buffer, message.byteOffset);
    const writer = startMessage(MSG_MONITOR, 0, 0, message.length + 64);
    writer.putInt32(0, id);
    writer.putInt32(1, view.getUint32(4));
    writer.putInt32(3, view.getUint16(2));
    writer.putInt32(4, view.getUint8(1));
    writer.putInt8(2, sent ? 1 : 0);
    writer.putBytes(5, message.subarray(12));
    const event = finishMessage(writer);
    for (const monitor of this.#clients) {
      readdress(event, ++monitor.monitorSeq & 0xffff, 0);
      monitor.notify(event);
    }
  }
}
