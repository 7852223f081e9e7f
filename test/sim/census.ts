/**
 * Reads the datagrams on the simulated wire with the shipping decoder: which frames, which packets of which messages. It is
 * the only place of the simulator that knows the wire format.
 */
import { formatAddress } from '../../src/wire/address.ts';
import { Data, decodeData, DATA_FIRST, DATA_PRIVATE } from '../../src/wire/data.ts';
import {
  FRAME_DATA, FRAME_DGRAM, FRAME_DIGEST, FRAME_GAP, FRAME_HEADER_LENGTH, FRAME_HELLO, FRAME_HINT, FRAME_PEERS, FRAME_POLL,
  FRAME_REQUEST, FRAME_SESSION, FRAME_STATUS, FRAME_SUBS, FRAME_SUBS_ACK, FRAME_SUBS_REQ,
} from '../../src/wire/frame.ts';
import { groupKey } from '../../src/wire/group-id.ts';
import { decodeHeader, Header, HEADER_LENGTH } from '../../src/wire/header.ts';
import { decodeStatus, Status } from '../../src/wire/status.ts';
import { decodeSubs, Subs, SUBS_ADDRESS_LENGTH } from '../../src/wire/subs.ts';
import type { Truth } from './truth.ts';

export const FRAME_TYPES = 16;
export const FRAME_NAMES: string[] = new Array<string>(FRAME_TYPES).fill('?');
const NAMED: [number, string][] = [
  [FRAME_HELLO, 'HELLO'], [FRAME_SUBS, 'SUBS'], [FRAME_SUBS_ACK, 'SUBS_ACK'], [FRAME_SUBS_REQ, 'SUBS_REQ'],
  [FRAME_DATA, 'DATA'], [FRAME_DGRAM, 'DGRAM'], [FRAME_STATUS, 'STATUS'], [FRAME_POLL, 'POLL'], [FRAME_GAP, 'GAP'],
  [FRAME_DIGEST, 'DIGEST'], [FRAME_HINT, 'HINT'], [FRAME_PEERS, 'PEERS'], [FRAME_REQUEST, 'REQUEST'],
  [FRAME_SESSION, 'SESSION'],
];
for (const [type, name] of NAMED) FRAME_NAMES[type] = name;

const FRAMES_MAX = 64;
const UPPER = new Set([FRAME_DATA, FRAME_DGRAM, FRAME_STATUS, FRAME_POLL, FRAME_GAP, FRAME_REQUEST, FRAME_SESSION]);

/** What is in a datagram; one instance is refilled by each scan. */
export class Census {
  /** Frames found; types[i] is FRAME_…. */
  frameCount = 0;
  readonly types = new Int32Array(FRAMES_MAX);
  /** For DATA the packet number in Truth (-1: not one of ours), for STATUS the holes it asks for. */
  readonly details = new Int32Array(FRAMES_MAX);
  readonly seqs = new Float64Array(FRAMES_MAX);
  readonly flags = new Int32Array(FRAMES_MAX);
  dataCount = 0;
  wellFormed = false;
  /** A frame of layer 2 is in it: it would not have been sent without a message. */
  upper = false;
  /** First packets of a message that go to somebody else than its one receiver; with another number than before. */
  strays = 0;
  misnumbered = 0;
  /** Further addresses that SUBS names as the sender's. */
  named: string[] = [];

  #header = new Header();
  #data = new Data();
  #status = new Status();
  #subs = new Subs();
  #groups = new Map<number, number>();

  /** The packet number that frame `index` carries, -1: none of ours. */
  packetAt(index: number): number {
    return this.types[index] === FRAME_DATA ? this.details[index]! : -1;
  }

