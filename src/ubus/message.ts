/**
 * Messages of ubus (ubusmsg.h): an 8-byte header and one blob of attributes.
 *
 *   u8 version 0 | u8 type | u16 seq | u32 peer | blob { attributes }
 *
 * Both ends of a connection read the byte stream with FrameReader.
 */
import { BLOB_BYTES_MAX, BlobReader, BlobWriter } from './blob.ts';
import { decodeUtf8 } from './text.ts';

export const MSG_HELLO = 0;
export const MSG_STATUS = 1;
export const MSG_DATA = 2;
export const MSG_PING = 3;
export const MSG_LOOKUP = 4;
export const MSG_INVOKE = 5;
export const MSG_ADD_OBJECT = 6;
export const MSG_REMOVE_OBJECT = 7;
export const MSG_SUBSCRIBE = 8;
export const MSG_UNSUBSCRIBE = 9;
export const MSG_NOTIFY = 10;
export const MSG_MONITOR = 11;

export const ATTR_STATUS = 1;
export const ATTR_OBJPATH = 2;
export const ATTR_OBJID = 3;
export const ATTR_METHOD = 4;
export const ATTR_OBJTYPE = 5;
export const ATTR_SIGNATURE = 6;
export const ATTR_DATA = 7;
export const ATTR_TARGET = 8;
export const ATTR_ACTIVE = 9;
export const ATTR_NO_REPLY = 10;
export const ATTR_SUBSCRIBERS = 11;
export const ATTR_USER = 12;
export const ATTR_GROUP = 13;

/** Objects of the bus itself have ids below; all others above. */
export const SYSTEM_OBJECT_MAX = 1024;
export const OBJECT_EVENT = 1;
export const OBJECT_ACL = 2;
export const OBJECT_MONITOR = 3;

const HEADER_BYTES = 12;

/** What a message says; attributes that are missing or malformed are undefined, as ubusd treats them. */
export class Attributes {
  status: number | undefined;
  objpath: string | undefined;
  objid: number | undefined;
  method: string | undefined;
  objtype: number | undefined;
  signature: Uint8Array | undefined;
  data: Uint8Array | undefined;
  target: number | undefined;
  active: boolean | undefined;
  noReply: boolean | undefined;
}

/** A received message. All byte ranges are views on the receive buffer: valid until the handler returns. */
export interface Frame {
  type: number;
  seq: number;
  peer: number;
  /** The whole message. */
  bytes: Uint8Array;
}

export function decodeAttributes(frame: Frame): Attributes {
  const { bytes } = frame;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new BlobReader(bytes, view, HEADER_BYTES, bytes.length);
  const found = new Attributes();
  const int32 = (): number | undefined => (reader.end - reader.start === 4 ? view.getUint32(reader.start) : undefined);
  const int8 = (): boolean | undefined => (reader.end - reader.start === 1 ? bytes[reader.start] !== 0 : undefined);
  const text = (): string | undefined => {
    const { payload } = reader;
    // C strings end at the first NUL, wherever the length says.
    return payload.at(-1) === 0 ? decodeUtf8(payload.subarray(0, payload.indexOf(0))) : undefined;
  };
  while (reader.next()) {
    switch (reader.id) {
      case ATTR_STATUS: found.status = int32(); break;
      case ATTR_OBJPATH: found.objpath = text(); break;
      case ATTR_OBJID: found.objid = int32(); break;
      case ATTR_METHOD: found.method = text(); break;
      case ATTR_OBJTYPE: found.objtype = int32(); break;
      case ATTR_SIGNATURE: found.signature = reader.payload; break;
      case ATTR_DATA: found.data = reader.payload; break;
      case ATTR_TARGET: found.target = int32(); break;
      case ATTR_ACTIVE: found.active = int8(); break;
      case ATTR_NO_REPLY: found.noReply = int8(); break;
    }
  }
  return found;
}

/** Starts a message; its attributes are put next, then finishMessage(). */
export function startMessage(type: number, seq: number, peer: number, size = 128): BlobWriter {
  const writer = new BlobWriter(size);
  writer.reserve(HEADER_BYTES);
  writer.view.setUint16(0, type);
  writer.view.setUint16(2, seq);
  writer.view.setUint32(4, peer);
  return writer;
}
export function finishMessage(writer: BlobWriter): Uint8Array {
  writer.view.setUint32(8, writer.length - 8);
  return writer.bytes;
}

