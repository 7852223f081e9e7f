/** Until when a group that we have left is served, and that nobody hears of it meanwhile. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Group } from '../../../src/multicast/group.ts';
import { Bench, bytesOfText, groupHex, PRIVATE, type Remote, WHOLE } from './bench.ts';

const left = suite('groups that were left');

/** A group that we have left while its one member lacks the last words, all of them or those to it alone. */
function owing(addressed = false): { bench: Bench; group: Group; remote: Remote } {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  if (addressed) group.publishTo(bench.now, 'fd00::2', bytesOfText('secret'));
  else bench.publish(group, 'last words');
  bench.node.leave(bench.now, group);
  assert.ok(bench.status('logBytes') > 0);
  bench.take();
  bench.takeEvents();
  return { bench, group, remote };
}

left('what was said to one member alone still reaches it, and then nothing of it is kept', () => {
  const { bench, remote } = owing(true);
  bench.wait(600);
  assert.ok(remote.seqs().includes(1), 'repeated');
  remote.status(1, { flags: PRIVATE });
  assert.is(bench.status('logBytes'), 0);
});

left('when its last member leaves too, it is over, and we are not told', () => {
  for (const addressed of [false, true]) {
    const { bench, remote } = owing(addressed);
    remote.subscribe([]);
    assert.equal([bench.takeEvents(), bench.status('logBytes'), bench.status('flights')], [[], 0, 0]);
  }
});

left('nor when that member starts anew, or goes by another of its names', () => {
  for (const ends of ['restart', 'shadow']) {
    const { bench, remote } = owing();
    const peer = bench.node.broadcast.peers.find('fd00::2')!;
    if (ends === 'restart') {
      remote.epoch++;
      remote.knows = 0;
      remote.greet();
    } else {
      peer.shadowed = true;
      bench.node.onShadow(bench.now, peer);
    }
    assert.equal(bench.takeEvents(), [], ends);
    assert.equal([bench.status('logBytes'), bench.status('flights')], [0, 0], ends);
  }
});

left('what was said to it alone does not go on to a name that is no member', () => {
  const { bench } = owing(true);
  bench.meet('fd00::3');
  const { peers } = bench.node.broadcast;
  const way = peers.find('fd00::2')!;
  way.lead = peers.find('fd00::3')!;
  way.shadowed = true;
  bench.node.onShadow(bench.now, way);
  assert.equal([bench.status('logBytes'), bench.status('flights')], [0, 0]);
});

left('of too many the one that was left first goes, not the one that was joined first', () => {
  const bench = new Bench();
  const names = Array.from({ length: 33 }, (_, i) => `g${i}`);
  const groups = names.map((name) => bench.join(name));
  const remote = bench.meet('fd00::2', names);
  for (const group of groups.reverse()) {
    bench.publish(group, 'x');
    bench.node.leave(bench.now, group);
  }
  bench.take();
  for (const name of names) remote.status(0, { name, nackHigh: 1, high: 1 });
  assert.equal(remote.heard('GAP').map(({ group }) => group), [groupHex('g32')]);
});

left('what comes of it is not kept, and counts for nothing when it is joined again', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  remote.begin();
  remote.data(3);
  bench.publish(group, 'last words');
  bench.node.leave(bench.now, group);
  remote.data(2);
  bench.takeEvents();
  bench.join();
  remote.data(4, 'm4', { flags: WHOLE });
  assert.equal(bench.takeEvents(), ['g fd00::2 joined']);
  remote.begin(5);
  assert.equal(bench.takeEvents(), ['g fd00::2 5 m5']);
});

left.run();
