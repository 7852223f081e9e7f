import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GroupOptions } from '../../../src/multicast/options.ts';
import type { Session } from '../../../src/multicast/session.ts';
import { ACK_NOW, Bench, BYE, FIRST, type Remote, REPAIR, START, WHOLE } from './bench.ts';
import { REORDER_MS, reorderMs, REQUEST_FACTOR, REQUEST_MS, REQUEST_MS_MAX, RTT_MS, TWICE_MS } from './timers.ts';

const holes = suite('receiver: holes');

/** A node that has received messages 1 ... 3 of a source at 100 ms, and acknowledged them. */
function receiving(options: GroupOptions = {}, nodeOptions = {}): { bench: Bench; remote: Remote } {
  const bench = new Bench(nodeOptions);
  bench.join('g', options);
  const remote = bench.meet('fd00::2', ['g']);
  remote.begin();
  remote.data(2);
  remote.data(3, 'm3', { flags: WHOLE | ACK_NOW });
  bench.wait(60);
  bench.take();
  bench.takeEvents();
  return { bench, remote };
}

/** Requests since the last take(): "+17 4-6 x1". */
function requests(bench: Bench, since: number): string[] {
  return bench.sent.flatMap(({ at, frames }) => frames
    .filter((one) => one.frame === 'STATUS' && one['nackHigh'] !== one['cumulative'])
    .map((one) => `+${at - since} ${(one['cumulative'] as number) + 1}-${one['nackHigh']} x${one['tries']}`));
}

holes('a hole is asked for after the reorder delay', () => {
  const { bench, remote } = receiving();
  const at = bench.now;
  remote.data(5);
  bench.wait(REORDER_MS - 1);
  assert.equal(requests(bench, at), []);
  bench.wait(1);
  assert.equal(requests(bench, at), [`+${REORDER_MS} 4-4 x1`]);
});

holes('what comes within it was only late, and nobody is asked', () => {
  const { bench, remote } = receiving();
  const at = bench.now;
  remote.data(5);
  bench.wait(REORDER_MS - 2);
  remote.data(4);
  bench.wait(3000);
  assert.equal(requests(bench, at), []);
  assert.equal(bench.takeEvents(), ['g fd00::2 4 m4', 'g fd00::2 5 m5']);
});

holes('the request tells what is here: bitmap from cumulative + 2, and the highest seen', () => {
  const { bench, remote } = receiving();
  for (const seq of [5, 8, 14]) remote.data(seq);
  bench.wait(REORDER_MS);
  const status = remote.find('STATUS')!;
  assert.equal([status['cumulative'], status['nackHigh'], status['high'], status['bitmap']], [3, 13, 14, '9040']);
  assert.is(status['window'], 128);
});

holes('it is asked for again after a round trip and a margin, in the end 1.35 times longer each time, 4 s at most', () => {
  const { bench, remote } = receiving({}, { escalate: false });
  remote.data(5);
  bench.wait(REORDER_MS);
  bench.take();
  const waits: number[] = [];
  for (let tries = 2; tries < 18; tries++) {
    const before = bench.now;
    bench.waitFor(() => requests(bench, before).length > 0);
    waits.push(bench.now - before);
    assert.equal(requests(bench, before), [`+${bench.now - before} 4-4 x${tries}`]);
    bench.take();
    bench.node.broadcast.peers.find('fd00::2')!.heardAt = bench.now; // alive, but nothing comes
  }
  assert.is(waits[0], REQUEST_MS);
  for (const [i, wait] of waits.slice(2).entries()) {
    const expected = Math.min(REQUEST_MS_MAX, waits[i + 1]! * REQUEST_FACTOR);
    assert.ok(Math.abs(wait - expected) <= 2, `${waits}`);
  }
  assert.is(waits.at(-1), REQUEST_MS_MAX);
});

holes('a repeated request goes twice, 16 ms apart, as the same try', () => {
  const { bench, remote } = receiving();
  const at = bench.now;
  remote.data(5);
  bench.wait(REORDER_MS + REQUEST_MS + TWICE_MS + 4);
  const second = REORDER_MS + REQUEST_MS;
  assert.equal(requests(bench, at), [`+${REORDER_MS} 4-4 x1`, `+${second} 4-4 x2`, `+${second + TWICE_MS} 4-4 x2`]);
});

holes('on a path that loses more than 15 % the first request goes twice too', () => {
  const { bench, remote } = receiving();
  let seq = 4;
  for (; seq < 100; seq += 3) {
    remote.data(seq);
    remote.data(seq + 2);
    remote.data(seq + 1);
    bench.wait(60);
    bench.take();
  }
  const at = bench.now;
  remote.data(seq + 1);
  bench.wait(60);
  assert.equal(requests(bench, at).map((line) => line.slice(-2)), ['x1', 'x1']);
});

