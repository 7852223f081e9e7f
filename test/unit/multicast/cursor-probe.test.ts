import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ACK_NOW, Bench, NEED_START, REPAIR, START } from './bench.ts';
import { begun } from './begun.ts';
import { ACK_DELAY_MS, HOLD_MS, PROBE_DATA_TRIES, PROBE_MS } from './timers.ts';

const probe = suite('cursor: probe timeout');

/** When and what was sent of the stream: "+110 DATA 2". */
function probes(bench: Bench, since: number): string[] {
  return bench.sent.flatMap(({ at, frames }) => frames.filter(({ frame }) => frame === 'DATA' || frame === 'POLL')
    .map((one) => `+${at - since} ${one.frame} ${one['seq'] ?? one['high']}`));
}

probe('asked for an answer, none comes: after srtt + max(4 var, 10) the packet goes again and asks once more', () => {
  const { bench, group, remote } = begun();
  bench.wait(400);
  const at = bench.now;
  bench.publish(group, 'm2'); // after a pause: ACK-NOW
  bench.take();
  bench.wait(200);
  assert.equal(probes(bench, at), [`+${PROBE_MS} DATA 2`]);
  assert.is(remote.find('DATA')!.flags & (REPAIR | ACK_NOW), REPAIR | ACK_NOW);
});

probe('not asked, the receiver may take its 400 ms', () => {
  const { bench, group } = begun();
  const at = bench.now;
  bench.publish(group, 'm2');
  bench.take();
  bench.wait(600);
  assert.equal(probes(bench, at)[0], `+${PROBE_MS + ACK_DELAY_MS} DATA 2`);
});

probe('the first probes are the packet itself, then POLL; 1.2 times longer four times, then twice, 8 and at last 30 s at most', () => {
  const { bench, group, remote } = begun();
  bench.wait(400);
  bench.publish(group, 'm2');
  bench.take();
  const times = [bench.now];
  const kinds: string[] = [];
  for (let i = 0; i < 2400; i++) {
    bench.wait(100);
    for (const { at, frames } of bench.take()) {
      for (const { frame } of frames) {
        if (frame !== 'DATA' && frame !== 'POLL') continue;
        times.push(at);
        kinds.push(frame);
      }
    }
    if (i % 50 === 0) remote.bench.node.broadcast.peers.find('fd00::2')!.heardAt = bench.now; // alive, but mute
  }
  assert.ok(kinds.slice(0, PROBE_DATA_TRIES).every((kind) => kind === 'DATA'));
  assert.ok(kinds.slice(PROBE_DATA_TRIES).every((kind) => kind === 'POLL'));
  const waits = times.slice(1).map((at, i) => at - times[i]!);
  for (let i = 0; i < 4; i++) assert.ok(Math.abs(waits[i + 1]! / waits[i]! - 1.2) < 0.02, `${waits}`);
  for (let i = 5; i < 8; i++) assert.ok(Math.abs(waits[i]! / waits[i - 1]! - 2) < 0.02, `${waits}`);
  assert.is(Math.max(...waits.slice(0, 11)), 8000);
  assert.is(waits.at(-1), 30_000);
});

probe('a packet of more than 400 bytes is not sent on suspicion: POLL asks', () => {
  for (const [bytes, kind] of [[401, 'POLL'], [400, 'DATA']] as const) {
    const { bench, group } = begun();
    bench.wait(400);
    const at = bench.now;
    const seq = bench.publish(group, bytes);
    bench.take();
    bench.wait(115);
    assert.equal(probes(bench, at), [`+${PROBE_MS} ${kind} ${seq}`]);
  }
});

probe('POLL names the last packet sent, the oldest served, and START while the stream has not begun', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.publish(group, 1000);
  bench.publish(group, 1000);
  bench.wait(300);
  const poll = remote.find('POLL')!;
  assert.equal([poll.flags, poll['high'], poll['low'], poll['start']], [START, 2, 1, 1]);
  remote.status(0, { high: 0 });
  bench.wait(800);
  assert.equal([remote.find('POLL')!.flags, remote.find('POLL')!['start']], [0, undefined]);
});

