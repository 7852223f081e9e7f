import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Bench, BYE, EPOCH, groupHex, PORT, PROBE, Remote, START, WHOLE } from '../multicast/bench.ts';

const liveness = suite('liveness');

liveness('we speak after 30 s of silence of ours, and not before', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.wait(0);
  bench.take();
  const lastSentAt = bench.now;
  bench.wait(29_000);
  remote.send(remote.hello({}));
  assert.equal(bench.take(), []);
  bench.wait(1_100);
  const [sent, ...others] = bench.take();
  assert.equal(sent!.frames.map(({ frame, flags }) => [frame, flags]), [['HELLO', 0]]);
  assert.ok(sent!.at - lastSentAt >= 29_800 && sent!.at - lastSentAt <= 30_100, `${sent!.at - lastSentAt}`);
  assert.equal(others, []);
});

liveness('any datagram of ours counts as speaking', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.wait(20_000);
  remote.send(remote.hello({ flags: PROBE }));
  bench.take();
  bench.wait(29_000);
  assert.equal(bench.take().filter(({ frames }) => frames[0]!.flags === 0), []);
});

liveness('a keepalive lists the streams towards that peer, with the highest number sent', () => {
  const bench = new Bench();
  const [a, b] = ['a', 'b'].map((name) => bench.join(name));
  const remote = bench.meet('fd00::2', ['a', 'b']);
  bench.meet('fd00::3', ['b']);
  bench.publish(a!, 'x');
  bench.publish(a!, 'y');
  remote.status(2, { name: 'a' });
  a!.publishTo(bench.now, 'fd00::2', new Uint8Array(1));
  remote.status(1, { name: 'a', flags: 32 });
  bench.take();
  bench.wait(31_000);
  assert.equal(remote.find('HELLO')!['streams'], [{ group: groupHex('a'), seq: 2 }]);
  bench.publish(b!, 'z');
  remote.status(1, { name: 'b' });
  bench.wait(31_000);
  assert.equal(remote.find('HELLO')!['streams'], [{ group: groupHex('a'), seq: 2 }, { group: groupHex('b'), seq: 1 }]);
});

liveness('a silent peer is asked from 32 s on, stale after 35 s, gone after 90 s', () => {
  const bench = new Bench();
  bench.meet('fd00::2');
  const heardAt = bench.now;
  bench.until(heardAt + 31_900);
  assert.equal(bench.take().flatMap(({ frames }) => frames).filter(({ flags }) => flags & PROBE), []);
  bench.until(heardAt + 34_900);
  assert.ok(bench.take().some(({ frames }) => frames[0]!.flags & PROBE));
  assert.equal(bench.takeEvents(), []);
  bench.until(heardAt + 35_100);
  assert.equal(bench.takeEvents(), ['peer fd00::2 stale']);
  const probes = bench.take().length;
  bench.until(heardAt + 45_000);
  const first = bench.take().length;
  assert.ok(first >= 5 && first <= 7, `${first} probes in the first 10 s stale, the last rather less often`);
  bench.until(heardAt + 89_900);
  assert.equal(bench.takeEvents(), []);
  const rest = bench.take().length;
  assert.ok(probes > 0 && rest >= 8 && rest <= 10, `${rest} probes then`);
  bench.until(heardAt + 90_100);
  assert.equal(bench.takeEvents(), ['peer fd00::2 gone']);
});

liveness('members hear of it: stale, back, gone, joined again', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.wait(36_000);
  assert.equal(bench.takeEvents(), ['peer fd00::2 stale', 'g fd00::2 stale']);
  assert.equal(group.members().map(({ stale }) => stale), [true]);
  remote.send(remote.hello({}));
  assert.equal(bench.takeEvents(), ['peer fd00::2 alive', 'g fd00::2 back']);
  bench.wait(91_000);
  assert.equal(bench.takeEvents(), ['peer fd00::2 stale', 'g fd00::2 stale', 'peer fd00::2 gone', 'g fd00::2 gone']);
  assert.equal(group.members(), []);
  remote.send(remote.hello({}));
  assert.equal(bench.takeEvents(), ['peer fd00::2 alive', 'g fd00::2 joined']);
  assert.is(group.members().length, 1);
});

liveness('BYE ends it at once; any datagram that was sent later under its epoch brings it back', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  const overtaken = remote.datagram({ frame: 'DATA', flags: WHOLE | START, group: groupHex('g'), seq: 1, start: 1, lowOffset: 0, payload: '6869' });
  bench.wait(10);
  const bye = remote.datagram(remote.hello({ flags: BYE }));
  bench.receive('fd00::2', bye);
  assert.equal(bench.takeEvents(), ['peer fd00::2 gone', 'g fd00::2 gone']);
  bench.receive('fd00::2', overtaken);
  bench.receive('fd00::2', bye);
  assert.equal(bench.takeEvents(), []);
  bench.wait(10);
  remote.send({ frame: 'SUBS_REQ', flags: 0, version: 1 });
  assert.equal(bench.takeEvents(), ['peer fd00::2 alive', 'g fd00::2 joined']);
});

