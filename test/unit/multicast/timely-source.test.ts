import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Group } from '../../../src/multicast/group.ts';
import { Bench, type Remote } from './bench.ts';
import { PROBE_MS } from './timers.ts';

const timely = suite('timely source');

/** A node that streams with a deadline of 400 ms to a member at 100 ms, which has taken packet 1. */
function streaming(): { bench: Bench; group: Group; remote: Remote } {
  const bench = new Bench();
  const group = bench.join('g', { delivery: 'timely', playoutMs: 400 });
  const remote = bench.meet('fd00::2', ['g']);
  bench.publish(group, 'p1');
  bench.wait(100);
  remote.status(1);
  bench.take();
  return { bench, group, remote };
}

timely('a repair is sent while it can still arrive before the deadline, and not after', () => {
  for (const [askedMs, seqs] of [[340, [2]], [360, []]] as const) {
    const { bench, group, remote } = streaming();
    bench.publish(group, 'p2');
    bench.publish(group, 'p3');
    bench.wait(askedMs);
    bench.take();
    remote.status(1, { high: 3, nackHigh: 2, bitmap: '80' });
    assert.equal(remote.seqs(), seqs, `${askedMs}`);
  }
});

timely('what has waited too long to arrive in time is not sent at all, and told of by POLL', () => {
  const { bench, group, remote } = streaming();
  group.stream.context.window.bytes = 1; // nothing more may go while something is on its way
  bench.publish(group, 'p2');
  bench.publish(group, 'p3');
  bench.wait(370);
  bench.take();
  group.stream.context.window.bytes = 100_000;
  remote.status(2);
  assert.equal(remote.seqs(), []);
  bench.wait(700);
  assert.equal(remote.seqs(), []);
  assert.ok((remote.find('POLL')?.['low'] as number) > 3, 'POLL says that nothing older is served');
});

timely('the log keeps nothing past its deadline', () => {
  const { bench, group } = streaming();
  bench.publish(group, 'p2');
  bench.wait(401);
  bench.publish(group, 'p3');
  assert.equal([group.status()['lowSeq'], group.status()['logPackets']], [3, 1]);
});

timely('the tail lost and its deadline past, one POLL and one STATUS end it', () => {
  const { bench, group, remote } = streaming();
  const seq = bench.publish(group, 1000);
  bench.wait(1500);
  const poll = remote.find('POLL')!;
  assert.is(poll['low'], seq + 1);
  bench.take();
  remote.status(seq);
  bench.wait(20_000);
  assert.equal(remote.heard('POLL').concat(remote.heard('DATA')), []);
});

timely('of what was never sent to a member POLL tells, and again until it is answered', () => {
  const { bench, group, remote } = streaming();
  const { window } = group.stream.context;
  window.bytes = 1;
  window.inFlight = 5000; // to others
  bench.publish(group, 'p2');
  bench.wait(370);
  window.inFlight = 0;
  bench.node.onTimeout(bench.now);
  bench.wait(3 * PROBE_MS);
  assert.equal(remote.seqs(), []);
  assert.equal(remote.heard('POLL').map(({ low }) => low), [3, 3]);
});

timely.run();
