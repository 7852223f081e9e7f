import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GroupOptions } from '../../../src/multicast/options.ts';
import { Bench, FIRST, groupHex, LAST, type Remote, START, WHOLE } from './bench.ts';

const delivery = suite('delivery');

function receiving(options: GroupOptions = {}): { bench: Bench; remote: Remote } {
  const bench = new Bench();
  bench.join('g', options);
  const remote = bench.meet('fd00::2', ['g']);
  remote.begin();
  bench.takeEvents();
  return { bench, remote };
}

/** The source serves nothing below `low`. */
function gap(remote: Remote, low: number): void {
  remote.send({ frame: 'GAP', flags: 0, group: groupHex('g'), low });
}

function lowest(seq: number, low: number, flags = WHOLE) {
  return { flags, lowOffset: seq - low };
}

delivery('messages come in the order of their source, each once', () => {
  const { bench, remote } = receiving();
  for (const seq of [3, 5, 2, 3, 4, 2, 5, 6]) remote.data(seq);
  assert.equal(bench.takeEvents(), [2, 3, 4, 5, 6].map((seq) => `g fd00::2 ${seq} m${seq}`));
});

delivery('what an application gets is its own: the next datagram does not change it', () => {
  const bench = new Bench();
  const kept: Uint8Array[] = [];
  bench.message = (_group, _source, _epoch, _seq, data) => void kept.push(data);
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  const bytes = remote.datagram({ frame: 'DATA', flags: WHOLE | START, group: groupHex('g'), seq: 1, start: 1, payload: '010203' });
  bench.receive('fd00::2', bytes);
  bytes.fill(0xff);
  assert.equal(kept, [new Uint8Array([1, 2, 3])]);
});

delivery('fragments become one message, under the number of the first, in whatever order they come', () => {
  const { bench, remote } = receiving();
  remote.data(4, 'c', { flags: LAST });
  remote.data(2, 'a', { flags: FIRST });
  remote.data(3, 'b', { flags: 0 });
  remote.data(5);
  assert.equal(bench.takeEvents(), ['g fd00::2 2 abc', 'g fd00::2 5 m5']);
});

delivery('a message of which a part will never come is a gap as a whole: before, after, and in the middle', () => {
  const { bench, remote } = receiving();
  remote.data(2, 'a', { flags: FIRST });
  remote.data(4, 'c', { flags: LAST });
  remote.data(5);
  gap(remote, 4); // 3 never comes
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 2-3 evicted', 'g fd00::2 gap 4-4 evicted', 'g fd00::2 5 m5']);
  remote.data(7, 'b', { flags: 0 });
  remote.data(8, 'c', { flags: LAST });
  remote.data(9);
  gap(remote, 7); // 6, the first
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 6-6 evicted', 'g fd00::2 gap 7-8 evicted', 'g fd00::2 9 m9']);
  remote.data(10, 'a', { flags: FIRST });
  remote.data(12);
  gap(remote, 12); // 11, the last
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 10-11 evicted', 'g fd00::2 12 m12']);
});

delivery('deliveries and gaps tile the stream: nothing twice, nothing left out', () => {
  let state = 3;
  const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  for (let round = 0; round < 12; round++) {
    const { bench, remote } = receiving();
    const flags: number[] = [];
    while (flags.length < 60) {
      const parts = random() < 0.6 ? 1 : 2 + Math.floor(random() * 3);
      for (let i = 0; i < parts; i++) flags.push((i === 0 ? FIRST : 0) | (i === parts - 1 ? LAST : 0));
    }
    const lost = flags.map(() => random() < 0.25);
    const order = flags.map((_, i) => i).sort((a, b) => a - b + (random() - 0.5) * 8);
    for (const i of order) if (!lost[i]) remote.data(2 + i, 'x', { flags: flags[i]! });
    for (let low = 10; low < 2 + flags.length; low += 10) gap(remote, low);
    remote.data(2 + flags.length, 'end', lowest(2 + flags.length, 2 + flags.length));
    let next = 2;
    for (const event of bench.takeEvents()) {
      const [, , word, range] = event.split(' ') as [string, string, string, string];
      const from = word === 'gap' ? Number(range.split('-')[0]) : Number(word);
      assert.is(from, next, event);
      next = word === 'gap' ? Number(range.split('-')[1]) + 1 : from + 1;
      if (word !== 'gap') while (next - 2 < flags.length && !(flags[next - 2]! & FIRST)) next++;
    }
    assert.is(next, 2 + flags.length + 1);
  }
});

delivery('a beginning without an end is dropped with a gap when the next message begins', () => {
  const { bench, remote } = receiving();
  remote.data(2, 'a', { flags: FIRST });
  remote.data(3);
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 2-2 overflow', 'g fd00::2 3 m3']);
});

delivery('a message of more than 64 KiB is not joined: a gap, and the next is delivered', () => {
  const { bench, remote } = receiving();
  const count = Math.ceil(65_537 / 1100);
  for (let i = 0; i < count; i++) {
    remote.data(2 + i, 'x'.repeat(1100), { flags: (i === 0 ? FIRST : 0) | (i === count - 1 ? LAST : 0) });
  }
  remote.data(2 + count);
  assert.equal(bench.takeEvents(), [`g fd00::2 gap 2-${1 + count} overflow`, `g fd00::2 ${2 + count} m${2 + count}`]);
});