liveness('copies of what it said keep nobody alive', () => {
  let drawn = 0;
  const bench = new Bench({}, () => ++drawn / 1000);
  const remote = bench.meet('fd00::2');
  const { nonce } = bench.node.broadcast.peers.find('fd00::2')!;
  const old = [{ frame: 'SUBS_ACK', flags: 0, version: 2 }, remote.hello({ echoNonce: nonce, echoTimestamp: bench.now })];
  const copies = old.map((frame) => remote.datagram(frame));
  for (const copy of copies) bench.receive('fd00::2', copy);
  for (let i = 0; i < 20; i++) {
    bench.wait(5000);
    for (const copy of copies) bench.receive('fd00::2', copy);
  }
  assert.equal(bench.takeEvents(), ['peer fd00::2 stale', 'peer fd00::2 gone']);
});

liveness('one that was away so long that its timestamps have gone round is met again by a greeting', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.wait(100_000);
  for (let hours = 0; hours < 26 * 24; hours++) bench.wait(3_600_000);
  bench.take();
  remote.send(remote.hello({ flags: PROBE }));
  const { nonce } = remote.find('HELLO')!;
  remote.send(remote.hello({ echoNonce: nonce, echoTimestamp: bench.now }));
  assert.is(bench.node.peers()[0]!.state, 'alive');
});

liveness('a process that was stopped reads what waits in its sockets before it calls anybody silent', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.now += 100_000;
  bench.node.onTimeout(bench.now);
  remote.send(remote.hello());
  bench.wait(1000);
  assert.equal(bench.takeEvents(), []);
  bench.wait(91_000);
  assert.equal(bench.takeEvents(), ['peer fd00::2 stale', 'peer fd00::2 gone']);
});

liveness('a goodbye that is not meant for this incarnation ends nothing', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  remote.knows = (EPOCH + 1) & 0xffff;
  remote.send(remote.hello({ flags: BYE }));
  remote.knows = EPOCH & 0xffff;
  remote.epoch++;
  remote.send(remote.hello({ flags: BYE }));
  assert.equal(bench.takeEvents(), []);
});

liveness('one that is gone is probed again soon, and is met when it answers', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.wait(90_200);
  bench.take();
  const goneAt = bench.now;
  bench.wait(60_000);
  const probes = bench.take();
  assert.ok(probes.length >= 6, `${probes.length} probes in a minute`);
  assert.ok(probes[0]!.at - goneAt < 1500);
  assert.ok(probes.every(({ frames }) => frames.length === 1 && frames[0]!.flags === PROBE));
  remote.send(remote.hello({}));
  assert.is(bench.node.peers()[0]!.state, 'alive');
});

liveness('the fewer are gone, the more often each is asked: once a second all together, each every 2 to 8 s', () => {
  for (const [count, seconds] of [[1, 2], [5, 5], [12, 8]] as const) {
    const bench = new Bench();
    for (let i = 2; i < 2 + count; i++) bench.meet(`fd00::${i.toString(16)}`);
    bench.wait(120_000);
    bench.take();
    bench.wait(240_000);
    const asked = bench.take().length / count;
    assert.ok(Math.abs(asked - 240 / seconds) <= 0.05 * asked + 1, `${count} gone: each asked ${asked} times`);
  }
});

liveness('nothing but HELLO goes to a peer that is gone', () => {
  const bench = new Bench();
  const group = bench.join();
  bench.meet('fd00::2', ['g']);
  bench.wait(91_000);
  bench.take();
  bench.publish(group, 'anybody?');
  group.datagram(bench.now, new Uint8Array(3));
  bench.join('other');
  bench.wait(60_000);
  assert.equal(bench.take().flatMap(({ frames }) => frames).filter(({ frame }) => frame !== 'HELLO'), []);
});

liveness('nor what it was owed when it said goodbye', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  remote.send({ frame: 'SUBS', flags: 0, version: 9, groups: [] }, remote.hello({ flags: BYE, subsVersion: 9 }));
  assert.equal(remote.heard(), []);
});

