import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Bench, BYE, EPOCH, groupHex, PORT, PROBE, Remote, REMOTE_EPOCH, START, WHOLE } from '../multicast/bench.ts';

const greeting = suite('greeting');

function counting(): () => number {
  let count = 0;
  return () => ((++count * 7919) % 65521) / 65521;
}

function peerOf(bench: Bench, id = 'fd00::2') {
  return bench.node.peers().find((peer) => peer.id === id);
}

greeting('a stranger who speaks is asked to prove itself, and nothing else happens', () => {
  const bench = new Bench();
  bench.join();
  const remote = new Remote(bench, 'fd00::2');
  remote.knows = EPOCH & 0xffff; // even if it knows our epoch
  remote.subscribe(['g']);
  remote.begin();
  assert.equal(bench.takeEvents(), []);
  assert.is(peerOf(bench)!.state, 'probing');
  assert.equal(remote.heard().map(({ frame, flags }) => [frame, flags]), [['HELLO', PROBE]]);
  assert.is(bench.status('dataIn'), 0);
});

greeting('our HELLO names the nonce and the time that it answers, and how long that was kept', () => {
  const bench = new Bench();
  const remote = new Remote(bench, 'fd00::2');
  remote.send(remote.hello({ flags: PROBE, nonce: 0xabcdef01 }));
  const answer = remote.find('HELLO')!;
  assert.is(answer['echoNonce'], 0xabcdef01);
  assert.is(answer['echoTimestamp'], bench.now);
  assert.is.not(answer['nonce'], 0);
  assert.is(bench.sent[0]!.epoch, EPOCH);
  assert.is(bench.sent[0]!.receiverEpochLow, 0);
  assert.is(bench.sent[0]!.timestamp, bench.now);
});

greeting('the echo of our nonce makes a peer, and gives the first round trip', () => {
  const bench = new Bench();
  const remote = new Remote(bench, 'fd00::2');
  remote.greet(80);
  const peer = peerOf(bench)!;
  assert.equal([peer.state, peer.rttMs, peer.epoch], ['alive', 80, REMOTE_EPOCH]);
  assert.equal(bench.events, ['peer fd00::2 alive']);
});

greeting('without the echo of our nonce there is no peer', () => {
  for (const echoNonce of [0, 1, 0x80000001]) {
    const bench = new Bench();
    const remote = new Remote(bench, 'fd00::2');
    remote.send(remote.hello({ flags: PROBE }));
    remote.knows = EPOCH & 0xffff;
    remote.send(remote.hello({ echoNonce, echoTimestamp: bench.now }));
    assert.is(peerOf(bench)!.state, 'probing');
    assert.equal(bench.events, []);
  }
});

greeting('a probe from a peer is answered, a keepalive is not', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  remote.send(remote.hello({}));
  assert.equal(remote.heard('HELLO'), []);
  remote.send(remote.hello({ flags: PROBE, nonce: 9 }));
  assert.equal(remote.heard('HELLO').map((frame) => [frame.flags, frame['echoNonce']]), [[0, 9]]);
});

greeting('the echo timestamp counts the time that we kept it', () => {
  const bench = new Bench({ keepaliveMs: 5000 });
  const remote = bench.meet('fd00::2');
  const at = bench.now;
  remote.send(remote.hello({ nonce: 9 }));
  bench.until(at + 5100);
  assert.is(remote.find('HELLO')!['echoTimestamp'], bench.sent.at(-1)!.at); // at + the time since
});

greeting('a HELLO that echoes us once more is one more round-trip sample', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  remote.send(remote.hello({ flags: PROBE }));
  const { nonce } = remote.find('HELLO')!;
  for (let i = 0; i < 60; i++) remote.send(remote.hello({ echoNonce: nonce, echoTimestamp: bench.now - 40 }));
  assert.is(peerOf(bench)!.rttMs, 40);
});

greeting('a restart with a higher epoch is believed once our nonce comes back under it', () => {
  restart(REMOTE_EPOCH + 5);
});

greeting('a restart with a lower epoch, the clock set back, is believed the same way', () => {
  restart(REMOTE_EPOCH - 100_000);
});