delivery('a message of 64 KiB is delivered whole', () => {
  const { bench, remote } = receiving();
  for (let i = 0; i < 64; i++) remote.data(2 + i, 'x'.repeat(1024), { flags: (i === 0 ? FIRST : 0) | (i === 63 ? LAST : 0) });
  assert.equal(bench.takeEvents(), ['g fd00::2 2 65536 bytes']);
});

delivery('unordered: a message goes as soon as all of it is here, and once', () => {
  const { bench, remote } = receiving({ ordered: false });
  remote.data(4);
  assert.equal(bench.takeEvents(), ['g fd00::2 4 m4']);
  remote.data(7, 'b', { flags: LAST });
  assert.equal(bench.takeEvents(), []);
  remote.data(6, 'a', { flags: FIRST });
  assert.equal(bench.takeEvents(), ['g fd00::2 6 ab']);
  remote.data(4);
  for (const seq of [2, 3, 5]) remote.data(seq);
  remote.data(8);
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2', 'g fd00::2 3 m3', 'g fd00::2 5 m5', 'g fd00::2 8 m8']);
});

delivery('unordered: what has been delivered is no part of a gap', () => {
  const { bench, remote } = receiving({ ordered: false });
  remote.data(4);
  bench.takeEvents();
  gap(remote, 6);
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 2-3 evicted', 'g fd00::2 gap 5-5 evicted']);
});

delivery('unordered: a beginning without an end is a gap, and the message behind it comes once', () => {
  const { bench, remote } = receiving({ ordered: false });
  remote.data(4, 'four');
  remote.data(3, 'three', { flags: FIRST });
  remote.data(6, 'b', { flags: LAST });
  assert.equal(bench.takeEvents(), ['g fd00::2 4 four']);
  remote.data(2);
  remote.data(5, 'a', { flags: FIRST });
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2', 'g fd00::2 gap 3-3 overflow', 'g fd00::2 5 ab']);
});

delivery('unordered: what has been delivered is not joined to a rest that has no beginning', () => {
  const { bench, remote } = receiving({ ordered: false });
  remote.data(3, 'a', { flags: FIRST });
  remote.data(4, 'b', { flags: LAST });
  remote.data(5, 'c', { flags: 0 });
  remote.data(6, 'd', { flags: LAST });
  assert.equal(bench.takeEvents(), ['g fd00::2 3 ab']);
});

delivery('unordered: a message of more than 64 KiB is a gap too', () => {
  const { bench, remote } = receiving({ ordered: false });
  const count = Math.ceil(65_537 / 1100);
  for (let i = 0; i < count; i++) {
    remote.data(3 + i, 'x'.repeat(1100), { flags: (i === 0 ? FIRST : 0) | (i === count - 1 ? LAST : 0) });
  }
  assert.equal(bench.takeEvents(), []);
  remote.data(2);
  remote.data(3 + count);
  assert.equal(bench.takeEvents(), [
    'g fd00::2 2 m2', `g fd00::2 gap 3-${2 + count} overflow`, `g fd00::2 ${3 + count} m${3 + count}`,
  ]);
});

delivery('timely: what is missing is given up when it would have to be played', () => {
  const { bench, remote } = receiving({ delivery: 'timely', playoutMs: 400 });
  const at = bench.now;
  remote.data(2);
  remote.data(4);
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2']);
  bench.until(at + 340);
  assert.equal(bench.takeEvents(), []);
  bench.until(at + 400);
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 3-3 late', 'g fd00::2 4 m4']);
});

delivery('timely: the age of the packet that showed the hole counts, and its way here', () => {
  const { bench, remote } = receiving({ delivery: 'timely', playoutMs: 400 });
  const at = bench.now;
  remote.data(3, 'm3', { ageMs: 200 });
  bench.until(at + 149);
  assert.equal(bench.takeEvents(), []);
  bench.until(at + 150); // 400 - 200 - half a round trip
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 2-2 late', 'g fd00::2 3 m3']);
});

delivery('timely: what cannot come in time is not asked for', () => {
  const { bench, remote } = receiving({ delivery: 'timely', playoutMs: 400 });
  remote.data(3, 'm3', { ageMs: 280 }); // 70 ms left, a round trip is 100
  bench.wait(300);
  assert.ok(remote.heard('STATUS').every((status) => status['nackHigh'] === status['cumulative']));
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 2-2 late', 'g fd00::2 3 m3']);
});

delivery('timely: a repair in time is delivered in its place', () => {
  const { bench, remote } = receiving({ delivery: 'timely', playoutMs: 400 });
  remote.data(3);
  bench.wait(150);
  remote.data(2);
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2', 'g fd00::2 3 m3']);
});

delivery('reliable: nothing is given up by time alone', () => {
  const { bench, remote } = receiving();
  remote.data(3);
  for (let i = 0; i < 20; i++) {
    bench.wait(30_000);
    remote.send(remote.hello({}));
  }
  assert.equal(bench.takeEvents(), []);
  remote.data(2);
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2', 'g fd00::2 3 m3']);
});

delivery('an empty message is one', () => {
  const { bench, remote } = receiving();
  remote.data(2, '');
  assert.equal(bench.takeEvents(), ['g fd00::2 2 ']);
});

delivery.run();
