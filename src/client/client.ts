/**
 * The client library: what a program on the router uses to take part in groups. One interface, two ways to it:
 * `connect()` of socket-client.ts over the control socket (ubus wire protocol), which has more beside, and LocalClient inside
 * the daemon. Services (irc) and the CLI import this and nothing below.
 *
 * All callbacks come on a turn of the loop of their own, in order per group, never inside the call that caused them.
 */

/** A member of a group: the mesh address of its node in canonical text (with ":port" only where it is not the default). */
export type Address = string;

export type DeliveryClass = 'reliable' | 'timely' | 'datagram';
/** Where a joiner starts in each member's stream. `last` K: its last K messages; 'all': all it still has. */
export type StartAt = 'now' | 'all' | { last: number };
/** What the sender does when a member is slower than the log is long: it loses with notice / the sender waits / it is dropped. */
export type SlowPolicy = 'lag' | 'block' | 'evict';

export interface JoinOptions {
  /** Default 'reliable'. */
  delivery?: DeliveryClass;
  /** reliable: per-source order (default) or as it arrives. */
  ordered?: boolean;
  /** Default 'now'. */
  start?: StartAt;
  /** Default 'lag'. */
  slow?: SlowPolicy;
  /** timely: deadline after the sending, 20 … 10,000 ms. Default 400. */
  playoutMs?: number;
  /** Repair mode; default 'direct'. */
  repair?: 'direct' | 'srm';
  /** Stay joined when this client goes away. Default false. */
  persist?: boolean;
  /** Receive our own publications too, as others do. Default false. */
  echo?: boolean;
}

/** Identifies a message on the whole mesh: (source, epoch, seq) within its group. */
export interface Message {
  source: Address;
  /** Incarnation of the source: rises with each restart of its daemon. */
  epoch: number;
  /**
   * Sequence number within (source, epoch, group), rising from 1. A message to one member counts in a stream of its own. One
   * longer than 1,152 bytes takes a number for each 1,152 begun: the next message's number is that much higher.
   */
  seq: number;
  data: Uint8Array;
  /** Addressed to us alone. */
  addressed: boolean;
  /** Published on this machine, by another program or with `echo` by this one. */
  own?: boolean;
  /** When this daemon got it, Unix ms; absent where it is not known. */
  timeMs?: number;
}

export interface Datagram {
  source: Address;
  data: Uint8Array;
}

export type GapReason =
  | 'evicted' // the source no longer has it: too old, or over its budget
  | 'source-gone' // the source fell silent before we had it
  | 'restart' // the source restarted
  | 'overflow' // our own buffer was full
  | 'late' // timely class: its deadline passed
  | 'client'; // this client read too slowly or was away: the daemon dropped it

/** Messages that will never come. Told in stream order, never silently. */
export interface Gap {
  source: Address;
  epoch: number;
  /** First and last missing sequence number, inclusive; 0 0: unknown. */
  from: number;
  to: number;
  reason: GapReason;
  /** Of the messages to us alone, whose stream has numbers of its own. */
  addressed?: boolean;
}

export type MemberState = 'joined' | 'left' | 'stale' | 'back' | 'gone' | 'restarted';
export interface MemberEvent {
  address: Address;
  /**
   * gone: silent for 90 s, or it said goodbye ('joined' follows when it is heard again); stale/back: silent for 35 s, heard
   * again; restarted: its old incarnation is over, and with it its membership ('joined' follows when the new one is a member).
   */
  state: MemberState;
  /** Its incarnation. */
  epoch: number;
}

export interface Member {
  address: Address;
  epoch: number;
  self: boolean;
  stale: boolean;
  /** Smoothed round trip, ms; 0 unknown. */
  rttMs: number;
}

export interface Published {
  /** 0 for datagrams. */
  seq: number;
  epoch: number;
  /** Bytes that the group's log takes before a publish has to wait. */
  room: number;
}

export interface GroupHandler {
  onMessage?(message: Message): void;
  onDatagram?(datagram: Datagram): void;
  onGap?(gap: Gap): void;
  onMember?(event: MemberEvent): void;
  /** The daemon was away and is back: the group has been joined again; gaps follow as onGap with reason 'client'. */
  onRejoin?(): void;
  /** The daemon is back, but refuses to join again, for its limits or other programs' options: the group has ended. */
  onEnd?(error: ClientError): void;
}

export interface PublishOptions {
  /** Send to this member only; nobody else ever gets it. */
  to?: Address | undefined;
  /** false: reject with status BUSY when there is no room. Default true: the promise waits for room. */
  wait?: boolean;
}

export interface Group {
  readonly name: string;
  /**
   * Publishes up to 64 KiB. Resolves when the daemon has accepted it: from then on it is delivered to every member that can be
   * reached, or reported to it as a gap. Publications of one client keep their order.
   * @throws ClientError INVALID_ARGUMENT (too long, left), NOT_FOUND (`to` is no member), BUSY, CONNECTION_FAILED.
   */
  publish(data: Uint8Array | string, options?: PublishOptions): Promise<Published>;
  /** Unreliable, at most 1,100 bytes, to all or one. */
  datagram(data: Uint8Array | string, options?: { to?: Address | undefined }): Promise<void>;
  members(): Promise<Member[]>;
  leave(): Promise<void>;
}

export interface Peer {
  address: Address;
  mesh: string;
  state: 'probing' | 'alive' | 'stale' | 'gone';
  rttMs: number;
  /** Estimated loss of what we send to it, 0 … 1. */
  loss: number;
  /** Milliseconds since we last heard it; -1 never. */
  heardMsAgo: number;
  groups: number;
}

export interface GroupSummary {
  name: string;
  /** Members known, ourselves included when joined. */
  memberCount: number;
  joined: boolean;
}

export interface Client {
  /** Our own mesh addresses; the first is the one that others mostly see. Empty while no mesh is up. */
  self(): Promise<Address[]>;
  /** @throws ClientError INVALID_ARGUMENT for a bad name (1-64 bytes of UTF-8 without NUL), NOT_SUPPORTED. */
  join(name: string, handler: GroupHandler, options?: JoinOptions): Promise<Group>;
  /** The member that this is an address of: a node with several goes by one of them. Only inside the daemon. */
  memberOf?(address: Address): Address;
  /** Our addresses changed (mesh up, down, new key). */
  onSelf?: (addresses: Address[]) => void;
  close(): void;
}

/** A call that was refused; `status` is a ubus status by name. */
export class ClientError extends Error {
  readonly status: string;
  constructor(status: string, message: string) {
    super(message);
    this.status = status;
  }
}
