import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GroupOptions } from '../../../src/multicast/options.ts';
import { Bench, BYE, FIRST, groupHex, LAST, PRIVATE, type Remote, START, WHOLE } from './bench.ts';

const budget = suite('receiver: memory');

/** What is kept costs so much beside its bytes; holes cost just that. */
const OVERHEAD = 128;
const BIG = 'x'.repeat(1000);
const BIG_COST = 1000 + OVERHEAD;

/** A node with memory for so many bytes and two sources that have sent message 1. */
function receiving(nodeReorderBytesMax: number, options: GroupOptions = {}): { bench: Bench; two: Remote; three: Remote } {
  const bench = new Bench({ nodeReorderBytesMax });
  bench.join('g', options);
  const [two, three] = ['fd00::2', 'fd00::3'].map((address) => bench.meet(address, ['g'])) as [Remote, Remote];
  two.begin();
  three.begin();
  bench.wait(500);
  bench.take();
  bench.takeEvents();
  return { bench, two, three };
}

function kept(bench: Bench): number {
  return bench.status('reorderBytes');
}

budget('packets out of order and the holes before them are kept up to the bound; what is beyond is asked for again', () => {
  const { bench, two } = receiving(2 * BIG_COST + 2 * OVERHEAD);
  for (let seq = 3; seq <= 6; seq++) two.data(seq, BIG);
  assert.is(kept(bench), OVERHEAD + 2 * BIG_COST);
  assert.is(bench.status('overflowIn'), 2);
  two.data(2);
  assert.is(kept(bench), 0);
  bench.wait(500);
  two.poll(6, 1);
  assert.is(two.find('STATUS')!['cumulative'], 4);
  two.data(5, 'y');
  two.data(6, 'z');
  assert.equal(bench.takeEvents().slice(-2), ['g fd00::2 5 y', 'g fd00::2 6 z']);
});

budget('when it is full, who keeps most forgets what is farthest from its turn, and takes it when it comes again', () => {
  const { bench, two, three } = receiving(5 * BIG_COST + 3 * OVERHEAD);
  two.begin(1, { flags: WHOLE | START | PRIVATE });
  two.data(3, BIG, { flags: WHOLE | PRIVATE });
  for (let seq = 3; seq <= 6; seq++) two.data(seq, BIG);
  bench.takeEvents();
  three.data(3, BIG);
  assert.is(bench.status('overflowIn'), 0);
  assert.is(kept(bench), 5 * BIG_COST + 3 * OVERHEAD);
  two.data(6, BIG);
  assert.is(bench.status('overflowIn'), 1, 'not from one with less');
  bench.take();
  two.poll(5, 1);
  const status = two.find('STATUS')!;
  assert.equal([status['cumulative'], status['high'], status['bitmap']], [1, 5, 'e0']);
  three.data(2);
  two.data(2);
  two.data(6);
  two.data(2, 'm2', { flags: WHOLE | PRIVATE });
  assert.equal(bench.takeEvents(), [
    'g fd00::3 2 m2', 'g fd00::3 3 1000 bytes', 'g fd00::2 2 m2', 'g fd00::2 3 1000 bytes', 'g fd00::2 4 1000 bytes',
    'g fd00::2 5 1000 bytes', 'g fd00::2 6 m6', 'g fd00::2 2! m2', 'g fd00::2 3! 1000 bytes',
  ]);
  assert.is(kept(bench), 0);
});

budget('what was forgotten, or had no room, is missing when its source ends', () => {
  for (const [refused, forgotten] of [[true, false], [false, true], [true, true]]) {
    const { bench, two, three } = receiving(2 * BIG_COST + OVERHEAD);
    two.data(3, BIG);
    two.data(4, BIG);
    if (refused) two.data(5);
    if (forgotten) three.data(3);
    two.send(two.hello({ flags: BYE }));
    const lines = bench.takeEvents().filter((event) => event.startsWith('g fd00::2'));
    const [first, last] = [forgotten ? 4 : 5, refused ? 5 : 4];
    const end = [...(forgotten ? [] : ['4 1000 bytes']), `gap ${first}-${last} source-gone`, 'gone'];
    assert.equal(lines, ['gap 2-2 source-gone', '3 1000 bytes', ...end].map((line) => `g fd00::2 ${line}`));
  }
});

