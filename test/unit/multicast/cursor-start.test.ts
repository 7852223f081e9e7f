import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ECHO, NEED_START, START } from './bench.ts';
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

start('an answer that crossed with beginning again: it has more than we remember to have sent', () => {
  const { bench, group, remote } = begun({}, 3);
  publish(bench, group, 5);
  bench.wait(300);
  const { window } = group.stream.context;
  window.bytes = 1;
  remote.status(0, { flags: NEED_START, high: 0 });
  bench.take();
  remote.status(8);
  window.bytes = 100_000;
  bench.wait(1000);
  assert.equal(remote.seqs(), []);
  assert.equal([group.status()['slowestLag'], bench.status('badAcksIn')], [0, 0]);
  bench.publish(group, 'next');
  assert.equal(remote.seqs(), [9]);
});

start.run();
