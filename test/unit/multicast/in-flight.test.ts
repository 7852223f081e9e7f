import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Group } from '../../../src/multicast/group.ts';
import { Bench, BYE, groupHex, NEED_START, PROBE, Remote } from './bench.ts';
import { HOLD_MS } from './timers.ts';

const inFlight = suite('bytes in flight');
const SIZE = 1000;

/** A node with 20,000 bytes and more on their way to its member. */
function sending(): { bench: Bench; group: Group; remote: Remote } {
  const bench = new Bench({ retainMs: 1e10 });
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  for (let i = 0; i < 20; i++) bench.publish(group, SIZE);
  bench.wait(20);
  assert.is(remote.seqs().length, 20);
  assert.ok(bench.status('inFlightBytes') > 20 * SIZE);
  bench.take();
  return { bench, group, remote };
}

const ends: Record<string, (bench: Bench, remote: Remote) => void> = {
  'says goodbye': (_bench, remote) => remote.send(remote.hello({ flags: BYE })),
  'leaves the group': (_bench, remote) => remote.subscribe([]),
  'can be reached no more': (bench) => {
    bench.node.removeLocal(bench.now, bench.local);
    bench.local = bench.node.addLocal(bench.now, 'fd00::1', 'test', true);
  },
};
for (const [what, end] of Object.entries(ends)) {
  inFlight(`those to a member that ${what} leave the window a hold-down later`, () => {
    const { bench, remote } = sending();
    const before = bench.status('inFlightBytes');
    end(bench, remote);
    bench.wait(HOLD_MS - 1);
    assert.is(bench.status('inFlightBytes'), before);
    bench.wait(1);
    assert.is(bench.status('inFlightBytes'), 0);
  });
}

inFlight('those to a member that restarts do too', () => {
  const { bench, remote } = sending();
  const again = new Remote(bench, remote.address);
  again.epoch = remote.epoch + 1;
  again.greet();
  bench.wait(HOLD_MS + 1);
  assert.equal([bench.status('inFlightBytes'), bench.status('flights')], [0, 0]);
});

inFlight('a packet counts once, what it did at first: a probe of what waits to be repaired, then the repair', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  const { window } = group.stream.context;
  bench.publish(group, 'x');
  bench.publish(group, 'y');
  bench.waitFor(() => remote.seqs().length > 2);
  assert.equal(remote.seqs(), [1, 2, 1]);
  window.bytes = 1; // the repairs wait
  window.inFlight += 1;
  remote.status(0, { nackHigh: 2, high: 2 });
  bench.wait(HOLD_MS + 1);
  remote.status(0, { nackHigh: 2, high: 2 });
  bench.take();
  bench.waitFor(() => remote.seqs().length > 0);
  assert.equal(remote.seqs(), [1], 'the probe');
  window.bytes = 100_000;
  bench.wait(1);
  assert.equal(remote.seqs(), [1, 2, 1]);
  remote.status(2);
  assert.is(window.inFlight, 1);
});

inFlight('who leaves and joins over and over, or begins anew, gets no more of history than the window in a hold-down', () => {
  const toggle = (remote: Remote): void => {
    remote.subscribe([]);
    remote.subscribe(['g'], 255);
  };
  const restart = (remote: Remote): void => {
    remote.send({ frame: 'STATUS', flags: NEED_START, group: groupHex('g'), epochLow: 1, cumulative: 0, nackHigh: 0, high: 0, window: 128 });
    remote.status(0, { high: 0 });
  };
  for (const ask of [toggle, restart]) {
    const bench = new Bench();
    const group = bench.join();
    for (let i = 0; i < 200; i++) bench.publish(group, SIZE);
    const remote = bench.meet('fd00::2');
    remote.subscribe(['g'], 255);
    for (let i = 0; i < HOLD_MS / 4; i++) {
      ask(remote);
      bench.wait(2);
    }
    assert.ok(remote.seqs().length * SIZE < bench.status('windowBytes'), `${remote.seqs().length}`);
    bench.wait(HOLD_MS);
    assert.ok(remote.seqs().length * SIZE < 2 * bench.status('windowBytes'), `${remote.seqs().length}`);
  }
});

inFlight('who was away for 26 days is repaired at once', () => {
  const { bench, remote } = sending();
  remote.send(remote.hello({ flags: BYE }));
  for (let hour = 0; hour < 26 * 24; hour++) {
    bench.wait(3_600_000);
    bench.take();
  }
  remote.send(remote.hello({ flags: PROBE }));
  remote.send(remote.hello({ echoNonce: remote.find('HELLO')!['nonce'], echoTimestamp: bench.now }));
  remote.status(0, { nackHigh: 2, high: 20 });
  assert.equal(remote.seqs(), [1, 2]);
  assert.is(bench.status('holdDowns'), 0);
});

inFlight.run();