budget('nothing is missing where nothing was forgotten, however far the numbers went', () => {
  for (const [start, steps] of [[1, 3], [0xfffffff0, 0]] as const) {
    const bench = new Bench();
    bench.join();
    const remote = bench.meet('fd00::2', ['g']);
    remote.begin(start);
    for (let step = 1; step <= steps; step++) {
      remote.send({ frame: 'GAP', flags: 0, group: groupHex('g'), low: start + step * 0x3fff0000 });
    }
    bench.takeEvents();
    remote.send(remote.hello({ flags: BYE }));
    assert.equal(bench.takeEvents(), ['peer fd00::2 gone', 'g fd00::2 gone']);
  }
});

budget('holes take room too, so that POLL cannot make more of them than there is for', () => {
  const { bench, two, three } = receiving(100 * OVERHEAD);
  two.poll(128, 1);
  assert.is(kept(bench), 0);
  assert.is(two.heard('STATUS').length, 1, 'answered all the same');
  two.poll(91, 1);
  assert.is(kept(bench), 90 * OVERHEAD);
  three.poll(21, 1);
  assert.is(kept(bench), 100 * OVERHEAD);
  assert.is(three.find('STATUS')!['nackHigh'], 21);
  bench.wait(300);
  assert.is(two.find('STATUS')!['nackHigh'], 81, 'nobody asks for what was forgotten');
});

budget('so do the parts of a message that is not whole: the longest is a gap when there is no room for others', () => {
  const { bench, two, three } = receiving(4 * BIG_COST);
  for (let seq = 2; seq <= 4; seq++) two.data(seq, BIG, { flags: seq === 2 ? FIRST : 0 });
  assert.is(kept(bench), 3 * BIG_COST);
  three.data(2, BIG, { flags: FIRST });
  assert.equal(bench.takeEvents(), []);
  three.data(3, BIG, { flags: 0 });
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 2-4 overflow']);
  two.data(5, 'end', { flags: LAST });
  three.data(4, 'end', { flags: LAST });
  two.data(6);
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 5-5 overflow', 'g fd00::3 2 2003 bytes', 'g fd00::2 6 m6']);
  assert.is(kept(bench), 0);
});

budget('one that keeps most itself goes on with its messages in order', () => {
  const { bench, two } = receiving(3 * BIG_COST - 1);
  two.data(2, BIG, { flags: FIRST });
  two.data(4, BIG, { flags: LAST });
  two.data(3, BIG, { flags: 0 });
  assert.equal(bench.takeEvents(), []);
  two.data(4, BIG, { flags: LAST });
  assert.equal(bench.takeEvents(), ['g fd00::2 2 3000 bytes']);
});

budget('unordered, what has been handed over is its number alone, and does not come again', () => {
  const { bench, two, three } = receiving(20 * OVERHEAD, { ordered: false });
  for (let seq = 3; seq <= 20; seq++) two.data(seq, 'y'.repeat(100));
  assert.is(kept(bench), 19 * OVERHEAD);
  bench.takeEvents();
  three.data(3);
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 2-2 overflow', 'g fd00::3 3 m3']);
  two.data(20);
  two.data(21);
  assert.equal(bench.takeEvents(), ['g fd00::2 21 m21']);
});

budget('unordered, one that keeps nothing else gives up what is missing', () => {
  const { bench, two } = receiving(BIG_COST + OVERHEAD - 1, { ordered: false });
  two.data(3);
  two.data(2, BIG, { flags: FIRST });
  assert.equal(bench.takeEvents(), ['g fd00::2 3 m3', 'g fd00::2 gap 2-2 overflow']);
  two.data(4, 'm4', { flags: WHOLE });
  assert.equal(bench.takeEvents(), ['g fd00::2 4 m4']);
  assert.is(kept(bench), 0);
});

budget('who leaves a group keeps nothing of it', () => {
  const { bench, two } = receiving(100_000);
  two.data(2, BIG, { flags: FIRST });
  two.data(4, BIG);
  assert.ok(kept(bench) > 2 * BIG_COST);
  bench.node.leave(bench.now, [...bench.node.groups][0]!);
  assert.is(kept(bench), 0);
});

budget('of a source that is gone nothing is kept', () => {
  const { bench, two } = receiving(100_000);
  two.data(3, BIG);
  two.data(4, 'aa', { flags: FIRST });
  bench.wait(1);
  two.send(two.hello({ flags: BYE }));
  const told = ['gap 2-2 source-gone', '3 1000 bytes', 'gap 4-4 source-gone', 'gone'].map((what) => `g fd00::2 ${what}`);
  assert.equal(bench.takeEvents().filter((event) => event.startsWith('g ')), told);
  assert.is(kept(bench), 0);
});

budget.run();
