import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Session } from '../../../src/multicast/session.ts';
import { Bench, BYE, bytesOfText, groupHex, hexOfText, PRIVATE, Remote } from './bench.ts';
import { HOLD_MS } from './timers.ts';

const datagrams = suite('datagrams of a group');

datagrams('one goes once to every member that is there, and is never repeated', () => {
  const bench = new Bench();
  const group = bench.join();
  const two = bench.meet('fd00::2', ['g']);
  bench.meet('fd00::3', []);
  assert.is(group.datagram(bench.now, bytesOfText('21.5')), 0);
  const sent = bench.sent.flatMap(({ to, frames }) => frames.map((one) => [to, one.frame, one.flags, one['payload']]));
  assert.equal(sent, [['fd00::2', 'DGRAM', 0, hexOfText('21.5')]]);
  bench.take();
  bench.wait(20_000);
  assert.equal(two.heard('DGRAM'), []);
  assert.is(bench.status('logBytes'), 0);
});

datagrams('a group of class datagram publishes that way', () => {
  const bench = new Bench();
  const group = bench.join('g', { delivery: 'datagram' });
  const two = bench.meet('fd00::2', ['g']);
  assert.is(bench.publish(group, 'x'), 0);
  assert.equal(two.heard().map(({ frame }) => frame), ['DGRAM']);
});

datagrams('to one member it goes to nobody else', () => {
  const bench = new Bench();
  const group = bench.join();
  const two = bench.meet('fd00::2', ['g']);
  const three = bench.meet('fd00::3', ['g']);
  assert.is(group.datagramTo(bench.now, 'fd00::2', bytesOfText('x')), 0);
  assert.equal(two.heard('DGRAM').map(({ flags }) => flags), [PRIVATE]);
  assert.equal(three.heard(), []);
  assert.is(group.datagramTo(bench.now, 'fd00::9', bytesOfText('x')), -3);
});

datagrams('one that is stale or gone gets none, and none waits for its return', () => {
  for (const ms of [36_000, 91_000]) {
    const bench = new Bench();
    const group = bench.join();
    const two = bench.meet('fd00::2', ['g']);
    bench.wait(ms);
    group.datagram(bench.now, bytesOfText('x'));
    bench.wait(10);
    two.send(two.hello({}));
    bench.wait(10);
    assert.equal(two.heard('DGRAM'), []);
  }
});

datagrams('to one that is gone it is refused, and does not wait for its return', () => {
  const bench = new Bench();
  const group = bench.join();
  const two = bench.meet('fd00::2', ['g']);
  bench.wait(91_000);
  assert.is(group.datagramTo(bench.now, 'fd00::2', bytesOfText('x')), -3);
  two.send(two.hello({}));
  bench.wait(10);
  assert.equal(two.heard('DGRAM'), []);
});

datagrams('each has a counter of its own, whoever it is for', () => {
  const bench = new Bench();
  const group = bench.join();
  const two = bench.meet('fd00::2', ['g']);
  group.datagram(bench.now, bytesOfText('a'));
  group.datagramTo(bench.now, 'fd00::2', bytesOfText('b'));
  group.datagram(bench.now, bytesOfText('c'));
  assert.equal(two.heard('DGRAM').map(({ seq }) => seq), [1, 2, 3]);
});

datagrams('1,100 bytes go, one more is refused', () => {
  const bench = new Bench();
  const group = bench.join();
  const two = bench.meet('fd00::2', ['g']);
  assert.is(group.datagram(bench.now, new Uint8Array(1100)), 0);
  assert.is(group.datagram(bench.now, new Uint8Array(1101)), -2);
  assert.is(group.datagramTo(bench.now, 'fd00::2', new Uint8Array(1101)), -2);
  assert.is(two.heard('DGRAM').length, 1);
});

datagrams('they share the window with data, and leave it a hold-down after they were sent', () => {
  const bench = new Bench();
  const group = bench.join();
  const remotes = Array.from({ length: 50 }, (_, i) => bench.meet(`fd00::1:${i.toString(16)}`, ['g']));
  for (let i = 0; i < 5; i++) group.datagram(bench.now, new Uint8Array(1100));
  bench.wait(HOLD_MS - 1);
  const bytes = (): number => bench.sent.reduce((sum, { size }) => sum + size, 0);
  assert.ok(bytes() <= bench.status('windowBytes'), `${bytes()}`);
  for (const { address } of remotes) bench.node.broadcast.peers.find(address)!.heardAt = bench.now;
  bench.wait(20 * HOLD_MS);
  assert.equal(remotes.map((remote) => remote.heard('DGRAM').map(({ seq }) => seq)), remotes.map(() => [1, 2, 3, 4, 5]));
  assert.is(bench.status('inFlightBytes'), 0);
});

