import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Pair } from '../broadcast/pair.ts';
import { Bench } from './bench.ts';

const membership = suite('membership: who is in a group with us');

membership('who is in the group and gone when we join is a member, and told as one when it is back with the list we hold', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2', ['g']);
  bench.wait(100_000);
  bench.takeEvents();
  const group = bench.join();
  assert.equal([bench.takeEvents(), group.members()], [[], []], 'not while it is gone');
  bench.publish(group, 'x');
  bench.take();
  remote.send(remote.hello());
  assert.equal(bench.takeEvents(), ['peer fd00::2 alive', 'g fd00::2 joined']);
  assert.equal(remote.seqs(), [1]);
});

membership('the same where we leave and join while it is gone', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.wait(100_000);
  bench.node.leave(bench.now, group);
  bench.wait(1000);
  bench.join();
  bench.takeEvents();
  remote.send(remote.hello());
  assert.equal(bench.takeEvents(), ['peer fd00::2 alive', 'g fd00::2 joined']);
});

membership('a node that is no member before its addresses are clear has its wish where to start heeded then', () => {
  const pair = new Pair();
  const source = pair.nodes[0]!.join(pair.now, 'g')!;
  for (let i = 1; i <= 3; i++) source.publish(pair.now, Uint8Array.of(0, i));
  pair.nodes[1]!.join(pair.now, 'g', { start: { last: 2 } });
  for (const mesh of [0, 1]) pair.bringUp(mesh);
  pair.run(30_000);
  assert.equal(pair.heard[1]!.map((line) => line.split(' ')[1]), ['2', '3']);
});

membership.run();
