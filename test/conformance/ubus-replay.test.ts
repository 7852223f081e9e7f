/**
 * What clients said to the real ubusd is said to our bus, and the answers compared: byte for byte but for ids, the counter of
 * events, and what USER and GROUP say, which ubusd takes from the socket and we do not know.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LineLog } from '../../src/runtime/log.ts';
import { BlobReader, decodeTable, encodeTable } from '../../src/ubus/blob.ts';
import type { Frame } from '../../src/ubus/message.ts';
import { finishMessage, FrameReader, MSG_HELLO, MSG_INVOKE, MSG_MONITOR, startMessage } from '../../src/ubus/message.ts';
import { UbusServer } from '../../src/ubus/server.ts';
import type { FakeStream } from '../unit/service/fake-runtime.ts';
import { FakeRuntime } from '../unit/service/fake-runtime.ts';
import type { Scenario } from './ubus-transcripts.ts';
import { bytesOf, scenarios, toHex } from './ubus-transcripts.ts';

const replay = suite('ubus replay');
const PATH = '/bus';

class Connection {
  readonly frames: Frame[] = [];
  closed = false;
  stream!: FakeStream;
  readonly #reader = new FrameReader();
  onData(bytes: Uint8Array): void {
    this.#reader.push(bytes);
    for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
      this.frames.push({ ...frame, bytes: frame.bytes.slice() });
    }
  }
  onClose(): void {
    this.closed = true;
  }
}

/** A frame as a row of words: ids apart from all else, so that ids can be translated. */
function words(frame: Frame): (string | { id: number })[] {
  const event = frame.type === MSG_INVOKE && frame.peer === 0;
  const row: (string | { id: number })[] = [`type ${frame.type} seq ${event ? 'any' : frame.seq}`, { id: frame.peer }];
  addAttributes(frame.bytes.subarray(12), frame.type, row);
  return row;
}

function addAttributes(bytes: Uint8Array, type: number, row: (string | { id: number })[]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const reader = new BlobReader(bytes, view, 0, bytes.length);
  const ids = type === MSG_MONITOR ? [0, 1] : [3, 5, 8];
  let watched = 0;
  while (reader.next()) {
    const { id, payload } = reader;
    row.push(`attribute ${id}`);
    if (type !== MSG_MONITOR && (id === 12 || id === 13)) row.push('a name');
    else if (ids.includes(id)) row.push({ id: view.getUint32(reader.start) });
    else if (type === MSG_MONITOR && id === 4) row.push(`type ${(watched = view.getUint32(reader.start))}`);
    else if (type === MSG_MONITOR && id === 5) addAttributes(payload.slice(), watched, row);
    else if (type !== MSG_MONITOR && id === 7) addData(payload, row);
    else if (id === 11) addAttributes(payload.slice(), MSG_MONITOR, row);
    else row.push(content(payload));
  }
}

/** Bytes as text; the long ones by their sum, since hexadecimal takes its time. */
function content(bytes: Uint8Array): string {
  if (bytes.length < 10_000) return toHex(bytes);
  let sum = 0;
  for (const byte of bytes) sum = (sum * 31 + byte) | 0;
  return `${bytes.length} bytes, ${sum}`;
}

/** DATA of the events and calls that name ids. */
function addData(payload: Uint8Array, row: (string | { id: number })[]): void {
  const table = decodeTable(payload);
  if (table === undefined) return void row.push(content(payload));
  for (const name of ['id', 'object']) {
    const value = table[name];
    if (typeof value !== 'number') continue;
    row.push({ id: value >>> 0 });
    table[name] = 0;
  }
  row.push(toHex(encodeTable(table)));
}

class Replay {
  readonly runtime = new FakeRuntime();
  readonly server: UbusServer;
  /** Recorded id: ours. */
  readonly ids = new Map<number, number>();
  compared = 0;
  readonly #watched = new Map<number, Connection>();

  constructor() {
    let state = 1;
    this.runtime.random = () => (state = (state * 48271) % 2147483647) / 2147483647;
    this.server = new UbusServer(this.runtime.runtime, new LineLog('error', () => {}), { path: PATH, mode: 0o660 });
  }

