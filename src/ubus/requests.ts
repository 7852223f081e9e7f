/**
 * What each message of a client does (ubusd_proto.c, ubusd_event.c): its objects, what it subscribes to and listens to, its
 * calls, and the replies of its own objects.
 */
import { decodeTable, encodeTable } from './blob.ts';
import type { Bus } from './bus.ts';
import type { BusObject } from './bus-object.ts';
import { incomingCall } from './incoming-call.ts';
import { address, encodeInvocation } from './invocation.ts';
import type { Attributes, Frame } from './message.ts';
import {
  ATTR_OBJID, ATTR_OBJPATH, ATTR_OBJTYPE, ATTR_SIGNATURE, ATTR_STATUS, ATTR_SUBSCRIBERS,
  decodeAttributes, encodeData, finishMessage, MSG_ADD_OBJECT, MSG_DATA, MSG_INVOKE, MSG_LOOKUP, MSG_NOTIFY, MSG_PING,
  MSG_REMOVE_OBJECT, MSG_STATUS, MSG_SUBSCRIBE, MSG_UNSUBSCRIBE, OBJECT_ACL, OBJECT_EVENT, OBJECT_MONITOR, readdress, startMessage,
  SYSTEM_OBJECT_MAX,
} from './message.ts';
import type { Monitors } from './monitors.ts';
import type { ServerClient } from './server-client.ts';
import {
  STATUS_INVALID_ARGUMENT, STATUS_INVALID_COMMAND, STATUS_METHOD_NOT_FOUND, STATUS_NO_MEMORY, STATUS_NOT_FOUND, STATUS_OK,
  STATUS_PERMISSION_DENIED,
} from './status.ts';

/** Objects of one client, and event patterns of one object. */
export const OBJECTS_MAX = 256;
/** A message that adds an object or a pattern, both of which are kept. */
export const KEPT_BYTES_MAX = 16 * 1024;

/** No status: it is answered in another way, or not at all. */
export const ANSWERED = -1;

export class Requests {
  readonly #bus: Bus;
  readonly #monitors: Monitors;

  constructor(bus: Bus, monitors: Monitors) {
    this.#bus = bus;
    this.#monitors = monitors;
  }

  /** @returns the status that answers it, or ANSWERED. */
  handle(client: ServerClient, frame: Frame): number {
    const attributes = decodeAttributes(frame);
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
    const found = this.#bus.find(objpath);
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
    const object = this.#bus.add(objpath, objtype ?? signature, client);
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
    const object = this.#bus.objects.get(objid);
    if (object === undefined) return STATUS_NOT_FOUND;
    return object.owner === client ? object : foreign;
  }

  #removeObject(client: ServerClient, { seq, peer }: Frame, { objid }: Attributes): number {
    const object = this.#own(client, objid, STATUS_PERMISSION_DENIED);
    if (typeof object === 'number') return object;
    const writer = startMessage(MSG_DATA, seq, peer);
    writer.putInt32(ATTR_OBJID, object.id);
    if (this.#bus.lastOfType(object)) writer.putInt32(ATTR_OBJTYPE, object.type?.id ?? 0);
    client.send(finishMessage(writer));
    this.#bus.remove(object);
    return STATUS_OK;
  }

  #subscribe(client: ServerClient, { objid, target }: Attributes): number {
    if (target === undefined) return STATUS_INVALID_ARGUMENT;
    const object = this.#own(client, objid, STATUS_INVALID_ARGUMENT);
    if (typeof object === 'number') return object;
    const wanted = this.#bus.objects.get(target);
    if (wanted === undefined) return STATUS_NOT_FOUND;
    if (wanted.owner === client) return STATUS_INVALID_ARGUMENT;
    this.#bus.subscribe(object, wanted);
    return STATUS_OK;
  }

  #unsubscribe(client: ServerClient, { objid, target }: Attributes): number {
    if (target === undefined) return STATUS_INVALID_ARGUMENT;
    const object = this.#own(client, objid, STATUS_INVALID_ARGUMENT);
    if (typeof object === 'number') return object;
    const from = this.#bus.objects.get(target);
    return from !== undefined && this.#bus.unsubscribe(object, from) ? STATUS_OK : STATUS_NOT_FOUND;
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
    const object = this.#bus.objects.get(objid);
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
      const listener = this.#bus.objects.get(object >>> 0);
      if (listener === undefined) return STATUS_NOT_FOUND;
      if (listener.owner !== client) return STATUS_PERMISSION_DENIED;
      if (listener.patterns.length >= OBJECTS_MAX || pattern.length > KEPT_BYTES_MAX) return STATUS_NO_MEMORY;
      this.#bus.listen(listener, pattern);
      return STATUS_OK;
    }
    if (method !== 'send') return STATUS_INVALID_COMMAND;
    if (typeof id !== 'string' || typeof body !== 'object' || body === null || Array.isArray(body)) return STATUS_INVALID_ARGUMENT;
    if (body instanceof Uint8Array) return STATUS_INVALID_ARGUMENT;
    if (id.startsWith('ubus.')) return STATUS_PERMISSION_DENIED;
    this.#bus.sendEvent(client, id, encodeTable(body));
    return STATUS_OK;
  }

  /** The reply of a client's object goes to the caller that its peer names. */
  #forwardReply(client: ServerClient, frame: Frame, { objid }: Attributes): void {
    const object = objid === undefined ? undefined : this.#bus.objects.get(objid);
    const caller = this.#bus.clients.get(frame.peer);
    if (object === undefined || object.owner !== client || caller === undefined) return;
    const message = frame.bytes.slice();
    readdress(message, frame.seq, object.id);
    caller.send(message);
  }
}
