/**
 * blob and blobmsg, libubox's tagged binary form (blob.h, blobmsg.h). Big-endian.
 *
 *   blob    = u32 head | payload | zeros to a multiple of 4
 *   head    = extended << 31 | id (7 bits) << 24 | length (24 bits: the 4 bytes of the head included, the zeros not)
 *   blobmsg = an extended blob, id = type, payload = u16 name length | name | NUL | zeros | value
 *
 * A JavaScript value becomes what the stock `ubus` makes of the same JSON: integers INT32 or INT64, other numbers DOUBLE,
 * booleans INT8, null UNSPEC. Bytes become a string as they are, and a string that is not UTF-8 becomes bytes.
 */
import { decodeUtf8, encodeUtf8, textOrBytes } from './text.ts';

export const BLOBMSG_UNSPEC = 0;
export const BLOBMSG_ARRAY = 1;
export const BLOBMSG_TABLE = 2;
export const BLOBMSG_STRING = 3;
export const BLOBMSG_INT64 = 4;
export const BLOBMSG_INT32 = 5;
export const BLOBMSG_INT16 = 6;
export const BLOBMSG_BOOL = 7;
export const BLOBMSG_DOUBLE = 8;

/** Tables and arrays within each other; deeper is malformed. */
export const DEPTH_MAX = 32;
/** The longest blob that ubus takes, head and padding included. */
export const BLOB_BYTES_MAX = 1024 * 1024;

export type Value = null | boolean | number | string | Uint8Array | Value[] | Table;
/** What is undefined is left out. Those that were decoded have no prototype, so that any name is only a name. */
export interface Table {
  [name: string]: Value | undefined;
}

const padded = (length: number): number => (length + 3) & ~3;

/** Appends blobs to a buffer that grows. */
export class BlobWriter {
  #bytes: Uint8Array;
  #view: DataView;
  length = 0;

  constructor(size = 256) {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** The bytes so far; shared with the writer until it grows. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
  get view(): DataView {
    return this.#view;
  }

  /** Makes room for `length` zeros at the end. @returns their offset. */
  reserve(length: number): number {
    const at = this.length;
    this.length += length;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  /** Starts a blob. @returns what close() wants. */
  open(id: number): number {
    const at = this.reserve(4);
    this.#view.setUint32(at, id << 24);
    return at;
  }
  /** Ends it: writes its length and pads. */
  close(at: number): void {
    this.#view.setUint32(at, this.#view.getUint32(at) + this.length - at);
    this.reserve(padded(this.length) - this.length);
  }

  putInt32(id: number, value: number): void {
    const at = this.reserve(8);
    this.#view.setUint32(at, (id << 24) + 8);
    this.#view.setUint32(at + 4, value);
  }
  putInt8(id: number, value: number): void {
    const at = this.reserve(8);
    this.#view.setUint32(at, (id << 24) + 5);
    this.#bytes[at + 4] = value;
  }
  putString(id: number, text: string): void {
    const at = this.open(id);
    this.raw(encodeUtf8(text));
    this.reserve(1);
    this.close(at);
  }
  putBytes(id: number, payload: Uint8Array): void {
    const at = this.open(id);
    this.raw(payload);
    this.close(at);
  }
  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length); // first: it may change #bytes
    this.#bytes.set(bytes, at);
  }

  /** Starts a blobmsg. */
  openNamed(type: number, name: string): number {
    const header = nameHeader(name);
    const at = this.open(128 + type);
    this.raw(header);
    return at;
  }

  /** Appends a blobmsg. @throws RangeError when nested deeper than DEPTH_MAX: our own bug, or a program's data. */
  putValue(name: string, value: Value, depth = 0): void {
    if (depth > DEPTH_MAX) throw new RangeError('nested too deep');
    if (value === null) return this.close(this.openNamed(BLOBMSG_UNSPEC, name));
    switch (typeof value) {
      case 'boolean': {
        const at = this.openNamed(BLOBMSG_BOOL, name);
        const start = this.reserve(1);
        this.#bytes[start] = value ? 1 : 0;
        return this.close(at);
      }
      case 'number':
        return this.#putNumber(name, value);
      case 'string':
        return this.#putText(name, encodeUtf8(value));
    }
    if (value instanceof Uint8Array) return this.#putText(name, value);
    const array = Array.isArray(value);
    const at = this.openNamed(array ? BLOBMSG_ARRAY : BLOBMSG_TABLE, name);
    if (array) for (const element of value) this.putValue('', element, depth + 1);
    else this.putTable(value, depth + 1);
    this.close(at);
  }

  /** Appends the entries of a table. */
  putTable(table: Table, depth = 0): void {
    for (const key of Object.keys(table)) {
      const value = table[key];
      if (value !== undefined) this.putValue(key, value, depth);
    }
  }