probe('the oldest packet that is missing is the probe', () => {
  const { bench, group, remote } = begun();
  for (let i = 2; i <= 5; i++) bench.publish(group, `m${i}`);
  remote.status(2, { high: 4, bitmap: '80' });
  bench.take();
  const at = bench.now;
  bench.wait(700);
  assert.ok(probes(bench, at)[0]!.endsWith('DATA 3'), probes(bench, at)[0]);
});

probe('an answer to a probe repairs all that had been sent before it and is missing', () => {
  const { bench, group, remote } = begun();
  for (let i = 2; i <= 5; i++) bench.publish(group, `m${i}`);
  bench.wait(PROBE_MS + ACK_DELAY_MS + 1);
  assert.equal(remote.seqs(), [2, 3, 4, 5, 2]);
  bench.take();
  bench.wait(60);
  remote.status(2, { high: 4, nackHigh: 2, bitmap: '80' }); // nothing asked for; 4 is here, 5 unknown
  bench.wait(10);
  assert.equal(remote.seqs(), [3, 5]);
});

probe('an answer to a probe is followed by no POLL', () => {
  const { bench, group, remote } = begun();
  bench.wait(400);
  bench.publish(group, 'm2');
  bench.wait(PROBE_MS + 1);
  bench.take();
  bench.wait(105);
  remote.status(2);
  bench.wait(10);
  assert.equal(remote.heard('POLL'), []);
});

probe('an answer ends the back-off', () => {
  const { bench, group, remote } = begun();
  bench.publish(group, 'm2');
  bench.wait(3000);
  remote.status(2);
  bench.wait(400);
  const at = bench.now;
  bench.publish(group, 'm3');
  bench.take();
  bench.wait(120);
  assert.equal(probes(bench, at), [`+${PROBE_MS} DATA 3`]);
});

probe('after three unanswered probes nothing new is sent until the receiver is heard', () => {
  const { bench, group, remote } = begun();
  bench.publish(group, 'm2');
  bench.wait(2000);
  bench.take();
  bench.publish(group, 'm3');
  bench.wait(100);
  assert.not.ok(remote.seqs().includes(3));
  remote.status(2);
  assert.equal(remote.seqs().includes(3), true);
});

probe('any datagram from a receiver in back-off makes us ask it at once, once a round trip', () => {
  const { bench, group, remote } = begun();
  bench.publish(group, 'm2');
  bench.wait(15_000);
  bench.take();
  remote.send(remote.hello({}));
  assert.is(remote.heard('POLL').length, 1);
  bench.wait(50);
  remote.send(remote.hello({}));
  assert.is(remote.heard('POLL').length, 1);
});

probe('nor while a probe of the last round trip is on its way', () => {
  const { bench, group, remote } = begun();
  bench.publish(group, 'm2');
  bench.waitFor(() => remote.find('POLL') !== undefined);
  bench.take();
  bench.wait(50);
  remote.send(remote.hello({}));
  assert.equal(remote.heard('POLL'), []);
});

probe('the probe after that comes soon again, should the first have been lost', () => {
  const { bench, group, remote } = begun();
  bench.publish(group, 'm2');
  bench.wait(25_000);
  remote.send(remote.hello({}));
  bench.take();
  const at = bench.now;
  bench.wait(1000);
  assert.ok(probes(bench, at).length >= 3, `${probes(bench, at)}`);
});

probe('what nobody answers for leaves the window to others', () => {
  const { bench, group } = begun();
  bench.publish(group, 'm2');
  bench.publish(group, 'm3');
  assert.ok(bench.status('inFlightBytes') > 0);
  bench.wait(540);
  bench.wait(2000);
  assert.is(bench.status('inFlightBytes') < 300, true);
});