/** Changes seq and peer of an encoded message: one message for many receivers. */
export function readdress(message: Uint8Array, seq: number, peer: number): void {
  message[2] = seq >> 8;
  message[3] = seq;
  message[4] = peer >>> 24;
  message[5] = peer >>> 16;
  message[6] = peer >>> 8;
  message[7] = peer;
}

export function encodeStatus(seq: number, peer: number, status: number, objid?: number): Uint8Array {
  const writer = startMessage(MSG_STATUS, seq, peer, 32);
  writer.putInt32(ATTR_STATUS, status);
  if (objid !== undefined) writer.putInt32(ATTR_OBJID, objid);
  return finishMessage(writer);
}

/** `table`: its entries. */
export function encodeData(seq: number, peer: number, objid: number, table: Uint8Array): Uint8Array {
  const writer = startMessage(MSG_DATA, seq, peer, table.length + 32);
  writer.putInt32(ATTR_OBJID, objid);
  writer.putBytes(ATTR_DATA, table);
  return finishMessage(writer);
}

const EMPTY: Uint8Array = new Uint8Array(0);
/** A larger buffer is given back once the message that needed it is complete. */
const KEPT_BYTES_MAX = 16 * 1024;

/** Cuts a byte stream into messages, however it was split; keeps at most one incomplete message. */
export class FrameReader {
  #rest = EMPTY;
  #restLength = 0;
  #chunk = EMPTY;
  #at = 0;
  /** What follows is not ubus: close the connection. */
  broken = false;

  /** Bytes kept for an incomplete message. */
  get pendingBytes(): number {
    return this.#restLength;
  }

  /** Gives it the next bytes of the stream; then next() until it returns undefined, before the next push(). */
  push(bytes: Uint8Array): void {
    if (this.#restLength === 0) {
      this.#chunk = bytes;
      this.#at = 0;
      return;
    }
    this.#keep(bytes);
    this.#chunk = this.#rest.subarray(0, this.#restLength);
    this.#at = 0;
    this.#restLength = 0;
  }

  next(): Frame | undefined {
    const chunk = this.#chunk;
    const at = this.#at;
    const left = chunk.length - at;
    if (this.broken || left < HEADER_BYTES) return this.#incomplete();
    const byte = (offset: number): number => chunk[at + offset] as number;
    const length = (byte(9) << 16) | (byte(10) << 8) | byte(11);
    if (length < 4 || ((length + 3) & ~3) > BLOB_BYTES_MAX) {
      this.broken = true;
      return undefined;
    }
    if (left < 8 + length) return this.#incomplete();
    this.#at = at + 8 + length;
    const peer = ((byte(4) << 24) | (byte(5) << 16) | (byte(6) << 8) | byte(7)) >>> 0;
    return { type: byte(1), seq: (byte(2) << 8) | byte(3), peer, bytes: chunk.subarray(at, this.#at) };
  }

  /** Keeps what is left unread, so that the caller may stop in the middle; push(empty) goes on. */
  hold(): void {
    this.#incomplete();
  }

  #incomplete(): undefined {
    const left = this.#chunk.subarray(this.#at);
    this.#chunk = EMPTY;
    this.#at = 0;
    if (left.length > 0 && !this.broken) this.#keep(left);
    else if (this.#rest.length > KEPT_BYTES_MAX) this.#rest = EMPTY;
    return undefined;
  }

  /** `bytes` may lie in the kept buffer itself. */
  #keep(bytes: Uint8Array): void {
    const length = this.#restLength + bytes.length;
    if (length > this.#rest.length) {
      const larger = new Uint8Array(Math.max(length, Math.min(this.#restLength * 2, BLOB_BYTES_MAX + HEADER_BYTES)));
      larger.set(this.#rest.subarray(0, this.#restLength));
      this.#rest = larger;
    }
    this.#rest.set(bytes, this.#restLength);
    this.#restLength = length;
  }
}