function restart(epoch: number): void {
  const bench = new Bench({}, counting());
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  const old = bench.node.peers()[0]!.epoch;
  const again = new Remote(bench, 'fd00::2');
  again.epoch = epoch;
  again.send(again.hello({ flags: PROBE, nonce: 0x99 }));
  assert.is(peerOf(bench)!.epoch, old);
  assert.equal(bench.takeEvents(), [], 'nothing is believed yet');
  const { nonce, echoNonce } = again.find('HELLO')!;
  assert.is(echoNonce, 0x99);
  remote.begin(); // the old one still counts
  assert.equal(bench.takeEvents(), ['g fd00::2 1 m1']);
  again.knows = EPOCH & 0xffff;
  again.send(again.hello({ echoNonce: nonce, echoTimestamp: bench.now }));
  assert.is(peerOf(bench)!.epoch, epoch);
  assert.equal(bench.takeEvents(), [`g fd00::2 restarted ${epoch - REMOTE_EPOCH}`]);
  assert.is(bench.status('restarts'), 1);
  remote.data(2);
  assert.equal(bench.takeEvents(), [], 'nothing of the old epoch after the first of the new');
  again.subscribe(['g']);
  again.begin();
  assert.equal(bench.takeEvents(), [`g fd00::2 joined ${epoch - REMOTE_EPOCH}`, 'g fd00::2 1 m1']);
}

greeting('a restart under the same epoch is seen by the number of the daemon', () => {
  const bench = new Bench({}, counting());
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  for (const seq of [1, 2, 3]) remote.begin(seq);
  bench.takeEvents();
  const again = new Remote(bench, 'fd00::2');
  again.send(again.hello({ flags: PROBE }));
  again.send(again.hello({ flags: PROBE, echoNonce: 5 }));
  assert.equal(bench.takeEvents(), [], 'anybody can say another number');
  remote.data(4);
  assert.equal(bench.takeEvents(), ['g fd00::2 4 m4']);
  bench.take();
  again.greet();
  assert.equal(bench.takeEvents(), ['g fd00::2 restarted']);
  again.subscribe(['g']);
  again.begin();
  assert.equal(bench.takeEvents(), ['g fd00::2 joined', 'g fd00::2 1 m1']);
  assert.is(bench.status('restarts'), 1);
});

greeting('what was sent more than 10 s before the newest is not read, and answered by a greeting', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  remote.begin();
  const late = [2, 3].map((seq) => {
    const bytes = remote.datagram({ frame: 'DATA', flags: WHOLE, group: groupHex('g'), seq, lowOffset: seq - 1, payload: '6869' });
    bench.wait(1);
    return bytes;
  });
  bench.until(bench.now + 9999);
  remote.send(remote.hello({}));
  bench.take();
  bench.takeEvents();
  bench.receive('fd00::2', late[0]!);
  assert.equal(bench.takeEvents(), []);
  assert.equal(remote.heard('HELLO').map(({ flags }) => flags), [PROBE]);
  bench.receive('fd00::2', late[1]!);
  remote.data(2);
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2', 'g fd00::2 3 hi']);
});

greeting('who greets in the name of a peer makes us send it no more than was sent, 200 times a second', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2', ['a', 'b']);
  for (const name of ['a', 'b']) bench.publish(bench.join(name), 'x');
  bench.wait(1000);
  bench.take();
  const forged = new Remote(bench, 'fd00::2');
  forged.identity = remote.identity;
  const bytes = forged.datagram(forged.hello({ flags: PROBE }));
  for (let i = 0; i < 1000; i++) bench.receive('fd00::2', bytes);
  const sent = bench.take();
  assert.is(sent.length, 200);
  for (const { size, frames } of sent) assert.equal([size, frames[0]!.flags], [bytes.length, PROBE]);
});

greeting('the address of a peer counts only on a mesh that it can belong to', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  const local = bench.node.addLocal(bench.now, 'fc00::1', 'cjdns', true, (address) => address.startsWith('fc'));
  bench.wait(10);
  bench.receive('fd00::2', remote.datagram(remote.hello({ flags: BYE })), PORT, local);
  assert.equal(bench.takeEvents(), []);
});

greeting('a replayed greeting of the old incarnation does not bring it back: each incarnation gets a nonce of its own', () => {
  const bench = new Bench({}, counting());
  const remote = new Remote(bench, 'fd00::2');
  remote.send(remote.hello({ flags: PROBE }));
  const first = remote.find('HELLO')!;
  remote.knows = EPOCH & 0xffff;
  const old = remote.datagram(remote.hello({ echoNonce: first['nonce'], echoTimestamp: bench.now }));
  bench.receive('fd00::2', old);
  const again = new Remote(bench, 'fd00::2');
  again.epoch = REMOTE_EPOCH + 1;
  again.greet();
  assert.is(peerOf(bench)!.epoch, REMOTE_EPOCH + 1);
  bench.takeEvents();
  bench.receive('fd00::2', old);
  assert.is(peerOf(bench)!.epoch, REMOTE_EPOCH + 1);
  assert.equal(bench.takeEvents(), []);
});

