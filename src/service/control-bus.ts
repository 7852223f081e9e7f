/** Our objects on our own socket: programs are its clients, and slow subscribers learn what they missed. */
import { encodeTable, type Table } from '../ubus/blob.ts';
import type { BusObject, LocalObject } from '../ubus/bus-object.ts';
import type { UbusServer } from '../ubus/server.ts';
import type { Groups } from './groups.ts';
import { addMissed, type MissedRange } from './missed.ts';
import type { Caller, Notification, ObjectBus, ServiceObject } from './service-object.ts';
import { Program } from './shared-group.ts';

/** Groups of one client. */
export const CLIENT_GROUPS_MAX = 64;

interface Placed {
  object: BusObject;
  /** What subscribers have lost, by their object id. */
  missed: Map<number, MissedRange[]>;
}

export class ControlBus implements ObjectBus {
  readonly #server: UbusServer;
  readonly #groups: Groups;
  readonly #placed = new Map<ServiceObject, Placed>();
  readonly #programs = new Map<number, Program>();
  /** Notifications that were lost. */
  missedCount = 0;

  constructor(server: UbusServer, groups: Groups) {
    this.#server = server;
    this.#groups = groups;
    server.onGone = (client) => this.#onGone(client);
  }

  add(object: ServiceObject): void {
    const local: LocalObject = {
      path: object.path,
      signature: object.signature,
      invoke: (call) => object.invoke(call, this.#caller(call.caller)),
      drained: (subscriber) => this.#onDrained(object, subscriber),
      unsubscribed: (subscriber) => void this.#placed.get(object)?.missed.delete(subscriber),
    };
    const placed = this.#server.addObject(local);
    if (placed !== undefined) this.#placed.set(object, { object: placed, missed: new Map() });
  }

  remove(object: ServiceObject): void {
    const placed = this.#placed.get(object);
    this.#placed.delete(object);
    if (placed !== undefined) this.#server.bus.remove(placed.object);
  }

  idOf(object: ServiceObject): number {
    return this.#placed.get(object)?.object.id ?? 0;
  }

  notify(object: ServiceObject, { type, data, skip, range }: Notification): void {
    const placed = this.#placed.get(object);
    if (placed === undefined) return;
    const lost = (subscriber: BusObject): void => {
      this.missedCount++;
      if (range === undefined) return;
      const missed = placed.missed.get(subscriber.id) ?? [];
      placed.missed.set(subscriber.id, missed);
      addMissed(missed, range);
    };
    const wanted = (subscriber: BusObject): boolean => {
      const client = subscriber.owner?.id ?? 0;
      if (skip !== undefined && this.#programs.get(client) === skip) return false;
      // Once it missed one, all that follow wait for its queue to be empty: gaps stay in stream order.
      if (!placed.missed.has(subscriber.id)) return true;
      lost(subscriber);
      return false;
    };
    this.#server.notify(placed.object, type, data, wanted, lost);
  }

  sendEvent(name: string, data: Table): void {
    this.#server.bus.sendEvent(undefined, name, encodeTable(data));
  }

  #onDrained(object: ServiceObject, subscriber: number): void {
    const placed = this.#placed.get(object);
    const missed = placed?.missed.get(subscriber);
    if (placed === undefined || missed === undefined) return;
    placed.missed.delete(subscriber);
    for (const range of missed) {
      const only = ({ id }: BusObject): boolean => id === subscriber;
      this.#server.notify(placed.object, 'gap', encodeTable({ ...range }), only, () => this.missedCount++);
    }
  }

  #caller(client: number): Caller {
    let program = this.#programs.get(client);
    if (program === undefined) {
      program = new Program(CLIENT_GROUPS_MAX);
      this.#programs.set(client, program);
    }
    const subscribe = (subscriber: number, object: ServiceObject): boolean => this.#subscribe(client, subscriber >>> 0, object);
    return { program, idOf: (object) => this.idOf(object), subscribe };
  }

  #subscribe(client: number, subscriber: number, object: ServiceObject): boolean {
    const { bus } = this.#server;
    const theirs = bus.objects.get(subscriber);
    const placed = this.#placed.get(object);
    if (theirs?.owner === undefined || theirs.owner.id !== client || placed === undefined) return false;
    bus.subscribe(theirs, placed.object);
    return true;
  }

  #onGone(client: number): void {
    const program = this.#programs.get(client);
    this.#programs.delete(client);
    if (program !== undefined) this.#groups.close(program);
  }
}