liveness('nothing is sent over an address that is no longer ours', () => {
  const bench = new Bench();
  const group = bench.join();
  bench.meet('fd00::2', ['g']);
  bench.node.onCandidates(bench.now, bench.local, [{ address: 'fd00::3', port: 0, hops: 0, advertised: true }]);
  bench.node.removeLocal(bench.now, bench.local);
  bench.take();
  bench.publish(group, 'x');
  bench.wait(95_000);
  bench.node.shutdown(bench.now);
  assert.equal(bench.take(), []);
  assert.equal(bench.node.peers().map(({ id }) => id), ['fd00::2'], 'strangers of that mesh are forgotten');
});

liveness('stopping tells every peer that is there', () => {
  const bench = new Bench();
  bench.meet('fd00::2');
  bench.meet('fd00::3');
  const stranger = new Remote(bench, 'fd00::4');
  stranger.send(stranger.hello({ flags: PROBE }));
  bench.take();
  bench.node.shutdown(bench.now);
  assert.equal(bench.take().map(({ to, frames }) => [to, frames[0]!.flags]), [['fd00::2', BYE], ['fd00::3', BYE]]);
});

liveness('with stable membership and nothing to send there are only keepalives', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.publish(group, 'x');
  remote.status(1);
  bench.wait(5);
  bench.take();
  for (let i = 0; i < 40; i++) {
    bench.wait(15_000);
    remote.send(remote.hello({ streams: [] }));
  }
  const sent = bench.take();
  assert.ok(sent.length <= 21, `${sent.length} datagrams in ten minutes`);
  assert.ok(sent.every(({ frames }) => frames.every(({ frame }) => frame === 'HELLO' || frame === 'DIGEST')));
});

liveness('a stranger who was greeted and does not answer is greeted again, whatever it had said', () => {
  for (const says of ['HELLO', 'SUBS_ACK']) {
    const bench = new Bench();
    const remote = new Remote(bench, 'fd00::2');
    remote.send(says === 'HELLO' ? remote.hello() : { frame: says, flags: 0, version: 1 });
    assert.equal(remote.heard().map(({ frame, flags }) => [frame, flags]), [['HELLO', PROBE]], says);
    bench.wait(4000);
    assert.is(remote.heard('HELLO').length, 2, says);
  }
});

liveness('who is back is told our groups again, until it tells that it has them', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2');
  bench.wait(1);
  remote.send(remote.hello({ flags: BYE }));
  bench.wait(1);
  bench.take();
  remote.send(remote.hello());
  assert.is(remote.heard('SUBS').length, 1);
  bench.wait(1000);
  assert.ok(remote.heard('SUBS').length > 1);
});

liveness('who has started anew while we knew it as alive is told our groups and whom we know, unasked', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.meet('fd00::3');
  remote.epoch++;
  remote.knows = 0;
  remote.greet();
  assert.equal([remote.heard('SUBS').length, remote.heard('PEERS').length], [1, 1]);
});

liveness('our address is back: whom we knew by it is greeted at once, and several times until it is heard', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.node.removeLocal(bench.now, bench.local);
  bench.wait(1000);
  bench.node.addLocal(bench.now, 'fd00::1', 'test', true);
  bench.take();
  bench.wait(20);
  assert.equal(remote.heard('HELLO').map(({ flags }) => flags), [PROBE]);
  bench.wait(3000);
  assert.is(remote.heard('HELLO').length, 6);
  remote.send(remote.hello());
  bench.take();
  bench.wait(3000);
  assert.equal(remote.heard('HELLO'), []);
});

liveness('a peer is spoken to from the address that it answered, and from another that it speaks to when it is silent there', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  const other = bench.node.addLocal(bench.now, 'fd00::8', 'test', true);
  const ask = (local: number): number[] => {
    bench.wait(1);
    bench.take();
    bench.receive('fd00::2', remote.datagram(remote.hello({ flags: PROBE })), PORT, local);
    return bench.take().map((sent) => sent.local);
  };
  bench.wait(20);
  remote.send(remote.hello());
  assert.equal(ask(other), [bench.local], 'it is alive');
  bench.wait(36_000);
  assert.equal(ask(other), [other]);
  bench.node.removeLocal(bench.now, other);
  bench.node.onCandidates(bench.now, bench.local, [{ address: 'fd00::2', port: 0, hops: 0, advertised: false }]);
  assert.equal(ask(bench.local), [bench.local]);
});

liveness('a keepalive lists 40 streams at most', () => {
  const bench = new Bench();
  const names = Array.from({ length: 50 }, (_, i) => `g${i}`);
  const groups = names.map((name) => bench.join(name));
  const remote = bench.meet('fd00::2', names);
  for (const [i, group] of groups.entries()) {
    bench.publish(group, 'x');
    remote.status(1, { name: names[i]! });
  }
  bench.take();
  bench.wait(31_000);
  assert.equal(remote.heard('HELLO').map(({ streams }) => (streams as unknown[]).length), [40]);
});

liveness.run();
