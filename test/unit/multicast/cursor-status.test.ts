import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ACK_NOW, Bench, ECHO, EPOCH, FIRST, LAST, REPAIR, START, WHOLE } from './bench.ts';
import { begun, publish } from './begun.ts';

const cursor = suite('cursor: STATUS');

cursor('a message goes to every member at once, with START until the first STATUS', () => {
  const bench = new Bench();
  const group = bench.join();
  const two = bench.meet('fd00::2', ['g']);
  const three = bench.meet('fd00::3', ['g', 'other']);
  bench.meet('fd00::4', ['other']);
  assert.is(bench.publish(group, 'one'), 1);
  for (const remote of [two, three]) {
    const [data] = remote.heard('DATA');
    assert.is(data!.flags & ~ACK_NOW, WHOLE | START);
    assert.equal([data!['seq'], data!['start'], data!['lowOffset']], [1, 1, 0]);
  }
  assert.equal(bench.take().map(({ to }) => to).sort(), ['fd00::2', 'fd00::3']);
  two.status(0, { high: 0 });
  bench.publish(group, 'two');
  assert.is(two.find('DATA')!.flags & START, 0);
  assert.is(three.find('DATA')!.flags & START, START);
  assert.is(three.find('DATA')!['start'], 1);
});

cursor('DATA tells how far back the log reaches and how old the message is', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 3);
  bench.wait(250);
  remote.status(1, { nackHigh: 2, high: 4, bitmap: 'c0' });
  const again = remote.find('DATA')!;
  assert.equal([again['seq'], again['lowOffset'], again.flags & REPAIR], [2, 1, REPAIR]);
  assert.ok((again['ageMs'] as number) >= 250);
});

cursor('what is acknowledged is not sent again', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 3);
  remote.status(4);
  bench.take();
  bench.wait(20_000);
  assert.equal(remote.seqs(), []);
  assert.equal(remote.heard('POLL'), []);
  assert.is(group.status()['slowestLag'], 0);
});

cursor('holes up to nack high are repaired, those after it and those in the bitmap are not', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 6); // 2 ... 7
  bench.wait(150);
  bench.take();
  remote.status(2, { nackHigh: 5, high: 7, bitmap: '50' }); // 3 and 4, 6 are missing; 5 and 7 are here
  assert.equal(remote.seqs(), [3, 4]);
  assert.ok(remote.heard('DATA').every(({ flags }) => flags & REPAIR));
  assert.is(bench.status('repairsSent'), 2);
});

cursor('what the bitmap acknowledged and a later STATUS asks for was forgotten: it is sent again', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 5); // 2 ... 6
  bench.wait(150);
  bench.take();
  const [forgotten, old] = [{ nackHigh: 4, high: 4, bitmap: '00' }, { nackHigh: 5, high: 6, bitmap: '10' }]
    .map((fields) => remote.statusFrame(1, fields));
  const before = remote.datagram(old!);
  bench.wait(1);
  remote.status(1, { high: 6, bitmap: 'f0' }); // 3 ... 6 are here
  bench.take();
  bench.receive(remote.address, before);
  assert.equal(remote.seqs(), [2], 'what was said before tells of less');
  bench.take();
  remote.send(forgotten!);
  assert.equal(remote.seqs(), [3, 4]);
  bench.take();
  remote.status(4, { nackHigh: 5, high: 5 });
  assert.equal(remote.seqs(), [5], 'also the one next in turn');
});

cursor('so also of one that had nothing to say for 25 days', () => {
  const { bench, group, remote } = begun();
  bench.publish(group, 'm2');
  remote.status(2);
  for (let days = 0; days < 25; days += 5) {
    bench.now += 5 * 86_400_000;
    remote.send(remote.hello());
  }
  publish(bench, group, 3); // 3 ... 5
  bench.take();
  bench.wait(150);
  remote.status(2, { high: 5, bitmap: 'c0' });
  bench.take();
  remote.status(2, { nackHigh: 4, high: 4, bitmap: '00' });
  assert.equal(remote.seqs(), [4]);
});

