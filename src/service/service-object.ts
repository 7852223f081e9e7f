/**
 * One of the daemon's ubus objects, whatever bus it is on: checks the arguments, runs the method, and turns refusals into a
 * DATA reply { error: sentence } followed by the ubus status.
 */
import type { Table } from '../ubus/blob.ts';
import { decodeTable, encodeTable } from '../ubus/blob.ts';
import type { Call } from '../ubus/bus-object.ts';
import { STATUS_INVALID_ARGUMENT, STATUS_METHOD_NOT_FOUND, STATUS_OK } from '../ubus/status.ts';
import { argumentsProblem, type Policy, signatureOf } from './policies.ts';
import type { Range } from './missed.ts';
import type { Program } from './shared-group.ts';

/** Who calls, as the bus knows it. */
export interface Caller {
  program: Program;
  /** The id of one of our objects on the caller's bus. */
  idOf(object: ServiceObject): number;
  /** Subscribes an anonymous object of the caller to one of ours. @returns false when it has no such object. */
  subscribe(subscriber: number, object: ServiceObject): boolean;
}

export class Request {
  readonly args: Table;
  readonly caller: Caller;
  readonly #call: Call;

  constructor(call: Call, args: Table, caller: Caller) {
    this.#call = call;
    this.args = args;
    this.caller = caller;
  }

  text(name: string): string {
    return (this.args[name] as string | undefined) ?? '';
  }
  /** Absent: undefined, which is not false. */
  flag(name: string): boolean | undefined {
    const value = this.args[name];
    return value === undefined ? undefined : value === true || value === 1;
  }
  integer(name: string): number | undefined {
    return this.args[name] as number | undefined;
  }

  /** Ends the call well. */
  answer(table: Table = {}): void {
    this.#call.reply(encodeTable(table));
    this.#call.finish(STATUS_OK);
  }
  refuse(status: number, error: string, more: Table = {}): void {
    this.#call.reply(encodeTable({ error, ...more }));
    this.#call.finish(status);
  }
}

export type Methods = ReadonlyMap<string, (request: Request) => void>;

export class ServiceObject {
  readonly path: string;
  readonly signature: Uint8Array;
  readonly #policy: Policy;
  readonly #methods: Methods;

  constructor(path: string, policy: Policy, methods: Methods) {
    this.path = path;
    this.#policy = policy;
    this.#methods = methods;
    this.signature = signatureOf(policy);
  }

  invoke(call: Call, caller: Caller): void {
    const method = this.#methods.get(call.method);
    const policy = this.#policy[call.method];
    if (method === undefined || policy === undefined) return call.finish(STATUS_METHOD_NOT_FOUND);
    const args = decodeTable(call.data);
    const problem = args === undefined ? 'the arguments are no table' : argumentsProblem(policy, args);
    const request = new Request(call, args ?? {}, caller);
    if (problem !== '') request.refuse(STATUS_INVALID_ARGUMENT, problem);
    else method(request);
  }
}

/** A bus that carries our objects: our own socket, or the system's. */
export interface ObjectBus {
  add(object: ServiceObject): void;
  remove(object: ServiceObject): void;
  /** The object's id on this bus; 0 when it is not there. */
  idOf(object: ServiceObject): number;
  /**
   * Tells the object's subscribers, but not the program `skip`. What a slow one misses is told to it later as a gap.
   */
  notify(object: ServiceObject, notification: Notification): void;
  /** To all that listen. */
  sendEvent(name: string, data: Table): void;
}

export interface Notification {
  type: string;
  /** A table's entries. */
  data: Uint8Array;
  skip?: Program | undefined;
  /** What is missing to a subscriber that does not get it. */
  range?: Range;
}
