import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Data, decodeData } from '../../../src/wire/data.ts';
import { decodeDgram, Dgram } from '../../../src/wire/dgram.ts';
import { closeFrame, FRAME_HELLO, FRAME_STATUS } from '../../../src/wire/frame.ts';
import { groupIdOf, groupKey } from '../../../src/wire/group-id.ts';
import { decodeHeader, encodeHeader, Header } from '../../../src/wire/header.ts';
import { decodeHello, encodeHello, Hello } from '../../../src/wire/hello.ts';
import { decodePoll, Poll } from '../../../src/wire/poll.ts';
import { decodeRequest, encodeRequest, Request } from '../../../src/wire/srm.ts';
import { decodeStatus, encodeStatus, Status } from '../../../src/wire/status.ts';
import { decodeSubs, Subs } from '../../../src/wire/subs.ts';
import vectors from '../../vectors/wire.json' with { type: 'json' };
import { bytesOf, datagramHex, frameHex, hexOf, readDatagram, type WireDatagram, type WireFrame } from './codec.ts';

const wire = suite('wire vectors');
const frames = vectors.frames as unknown as [string, string, WireFrame][];
const datagrams = vectors.datagrams as unknown as [string, string, WireDatagram][];

/** Reads one frame with the shipping decoder. @returns its fields as the vectors name them. */
function decode(hex: string, kind: string): Record<string, unknown> {
  const bytes = bytesOf(`0000${hex}`); // at an odd place: offsets are not indices
  const view = new DataView(bytes.buffer);
  const flags = view.getUint8(3);
  const length = view.getUint16(4);
  const at = 6;
  const group = (high: number, low: number): string => high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
  const groupAt = (offset: number): string => hexOf(bytes.subarray(offset, offset + 8));
  const rest = (from: number, count: number): string => hexOf(bytes.subarray(from, from + count));
  const base = { frame: kind, flags };
  if (kind === 'HELLO') {
    const hello = new Hello();
    assert.ok(decodeHello(view, at, length, flags, hello));
    const { nonce, echoNonce, echoTimestamp, subsVersion, identity, keepaliveS, streamsAt } = hello;
    const streams = Array.from({ length: hello.streamCount }, (_, i) => {
      const entry = streamsAt + 12 * i;
      return { group: groupAt(entry), seq: view.getUint32(entry + 8) };
    });
    return { ...base, flags: hello.flags, nonce, echoNonce, echoTimestamp, subsVersion, identity, keepaliveS, streams };
  }
  if (kind === 'SUBS') {
    const subs = new Subs();
    assert.ok(decodeSubs(view, at, length, subs));
    const groups = Array.from({ length: subs.count }, (_, i) => {
      const entry = subs.entriesAt + 10 * i;
      return { group: groupAt(entry), life: view.getUint8(entry + 8), start: view.getUint8(entry + 9) };
    });
    return { ...base, version: subs.version, groups };
  }
  if (kind === 'DATA') {
    const data = new Data();
    assert.ok(decodeData(view, at, length, flags, data));
    const { seq, lowOffset, ageMs, start, life, payloadAt, payloadLength } = data;
    const fixed = { ...base, flags: data.flags, group: group(data.groupHigh, data.groupLow), seq, lowOffset, ageMs };
    return { ...fixed, ...(flags & 16 ? { start, life } : {}), payload: rest(payloadAt, payloadLength) };
  }
  if (kind === 'DGRAM') {
    const dgram = new Dgram();
    assert.ok(decodeDgram(view, at, length, flags, dgram));
    const { seq, payloadAt, payloadLength } = dgram;
    return { ...base, flags: dgram.flags, group: group(dgram.groupHigh, dgram.groupLow), seq, payload: rest(payloadAt, payloadLength) };
  }
  if (kind === 'STATUS') {
    const status = new Status();
    assert.ok(decodeStatus(view, at, length, flags, status));
    const { groupHigh, groupLow, bitmapAt, bitmapLength, flags: decoded, ...fields } = status;
    const bitmap = rest(bitmapAt, bitmapLength);
    return { frame: kind, flags: decoded, group: group(groupHigh, groupLow), ...fields, bitmap };
  }
  if (kind === 'POLL') {
    const poll = new Poll();
    assert.ok(decodePoll(view, at, length, flags, poll));
    const { high, low, start, life } = poll;
    return { ...base, flags: poll.flags, group: group(poll.groupHigh, poll.groupLow), high, low, ...(flags & 16 ? { start, life } : {}) };
  }
  if (kind === 'REQUEST') {
    const request = new Request();
    assert.ok(decodeRequest(view, at, length, request));
    const { sourceAt, groupHigh, groupLow, bitmapAt, bitmapLength, ...fields } = request;
    return { ...base, address: rest(sourceAt, 16), ...fields, group: group(groupHigh, groupLow), bitmap: rest(bitmapAt, bitmapLength) };
  }
  throw new Error(`${kind} is read in place`);
}