holes('one request, one repair: a round trip, unless it came sooner than the path can be', () => {
  for (const [answerMs, rttMs] of [[108, 108], [60, 100]] as const) {
    const { bench, remote } = receiving();
    for (let seq = 5; seq < 150; seq += 2) {
      remote.data(seq);
      bench.waitFor(() => requests(bench, 0).length > 0);
      bench.take();
      bench.wait(answerMs);
      remote.data(seq - 1, 'x', { flags: WHOLE | REPAIR | ACK_NOW });
      bench.take();
    }
    assert.is(bench.node.peers()[0]!.rttMs, rttMs);
  }
});

holes('a hole found later is asked for in its own time', () => {
  const { bench, remote } = receiving();
  const at = bench.now;
  remote.data(5);
  bench.wait(5);
  remote.data(7);
  bench.wait(REORDER_MS);
  assert.equal(requests(bench, at), [`+${REORDER_MS} 4-4 x1`, `+${5 + REORDER_MS} 4-6 x1`]);
});

holes('filled by its repair it is asked for no more', () => {
  const { bench, remote } = receiving();
  remote.data(5);
  bench.wait(50);
  remote.data(4, 'm4', { flags: WHOLE | REPAIR });
  bench.take();
  bench.wait(5000);
  assert.equal(requests(bench, 0), []);
  assert.is(bench.status('falseAlarms'), 0);
});

holes('a false alarm, the packet itself after we asked, widens the reorder delay by a sixteenth, to a half at most', () => {
  const { bench, remote } = receiving();
  let seq = 5;
  for (let falseAlarms = 0; falseAlarms < 10; falseAlarms++) {
    const at = bench.now;
    remote.data(seq);
    const delay = reorderMs(falseAlarms);
    bench.wait(delay);
    assert.equal(requests(bench, at), [`+${delay} ${seq - 1}-${seq - 1} x1`]);
    remote.data(seq - 1);
    bench.wait(500);
    bench.take();
    seq += 2;
  }
  assert.is(bench.status('falseAlarms'), 10);
  assert.is(reorderMs(9), 1 + RTT_MS / 2);
});

holes('POLL makes every hole due at once, asked for or not', () => {
  const { bench, remote } = receiving();
  remote.data(5);
  bench.take();
  remote.poll(7, 1);
  const status = remote.find('STATUS')!;
  assert.equal([status['cumulative'], status['nackHigh'], status['high'], status['bitmap']], [3, 7, 7, '80']);
});

holes('but not one asked for within the last round trip', () => {
  const { bench, remote } = receiving();
  remote.data(5);
  bench.wait(REORDER_MS);
  bench.take();
  bench.wait(50);
  remote.poll(5, 1);
  assert.equal(requests(bench, bench.now), []);
  assert.is(remote.heard('STATUS').length, 1, 'answered all the same');
  bench.wait(52);
  bench.take();
  remote.poll(5, 1);
  assert.equal(requests(bench, bench.now), ['+0 4-4 x2']);
});

holes('POLL of one that lacks nothing is answered at once', () => {
  const { bench, remote } = receiving();
  remote.poll(3, 1);
  const status = remote.find('STATUS')!;
  assert.equal([status['cumulative'], status['nackHigh'], status['high'], status['bitmap']], [3, 3, 3, '']);
  assert.is(bench.status('requestsSent'), 0);
});

holes('HELLO tells of a tail that was lost: it is asked for after the reorder delay', () => {
  const { bench, remote } = receiving();
  const at = bench.now;
  const group = remote.groups[0]!.group;
  remote.send(remote.hello({ streams: [{ group, seq: 5 }] }));
  assert.equal(requests(bench, at), []);
  bench.wait(REORDER_MS);
  assert.equal(requests(bench, at), [`+${REORDER_MS} 4-5 x1`]);
});

holes('HELLO of what we have asks for nothing', () => {
  const { bench, remote } = receiving();
  const group = remote.groups[0]!.group;
  remote.send(remote.hello({ streams: [{ group, seq: 3 }, { group: 'ffffffffffffffff', seq: 9 }] }));
  bench.wait(5000);
  assert.equal(remote.heard('STATUS'), []);
});

holes('no more than 128 packets ahead are taken, kept, or asked for', () => {
  const { bench, remote } = receiving();
  remote.data(3 + 129);
  assert.is(bench.status('outOfWindowIn'), 1);
  assert.is(bench.status('reorderBytes'), 0);
  remote.data(3 + 128);
  assert.is(bench.status('outOfWindowIn'), 1);
  bench.wait(REORDER_MS);
  assert.is([...bench.node.groups][0]!.status()['holes'], 127);
  assert.is(remote.find('STATUS')!['nackHigh'], 130);
  remote.poll(1_000_000, 1);
  assert.is([...bench.node.groups][0]!.status()['holes'], 127);
});