probe('a stale receiver gets no probe; back, it is asked at once', () => {
  const { bench, group, remote } = begun();
  bench.publish(group, 'm2');
  bench.wait(36_000);
  bench.take();
  bench.wait(30_000);
  assert.equal(remote.heard('DATA').concat(remote.heard('POLL')), []);
  remote.send(remote.hello({}));
  assert.is(remote.heard('POLL').length, 1);
  remote.status(1, { nackHigh: 2, high: 2 });
  assert.equal(remote.seqs(), [2]);
});

probe('nor is a probe forgotten that was due while it was stale', () => {
  const { bench, group, remote } = begun();
  bench.wait(34_800);
  bench.publish(group, 'm2');
  bench.wait(500);
  assert.is(bench.node.peers()[0]!.state, 'stale');
  assert.is(remote.seqs().length, 2, 'sent, and asked for once');
  bench.wait(5000);
  bench.take();
  remote.send(remote.hello({}));
  assert.is(remote.heard('POLL').length, 1);
});

probe('all acknowledged there is nothing to ask', () => {
  const { bench, group, remote } = begun();
  bench.publish(group, 'm2');
  remote.status(2);
  bench.take();
  bench.wait(20_000);
  assert.equal(probes(bench, 0), []);
});

probe('a receiver that lost its state while we probed begins again where it had acknowledged', () => {
  const { bench, group, remote } = begun();
  bench.publish(group, 'm2');
  bench.wait(3000);
  bench.take();
  remote.status(0, { flags: NEED_START, high: 0 });
  assert.equal(remote.heard('DATA').map((one) => [one['seq'], one['start']]), [[2, 2]]);
});

probe('what was sent a moment before a probe that is answered may still be on its way', () => {
  const { bench, group, remote } = begun();
  bench.wait(400);
  bench.publish(group, 'm2');
  bench.wait(PROBE_MS - 1);
  bench.publish(group, 'm3');
  bench.wait(1);
  assert.equal(remote.seqs(), [2, 3, 2]);
  bench.take();
  bench.wait(50);
  remote.status(2);
  assert.equal(remote.seqs(), []);
});

probe('the answer to a probe says nothing of what was sent after it', () => {
  const { bench, group, remote } = begun();
  bench.wait(400);
  bench.publish(group, 'm2');
  bench.wait(PROBE_MS);
  assert.equal(remote.seqs(), [2, 2]);
  bench.publish(group, 'm3');
  bench.wait(HOLD_MS);
  bench.take();
  remote.status(2);
  assert.equal(remote.seqs(), []);
});

probe('an answer that was asked for and is still to come is waited for no longer than the way takes', () => {
  const { bench, group, remote } = begun();
  bench.wait(400);
  bench.publish(group, 'm2');
  bench.wait(20);
  remote.status(1);
  const at = bench.now;
  bench.take();
  bench.wait(200);
  assert.equal(probes(bench, at), [`+${PROBE_MS} DATA 2`]);
});

probe('nothing is asked by way of an address that is no longer ours', () => {
  const { bench, group } = begun();
  bench.publish(group, 'm2');
  bench.node.removeLocal(bench.now, bench.local);
  bench.take();
  bench.wait(5000);
  assert.equal(bench.sent, []);
});

probe('what was let go before it was ever sent is told of by POLL, and again until that is answered', () => {
  const { bench, group, remote } = begun({}, 1, { retainMs: 1000 });
  const { window } = group.stream.context;
  window.bytes = 1;
  window.inFlight = 5000; // to others
  bench.publish(group, 'm2');
  bench.wait(1001);
  assert.equal(remote.heard(), []);
  bench.publish(group, 'm3');
  bench.wait(PROBE_MS);
  assert.equal(remote.heard('POLL').map(({ low }) => low), [3, 3]);
});

probe('an answer ends the asking: what is heard after it is followed by no POLL', () => {
  const { bench, group, remote } = begun();
  bench.publish(group, 'm2');
  bench.wait(15_000);
  remote.status(2);
  bench.wait(HOLD_MS);
  bench.publish(group, 'm3');
  bench.wait(90);
  bench.take();
  remote.send(remote.hello());
  assert.equal(remote.heard('POLL'), []);
});

probe.run();