const IN_PLACE = ['SUBS_ACK', 'SUBS_REQ', 'GAP', 'DIGEST', 'HINT', 'PEERS', 'SESSION'];

wire('REQUEST is written as the vectors have it', () => {
  for (const [name, hex, value] of frames) {
    if (value.frame !== 'REQUEST') continue;
    const group = String(value['group']);
    const id = { idHigh: parseInt(group.slice(0, 8), 16), idLow: parseInt(group.slice(8), 16) };
    const seqs = value['bitmap'] === '' ? [42] : [42, 43, 52];
    const body = encodeRequest(bytesOf(String(value['address'])), value['port'] as number, value['epoch'] as number, id, seqs);
    assert.is(hexOf(body), hex.slice(8), name);
  }
  const wrapped = encodeRequest(new Uint8Array(16), 1, 1, { idHigh: 0, idLow: 0 }, [0xffffffff, 0, 127 - 1]);
  assert.is(hexOf(wrapped).slice(60), 'ffffffff' + '80' + '00'.repeat(14) + '02');
});

for (const [name, hex, value] of frames) {
  wire(`${name}: written and read`, () => {
    assert.is(frameHex(value), hex);
    if (!IN_PLACE.includes(value.frame)) assert.equal(decode(hex, value.frame), value);
  });
}

for (const [name, hex, value] of datagrams) {
  wire(`datagram, ${name}: written and read`, () => {
    assert.is(datagramHex(value), hex);
    assert.equal(readDatagram(bytesOf(hex)), value);
    const header = new Header();
    const bytes = bytesOf(hex);
    assert.ok(decodeHeader(new DataView(bytes.buffer), bytes.length, header));
    const { receiverEpochLow, epoch, timestamp } = value;
    assert.equal({ ...header }, { receiverEpochLow, epoch, timestamp });
    const view = new DataView(new ArrayBuffer(12));
    assert.is(encodeHeader(view, 0x55550000 + receiverEpochLow, epoch, timestamp), 12);
    assert.is(hexOf(new Uint8Array(view.buffer)), hex.slice(0, 24));
  });
}

wire('HELLO and STATUS are written as the vectors have them', () => {
  for (const [name, hex, value] of frames) {
    if (value.frame !== 'HELLO' && value.frame !== 'STATUS') continue;
    const view = new DataView(new ArrayBuffer(hex.length / 2));
    const bytes = new Uint8Array(view.buffer).fill(0xee);
    const hello = value.frame === 'HELLO';
    const tail = hello ? hex.slice(2 * 28) : String(value['bitmap']);
    let end: number;
    if (hello) {
      const streams = value['streams'] as unknown[];
      end = encodeHello(view, 4, Object.assign(new Hello(), value, { streamCount: streams.length }));
    } else {
      const group = String(value['group']);
      const [groupHigh, groupLow] = [parseInt(group.slice(0, 8), 16), parseInt(group.slice(8), 16)];
      end = encodeStatus(view, 4, Object.assign(new Status(), value, { groupHigh, groupLow }));
    }
    bytes.set(bytesOf(tail), end);
    assert.is(closeFrame(view, 0, hello ? FRAME_HELLO : FRAME_STATUS, value.flags, end + tail.length / 2), hex.length / 2, name);
    assert.is(hexOf(bytes), hex, name);
  }
});

wire('of longer bitmaps 128 bytes count in STATUS and 16 in REQUEST', () => {
  const view = new DataView(new ArrayBuffer(400));
  const status = new Status();
  assert.ok(decodeStatus(view, 0, 30 + 200, 0, status));
  assert.is(status.bitmapLength, 128);
  const request = new Request();
  assert.ok(decodeRequest(view, 0, 34 + 200, request));
  assert.is(request.bitmapLength, 16);
});

wire('a timestamp beyond 2^32 ms wraps', () => {
  const view = new DataView(new ArrayBuffer(12));
  encodeHeader(view, 0, 1, 0x1_0000_0005);
  assert.is(view.getUint32(8), 5);
});

wire('a group id is the first 8 bytes of the hash of the name in UTF-8', () => {
  for (const [name, digest, id] of vectors.groups as unknown as [string, string, string][]) {
    let hashed = '';
    const { high, low } = groupIdOf(name, (bytes) => {
      hashed = hexOf(bytes);
      return bytesOf(`ffff${digest}`).subarray(2); // a view into a larger buffer
    });
    assert.is(high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0'), id);
    assert.is(hashed, hexOf(new TextEncoder().encode(name)));
  }
});

wire('the key of a group id is a safe integer that tells ids apart by their low 53 bits', () => {
  assert.is(groupKey(0xffffffff, 0xffffffff), Number.MAX_SAFE_INTEGER);
  assert.is(groupKey(0, 5), 5);
  assert.is(groupKey(1, 0), 0x100000000);
  assert.is.not(groupKey(1, 2), groupKey(2, 1));
  assert.is(groupKey(0x80000001, 2), groupKey(1, 2)); // so the high half has to be compared as well
});

wire.run();
