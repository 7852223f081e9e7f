/**
 * A bus of our own on a Unix socket that speaks ubus as ubusd does (ubusd_proto.c, ubusd_obj.c, ubusd_event.c,
 * ubusd_monitor.c): our objects, and those that clients add. Differences: no ACL (the socket's mode and group decide) and empty
 * USER and GROUP in calls, because no runtime tells who connects; a reply is not dropped, a client that does not read is
 * not served instead; object 2 (acl) knows no rules.
 */
import type { Log } from '../runtime/log.ts';
import type { Listener, Runtime, Stream, StreamHandler } from '../runtime/runtime.ts';
import { decodeTable, encodeTable } from './blob.ts';
import { Bus } from './bus.ts';
import type { BusObject, LocalObject } from './bus-object.ts';
import type { Attributes, Frame } from './message.ts';
import {
  ATTR_OBJID, ATTR_OBJPATH, ATTR_OBJTYPE, ATTR_SIGNATURE, ATTR_STATUS, ATTR_SUBSCRIBERS,
  decodeAttributes, encodeData, encodeStatus, finishMessage, MSG_ADD_OBJECT, MSG_DATA, MSG_HELLO, MSG_INVOKE, MSG_LOOKUP, MSG_MONITOR,
  MSG_NOTIFY, MSG_PING, MSG_REMOVE_OBJECT, MSG_STATUS, MSG_SUBSCRIBE, MSG_UNSUBSCRIBE, OBJECT_ACL, OBJECT_EVENT, OBJECT_MONITOR,
  readdress, startMessage, SYSTEM_OBJECT_MAX,
} from './message.ts';
import { incomingCall } from './incoming-call.ts';
import { address, encodeInvocation } from './invocation.ts';
import type { ServerClientOwner } from './server-client.ts';
import { CLIENT_QUEUE_BYTES_MAX, ServerClient } from './server-client.ts';
import {
  STATUS_INVALID_ARGUMENT, STATUS_INVALID_COMMAND, STATUS_METHOD_NOT_FOUND, STATUS_NO_MEMORY, STATUS_NOT_FOUND, STATUS_OK,
  STATUS_PERMISSION_DENIED,
} from './status.ts';

export const CLIENTS_MAX = 512;
/** Objects of one client, and event patterns of one object. */
export const OBJECTS_MAX = 256;
/** A message that adds an object or a pattern, both of which are kept. */
export const KEPT_BYTES_MAX = 16 * 1024;
/** Incomplete messages of all clients together. */
export const PENDING_BYTES_MAX = 4 * 1024 * 1024;