cursor('the window follows STATUS: bytes that arrived are no longer in flight', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 4);
  const inFlight = bench.status('inFlightBytes');
  assert.ok(inFlight > 0);
  remote.status(1, { high: 5, bitmap: 'a0' }); // 3 and 5
  assert.ok(bench.status('inFlightBytes') < inFlight);
  remote.status(5);
  assert.is(bench.status('inFlightBytes'), 0);
  assert.is(bench.status('flights'), 0);
});

cursor('hold-down: what was sent less than a round trip ago is not sent again', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 3);
  bench.wait(60);
  bench.take();
  remote.status(1, { nackHigh: 2, high: 4 }); // none of what was sent with it has arrived
  assert.equal(remote.seqs(), []);
  assert.is(bench.status('holdDowns'), 1);
  bench.wait(60);
  remote.status(1, { nackHigh: 2, high: 4 });
  assert.equal(remote.seqs(), [2]);
  remote.status(1, { nackHigh: 2, high: 4, bitmap: 'c0' });
  assert.equal(remote.seqs(), [2], 'nor the repair');
});

cursor('what was sent later has arrived: it is lost, and repaired within the round trip', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 3);
  bench.wait(60);
  bench.take();
  remote.status(1, { nackHigh: 2, high: 4, bitmap: 'c0' });
  assert.equal(remote.seqs(), [2]);
  assert.is(bench.status('holdDowns'), 0);
});

cursor('a repair is lost when something sent a quarter of a round trip after it has arrived', () => {
  for (const [laterMs, again] of [[20, false], [40, true]] as const) {
    const { bench, group, remote } = begun();
    publish(bench, group, 2);
    bench.wait(60);
    remote.status(1, { nackHigh: 2, high: 3, bitmap: '80' });
    bench.wait(laterMs);
    bench.publish(group, 'later');
    bench.wait(30);
    bench.take();
    remote.status(1, { nackHigh: 2, high: 4, bitmap: 'c0' });
    assert.equal(remote.seqs(), again ? [2] : [], `${laterMs} ms`);
  }
});

cursor('what was sent again early, as it had been overtaken, is held down from then on', () => {
  const { bench, group, remote } = begun();
  const { roundTrip } = bench.node.broadcast.peers.find('fd00::2')!;
  for (let i = 0; i < 20; i++) roundTrip.onSample(bench.now, i % 2 === 0 ? 50 : 150);
  const holdMs = roundTrip.srttMs + 2 * roundTrip.variationMs + 4;
  publish(bench, group, 2);
  bench.wait(60);
  remote.status(1, { nackHigh: 2, high: 3, bitmap: '80' });
  bench.wait(30);
  bench.publish(group, 'later');
  bench.wait(40);
  bench.take();
  remote.status(1, { nackHigh: 2, high: 4, bitmap: 'c0' });
  assert.equal(remote.seqs(), [2]);
  bench.wait(holdMs - 70 + 1);
  bench.take();
  remote.status(1, { nackHigh: 2, high: 4, bitmap: 'c0' });
  assert.equal(remote.seqs(), [], 'a round trip after the first repair is not one after the second');
  bench.wait(70);
  remote.status(1, { nackHigh: 2, high: 4, bitmap: 'c0' });
  assert.equal(remote.seqs(), [2]);
});

cursor('asked for twice and more, a second copy follows 0.2 round trips later', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 3);
  bench.wait(150);
  bench.take();
  remote.status(1, { nackHigh: 2, high: 4, tries: 1, bitmap: 'c0' });
  bench.wait(60);
  assert.equal(remote.seqs(), [2]);
  bench.wait(100);
  bench.take();
  remote.status(1, { nackHigh: 2, high: 4, tries: 2, bitmap: 'c0' });
  const at = bench.now;
  bench.wait(60);
  assert.equal(remote.seqs(), [2, 2]);
  assert.is(bench.sent[1]!.at, at + 21);
});