greeting('a datagram meant for our previous incarnation is not taken, and answered by a greeting', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.wait(200);
  bench.take();
  remote.knows = (EPOCH - 1) & 0xffff;
  remote.begin();
  assert.equal(bench.takeEvents(), []);
  assert.is(bench.status('staleEpochIn') > 0, true);
  assert.equal(remote.heard('HELLO').map(({ frame, flags }) => [frame, flags]), [['HELLO', PROBE]]);
});

greeting('a stream of such datagrams is answered by one greeting in 100 ms', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.wait(200);
  bench.take();
  remote.epoch = 7;
  for (let i = 0; i < 50; i++) remote.send({ frame: 'SUBS_REQ', flags: 0, version: 0 });
  bench.wait(99);
  assert.is(remote.heard('HELLO').length, 1);
  bench.wait(5);
  remote.send({ frame: 'SUBS_REQ', flags: 0, version: 0 });
  assert.is(remote.heard('HELLO').length, 2);
});

greeting('our own voice by another way is no peer', () => {
  const bench = new Bench();
  const probe = new Remote(bench, 'fd00::2');
  probe.send(probe.hello({ flags: PROBE }));
  const echo = new Remote(bench, 'fd00::3');
  echo.identity = probe.find('HELLO')!['identity'] as number;
  echo.send(echo.hello({ flags: PROBE }));
  assert.is(peerOf(bench, 'fd00::3'), undefined);
  assert.equal(echo.heard(), []);
});

greeting('a HELLO with our identity in the name of a verified peer changes nothing', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  remote.send(remote.hello({ flags: PROBE }));
  const stranger = new Remote(bench, 'fd00::2');
  stranger.epoch = 5;
  stranger.identity = remote.find('HELLO')!['identity'] as number;
  stranger.send(stranger.hello({ flags: PROBE }));
  assert.is(peerOf(bench)!.state, 'alive');
});

greeting('on a mesh that binds addresses to keys, another port is nobody', () => {
  const bench = new Bench();
  const remote = new Remote(bench, 'fd00::2');
  remote.port = PORT + 1;
  remote.send(remote.hello({ flags: PROBE }));
  assert.equal(bench.node.peers(), []);
  assert.equal(bench.sent, []);
});

greeting('another port is welcome where a candidate named it, or where addresses mean nothing', () => {
  const bench = new Bench();
  bench.node.onCandidates(bench.now, bench.local, [{ address: 'fd00::2', port: 9999, hops: 0, advertised: true }]);
  const remote = new Remote(bench, 'fd00::2');
  remote.port = 9999;
  remote.greet();
  assert.is(peerOf(bench, '[fd00::2]:9999')!.state, 'alive');
  const local = bench.node.addLocal(bench.now, '127.0.0.1', 'lan', false);
  bench.receive('127.0.0.2', remote.datagram(remote.hello({ flags: PROBE })), 7777, local);
  assert.is(peerOf(bench, '127.0.0.2:7777')!.state, 'probing');
});

greeting('an address of another mesh is nobody', () => {
  const bench = new Bench();
  const local = bench.node.addLocal(bench.now, 'fc00::1', 'cjdns', true, (address) => address.startsWith('fc'));
  const remote = new Remote(bench, 'fd00::2');
  bench.receive('fd00::2', remote.datagram(remote.hello({ flags: PROBE })), PORT, local);
  bench.receive('fd00::2', remote.datagram(remote.hello({ flags: PROBE })), PORT, 99);
  bench.node.onCandidates(bench.now, local, [{ address: 'fd00::3', port: 0, hops: 0, advertised: true }]);
  assert.equal(bench.node.peers(), []);
});