/** No STATUS from the dispatcher: answered in another way, or not at all. */
const ANSWERED = -1;

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
  readonly #monitors = new Set<ServerClient>();

  constructor(runtime: Runtime, log: Log, options: ServerOptions) {
    this.#runtime = runtime;
    this.#log = log;
    this.#options = options;
    this.bus = new Bus(() => runtime.random());
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
    this.#monitor(client, frame.bytes, false);
    const status = this.#handle(client, frame, decodeAttributes(frame));
    if (status !== ANSWERED) client.send(encodeStatus(frame.seq, frame.peer, status));
  }

  sent(client: ServerClient, message: Uint8Array): void {
    this.#monitor(client, message, true);
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

  #handle(client: ServerClient, frame: Frame, attributes: Attributes): number {
    switch (frame.type) {
      case MSG_STATUS:
        if (attributes.status !== undefined) this.#forwardReply(client, frame, attributes);
        return ANSWERED;
      case MSG_DATA:
        if (attributes.data !== undefined) this.#forwardReply(client, frame, attributes);
        return ANSWERED;
      case MSG_PING:
        return this.#ping(client, frame);
      case MSG_LOOKUP:
        return this.#lookup(client, frame, attributes);
      case MSG_INVOKE:
        return this.#invoke(client, frame, attributes);
      case MSG_ADD_OBJECT:
        return this.#addObject(client, frame, attributes);
      case MSG_REMOVE_OBJECT:
        return this.#removeObject(client, frame, attributes);
      case MSG_SUBSCRIBE:
        return this.#subscribe(client, attributes);
      case MSG_UNSUBSCRIBE:
        return this.#unsubscribe(client, attributes);
      case MSG_NOTIFY:
        return this.#notify(client, frame, attributes);
    }
    return STATUS_INVALID_COMMAND;
  }

  #ping(client: ServerClient, frame: Frame): number {
    const pong = frame.bytes.slice();
    pong[1] = MSG_DATA;
    client.send(pong);
    return STATUS_OK;
  }

  #lookup(client: ServerClient, { seq, peer }: Frame, { objpath }: Attributes): number {
    if (objpath === '') return STATUS_INVALID_ARGUMENT;
    const found = this.bus.find(objpath);
    for (const { id, path, type } of found) {
      if (type === undefined) continue;
      const writer = startMessage(MSG_DATA, seq, peer, 512);
      writer.putString(ATTR_OBJPATH, path as string);
      writer.putInt32(ATTR_OBJID, id);
      writer.putInt32(ATTR_OBJTYPE, type.id);
      writer.putBytes(ATTR_SIGNATURE, type.signature);
      client.send(finishMessage(writer));
    }
    return found.length === 0 && objpath !== undefined ? STATUS_NOT_FOUND : STATUS_OK;
  }

  #addObject(client: ServerClient, { seq, peer, bytes }: Frame, { objpath, objtype, signature }: Attributes): number {
    if (client.objects.size >= OBJECTS_MAX || bytes.length > KEPT_BYTES_MAX) return STATUS_NO_MEMORY;
    const object = this.bus.add(objpath, objtype ?? signature, client);
    if (object === undefined) return STATUS_INVALID_ARGUMENT;
    const writer = startMessage(MSG_DATA, seq, peer);
    writer.putInt32(ATTR_OBJID, object.id);
    if (signature !== undefined && object.type !== undefined) writer.putInt32(ATTR_OBJTYPE, object.type.id);
    client.send(finishMessage(writer));
    return STATUS_OK;
  }

  /** An object of the client; else the status that refuses it: `foreign` when it is another's. */
  #own(client: ServerClient, objid: number | undefined, foreign: number): BusObject | number {
    if (objid === undefined) return STATUS_INVALID_ARGUMENT;
    const object = this.bus.objects.get(objid);
    if (object === undefined) return STATUS_NOT_FOUND;
    return object.owner === client ? object : foreign;
  }

  #removeObject(client: ServerClient, { seq, peer }: Frame, { objid }: Attributes): number {
    const object = this.#own(client, objid, STATUS_PERMISSION_DENIED);
    if (typeof object === 'number') return object;
    const writer = startMessage(MSG_DATA, seq, peer);
    writer.putInt32(ATTR_OBJID, object.id);
    if (this.bus.lastOfType(object)) writer.putInt32(ATTR_OBJTYPE, object.type?.id ?? 0);
    client.send(finishMessage(writer));
    this.bus.remove(object);
    return STATUS_OK;
  }

  #subscribe(client: ServerClient, { objid, target }: Attributes): number {
    if (target === undefined) return STATUS_INVALID_ARGUMENT;
    const object = this.#own(client, objid, STATUS_INVALID_ARGUMENT);
    if (typeof object === 'number') return object;
    const wanted = this.bus.objects.get(target);
    if (wanted === undefined) return STATUS_NOT_FOUND;
    if (wanted.owner === client) return STATUS_INVALID_ARGUMENT;
    this.bus.subscribe(object, wanted);
    return STATUS_OK;
  }

  #unsubscribe(client: ServerClient, { objid, target }: Attributes): number {
    if (target === undefined) return STATUS_INVALID_ARGUMENT;
    const object = this.#own(client, objid, STATUS_INVALID_ARGUMENT);
    if (typeof object === 'number') return object;
    const from = this.bus.objects.get(target);
    return from !== undefined && this.bus.unsubscribe(object, from) ? STATUS_OK : STATUS_NOT_FOUND;
  }

  /** A client's object tells its subscribers. */
  #notify(client: ServerClient, { seq, peer }: Frame, { objid, method, data, noReply }: Attributes): number {
    if (method === undefined) return STATUS_INVALID_ARGUMENT;
    const object = this.#own(client, objid, STATUS_PERMISSION_DENIED);
    if (typeof object === 'number') return object;
    const subscribers = [...object.subscribers].reverse();
    if (noReply !== true) {
      const writer = startMessage(MSG_STATUS, seq, peer);
      writer.putInt32(ATTR_OBJID, object.id);
      const list = writer.open(ATTR_SUBSCRIBERS);
      for (const { id } of subscribers) writer.putInt32(0, id);
      writer.close(list);
      writer.putInt32(ATTR_STATUS, STATUS_OK);
      client.send(finishMessage(writer));
    }
    const message = encodeInvocation(method, data, noReply === true);
    for (const subscriber of subscribers) {
      address(message, seq, client.id, subscriber.id);
      subscriber.owner?.notify(message);
    }
    return ANSWERED;
  }

  #invoke(client: ServerClient, frame: Frame, attributes: Attributes): number {
    const { objid, method, data } = attributes;
    if (objid === undefined || method === undefined) return STATUS_INVALID_ARGUMENT;
    if (objid < SYSTEM_OBJECT_MAX) return this.#invokeSystem(client, frame, objid, method, data);
    const object = this.bus.objects.get(objid);
    if (object === undefined) return STATUS_NOT_FOUND;
    if (object.local !== undefined) {
      if (data === undefined) return STATUS_INVALID_ARGUMENT;
      object.local.invoke(incomingCall(attributes, frame.seq, objid, client.id, (message) => void client.send(message)));
      return ANSWERED;
    }
    const message = encodeInvocation(method, data, attributes.noReply === true);
    address(message, frame.seq, client.id, objid);
    object.owner?.send(message);
    return ANSWERED;
  }

  #invokeSystem(client: ServerClient, frame: Frame, objid: number, method: string, data: Uint8Array | undefined): number {
    switch (objid) {
      case OBJECT_EVENT:
        return this.#invokeEvent(client, method, data);
      case OBJECT_ACL:
        if (method !== 'query') return STATUS_INVALID_COMMAND;
        client.send(encodeData(frame.seq, frame.peer, OBJECT_ACL, encodeTable({ seq: 1, acl: [] })));
        return STATUS_OK;
      case OBJECT_MONITOR:
        if (method !== 'add' && method !== 'remove') return STATUS_METHOD_NOT_FOUND;
        client.monitorSeq = 0;
        if (method === 'add') this.#monitors.add(client);
        else this.#monitors.delete(client);
        return STATUS_OK;
    }
    return STATUS_NOT_FOUND;
  }

  #invokeEvent(client: ServerClient, method: string, data: Uint8Array | undefined): number {
    const { object, pattern, id, data: body } = (data === undefined ? undefined : decodeTable(data)) ?? {};
    if (method === 'register') {
      if (typeof object !== 'number' || typeof pattern !== 'string') return STATUS_INVALID_ARGUMENT;
      if (object >>> 0 < SYSTEM_OBJECT_MAX || pattern === '') return STATUS_PERMISSION_DENIED;
      const listener = this.bus.objects.get(object >>> 0);
      if (listener === undefined) return STATUS_NOT_FOUND;
      if (listener.owner !== client) return STATUS_PERMISSION_DENIED;
      if (listener.patterns.length >= OBJECTS_MAX || pattern.length > KEPT_BYTES_MAX) return STATUS_NO_MEMORY;
      this.bus.listen(listener, pattern);
      return STATUS_OK;
    }
    if (method !== 'send') return STATUS_INVALID_COMMAND;
    if (typeof id !== 'string' || typeof body !== 'object' || body === null || Array.isArray(body)) return STATUS_INVALID_ARGUMENT;
    if (body instanceof Uint8Array) return STATUS_INVALID_ARGUMENT;
    if (id.startsWith('ubus.')) return STATUS_PERMISSION_DENIED;
    this.bus.sendEvent(client, id, encodeTable(body));
    return STATUS_OK;
  }

  /** The reply of a client's object goes to the caller that its peer names. */
  #forwardReply(client: ServerClient, frame: Frame, { objid }: Attributes): void {
    const object = objid === undefined ? undefined : this.bus.objects.get(objid);
    const caller = this.bus.clients.get(frame.peer);
    if (object === undefined || object.owner !== client || caller === undefined) return;
    const message = frame.bytes.slice();
    readdress(message, frame.seq, object.id);
    caller.send(message);
  }

  #monitor({ id }: ServerClient, message: Uint8Array, sent: boolean): void {
    if (this.#monitors.size === 0) return;
    const view = new DataView(message.buffer, message.byteOffset);
    const writer = startMessage(MSG_MONITOR, 0, 0, message.length + 64);
    writer.putInt32(0, id);
    writer.putInt32(1, view.getUint32(4));
    writer.putInt32(3, view.getUint16(2));
    writer.putInt32(4, view.getUint8(1));
    writer.putInt8(2, sent ? 1 : 0);
    writer.putBytes(5, message.subarray(12));
    const event = finishMessage(writer);
    for (const monitor of this.#monitors) {
      readdress(event, ++monitor.monitorSeq & 0xffff, 0);
      monitor.notify(event);
    }
  }
}
