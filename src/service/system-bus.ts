/**
 * Our objects on the system's ubusd: connects, registers all, and does so again within 3 s when ubusd was restarted (all ids
 * change then). ubusd drops silently what a slow program does not read and tells nobody when one dies: `n` shows the former,
 * and joins made here persist until they are left.
 */
import type { Log } from '../runtime/log.ts';
import type { Runtime, Timer } from '../runtime/runtime.ts';
import type { Table } from '../ubus/blob.ts';
import { UbusConnection } from '../ubus/connection.ts';
import { OBJECT_EVENT } from '../ubus/message.ts';
import type { Caller, Notification, ObjectBus, ServiceObject } from './service-object.ts';
import { Program } from './shared-group.ts';

const RETRY_MS = 1000;
/** While there is no ubusd at all: not an OpenWrt system, most likely. */
const ABSENT_RETRY_MS = 10_000;
const SYSTEM_GROUPS_MAX = 64;

export class SystemBus implements ObjectBus {
  readonly path: string;
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #retry: Timer;
  /** Id on the bus; 0: not there yet. */
  readonly #objects = new Map<ServiceObject, number>();
  readonly #active = new Set<number>();
  readonly #caller: Caller;
  #connection: UbusConnection | undefined;
  #wasConnected = false;
  #stopped = false;
  droppedCount = 0;

  constructor(runtime: Runtime, log: Log, path: string) {
    this.#runtime = runtime;
    this.#log = log;
    this.path = path;
    this.#retry = runtime.timer(() => void this.#connect());
    const program = new Program(SYSTEM_GROUPS_MAX, true);
    this.#caller = { program, idOf: (object) => this.idOf(object), subscribe: () => false };
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  start(): void {
    void this.#connect();
  }
  stop(): void {
    this.#stopped = true;
    this.#retry.cancel();
    this.#connection?.close();
  }

  add(object: ServiceObject): void {
    this.#objects.set(object, 0);
    void this.#register(object);
  }

  remove(object: ServiceObject): void {
    const id = this.idOf(object);
    this.#objects.delete(object);
    if (id !== 0) void this.#connection?.removeObject(id);
  }

  idOf(object: ServiceObject): number {
    return this.#objects.get(object) ?? 0;
  }

  notify(object: ServiceObject, { type, data }: Notification): void {
    const id = this.idOf(object);
    if (this.#active.has(id) && this.#connection?.notify(id, type, data) === false) this.droppedCount++;
  }

  sendEvent(id: string, data: Table): void {
    void this.#connection?.invoke(OBJECT_EVENT, 'send', { id, data });
  }

  /** Never rejects. */
  async #connect(): Promise<void> {
    if (this.#stopped) return;
    let connection: UbusConnection;
    try {
      connection = await UbusConnection.connect(this.#runtime, this.path);
    } catch {
      const present = this.#wasConnected || (await this.#runtime.files.exists(this.path).catch(() => false));
      if (!this.#stopped) this.#retry.set(this.#runtime.now() + (present ? RETRY_MS : ABSENT_RETRY_MS));
      return;
    }
    if (this.#stopped) return connection.close();
    this.#connection = connection;
    this.#wasConnected = true;
    connection.onActive = (id, active) => void (active ? this.#active.add(id) : this.#active.delete(id));
    connection.onClosed = () => this.#onClosed();
    // The newest first: when `meshchat.groups` is there, which programs wait for, the groups' objects are.
    for (const object of [...this.#objects.keys()].reverse()) await this.#register(object);
    if (!connection.closed) this.#log.info(`registered on the system bus ${this.path}`);
  }

  async #register(object: ServiceObject): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    const id = await connection.addObject((call) => object.invoke(call, this.#caller), object.path, object.signature);
    if (connection !== this.#connection) return;
    if (id === 0) this.#log.warn(`the system bus refuses ${object.path}: another program has that name, or an ACL forbids it`);
    else if (this.#objects.has(object)) this.#objects.set(object, id);
    else void connection.removeObject(id); // gone meanwhile
  }

  #onClosed(): void {
    this.#connection = undefined;
    this.#active.clear();
    for (const object of this.#objects.keys()) this.#objects.set(object, 0);
    if (this.#stopped) return;
    this.#log.warn(`the system bus ${this.path} has gone; waiting for it`);
    this.#retry.set(this.#runtime.now() + RETRY_MS);
  }
}
