import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ACK_NOW, Bench, bytesOfText, FIRST, LAST, type Remote, START, WHOLE } from '../multicast/bench.ts';
import { groupHex } from '../multicast/bench.ts';
import { hexOf } from './codec.ts';

const hostile = suite('hostile datagrams');
/** Fewer where the runtime is an unoptimised build: the bytes are the same, only not all of them. */
const SHARE = 'tjs' in globalThis ? 0.15 : 1;
const COUNT = 20_000 * SHARE;

function lcg(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/** A node in the group "g" amid traffic with one verified peer, fd00::2. */
function busy(random: () => number): { bench: Bench; remote: Remote } {
  const bench = new Bench({ candidatesMax: 4000, nodeReorderBytesMax: 40_000, logBytesMax: 50_000 }, random);
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g', 'other']);
  for (let i = 1; i <= 20; i++) bench.publish(group, `own ${i}`);
  remote.status(12, { high: 14, nackHigh: 13, bitmap: '40' });
  remote.begin(1);
  for (const seq of [2, 3, 5, 6, 9]) remote.data(seq);
  group.publishTo(bench.now, 'fd00::2', bytesOfText('for you'));
  bench.take();
  bench.events = [];
  return { bench, remote };
}

/** One valid datagram of every kind, as the peer would send it now. */
function corpus(remote: Remote): Uint8Array[] {
  const group = groupHex('g');
  const address = 'fd000000000000000000000000000009';
  return [
    remote.datagram(remote.hello({ flags: 1, streams: [{ group, seq: 12 }] })),
    remote.datagram({ frame: 'SUBS', flags: 0, version: remote.subsVersion, groups: remote.groups }),
    remote.datagram({ frame: 'SUBS_ACK', flags: 0, version: 2 }, { frame: 'SUBS_REQ', flags: 0, version: 2 }),
    remote.datagram({ frame: 'DATA', flags: WHOLE | ACK_NOW, group, seq: 7, lowOffset: 6, payload: hexOf(new Uint8Array(300)) }),
    remote.datagram({ frame: 'DATA', flags: FIRST | START, group, seq: 8, lowOffset: 0, start: 1, payload: '00' }),
    remote.datagram({ frame: 'DATA', flags: LAST | 32, group, seq: 2, lowOffset: 1, payload: 'ff' }),
    remote.datagram({ frame: 'DGRAM', flags: 0, group, seq: 3, payload: 'abcd' }),
    remote.datagram({
      frame: 'STATUS', flags: 2, group, epochLow: 1, cumulative: 13, nackHigh: 18, high: 20, window: 128, tries: 2,
      echoTimestamp: remote.bench.now - 90, bitmap: 'a5ff',
    }),
    remote.datagram({ frame: 'POLL', flags: 16, group, high: 12, low: 1, start: 1 }, { frame: 'GAP', flags: 0, group, low: 2 }),
    remote.datagram({ frame: 'PEERS', flags: 0, peers: [{ address, port: 14627, flags: 1 }] }),
  ];
}

function noise(random: () => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

/** Some bytes changed, then cut or made longer; the header is left alone. */
function mutated(random: () => number, from: Uint8Array): Uint8Array {
  const length = random() < 0.3 ? 12 + Math.floor(random() * 60) : from.length;
  const bytes = new Uint8Array(Math.max(12, length));
  bytes.set(from.subarray(0, bytes.length));
  for (let left = 1 + Math.floor(random() * 4); left > 0; left--) {
    const at = 12 + Math.floor(random() * (bytes.length - 12));
    bytes[at] = random() < 0.3 ? [0, 255, 127, 128][Math.floor(random() * 4)]! : Math.floor(random() * 256);
  }
  return bytes;
}

function checkBounds(bench: Bench): void {
  const counters = bench.node.counters;
  assert.ok(counters['knownNodes']! <= 4000);
  assert.ok(counters['reorderBytes']! >= 0 && counters['reorderBytes']! <= 40_000, `reorder ${counters['reorderBytes']}`);
  assert.ok(counters['logBytes']! >= 0 && counters['logBytes']! <= 100_000);
  assert.ok(counters['inFlightBytes']! >= 0 && counters['inFlightBytes']! < 100_000);
  for (const value of Object.values(counters)) assert.ok(Number.isFinite(value) && value >= 0);
  for (const group of bench.node.groups) assert.ok(group.status()['holes']! <= 2 * 128);
  assert.ok(bench.node.deadline > bench.now - 1);
}

hostile('random and mutated ones from a verified peer neither throw nor pass a bound', () => {
  const random = lcg(1);
  const { bench, remote } = busy(random);
  const [group] = [...bench.node.groups];
  let valid: Uint8Array[] = [];
  for (let i = 0; i < COUNT; i++) {
    if (i % 500 === 0) valid = corpus(remote);
    const bytes = i % 4 === 0 ? noise(random, 12 + Math.floor(random() * 100)) : mutated(random, valid[i % valid.length]!);
    if (i % 4 === 0) bytes.set(valid[0]!.subarray(0, 12));
    bench.receive('fd00::2', bytes);
    if (i % 20 === 0) bench.wait(Math.floor(random() * 30));
    if (i % 200 === 0) checkBounds(bench);
    if (i % 100 === 0) group!.publish(bench.now, new Uint8Array(Math.floor(random() * 3000)));
    bench.take();
    bench.events = [];
  }
  // And it still works: the peer greets again, and is heard.
  remote.epoch++;
  remote.greet();
  remote.subsVersion = 1;
  remote.subscribe(['g']);
  bench.takeEvents();
  remote.begin(1);
  assert.equal(bench.takeEvents(), ['g fd00::2 1 m1']);
  bench.wait(5000); // what was on its way to the peer before counts in the window for a while
  assert.ok(bench.publish(group!, 'back') > 0);
  assert.ok(remote.heard('DATA').length > 0);
});

/** All that must not change; counters of what came in, and of HELLOs that went out, may. */
function picture(bench: Bench): unknown {
  const may = [
    'datagramsIn', 'bytesIn', 'malformedIn', 'strangersIn', 'staleEpochIn', 'challengesRefused', 'datagramsOut', 'bytesOut',
    'knownNodes',
  ];
  const counters = Object.entries(bench.node.counters).filter(([name]) => !may.includes(name));
  const peers = bench.node.peers().filter((peer) => peer.state !== 'probing');
  const groups = [...bench.node.groups].map((group) => [group.status(), group.members()]);
  return { counters, peers, groups, events: bench.events };
}

hostile('those under another epoch, to another epoch, or from strangers change nothing', () => {
  const random = lcg(2);
  const { bench, remote } = busy(random);
  bench.sent = [];
  const before = picture(bench);
  let valid: Uint8Array[] = [];
  for (let i = 0; i < COUNT; i++) {
    if (i % 500 === 0) valid = corpus(remote);
    const bytes = mutated(random, valid[i % valid.length]!);
    const kind = i % 5;
    if (kind === 0) bytes.set(noise(random, 4), 4); // another epoch
    else if (kind === 1) bytes.set(noise(random, 2), 2); // not meant for this incarnation
    else if (kind === 2) bytes[0] = 0x20 + Math.floor(random() * 200); // another version
    else if (kind === 3) bytes.set([0, 0, 0, 0], 4);
    if (kind === 1 && bytes[2] === 0 && bytes[3] === 1) continue; // that is ours
    const from = kind === 4 ? `fd00::${(1000 + Math.floor(random() * 60000)).toString(16)}` : 'fd00::2';
    bench.receive(from, bytes);
    for (const sent of bench.take()) {
      for (const { frame } of sent.frames) assert.ok(frame === 'HELLO' || frame === 'DIGEST', frame);
      if (kind === 4) assert.is(sent.to, from);
    }
  }
  assert.equal(picture(bench), before);
  assert.ok(bench.status('knownNodes') <= 4000);
});

hostile('random bytes of any length from anywhere change nothing', () => {
  const random = lcg(3);
  const { bench } = busy(random);
  const before = picture(bench);
  for (let i = 0; i < 5000 * SHARE; i++) bench.receive(i % 2 ? 'fd00::2' : 'fd00::3', noise(random, Math.floor(random() * 1300)));
  assert.equal(picture(bench), before);
});

hostile.run();