  async open(): Promise<Connection> {
    const connection = new Connection();
    connection.stream = (await this.runtime.connect({ at: { path: PATH }, writeQueueBytesMax: 2 << 20 }, connection)) as FakeStream;
    await this.runtime.settle();
    return connection;
  }

  async send(connection: Connection, recorded: Uint8Array): Promise<void> {
    const bytes = recorded.slice();
    const view = new DataView(bytes.buffer);
    for (let at = 4; at + 4 <= bytes.length; at += 4) {
      const ours = this.ids.get(view.getUint32(at));
      if (ours !== undefined) view.setUint32(at, ours);
    }
    connection.stream.write(bytes);
    await this.runtime.settle();
  }

  expect(connection: Connection, recorded: Uint8Array, where: string): void {
    const reader = new FrameReader();
    reader.push(recorded);
    for (let wanted = reader.next(); wanted !== undefined; wanted = reader.next()) {
      const got = connection.frames.shift();
      assert.ok(got !== undefined, `${where}: no answer`);
      const theirs = words(wanted);
      const ours = words(got as Frame);
      assert.is(ours.length, theirs.length, where);
      for (const [index, word] of theirs.entries()) this.#same(word, ours[index]!, where);
      this.compared++;
    }
  }

  /** Clients that only the monitor has seen: does what it saw them do. */
  async doWatched(bytes: Uint8Array): Promise<void> {
    if (bytes[1] !== MSG_MONITOR) return;
    const view = new DataView(bytes.buffer);
    const [client, peer, seq, type] = [16, 24, 32, 40].map((at) => view.getUint32(at)) as [number, number, number, number];
    if (bytes[48] === 1 && type === MSG_HELLO && !this.ids.has(client)) this.#watched.set(client, await this.open());
    const connection = this.#watched.get(client);
    if (bytes[48] === 1 || connection === undefined) return;
    const data = bytes.subarray(52);
    const writer = startMessage(type, seq, this.ids.get(peer) ?? peer);
    writer.raw(data.subarray(4));
    await this.send(connection, finishMessage(writer));
  }

  #same(theirs: string | { id: number }, ours: string | { id: number }, where: string): void {
    if (typeof theirs === 'string' || typeof ours === 'string') return assert.equal(ours, theirs, where);
    if (theirs.id >= 1024 && !this.ids.has(theirs.id)) this.ids.set(theirs.id, ours.id);
    assert.is(ours.id, theirs.id < 1024 ? theirs.id : (this.ids.get(theirs.id) ?? theirs.id), where);
  }
}

const addDemo = bytesOf(scenarios.find(({ name }) => name === 'add-object')!.conns[0]!.msgs.find(({ dir }) => dir === 'c2s')!);

async function run(scenario: Scenario): Promise<number> {
  const subject = new Replay();
  await subject.server.start();
  // Raw clients were alone with an object that another connection had added before.
  if (scenario.conns.every(({ role }) => role === 'raw client')) await subject.send(await subject.open(), addDemo);
  const connections = new Map<number, Connection>();
  const messages = scenario.conns
    .flatMap(({ msgs }, connection) => msgs.map((message) => ({ ...message, connection })))
    .sort((a, b) => a.n - b.n);
  for (const message of messages) {
    const { n, dir, ev, connection: number } = message;
    const where = `${scenario.name}, message ${n}`;
    let connection = connections.get(number);
    if (connection === undefined) connections.set(number, (connection = await subject.open()));
    if (dir === 'c2s') await subject.send(connection, bytesOf(message));
    else if (dir === 's2c') {
      await subject.doWatched(bytesOf(message));
      subject.expect(connection, bytesOf(message), where);
    } else if (ev === 'client closed' || ev?.includes('kill')) {
      connection.stream.close();
      await subject.runtime.settle();
    } else if (ev === 'ubusd closed') assert.is(connection.closed, true, where);
  }
  for (const [number, { frames }] of connections) {
    assert.equal(frames.map(({ bytes }) => toHex(bytes)), [], `${scenario.name}: too much on connection ${number}`);
  }
  return subject.compared;
}


let answers = 0;
for (const scenario of scenarios.filter(({ conns }) => conns.length > 0)) {
  replay(`${scenario.name} is answered as by ubusd`, async () => {
    answers += await run(scenario);
  });
}
replay.after(() => console.log(`${answers} answers compared`));
replay.run();
