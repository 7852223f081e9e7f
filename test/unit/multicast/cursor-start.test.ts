import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Bench, ECHO, NEED_START, START } from './bench.ts';
import { begun, publish } from './begun.ts';
import { HOLD_MS } from './timers.ts';

const start = suite('cursor: NEED_START');

start('a receiver without state of the stream is told where it begins: after what it had acknowledged', () => {
  const { bench, group, remote } = begun({}, 3);
  publish(bench, group, 2);
  bench.wait(300);
  bench.take();
  remote.status(0, { flags: NEED_START, high: 0 });
  assert.equal(remote.seqs(), [4, 5]);
  for (const data of remote.heard('DATA')) assert.equal([data.flags & START, data['start']], [START, 4]);
});

start('NEED_START again, while START is on its way, sends nothing twice', () => {
  const { bench, group, remote } = begun({}, 3);
  publish(bench, group, 20);
  bench.wait(300);
  bench.take();
  for (let i = 0; i < 20; i++) remote.status(0, { flags: NEED_START, high: 0 });
  assert.is(remote.seqs().length, 20);
});

start('nor when other STATUS comes between them: it begins again once in a hold-down', () => {
  const { bench, group, remote } = begun({}, 3);
  publish(bench, group, 20);
  bench.wait(300);
  bench.take();
  for (let i = 0; i < HOLD_MS; i++) {
    remote.status(0, { flags: NEED_START, high: 0 });
    remote.status(3);
    bench.wait(1);
  }
  assert.is(remote.seqs().length, 20);
  remote.status(0, { flags: NEED_START, high: 0 });
  assert.is(remote.seqs().length, 40);
});

start('NEED_START that answers what left before START is late, and means nothing', () => {
  for (const [beforeMs, again] of [[1, 0], [-1, 1]] as const) {
    const { bench, group, remote } = begun({}, 3);
    bench.wait(300);
    bench.publish(group, 'x');
    remote.status(0, { flags: NEED_START, high: 0 });
    const startAt = bench.now;
    bench.wait(HOLD_MS + 1);
    bench.take();
    remote.status(0, { flags: NEED_START | ECHO, echoTimestamp: startAt - beforeMs, high: 0 });
    assert.is(remote.seqs().length, again);
  }
});

/** Of eight, three were acknowledged when it has to begin again, and the window lets nothing go yet. */
function begunAgain() {
  const { bench, group, remote } = begun({}, 3);
  publish(bench, group, 5);
  bench.wait(300);
  const { window } = group.stream.context;
  window.bytes = 1;
  remote.status(0, { flags: NEED_START, high: 0 });
  bench.take();
  return { bench, group, remote, window };
}

start('an answer that crossed with beginning again: it has more than we remember to have sent', () => {
  const { bench, group, remote, window } = begunAgain();
  remote.status(8);
  window.bytes = 100_000;
  bench.wait(1000);
  assert.equal(remote.seqs(), []);
  assert.equal([group.status()['slowestLag'], bench.status('badAcksIn')], [0, 0]);
  bench.publish(group, 'next');
  assert.equal(remote.seqs(), [9]);
});

start('begun again, what came in the life before does not overtake: the hold-down is of this one', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 3);
  bench.wait(20);
  remote.status(1, { high: 4, bitmap: 'c0' });
  bench.wait(300);
  remote.status(0, { flags: NEED_START, high: 0 });
  assert.equal(remote.seqs().slice(-3), [2, 3, 4]);
  bench.take();
  remote.status(1, { high: 4, nackHigh: 4 });
  assert.equal(remote.seqs(), []);
});

start('nor does it count as sent twice: what comes later in this life overtakes', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 3);
  bench.wait(20);
  remote.status(0, { flags: NEED_START, high: 0 });
  bench.take();
  bench.wait(20);
  remote.status(1, { high: 4, nackHigh: 3, bitmap: '40' });
  assert.equal(remote.seqs(), [2, 3]);
});

start('who has less than the stream begins with, and asks for it, is told where it begins', () => {
  const bench = new Bench();
  const group = bench.join();
  publish(bench, group, 3);
  const remote = bench.meet('fd00::2', ['g']);
  publish(bench, group, 1);
  bench.take();
  remote.status(1, { high: 4, nackHigh: 3, bitmap: '20' });
  assert.is(remote.find('POLL')?.['low'], 4);
  bench.take();
  bench.publish(group, 'next');
  const next = remote.find('DATA')!;
  assert.equal([next['seq'], next['lowOffset']], [5, 1]);
});

start('who leaves as we are about to tell it is told nothing', () => {
  const { bench, group, remote } = begun({}, 3);
  publish(bench, group, 1);
  bench.take();
  const asks = remote.statusFrame(1, { high: 4, nackHigh: 3, bitmap: '20' });
  remote.send(asks, { frame: 'SUBS', flags: 0, version: 99, groups: [] });
  assert.equal(remote.heard('POLL'), []);
  bench.node.onTimeout(bench.now);
});

start('and of what it has only in part, what it lacks is repaired, and the rest not sent again', () => {
  const { bench, group, remote, window } = begunAgain();
  remote.status(4, { high: 8, nackHigh: 5, bitmap: 'e0' });
  window.bytes = 100_000;
  bench.node.onTimeout(bench.now);
  assert.equal(remote.seqs(), [5]);
  bench.publish(group, 'next');
  assert.equal(remote.seqs(), [5, 9]);
});

start.run();