cursor('no second copy when the first was acknowledged meanwhile, or when the node does not escalate', () => {
  for (const escalate of [true, false]) {
    const { bench, group, remote } = begun({}, 1, { escalate });
    publish(bench, group, 3);
    bench.wait(150);
    bench.take();
    remote.status(1, { nackHigh: 2, high: 4, tries: 3, bitmap: 'c0' });
    bench.wait(10);
    if (escalate) remote.status(4);
    bench.wait(60);
    assert.equal(remote.seqs(), [2]);
    assert.is(bench.status('flights'), escalate ? 0 : 1);
  }
});

cursor('no second copy to a receiver that left meanwhile', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 3);
  bench.wait(150);
  remote.status(1, { nackHigh: 2, high: 4, tries: 2, bitmap: 'c0' });
  remote.subscribe([]);
  bench.take();
  bench.wait(60);
  assert.equal([remote.seqs(), bench.status('flights')], [[], 0]);
});

cursor('an acknowledgement of what was never sent changes nothing', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 2);
  for (const [cumulative, high] of [[4, 4], [3, 4], [0x80000002, 0x80000002], [2, 0x7fffffff]] as const) {
    remote.status(cumulative, { high, nackHigh: high });
  }
  assert.is(bench.status('badAcksIn'), 4);
  assert.is(group.status()['slowestLag'], 2);
  assert.ok(bench.status('inFlightBytes') > 0);
});

cursor('an old STATUS, come late, takes nothing back', () => {
  const { bench, group, remote } = begun({}, 5);
  publish(bench, group, 1);
  remote.status(6);
  bench.take();
  remote.status(2, { high: 3 });
  assert.is(group.status()['slowestLag'], 0);
  bench.wait(5000);
  assert.equal(remote.seqs(), []);
});

cursor('bits of the bitmap past what was sent mean nothing', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 3);
  bench.wait(150);
  bench.take();
  remote.status(1, { high: 4, nackHigh: 2, bitmap: 'ff'.repeat(128) });
  assert.equal(remote.seqs(), [2]);
  bench.publish(group, 'next');
  assert.equal(remote.seqs(), [2, 5]);
});

cursor('STATUS that echoes our timestamp is a round-trip sample', () => {
  const { bench, group, remote } = begun();
  for (let i = 2; i < 60; i++) {
    bench.publish(group, 'x');
    remote.status(i, { flags: ECHO, echoTimestamp: bench.now - 30 });
  }
  assert.is(bench.node.peers()[0]!.rttMs, 30);
  remote.status(59, { flags: 0, echoTimestamp: bench.now - 3000 });
  assert.is(bench.node.peers()[0]!.rttMs, 30);
});

cursor('an echo that is no sample of the round trip tells nothing of the queue either', () => {
  for (const [ms, queueMs] of [[60_000, 0], [-50, 0], [130, 30]] as const) {
    const { bench, group, remote } = begun();
    bench.publish(group, 'x');
    bench.wait(50);
    remote.status(2, { flags: ECHO, echoTimestamp: bench.now - ms });
    assert.is(group.stream.context.window.worstQueueMs(bench.now), queueMs);
  }
});

cursor('STATUS meant for an earlier incarnation of ours changes nothing', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 2);
  remote.status(3, { epochLow: (EPOCH + 1) & 0xffff });
  assert.is(group.status()['slowestLag'], 2);
});

cursor('128 packets at most are under way to one receiver, fewer when it says so', () => {
  const { bench, group, remote } = begun();
  for (let round = 0; round < 30; round++) {
    for (let i = 0; i < 10; i++) bench.publish(group, 'x');
    bench.wait(4);
  }
  assert.is(new Set(remote.seqs()).size, 128);
  assert.is(Math.max(...remote.seqs()), 129);
  bench.take();
  remote.status(101, { window: 40, high: 101 });
  bench.wait(4);
  assert.is(Math.max(...remote.seqs(), 129), 141);
});