datagrams('a burst to one member is paced like data', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  group.stream.context.window.bytes = 1_000_000;
  for (let i = 0; i < 20; i++) group.datagram(bench.now, new Uint8Array(1100));
  assert.is(remote.heard('DGRAM').length, 8);
  bench.wait(5);
  assert.is(remote.heard('DGRAM').length, 16);
});

datagrams('of more than 64 waiting for one member the newest are dropped, and none waits for its return', () => {
  for (const bye of [false, true]) {
    const bench = new Bench();
    const group = bench.join();
    const two = bench.meet('fd00::2', ['g']);
    group.stream.context.window.bytes = 1;
    for (let i = 0; i < 70; i++) group.datagram(bench.now, bytesOfText('x'));
    assert.is(two.heard('DGRAM').length, 1);
    assert.is(bench.status('datagramsDropped'), 5);
    if (bye) two.send(two.hello({ flags: BYE }));
    bench.wait(1);
    two.send(two.hello({}));
    assert.is(bench.node.peers()[0]!.state, 'alive');
    group.stream.context.window.bytes = 100_000;
    bench.wait(1000);
    const seqs = two.heard('DGRAM').map(({ seq }) => seq);
    assert.equal(seqs, Array.from({ length: bye ? 1 : 65 }, (_, i) => i + 1));
  }
});

datagrams('of more than 64 hints waiting for one peer the newest are dropped', () => {
  const bench = new Bench();
  const group = bench.join();
  const two = bench.meet('fd00::2', ['g']);
  const session = bench.node.broadcast.peers.find(two.address)!.session as Session;
  const body = new Uint8Array(20);
  const taken = Array.from({ length: 70 }, () => session.oweFrame(11, 0, body)).filter(Boolean);
  assert.is(taken.length, 64);
  bench.wait(10);
  void group;
});

datagrams('nor does a hint wait for the return of who went away', () => {
  const bench = new Bench();
  bench.join();
  const two = bench.meet('fd00::2', ['g']);
  const session = bench.node.broadcast.peers.find(two.address)!.session as Session;
  assert.ok(session.oweFrame(11, 0, new Uint8Array(34)));
  two.send(two.hello({ flags: BYE }));
  bench.wait(1);
  two.send(two.hello({}));
  assert.is(bench.node.peers()[0]!.state, 'alive');
  assert.equal(two.heard('HINT'), []);
});

datagrams('what comes is delivered once, late ones too', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  const send = (seq: number, flags = 0): void =>
    remote.send({ frame: 'DGRAM', flags, group: groupHex('g'), seq, payload: hexOfText(`d${seq}`) });
  for (const seq of [1, 3, 2, 3, 1, 2]) send(seq);
  assert.equal(bench.takeEvents(), ['g fd00::2 datagram d1', 'g fd00::2 datagram d3', 'g fd00::2 datagram d2']);
  assert.is(bench.status('datagramsDelivered'), 3);
});

datagrams('two sources have counters of their own', () => {
  const bench = new Bench();
  bench.join();
  for (const address of ['fd00::2', 'fd00::3']) {
    const remote = bench.meet(address, ['g']);
    remote.send({ frame: 'DGRAM', flags: 0, group: groupHex('g'), seq: 1, payload: '61' });
    assert.equal(bench.takeEvents(), [`g ${address} datagram a`]);
  }
});

datagrams('a restarted source begins anew', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  const frame = { frame: 'DGRAM', flags: 0, group: groupHex('g'), seq: 1, payload: '61' };
  remote.send(frame);
  const again = new Remote(bench, 'fd00::2');
  again.epoch++;
  again.greet();
  bench.takeEvents();
  again.send(frame);
  assert.equal(bench.takeEvents(), ['g fd00::2 datagram a']);
});

datagrams('of a group that we are not in it is counted', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2', ['g']);
  remote.send({ frame: 'DGRAM', flags: 0, group: groupHex('g'), seq: 1, payload: '61' });
  assert.equal(bench.takeEvents(), []);
  assert.is(bench.status('notJoinedIn'), 1);
});

datagrams('joined again, the counter goes on: receivers remember it', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  for (let i = 0; i < 100; i++) group.datagram(bench.now, bytesOfText('x'));
  bench.node.leave(bench.now, group);
  bench.wait(1000);
  bench.take();
  bench.join().datagram(bench.now, bytesOfText('y'));
  bench.wait(1);
  assert.is(remote.find('DGRAM')!['seq'], 101);
});

datagrams('after a jump those before it are new too', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  for (const seq of [1, 2, 3, 35, 34, 33, 4, 3]) {
    remote.send({ frame: 'DGRAM', flags: 0, group: groupHex('g'), seq, payload: hexOfText(`d${seq}`) });
  }
  assert.equal(bench.takeEvents().map((event) => event.split(' ').at(-1)), ['d1', 'd2', 'd3', 'd35', 'd34', 'd33', 'd4']);
});

datagrams.run();
