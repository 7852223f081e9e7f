/**
 * A bus of our own on a Unix socket that speaks ubus as ubusd does (ubusd_proto.c, ubusd_obj.c, ubusd_event.c,
 * ubusd_monitor.c): our objects, and those that clients add. Differences: no ACL (the socket's mode and group decide) and empty
 * USER and GROUP in calls, because no runtime tells who connects; a reply is not dropped, a client that does not read is
 * not served instead; object 2 (acl) knows no rules.
 */
import type { Log } from '../runtime/log.ts';
import type { Listener, Runtime, Stream, StreamHandler } from '../runtime/runtime.ts';
import { Bus } from './bus.ts';
import type { BusObject, LocalObject } from './bus-object.ts';
import { address, encodeInvocation } from './invocation.ts';
import type { Frame } from './message.ts';
import { encodeStatus, finishMessage, MSG_HELLO, startMessage } from './message.ts';
import { Monitors } from './monitors.ts';
import { ANSWERED, Requests } from './requests.ts';
import type { ServerClientOwner } from './server-client.ts';
import { CLIENT_QUEUE_BYTES_MAX, ServerClient } from './server-client.ts';

export const CLIENTS_MAX = 512;
/** Incomplete messages of all clients together. */
export const PENDING_BYTES_MAX = 4 * 1024 * 1024;

export interface ServerOptions {
  path: string;
  mode: number;
}

export class UbusServer implements ServerClientOwner {
  readonly bus: Bus;
  /** A client went away, after its objects. */
  onGone: (client: number) => void = () => {};
  /** Clients beyond the limit, and messages that a client was too slow for. */
  refusedCount = 0;
  droppedCount = 0;
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #options: ServerOptions;
  #listener: Listener | undefined;
  #pendingBytes = 0;
  readonly #monitors = new Monitors();
  readonly #requests: Requests;

  constructor(runtime: Runtime, log: Log, options: ServerOptions) {
    this.#runtime = runtime;
    this.#log = log;
    this.#options = options;
    this.bus = new Bus(() => runtime.random());
    this.#requests = new Requests(this.bus, this.#monitors);
  }

  /** @throws SystemError as Runtime.listen. */
  async start(): Promise<void> {
    const { path, mode } = this.#options;
    const options = { at: { path }, mode, writeQueueBytesMax: CLIENT_QUEUE_BYTES_MAX };
    this.#listener = await this.#runtime.listen({ ...options, onStream: (stream) => this.#accept(stream) });
    this.#log.info(`control socket ${path}`);
  }

  stop(): void {
    this.#listener?.close();
    for (const client of this.bus.clients.values()) client.stream.end();
  }

  get clientCount(): number {
    return this.bus.clients.size;
  }

  /** @returns undefined when its path is taken. */
  addObject(local: LocalObject): BusObject | undefined {
    const object = this.bus.add(local.path, local.signature, undefined, local);
    if (object === undefined) this.#log.warn(`control socket: another program has the name ${local.path}`);
    return object;
  }

  /** Tells the subscribers of one of our objects. `wanted` chooses among them by object id and owner; `lost`: not taken. */
  notify(
    object: BusObject, method: string, data: Uint8Array,
    wanted: (subscriber: BusObject) => boolean, lost: (subscriber: BusObject) => void,
  ): void {
    if (object.subscribers.size === 0) return;
    const message = encodeInvocation(method, data, true);
    for (const subscriber of object.subscribers) {
      if (!wanted(subscriber)) continue;
      address(message, object.invokeSeq, object.id, subscriber.id);
      if (subscriber.owner?.notify(message) === false) lost(subscriber);
    }
    object.invokeSeq = (object.invokeSeq + 1) & 0xffff;
  }

  // A client tells:

  message(client: ServerClient, frame: Frame): void {
    this.#monitors.tell(client, frame.bytes, false);
    const status = this.#requests.handle(client, frame);
    if (status !== ANSWERED) client.send(encodeStatus(frame.seq, frame.peer, status));
  }

  sent(client: ServerClient, message: Uint8Array): void {
    this.#monitors.tell(client, message, true);
  }

  drained(client: ServerClient): void {
    for (const object of client.objects) {
      for (const target of object.targets) target.local?.drained?.(object.id);
    }
  }

  gone(client: ServerClient): void {
    this.#monitors.delete(client);
    this.bus.clients.delete(client.id);
    for (const object of [...client.objects]) this.bus.remove(object);
    this.onGone(client.id);
  }

  dropped(): void {
    this.droppedCount++;
  }

  pending(delta: number): boolean {
    this.#pendingBytes += delta;
    return this.#pendingBytes <= PENDING_BYTES_MAX;
  }

  #accept(stream: Stream): StreamHandler {
    const { clients } = this.bus;
    if (clients.size >= CLIENTS_MAX) {
      this.refusedCount++;
      this.#runtime.later(() => stream.close());
      return { onData() {}, onClose() {} };
    }
    const client = new ServerClient(this.bus.newId(), stream, this);
    clients.set(client.id, client);
    // One write of exactly 12 bytes: libubus reads it with a single read(12).
    client.send(finishMessage(startMessage(MSG_HELLO, 0, client.id)));
    return client;
  }
}