cursor('a receiver that wants none for now gets one at a time, and that again until it is taken', () => {
  const { bench, group, remote } = begun();
  bench.publish(group, 'm2');
  remote.status(2, { window: 0 });
  publish(bench, group, 3);
  bench.wait(5000);
  assert.equal([...new Set(remote.seqs())], [2, 3]);
  assert.ok(remote.seqs().length > 4);
  bench.take();
  remote.status(3, { window: 0 });
  assert.equal(remote.seqs(), [4]);
  remote.status(4);
  assert.equal(remote.seqs(), [4, 5]);
});

cursor('the first packet after a pause asks for an answer at once, those right after it do not', () => {
  const { bench, group, remote } = begun();
  bench.wait(300);
  publish(bench, group, 3);
  assert.equal(remote.heard('DATA').map(({ flags }) => flags & ACK_NOW), [ACK_NOW, 0, 0]);
  bench.wait(100);
  remote.status(4);
  bench.publish(group, 'soon after');
  assert.is(remote.find('DATA')!.flags & ACK_NOW, 0);
});

cursor('a window half in use asks for an answer, once a round trip', () => {
  const { bench, group, remote } = begun();
  const inUse = (): number => bench.status('inFlightBytes') / bench.status('windowBytes');
  bench.waitFor(() => {
    bench.publish(group, 1000);
    return inUse() > 0.5;
  });
  assert.equal(remote.heard('DATA').filter(({ flags }) => flags & ACK_NOW), []);
  for (let i = 0; i < 5; i++) bench.publish(group, 1000);
  bench.wait(20);
  assert.is(remote.heard('DATA').filter(({ flags }) => flags & ACK_NOW).length, 1);
});

cursor('a member that leaves is sent nothing more', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 2);
  remote.subscribe([]);
  bench.take();
  bench.publish(group, 'alone');
  bench.wait(10_000);
  assert.equal(remote.seqs(), []);
  assert.equal(remote.heard('POLL'), []);
  assert.equal([bench.status('inFlightBytes'), bench.status('flights')], [0, 0]);
  assert.is(bench.node.peers()[0]!.queuedBytes, 0);
  assert.ok(remote.heard('HELLO').every(({ streams }) => (streams as unknown[]).length === 0));
});

cursor('STATUS of a group that we have left, or never were in, is answered by GAP when it asks for packets', () => {
  const { bench, remote } = begun();
  remote.status(5, { name: 'unknown', high: 9 });
  assert.equal(remote.heard(), []);
  remote.status(5, { name: 'unknown', nackHigh: 9, high: 9 });
  assert.equal(remote.heard('GAP').map((frame) => frame['low']), [10]);
  bench.take();
});

cursor('STATUS of a member that we do not know as one makes us ask for its groups', () => {
  const { bench, group } = begun();
  const stranger = bench.meet('fd00::9', []);
  publish(bench, group, 2);
  bench.take();
  stranger.status(0, { nackHigh: 2, high: 2 });
  assert.is(stranger.heard('SUBS_REQ').length, 1);
  assert.equal(stranger.heard('GAP'), []);
});

cursor('fragments go as consecutive numbers, the first and the last marked', () => {
  const { bench, group, remote } = begun();
  assert.is(bench.publish(group, 3000), 2);
  assert.equal(remote.heard('DATA').map((one) => [one['seq'], one.flags & WHOLE, String(one['payload']).length / 2]), [
    [2, FIRST, 1152], [3, 0, 1152], [4, LAST, 696],
  ]);
});

cursor('what was acknowledged, cumulatively, is not taken back by an old STATUS: nothing is asked about it', () => {
  const { bench, group, remote } = begun({}, 5);
  publish(bench, group, 1);
  remote.status(6);
  bench.take();
  remote.status(2, { high: 3 });
  bench.wait(5000);
  assert.equal([remote.heard('POLL'), bench.status('flights')], [[], 0]);
});

cursor('an age is 65,535 at most', () => {
  const bench = new Bench();
  const group = bench.join();
  bench.publish(group, 'old');
  bench.wait(70_000);
  const remote = bench.meet('fd00::2');
  remote.subscribe(['g'], 255);
  assert.is(remote.find('DATA')!['ageMs'], 65_535);
});

cursor.run();
