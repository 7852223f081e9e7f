/** The tables of a bus: objects by id and path, their types, who subscribes to what, who listens to which events. */
import { BLOBMSG_TABLE, BlobReader, encodeTable } from './blob.ts';
import type { LocalObject, ObjectType } from './bus-object.ts';
import { BusObject } from './bus-object.ts';
import {
  ATTR_ACTIVE, ATTR_DATA, ATTR_METHOD, ATTR_OBJID, ATTR_TARGET, finishMessage, MSG_INVOKE, MSG_NOTIFY, MSG_UNSUBSCRIBE,
  startMessage, SYSTEM_OBJECT_MAX,
} from './message.ts';
import type { ServerClient } from './server-client.ts';

export class Bus {
  readonly objects = new Map<number, BusObject>();
  readonly paths = new Map<string, BusObject>();
  readonly clients = new Map<number, ServerClient>();
  readonly #types = new Map<number, { type: ObjectType; objectCount: number }>();
  /** Objects that listen to events. */
  readonly #listeners = new Set<BusObject>();
  readonly #random: () => number;
  #sorted: BusObject[] | undefined;
  #eventSeq = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** An id that nothing has; above those of the bus's own objects. */
  newId(): number {
    const range = 0x1_0000_0000 - SYSTEM_OBJECT_MAX;
    let id = SYSTEM_OBJECT_MAX + Math.floor(this.#random() * range);
    while (this.objects.has(id) || this.clients.has(id) || this.#types.has(id)) {
      id = SYSTEM_OBJECT_MAX + ((id + 1 - SYSTEM_OBJECT_MAX) % range);
    }
    return id;
  }

  /** @returns undefined when the path is taken. A malformed signature makes an object that is never listed, as in ubusd. */
  add(
    path: string | undefined, signature: Uint8Array | number | undefined, owner?: ServerClient, local?: LocalObject,
  ): BusObject | undefined {
    if (path !== undefined && this.paths.has(path)) return undefined;
    const object = new BusObject(this.newId(), path, this.#useType(signature), owner, local);
    this.objects.set(object.id, object);
    owner?.objects.add(object);
    if (path !== undefined) {
      this.paths.set(path, object);
      this.#sorted = undefined;
      this.sendEvent(undefined, 'ubus.object.add', encodeTable({ id: object.id | 0, path }));
    }
    return object;
  }

  /** Whether no other object has this one's type: REMOVE_OBJECT then names it. */
  lastOfType({ type }: BusObject): boolean {
    return type !== undefined && this.#types.get(type.id)?.objectCount === 1;
  }

  remove(object: BusObject): void {
    for (const target of [...object.targets]) this.unsubscribe(object, target);
    for (const subscriber of [...object.subscribers].reverse()) {
      subscriber.owner?.tell(MSG_UNSUBSCRIBE, subscriber, (writer) => writer.putInt32(ATTR_TARGET, object.id));
      this.unsubscribe(subscriber, object);
    }
    this.#listeners.delete(object);
    this.objects.delete(object.id);
    object.owner?.objects.delete(object);
    const { type, path } = object;
    const used = type === undefined ? undefined : this.#types.get(type.id);
    if (used !== undefined && --used.objectCount === 0) this.#types.delete(used.type.id);
    if (path === undefined) return;
    this.sendEvent(undefined, 'ubus.object.remove', encodeTable({ id: object.id | 0, path }));
    this.paths.delete(path);
    this.#sorted = undefined;
  }

  /**
   * Objects by path: all, one, or those that begin with what stands before a trailing '*', where none has that name itself.
   * In order of their paths.
   */
  find(path: string | undefined): BusObject[] {
    this.#sorted ??= [...this.paths.values()].sort((a, b) => ((a.path as string) < (b.path as string) ? -1 : 1));
    if (path === undefined) return this.#sorted;
    const object = this.paths.get(path);
    if (object !== undefined) return [object];
    return path.endsWith('*') ? this.#sorted.filter((one) => matches(one.path as string, path)) : [];
  }

  subscribe(subscriber: BusObject, target: BusObject): void {
    const first = target.subscribers.size === 0;
    target.subscribers.add(subscriber);
    subscriber.targets.add(target);
    if (first) target.owner?.tell(MSG_NOTIFY, target, (writer) => writer.putInt8(ATTR_ACTIVE, 1));
  }

  unsubscribe(subscriber: BusObject, target: BusObject): boolean {
    if (!target.subscribers.delete(subscriber)) return false;
    subscriber.targets.delete(target);
    target.local?.unsubscribed?.(subscriber.id);
    if (target.subscribers.size === 0) target.owner?.tell(MSG_NOTIFY, target, (writer) => writer.putInt8(ATTR_ACTIVE, 0));
    return true;
  }

  listen(object: BusObject, pattern: string): void {
    object.patterns.push(pattern);
    this.#listeners.add(object);
  }

  /** To each listener once, but not to the connection it came from. `data`: a table's entries. */
  sendEvent(from: ServerClient | undefined, name: string, data: Uint8Array): void {
    for (const object of this.#listeners) {
      if (object.owner === from || !object.patterns.some((pattern) => matches(name, pattern))) continue;
      const writer = startMessage(MSG_INVOKE, ++this.#eventSeq & 0xffff, 0);
      writer.putInt32(ATTR_OBJID, object.id);
      writer.putString(ATTR_METHOD, name);
      writer.putBytes(ATTR_DATA, data);
      object.owner?.notify(finishMessage(writer));
    }
  }

  #useType(signature: Uint8Array | number | undefined): ObjectType | undefined {
    if (signature === undefined) return undefined;
    if (typeof signature === 'number') {
      const known = this.#types.get(signature);
      if (known !== undefined) known.objectCount++;
      return known?.type;
    }
    if (!validSignature(signature)) return undefined;
    const type = { id: this.newId(), signature: signature.slice() };
    this.#types.set(type.id, { type, objectCount: 1 });
    return type;
  }
}

/** A pattern is a name, or the beginning of one and '*'. */
export function matches(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function validSignature(signature: Uint8Array): boolean {
  const view = new DataView(signature.buffer, signature.byteOffset, signature.byteLength);
  const reader = new BlobReader(signature, view, 0, signature.length);
  while (reader.next()) if (reader.id > BLOBMSG_TABLE * 4 || !reader.name()) return false;
  return !reader.broken;
}