holes('a jump by 2^31, or anywhere behind, is dropped and changes nothing', () => {
  const { bench, remote } = receiving();
  for (const seq of [3 + 0x80000000, 3 + 0x7fffffff, 0xffffffff, 0x40000004]) {
    remote.data(seq, 'x', { lowOffset: 65535 });
    remote.data(seq, 'x', { lowOffset: 0 });
  }
  remote.poll(0x80000003, 0x80000003);
  assert.equal(bench.takeEvents(), []);
  bench.wait(REORDER_MS);
  remote.data(4);
  assert.equal(bench.takeEvents(), ['g fd00::2 4 m4']);
  assert.is(bench.status('reorderBytes'), 0);
});

holes('sequence numbers wrap', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  remote.data(0xfffffffe, 'a', { flags: WHOLE | START, start: 0xfffffffe, lowOffset: 0 });
  remote.data(1, 'd', { lowOffset: 3 });
  bench.wait(REORDER_MS);
  assert.equal([remote.find('STATUS')!['cumulative'], remote.find('STATUS')!['nackHigh']], [0xfffffffe, 0]);
  remote.data(0, 'c', { lowOffset: 2 });
  remote.data(0xffffffff, 'b', { lowOffset: 1 });
  assert.equal(bench.takeEvents(), ['g fd00::2 4294967294 a', 'g fd00::2 4294967295 b', 'g fd00::2 0 c', 'g fd00::2 1 d']);
});

holes('a source that is gone is asked no more, and what it owed is a gap', () => {
  const { bench, remote } = receiving();
  remote.data(5);
  bench.wait(89_000);
  assert.equal(bench.takeEvents().filter((event) => event.startsWith('g fd00::2 gap')), []);
  bench.wait(1_100);
  assert.equal(bench.takeEvents().filter((event) => !event.startsWith('peer')).slice(-3), [
    'g fd00::2 gap 4-4 source-gone', 'g fd00::2 5 m5', 'g fd00::2 gone',
  ]);
  bench.take();
  bench.wait(60_000);
  assert.equal(requests(bench, 0), []);
});

holes('a goodbye gives up what is missing at once', () => {
  const { bench, remote } = receiving();
  remote.data(6);
  remote.send(remote.hello({ flags: BYE }));
  assert.equal(bench.takeEvents(), ['peer fd00::2 gone', 'g fd00::2 gap 4-5 source-gone', 'g fd00::2 6 m6', 'g fd00::2 gone']);
});

holes('the beginning of a message that its source did not finish is a gap then', () => {
  const { bench, remote } = receiving();
  remote.data(4, 'a', { flags: FIRST });
  remote.data(5, 'b', { flags: 0 });
  remote.send(remote.hello({ flags: BYE }));
  assert.equal(bench.takeEvents(), ['peer fd00::2 gone', 'g fd00::2 gap 4-5 source-gone', 'g fd00::2 gone']);
});

holes('a restart gives up what is missing, delivers what is here, and starts anew', () => {
  const { bench, remote } = receiving();
  remote.data(5);
  remote.epoch++;
  remote.knows = 0;
  remote.greet();
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 4-4 restart', 'g fd00::2 5 m5', 'g fd00::2 restarted 1']);
  remote.subscribe(['g']);
  remote.begin();
  assert.equal(bench.takeEvents(), ['g fd00::2 joined 1', 'g fd00::2 1 m1']);
  assert.is(bench.status('reorderBytes'), 0);
});

holes('what is more than 128 ahead is dropped, and STATUS tells where we are', () => {
  const { bench, remote } = receiving();
  remote.data(3 + 129, 'far', { lowOffset: 65_535 });
  assert.equal([remote.find('STATUS')?.['cumulative'], bench.status('outOfWindowIn')], [3, 1]);
});

holes('asked for twice, its repair tells no round trip', () => {
  const { bench, remote } = receiving();
  remote.data(5);
  bench.wait(REORDER_MS + REQUEST_MS);
  assert.is(requests(bench, 0).length, 2);
  const { sampleCount } = bench.node.broadcast.peers.find('fd00::2')!.ownRoundTrip;
  bench.wait(RTT_MS + 5);
  remote.data(4, 'm4', { flags: WHOLE | REPAIR });
  assert.is(bench.node.broadcast.peers.find('fd00::2')!.ownRoundTrip.sampleCount, sampleCount);
});

holes('what is due is looked at once in a millisecond, however long it waits to leave', () => {
  const { bench, remote } = receiving();
  const stream = (bench.node.broadcast.peers.find('fd00::2')!.session as Session).streams.values().next().value!;
  let count = 0;
  const fire = stream.onAlarm.bind(stream);
  stream.onAlarm = (now: number): void => {
    count++;
    fire(now);
  };
  remote.data(5);
  bench.wait(REORDER_MS);
  assert.is(requests(bench, 0).length, 1);
  assert.is(count, 1);
});

holes.run();
