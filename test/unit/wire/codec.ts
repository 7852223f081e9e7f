/**
 * The wire format a second time, written from its specification (src/wire/README.md) as one table: what the shipping code
 * writes is read with this, and what it reads is written with this. Values are plain: group ids, payloads and bitmaps as hex.
 */
export interface WireFrame {
  frame: string;
  flags: number;
  [field: string]: unknown;
}
export interface WireDatagram {
  receiverEpochLow: number;
  epoch: number;
  timestamp: number;
  frames: WireFrame[];
}

type Field = readonly [name: string, bytes: number];
interface Layout {
  type: number;
  /** A number of bytes over 4 is read as hex text, 0 bytes as "the rest". */
  fields: readonly Field[];
  /** Present only with the flag START. */
  optional?: readonly Field[];
  list?: { name: string; countBytes: number; fields: readonly Field[] };
  /** A second list, left out where there is nothing in it. */
  more?: { name: string; countBytes: number; fields: readonly Field[] };
  rest?: string;
}

const START = 16;
const START_FIELDS: readonly Field[] = [['start', 4], ['life', 1]];
const LAYOUTS: Record<string, Layout> = {
  HELLO: {
    type: 1,
    fields: [['nonce', 4], ['echoNonce', 4], ['echoTimestamp', 4], ['subsVersion', 4], ['identity', 4], ['keepaliveS', 2]],
    list: { name: 'streams', countBytes: 2, fields: [['group', 8], ['seq', 4]] },
  },
  SUBS: {
    type: 2,
    fields: [['version', 4]],
    list: { name: 'groups', countBytes: 2, fields: [['group', 8], ['life', 1], ['start', 1]] },
    more: { name: 'addresses', countBytes: 1, fields: [['address', 16], ['port', 2], ['flags', 1]] },
  },
  SUBS_ACK: { type: 3, fields: [['version', 4]] },
  SUBS_REQ: { type: 4, fields: [['version', 4]] },
  DATA: { type: 5, fields: [['group', 8], ['seq', 4], ['lowOffset', 2], ['ageMs', 2]], optional: START_FIELDS, rest: 'payload' },
  DGRAM: { type: 6, fields: [['group', 8], ['seq', 4]], rest: 'payload' },
  STATUS: {
    type: 7,
    fields: [
      ['group', 8], ['epochLow', 2], ['cumulative', 4], ['nackHigh', 4], ['high', 4], ['window', 2], ['tries', 1],
      ['life', 1], ['echoTimestamp', 4],
    ],
    rest: 'bitmap',
  },
  POLL: { type: 8, fields: [['group', 8], ['high', 4], ['low', 4]], optional: START_FIELDS },
  GAP: { type: 9, fields: [['group', 8], ['low', 4]] },
  DIGEST: { type: 10, fields: [['group', 8], ['count', 2], ['sum', 4]] },
  HINT: { type: 11, fields: [['address', 16], ['port', 2], ['epoch', 4], ['group', 8], ['high', 4]] },
  PEERS: {
    type: 12,
    fields: [],
    list: { name: 'peers', countBytes: 1, fields: [['address', 16], ['port', 2], ['flags', 1], ['reserved', 1]] },
  },
  REQUEST: {
    type: 14,
    fields: [['address', 16], ['port', 2], ['epoch', 4], ['group', 8], ['first', 4]],
    rest: 'bitmap',
  },
  SESSION: { type: 15, fields: [['group', 8], ['high', 4]] },
};

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function hexOf(bytes: Uint8Array): string {
  const parts = new Array<string>(bytes.length);
  for (let i = 0; i < bytes.length; i++) parts[i] = HEX[bytes[i]!]!;
  return parts.join('');
}

export function bytesOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

function hexField(value: unknown, bytes: number): string {
  if (bytes > 4) return String(value ?? '').padStart(2 * bytes, '0');
  return (Number(value ?? 0) >>> 0).toString(16).padStart(2 * bytes, '0').slice(-2 * bytes);
}

