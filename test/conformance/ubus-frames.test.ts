/** Every recorded frame decodes and encodes to the same bytes, however the stream was split. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BlobWriter } from '../../src/ubus/blob.ts';
import { BlobReader, decodeTable, encodeTable } from '../../src/ubus/blob.ts';
import type { Frame } from '../../src/ubus/message.ts';
import {
  ATTR_ACTIVE, ATTR_DATA, ATTR_METHOD, ATTR_NO_REPLY, ATTR_OBJPATH, ATTR_SIGNATURE, ATTR_SUBSCRIBERS, decodeAttributes,
  finishMessage, FrameReader, MSG_MONITOR, startMessage,
} from '../../src/ubus/message.ts';
import { decodeUtf8 } from '../../src/ubus/text.ts';
import { fromHex, scenarios, toHex } from './ubus-transcripts.ts';

const frames = suite('ubus frames');
const recorded = scenarios.flatMap(({ name, conns }) =>
  conns.flatMap(({ msgs }) => msgs.filter(({ hex }) => hex !== undefined).map(({ n, dir, hex }) => ({ name, n, dir, hex: hex! }))));

/** Reads all frames that `bytes` holds when it arrives in pieces of `size`. */
function read(bytes: Uint8Array, size: number): Frame[] {
  const reader = new FrameReader();
  const found: Frame[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    reader.push(bytes.slice(at, at + size));
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      found.push({ ...frame, bytes: frame.bytes.slice() });
    }
  }
  return found;
}

const TEXTS = [ATTR_OBJPATH, ATTR_METHOD, 12, 13];
const bodies = { total: 0, equal: 0 };

/** Decodes each attribute to its value and encodes that. */
function encodeAgain(frame: Frame): Uint8Array {
  const version = frame.bytes[0] as number; // one raw client sends 1
  const writer = startMessage((version << 8) | frame.type, frame.seq, frame.peer);
  const { bytes } = frame;
  const reader = new BlobReader(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 12, bytes.length);
  while (reader.next()) putAgain(frame, writer, reader);
  assert.not(reader.broken);
  return finishMessage(writer);
}

function putAgain(frame: Frame, writer: BlobWriter, reader: BlobReader): void {
  const { id, payload } = reader;
  const attributes = decodeAttributes(frame);
  const monitor = frame.type === MSG_MONITOR;
  const textual = !monitor && TEXTS.includes(id) && payload.at(-1) === 0;
  if (textual) return writer.putString(id, decodeUtf8(payload.subarray(0, -1)));
  if (!monitor && (id === ATTR_ACTIVE || id === ATTR_NO_REPLY)) {
    return writer.putInt8(id, (id === ATTR_ACTIVE ? attributes.active : attributes.noReply) ? 1 : 0);
  }
  if (!monitor && (id === ATTR_DATA || id === ATTR_SIGNATURE)) {
    const table = decodeTable(payload);
    bodies.total++;
    if (table !== undefined && toHex(encodeTable(table)) === toHex(payload)) bodies.equal++;
    else return writer.putBytes(id, payload);
    return writer.putBytes(id, encodeTable(table));
  }
  if (payload.length === 4 && id !== ATTR_SUBSCRIBERS) {
    return writer.putInt32(id, new DataView(payload.buffer, payload.byteOffset).getUint32(0));
  }
  writer.putBytes(id, payload);
}

frames('every recorded frame is read and written again byte-equal', () => {
  const total = recorded.length;
  let equal = 0;
  for (const { name, n, hex } of recorded) {
    const bytes = fromHex(hex);
    const [frame] = read(bytes, bytes.length);
    // Two frames are recorded for being too long or too short to be one.
    if (frame === undefined) {
      assert.ok(['raw-too-long', 'raw-len-0', 'raw-split-bytes'].includes(name), `${name} ${n}`);
      equal++;
      continue;
    }
    if (read(bytes, bytes.length).length > 1) {
      assert.is(read(bytes, bytes.length).map((one) => toHex(one.bytes)).join(''), hex);
      equal++;
      continue;
    }
    assert.is(toHex(encodeAgain(frame)), hex, `${name} ${n}`);
    equal++;
  }
  assert.is(equal, total);
  console.log(`${equal} of ${total} frames, ${bodies.equal} of ${bodies.total} bodies and signatures`);
});

frames('a stream split anywhere gives the same frames', () => {
  const whole = recorded.filter(({ name, hex }) => !name.startsWith('raw-') && hex.length < 4000).map(({ hex }) => hex);
  const bytes = fromHex(whole.join(''));
  for (const size of [1, 7, 13, 1000, bytes.length]) {
    const found = read(bytes, size);
    assert.is(found.length, whole.length, `pieces of ${size}`);
    assert.ok(found.every((frame, index) => toHex(frame.bytes) === whole[index]), `pieces of ${size}`);
  }
});

frames.run();