  #putText(name: string, bytes: Uint8Array): void {
    const at = this.openNamed(BLOBMSG_STRING, name);
    this.raw(bytes);
    this.reserve(1);
    this.close(at);
  }
  #putNumber(name: string, value: number): void {
    const small = value === (value | 0);
    const whole = small || Number.isSafeInteger(value);
    const at = this.openNamed(small ? BLOBMSG_INT32 : whole ? BLOBMSG_INT64 : BLOBMSG_DOUBLE, name);
    const start = this.reserve(small ? 4 : 8);
    if (small) this.#view.setInt32(start, value);
    else if (whole) {
      this.#view.setInt32(start, Math.floor(value / 0x1_0000_0000));
      this.#view.setUint32(start + 4, value >>> 0);
    } else this.#view.setFloat64(start, value);
    this.close(at);
  }
}

/** Our own names, encoded: there are few, and each is written often. */
const NAMES_MAX = 256;
const names = new Map<string, Uint8Array>();

/** Length, name, NUL and padding. */
function nameHeader(name: string): Uint8Array {
  const known = names.get(name);
  if (known !== undefined) return known;
  const bytes = encodeUtf8(name);
  const header = new Uint8Array(padded(3 + bytes.length));
  header[0] = bytes.length >> 8;
  header[1] = bytes.length;
  header.set(bytes, 2);
  if (names.size < NAMES_MAX) names.set(name, header);
  return header;
}

/** The bytes of a table's entries, as they stand in attribute DATA. */
export function encodeTable(table: Table): Uint8Array {
  const writer = new BlobWriter();
  writer.putTable(table);
  return writer.bytes;
}

/** Walks the blobs that follow each other in a stretch of bytes. */
export class BlobReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #next: number;
  id = 0;
  extended = false;
  /** The payload of the current blob lies in [start, end). */
  start = 0;
  end = 0;

  constructor(bytes: Uint8Array, view: DataView, start: number, end: number) {
    this.#bytes = bytes;
    this.#view = view;
    this.#next = start;
    this.#end = end;
  }

  /** Goes to the next blob. @returns false at the end, or when what follows is none (then `broken`). */
  next(): boolean {
    if (this.#end - this.#next < 4) return false;
    const head = this.#view.getUint32(this.#next);
    const length = head & 0xffffff;
    if (length < 4 || length > this.#end - this.#next) return false;
    this.extended = head >>> 31 === 1;
    this.id = (head >>> 24) & 127;
    this.start = this.#next + 4;
    this.end = this.#next + length;
    this.#next = Math.min(this.#next + padded(length), this.#end);
    return true;
  }
  /** After next() returned false: whether bytes are left that are no blob. */
  get broken(): boolean {
    return this.#next < this.#end;
  }

  get payload(): Uint8Array {
    return this.#bytes.subarray(this.start, this.end);
  }

  /** Reads the name of a blobmsg and moves `start` to its value. @returns undefined when malformed. */
  name(): string | undefined {
    const { start, end } = this;
    if (!this.extended || end - start < 4) return undefined;
    const length = this.#view.getUint16(start);
    const value = start + padded(3 + length);
    if (value > end || this.#bytes[start + 2 + length] !== 0) return undefined;
    this.start = value;
    return decodeUtf8(this.#bytes.subarray(start + 2, start + 2 + length));
  }

  /** The value of a blobmsg after name(). @returns undefined when malformed. */
  value(depth: number): Value | undefined {
    const { start, end } = this;
    const length = end - start;
    switch (this.id) {
      case BLOBMSG_UNSPEC:
        return null;
      case BLOBMSG_ARRAY:
      case BLOBMSG_TABLE:
        return decodeEntries(new BlobReader(this.#bytes, this.#view, start, end), this.id === BLOBMSG_ARRAY, depth + 1);
      case BLOBMSG_STRING:
        return length > 0 && this.#bytes[end - 1] === 0 ? textOrBytes(this.#bytes.subarray(start, end - 1)) : undefined;
      case BLOBMSG_INT64:
        return length === 8 ? this.#view.getInt32(start) * 0x1_0000_0000 + this.#view.getUint32(start + 4) : undefined;
      case BLOBMSG_INT32:
        return length === 4 ? this.#view.getInt32(start) : undefined;
      case BLOBMSG_INT16:
        return length === 2 ? this.#view.getInt16(start) : undefined;
      case BLOBMSG_BOOL:
        return length === 1 ? this.#bytes[start] !== 0 : undefined;
      case BLOBMSG_DOUBLE:
        return length === 8 ? this.#view.getFloat64(start) : undefined;
    }
    return undefined;
  }
}

function decodeEntries(reader: BlobReader, array: boolean, depth: number): Value[] | Table | undefined {
  if (depth > DEPTH_MAX) return undefined;
  const list: Value[] = [];
  const table: Table = Object.create(null);
  while (reader.next()) {
    const name = reader.name();
    const value = name === undefined ? undefined : reader.value(depth);
    if (value === undefined) return undefined;
    if (array) list.push(value);
    else table[name as string] = value;
  }
  if (reader.broken) return undefined;
  return array ? list : table;
}

/** Reads what attribute DATA holds. @returns undefined when it is not blobmsg. */
export function decodeTable(bytes: Uint8Array): Table | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return decodeEntries(new BlobReader(bytes, view, 0, bytes.length), false, 0) as Table | undefined;
}