/** Hex of one frame, its four header bytes included. Missing fields are 0. */
export function frameHex(value: WireFrame): string {
  const layout = LAYOUTS[value.frame];
  if (layout === undefined) throw new Error(`no frame ${value.frame}`);
  let body = layout.fields.map(([name, bytes]) => hexField(value[name], bytes)).join('');
  for (const list of [layout.list, layout.more]) {
    if (list === undefined || (list === layout.more && value[list.name] === undefined)) continue;
    const entries = (value[list.name] ?? []) as Record<string, unknown>[];
    body += hexField(entries.length, list.countBytes);
    for (const entry of entries) for (const [name, bytes] of list.fields) body += hexField(entry[name], bytes);
  }
  if (value.flags & START) for (const [name, bytes] of layout.optional ?? []) body += hexField(value[name], bytes);
  if (layout.rest) body += String(value[layout.rest] ?? '');
  return hexField(layout.type, 1) + hexField(value.flags, 1) + hexField(body.length / 2, 2) + body;
}

/** Hex of a datagram: header and frames. */
export function datagramHex(datagram: WireDatagram): string {
  const { receiverEpochLow, epoch, timestamp, frames } = datagram;
  return `1000${hexField(receiverEpochLow, 2)}${hexField(epoch, 4)}${hexField(timestamp, 4)}${frames.map(frameHex).join('')}`;
}

class Reader {
  readonly hex: string;
  at = 0;

  constructor(hex: string) {
    this.hex = hex;
  }

  take(bytes: number): string {
    const text = this.hex.slice(this.at, this.at + 2 * bytes);
    if (text.length !== 2 * bytes) throw new Error(`too short at ${this.at / 2}`);
    this.at += 2 * bytes;
    return text;
  }

  field(bytes: number): number | string {
    return bytes > 4 ? this.take(bytes) : parseInt(this.take(bytes), 16);
  }

  get leftBytes(): number {
    return (this.hex.length - this.at) / 2;
  }
}

function readFrame(reader: Reader): WireFrame {
  const type = reader.field(1);
  const found = Object.entries(LAYOUTS).find(([, layout]) => layout.type === type);
  const value: WireFrame = { frame: found?.[0] ?? `type ${type}`, flags: reader.field(1) as number };
  const body = new Reader(reader.take(reader.field(2) as number));
  if (found === undefined) return value;
  const { fields, list, more, optional, rest } = found[1];
  for (const [name, bytes] of fields) value[name] = body.field(bytes);
  for (const one of [list, more]) {
    if (one === undefined || (one === more && body.leftBytes === 0)) continue;
    const count = body.field(one.countBytes) as number;
    value[one.name] = Array.from({ length: count }, () =>
      Object.fromEntries(one.fields.map(([name, bytes]) => [name, body.field(bytes)])));
  }
  if (value.flags & START) for (const [name, bytes] of optional ?? []) value[name] = body.field(bytes);
  if (rest) value[rest] = body.take(body.leftBytes);
  if (body.leftBytes > 0) throw new Error(`${value.frame} is ${body.leftBytes} bytes too long`);
  return value;
}

/** Reads what one of our nodes sent; throws at anything that the specification does not allow. */
export function readDatagram(bytes: Uint8Array): WireDatagram {
  if (bytes.length > 1200) throw new Error(`${bytes.length} bytes in one datagram`);
  const reader = new Reader(hexOf(bytes));
  if (reader.take(2) !== '1000') throw new Error('not version 1 with flags and reserved 0');
  const datagram: WireDatagram = {
    receiverEpochLow: reader.field(2) as number,
    epoch: reader.field(4) as number,
    timestamp: reader.field(4) as number,
    frames: [],
  };
  while (reader.leftBytes > 0) datagram.frames.push(readFrame(reader));
  return datagram;
}
