/** An object on our bus: of a client, of the daemon itself (`local`), or of the bus (ids 1 to 3). */
import type { ServerClient } from './server-client.ts';

export interface ObjectType {
  id: number;
  /** Attribute SIGNATURE: a table of methods, each a table of arguments. */
  signature: Uint8Array;
}

/** A call of one of the daemon's own objects. */
export interface Call {
  /** Client id of the caller on its bus. */
  readonly caller: number;
  readonly method: string;
  /** Attribute DATA; a view: valid during the call only. */
  readonly data: Uint8Array;
  /** Sends one DATA reply: the bytes of a table's entries. */
  reply(data: Uint8Array): void;
  /** Ends the call; exactly once, now or later. Ignored when the caller has gone. */
  finish(status: number): void;
}

/** The daemon's own object as a bus sees it. */
export interface LocalObject {
  readonly path: string;
  /** Bytes of attribute SIGNATURE. */
  readonly signature: Uint8Array;
  invoke(call: Call): void;
  /** The queue of this subscriber, which had lost notifications, is empty again. */
  drained?(subscriber: number): void;
  /** This subscriber ended. */
  unsubscribed?(subscriber: number): void;
}

export class BusObject {
  readonly id: number;
  readonly path: string | undefined;
  readonly type: ObjectType | undefined;
  /** Whose it is; undefined: ours. */
  readonly owner: ServerClient | undefined;
  readonly local: LocalObject | undefined;
  /** Who subscribes to it, and to whom it subscribes; the newest last. */
  readonly subscribers = new Set<BusObject>();
  readonly targets = new Set<BusObject>();
  /** Event patterns it listens to. */
  readonly patterns: string[] = [];
  /** Counts the messages that the bus itself sends to it. */
  invokeSeq = 0;

  constructor(
    id: number, path: string | undefined, type: ObjectType | undefined, owner: ServerClient | undefined, local?: LocalObject,
  ) {
    this.id = id;
    this.path = path;
    this.type = type;
    this.owner = owner;
    this.local = local;
  }
}
