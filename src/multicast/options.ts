/** Options of layer 2. Times in ms, sizes in bytes. */
import { BROADCAST_DEFAULTS, type BroadcastOptions } from '../broadcast/options.ts';

export interface GroupOptions {
  delivery?: 'reliable' | 'timely' | 'datagram';
  /** reliable: in the source's order (default), or as messages are complete. */
  ordered?: boolean;
  start?: 'now' | 'all' | { last: number };
  /** What happens when a member lacks what the full log must let go. */
  slow?: 'lag' | 'block' | 'evict';
  /** timely: from publishing to the deadline, 20 … 10,000. */
  playoutMs?: number;
  repair?: 'direct' | 'srm';
}

export const GROUP_DEFAULTS: Required<GroupOptions> = {
  delivery: 'reliable',
  ordered: true,
  start: 'now',
  slow: 'lag',
  playoutMs: 400,
  repair: 'direct',
};

export interface NodeOptions extends Partial<BroadcastOptions> {
  epoch: number;
  port: number;
  /** For group ids only: SHA-256 in the daemon; any fixed function where all nodes are simulated. */
  sha256(bytes: Uint8Array): Uint8Array;
  /** Of each stream, u32; the numbers wrap, and tests start where they do. */
  firstSeq?: number;
  /** Own stream: what is kept for repair, catch-up and late joiners. */
  logBytesMax?: number;
  /** All own streams together. */
  nodeLogBytesMax?: number;
  retainMs?: number;
  /** A member whose oldest missing packet is older than this holds nobody up. */
  lagMs?: number;
  /** What cannot be handed over yet, of all streams together. */
  nodeReorderBytesMax?: number;
  /** Two copies of a packet that was asked for repeatedly. */
  escalate?: boolean;
  /** `srm` repair mode: the timers' constants adapt; false: C1 = C2 = 2, D1 = D2 = 1. */
  srmAdaptive?: boolean;
}

export type MulticastOptions = Required<NodeOptions>;

export const MULTICAST_DEFAULTS: Omit<MulticastOptions, 'epoch' | 'port' | 'sha256'> = {
  ...BROADCAST_DEFAULTS,
  firstSeq: 1,
  logBytesMax: 262_144,
  nodeLogBytesMax: 2_097_152,
  retainMs: 3_600_000,
  lagMs: 10_000,
  nodeReorderBytesMax: 2_097_152,
  escalate: true,
  srmAdaptive: true,
};

/** A publish that was refused: the log is full, the data too long, `to` no member, the group left. */
export const REFUSED_FULL = -1;
export const REFUSED_TOO_LONG = -2;
export const REFUSED_NO_MEMBER = -3;
export const REFUSED_LEFT = -4;

export const MESSAGE_BYTES_MAX = 65_536;
/** Packets that a receiver takes past the last one in order; what a flight can hold. */
export const RECEIVE_WINDOW = 128;
/** A receiver waits at most this long with an acknowledgement nobody asked for. */
export const ACK_DELAY_MS = 400;