greeting('a flood of HELLOs from 10,000 addresses costs 200 answers a second and leaves others alone', () => {
  const bench = new Bench({ candidatesMax: 100 });
  bench.meet('fd00::2');
  bench.node.onCandidates(bench.now, bench.local, [{ address: 'fd00::77', port: 0, hops: 0, advertised: false }]);
  const remote = new Remote(bench, 'fd00::ffff');
  const bytes = remote.datagram(remote.hello({ flags: PROBE }));
  const before = bench.status('datagramsOut');
  for (let i = 0; i < 10_000; i++) bench.receive(`fd00::1:${i.toString(16)}`, bytes);
  assert.ok(bench.status('datagramsOut') - before <= 200);
  assert.ok(bench.status('challengesRefused') >= 9800);
  assert.is(peerOf(bench, 'fd00::77')?.state, 'probing', 'strangers push out no candidate of the mesh');
  assert.ok(bench.status('knownNodes') <= 100);
  assert.is(peerOf(bench)!.state, 'alive');
  bench.take();
  bench.wait(10_000);
  for (let i = 0; i < 10_000; i++) bench.receive(`fd00::2:${i.toString(16)}`, bytes);
  assert.ok(bench.status('knownNodes') <= 100);
  assert.is(peerOf(bench)!.state, 'alive');
});

greeting('beyond the most peers a further one is refused, until one is forgotten', () => {
  const bench = new Bench({ peersMax: 2 });
  bench.meet('fd00::2');
  bench.meet('fd00::3');
  const third = new Remote(bench, 'fd00::4');
  third.greet();
  assert.equal(bench.node.peers().map(({ id }) => id), ['fd00::2', 'fd00::3']);
  assert.is(bench.status('peersRefused'), 1);
  assert.ok(third.heard().every(({ frame }) => frame === 'HELLO'));
});

// C10
greeting('a peer that is gone makes room for one that is there', () => {
  const bench = new Bench({ peersMax: 2 });
  const two = bench.meet('fd00::2');
  bench.meet('fd00::3');
  two.send(two.hello({ flags: BYE }));
  new Remote(bench, 'fd00::4').greet();
  assert.equal(bench.node.peers().map(({ id, state }) => `${id} ${state}`), ['fd00::3 alive', 'fd00::4 alive']);
});

greeting('who is forgotten to make room is in no group any more, and makes room once', () => {
  const bench = new Bench({ peersMax: 2 });
  const group = bench.join();
  for (const address of ['fd00::2', 'fd00::3']) {
    const remote = bench.meet(address, ['g']);
    bench.wait(1);
    remote.send(remote.hello({ flags: BYE }));
  }
  bench.takeEvents();
  for (const address of ['fd00::4', 'fd00::5', 'fd00::6']) new Remote(bench, address).greet();
  assert.equal(bench.node.peers().map(({ id }) => id), ['fd00::4', 'fd00::5']);
  assert.equal([bench.status('peersRefused'), [...group.peers.keys()]], [1, []]);
  assert.equal(bench.takeEvents(), ['peer fd00::4 alive', 'peer fd00::5 alive'], 'that they were gone was told before');
});

greeting('a candidate is probed within the budget, and is a peer when it answers', () => {
  const bench = new Bench({ probesPerMinute: 60 });
  const candidates = ['fd00::2', 'fd00::3'].map((address) => ({ address, port: 0, hops: 0, advertised: false }));
  bench.node.onCandidates(bench.now, bench.local, candidates);
  bench.wait(0);
  assert.equal(bench.take().map(({ to }) => to), ['fd00::2']);
  bench.wait(999);
  assert.equal(bench.take(), []);
  bench.wait(1);
  assert.equal(bench.take().map(({ to, frames }) => [to, frames[0]!.flags]), [['fd00::3', PROBE]]);
});

greeting('one of our own addresses is no candidate', () => {
  const bench = new Bench();
  bench.node.onCandidates(bench.now, bench.local, [{ address: 'fd00::1', port: 0, hops: 0, advertised: true }]);
  assert.equal(bench.node.peers(), []);
  bench.node.onCandidates(bench.now, bench.local, [{ address: 'fd00::5', port: 0, hops: 0, advertised: true }]);
  bench.node.addLocal(bench.now, 'fd00::5', 'test', true);
  assert.equal(bench.node.peers(), []);
});

greeting('DATA and greeting may come in one datagram: the echo counts for what follows it', () => {
  const bench = new Bench();
  bench.join();
  const remote = new Remote(bench, 'fd00::2');
  remote.send(remote.hello({ flags: PROBE }));
  const { nonce } = remote.find('HELLO')!;
  remote.knows = EPOCH & 0xffff;
  const data = { frame: 'DATA', flags: WHOLE | START, group: groupHex('g'), seq: 1, start: 1, payload: '6869' };
  remote.send(data, remote.hello({ echoNonce: nonce, echoTimestamp: bench.now }), data);
  assert.equal(bench.takeEvents(), ['peer fd00::2 alive', 'g fd00::2 1 hi']);
});

greeting.run();
