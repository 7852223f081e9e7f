import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BLOB_BYTES_MAX } from '../../../src/ubus/blob.ts';
import {
  ATTR_OBJID, ATTR_OBJPATH, decodeAttributes, encodeStatus, finishMessage, FrameReader, MSG_LOOKUP, MSG_PING, readdress, startMessage,
} from '../../../src/ubus/message.ts';

const message = suite('ubus message');

function ping(payload: number, seq = 1): Uint8Array {
  const writer = startMessage(MSG_PING, seq, 5, payload + 32);
  writer.putBytes(7, new Uint8Array(payload));
  return finishMessage(writer);
}
function frames(reader: FrameReader): number[] {
  const seqs: number[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) seqs.push(frame.seq);
  return seqs;
}

message('a status is the bytes that ubusd sends', () => {
  assert.equal([...encodeStatus(2, 0xe9, 4)], [0, 1, 0, 2, 0, 0, 0, 0xe9, 0, 0, 0, 12, 1, 0, 0, 8, 0, 0, 0, 4]);
});

message('readdress changes seq and peer alone', () => {
  const bytes = ping(4);
  readdress(bytes, 0x1234, 0xfedcba98);
  const reader = new FrameReader();
  reader.push(bytes);
  const frame = reader.next()!;
  assert.equal([frame.type, frame.seq, frame.peer], [MSG_PING, 0x1234, 0xfedcba98]);
});

message('coalesced and split messages are read alike', () => {
  const all = [ping(10, 1), ping(0, 2), ping(5000, 3), ping(3, 4)];
  const stream = new Uint8Array(all.reduce((sum, one) => sum + one.length, 0));
  all.reduce((at, one) => (stream.set(one, at), at + one.length), 0);
  for (const size of [1, 7, 12, 100, 4096, stream.length]) {
    const reader = new FrameReader();
    const seqs: number[] = [];
    for (let at = 0; at < stream.length; at += size) {
      reader.push(stream.slice(at, at + size));
      seqs.push(...frames(reader));
    }
    assert.equal(seqs, [1, 2, 3, 4], `pieces of ${size}`);
    assert.is(reader.pendingBytes, 0);
  }
});

message('the largest blob is one MiB; one more word breaks the stream', () => {
  const largest = new FrameReader();
  largest.push(ping(BLOB_BYTES_MAX - 8));
  assert.equal(frames(largest), [1]);
  const reader = new FrameReader();
  reader.push(ping(BLOB_BYTES_MAX - 4));
  assert.equal(frames(reader), []);
  assert.ok(reader.broken);
});

message('a length below its own head breaks the stream', () => {
  const reader = new FrameReader();
  reader.push(Uint8Array.from([0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3]));
  assert.equal(frames(reader), []);
  assert.ok(reader.broken);
  reader.push(ping(0));
  assert.equal(frames(reader), [], 'for good');
});

message('hold() keeps what is unread', () => {
  const reader = new FrameReader();
  const two = new Uint8Array(2 * ping(8).length);
  two.set(ping(8, 1));
  two.set(ping(8, 2), ping(8).length);
  reader.push(two);
  assert.is(reader.next()?.seq, 1);
  reader.hold();
  two.fill(0); // it was the stream's buffer
  reader.push(ping(8, 3));
  assert.equal(frames(reader), [2, 3]);
});

message('attributes of the wrong size and texts without NUL are as if missing', () => {
  const writer = startMessage(MSG_LOOKUP, 1, 0);
  writer.putBytes(ATTR_OBJPATH, Uint8Array.from([110, 111]));
  writer.putBytes(ATTR_OBJID, Uint8Array.from([1, 2]));
  writer.putInt32(60, 9);
  const reader = new FrameReader();
  reader.push(finishMessage(writer));
  const { objpath, objid } = decodeAttributes(reader.next()!);
  assert.equal([objpath, objid], [undefined, undefined]);
});

message('a text ends at its first NUL', () => {
  const writer = startMessage(MSG_LOOKUP, 1, 0);
  writer.putBytes(ATTR_OBJPATH, Uint8Array.from([97, 0, 98, 0]));
  const reader = new FrameReader();
  reader.push(finishMessage(writer));
  assert.is(decodeAttributes(reader.next()!).objpath, 'a');
});

message.run();
