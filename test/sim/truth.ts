/**
 * What really happened: every message published, every packet it became, and the state of each copy at each node. A message
 * carries its number and a content derived from it, so that a receiver's claim can be judged without trusting the core.
 *   payload: 0 4 magic · 4 4 message number · 8 4 length · then bytes that follow from number and offset
 */
import { DATA_PAYLOAD_MAX } from '../../src/wire/data.ts';

const MAGIC = 0x4d435349;
export const PAYLOAD_MIN = 12;

/** State of one packet at one node. */
export const COPY_SENT = 1;
/** Its first transmission did not arrive. */
export const COPY_FIRST_LOST = 2;
export const COPY_ARRIVED = 4;
/** Sent a second time or more. */
export const COPY_REPAIRED = 8;

export const FATE_NONE = 0;
export const FATE_DELIVERED = 1;
export const FATE_GAP = 2;

/** One source's stream: to a group, or to one member of it. */
export interface SourceStream {
  source: number;
  incarnation: number;
  epoch: number;
  group: number;
  /** The one receiver, -1: all members. */
  to: number;
  base: number;
  /** Packet number by seq - base. */
  packets: number[];
}

export class Message {
  id = 0;
  source = 0;
  incarnation = 0;
  epoch = 0;
  group = 0;
  to = -1;
  time = 0;
  length = 0;
  /** First sequence number and how many it spans. */
  seq = 0;
  span = 1;
  /** Number of its first packet, -1: its sequence number is not known yet. */
  packet = -1;
  /** Counts in the metrics. */
  measured = true;
  /** The source's membership serial when it published. */
  serial = 0;
  /** By node: the membership serial under which the message is owed to it, 0: not owed. */
  owed: Uint16Array;
  /** By node: the serial under which it was delivered or given up, and which of the two. */
  settledSerial: Uint16Array;
  settled: Uint8Array;
  constructor(nodes: number) {
    this.owed = new Uint16Array(nodes);
    this.settledSerial = new Uint16Array(nodes);
    this.settled = new Uint8Array(nodes);
  }
}

export class Truth {
  readonly messages: Message[] = [];
  /** By packet number: the message it belongs to and the state of its copies. */
  readonly packetMessage: number[] = [];
  readonly packetCopies: Uint8Array[] = [];
  /** When each copy was last sent, and first. */
  readonly packetSentAt: Int32Array[] = [];
  readonly packetFirstAt: Int32Array[] = [];
  readonly streams: SourceStream[] = [];
  /** Sequence numbers given to a second message of the same stream. */
  reused = 0;
  #nodes: number;
  #byKey = new Map<string, SourceStream>();

  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  /** The next message's payload, whole and verifiable. */
  payload(length: number): Uint8Array {
    const size = Math.max(length, PAYLOAD_MIN);
    const data = new Uint8Array(size);
    const view = new DataView(data.buffer);
    const id = this.messages.length;
    view.setUint32(0, MAGIC);
    view.setUint32(4, id);
    view.setUint32(8, size);
    for (let i = PAYLOAD_MIN; i < size; i++) data[i] = (id + i) * 167;
    return data;
  }

  /** @returns the number of the message that is exactly these bytes, -1: of none. */
  identify(data: Uint8Array): number {
    const id = this.peekId(data, 0, data.length);
    if (id < 0 || this.messages[id]!.length !== data.length) return -1;
    for (let i = PAYLOAD_MIN; i < data.length; i++) if (data[i] !== (((id + i) * 167) & 255)) return -1;
    return id;
  }

  /** The message number that these first bytes of a payload claim, -1: none of ours. */
  peekId(bytes: Uint8Array, at: number, length: number): number {
    if (length < PAYLOAD_MIN || u32(bytes, at) !== MAGIC) return -1;
    const id = u32(bytes, at + 4);
    return id < this.messages.length ? id : -1;
  }

  /** Enters a message before it is handed to the core. */
  announce(message: Message): void {
    message.id = this.messages.length;
    this.messages.push(message);
  }

  /** Takes back the newest message: the core refused it. */
  withdraw(message: Message): void {
    if (message.packet < 0) this.messages.pop();
  }

  /** Gives the message its sequence number (its first, when it spans several). */
  commit(message: Message, seq: number): void {
    const stream = this.stream(message, seq);
    message.seq = seq;
    message.span = Math.max(1, Math.ceil(message.length / DATA_PAYLOAD_MAX));
    message.packet = this.packetMessage.length;
    for (let i = 0; i < message.span; i++) {
      if (stream.packets[(seq + i - stream.base) >>> 0] !== undefined) this.reused++;
      stream.packets[(seq + i - stream.base) >>> 0] = this.packetMessage.length;
      this.packetMessage.push(message.id);
      this.packetCopies.push(new Uint8Array(this.#nodes));
      this.packetSentAt.push(new Int32Array(this.#nodes));
      this.packetFirstAt.push(new Int32Array(this.#nodes));
    }
  }

  stream(message: Message, seq: number): SourceStream {
    const { source, incarnation, epoch, group, to } = message;
    const key = `${source}/${incarnation}/${group}/${to}`;
    let stream = this.#byKey.get(key);
    if (stream === undefined) {
      stream = { source, incarnation, epoch, group, to, base: seq, packets: [] };
      this.#byKey.set(key, stream);
      this.streams.push(stream);
    }
    return stream;
  }

  /** Finds the source's stream, undefined: nothing was ever published on it. */
  find(source: number, incarnation: number, group: number, to: number): SourceStream | undefined {
    return this.#byKey.get(`${source}/${incarnation}/${group}/${to}`);
  }

  /** The message that holds this sequence number of a stream, undefined: none. */
  at(stream: SourceStream, seq: number): Message | undefined {
    const packet = stream.packets[(seq - stream.base) >>> 0];
    return packet === undefined ? undefined : this.messages[this.packetMessage[packet]!];
  }
}

function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