  /** Reads a datagram that node `from` (in this incarnation) sent to node `to`. */
  scan(truth: Truth, from: number, incarnation: number, to: number, bytes: Uint8Array): void {
    this.frameCount = 0;
    this.dataCount = 0;
    this.upper = false;
    this.named = [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.wellFormed = decodeHeader(view, bytes.length, this.#header);
    if (!this.wellFormed) return;
    let at = HEADER_LENGTH;
    while (at + FRAME_HEADER_LENGTH <= bytes.length && this.frameCount < FRAMES_MAX) {
      const type = view.getUint8(at);
      const flags = view.getUint8(at + 1);
      const length = view.getUint16(at + 2);
      const body = at + FRAME_HEADER_LENGTH;
      if (body + length > bytes.length) {
        this.wellFormed = false;
        return;
      }
      const index = this.frameCount++;
      this.types[index] = type;
      if (UPPER.has(type)) this.upper = true;
      this.flags[index] = flags;
      this.details[index] = -1;
      this.seqs[index] = 0;
      if (type === FRAME_DATA) this.#scanData(truth, from, incarnation, to, bytes, view, body, length, index);
      else if (type === FRAME_STATUS) this.#scanStatus(view, body, length, index);
      else if (type === FRAME_SUBS) this.#scanSubs(bytes, view, body, length);
      at = body + length;
    }
    if (at !== bytes.length) this.wellFormed = false;
  }

  #scanData(
    truth: Truth, from: number, incarnation: number, to: number, bytes: Uint8Array, view: DataView, at: number,
    length: number, index: number,
  ): void {
    const data = this.#data;
    this.dataCount++;
    if (!decodeData(view, at, length, this.flags[index]!, data)) {
      this.wellFormed = false;
      return;
    }
    this.seqs[index] = data.seq;
    const key = groupKey(data.groupHigh, data.groupLow);
    if (data.flags & DATA_FIRST) this.#claim(truth, bytes, data, key, to);
    const group = this.#groups.get(key);
    if (group === undefined) return;
    const stream = truth.find(from, incarnation, group, data.flags & DATA_PRIVATE ? to : -1);
    this.details[index] = stream?.packets[(data.seq - stream.base) >>> 0] ?? -1;
  }

  /** A first packet names its message: that teaches its group and, when it is new, its sequence number. */
  #claim(truth: Truth, bytes: Uint8Array, data: Data, key: number, to: number): void {
    const id = truth.peekId(bytes, data.payloadAt, data.payloadLength);
    if (id < 0) return;
    const message = truth.messages[id]!;
    this.#groups.set(key, message.group);
    if (message.packet < 0) truth.commit(message, data.seq);
    if (message.to >= 0 && message.to !== to) this.strays++;
    if (message.seq !== data.seq) this.misnumbered++;
  }

  #scanSubs(bytes: Uint8Array, view: DataView, at: number, length: number): void {
    const subs = this.#subs;
    if (!decodeSubs(view, at, length, subs)) this.wellFormed = false;
    else for (let i = 0; i < subs.addressCount; i++) this.named.push(formatAddress(bytes, subs.addressesAt + i * SUBS_ADDRESS_LENGTH));
  }

  #scanStatus(view: DataView, at: number, length: number, index: number): void {
    const status = this.#status;
    if (!decodeStatus(view, at, length, this.flags[index]!, status)) {
      this.wellFormed = false;
      return;
    }
    let holes = 0;
    const asked = (status.nackHigh - status.cumulative) | 0;
    if (asked > 0) {
      holes = asked;
      const bits = Math.min(asked - 1, status.bitmapLength * 8);
      for (let bit = 0; bit < bits; bit++) {
        if (view.getUint8(status.bitmapAt + (bit >> 3)) & (0x80 >> (bit & 7))) holes--;
      }
    }
    this.details[index] = holes;
    this.seqs[index] = status.cumulative;
  }

  /** Frames as words, e.g. "DATA 17 + STATUS 40?2". */
  describe(): string {
    const words: string[] = [];
    for (let i = 0; i < this.frameCount; i++) {
      const type = this.types[i]!;
      let word = FRAME_NAMES[type] ?? `type${type}`;
      if (type === FRAME_DATA) word += ` ${this.seqs[i]}${this.flags[i]! & 8 ? 'r' : ''}${this.flags[i]! & 1 ? '!' : ''}`;
      if (type === FRAME_STATUS) word += ` ${this.seqs[i]}${this.details[i]! > 0 ? `?${this.details[i]}` : ''}`;
      words.push(word);
    }
    return words.join(' + ') + (this.wellFormed ? '' : ' MALFORMED');
  }
}
