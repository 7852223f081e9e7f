import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Bench, bytesOfText, EPOCH, PORT, WHOLE } from './bench.ts';
import { PROBE_MS } from './timers.ts';

const node = suite('node');

node('idle, without an address, it waits for nothing; the deadline tells when it does', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.wait(500);
  assert.ok(bench.node.deadline > bench.now + 10_000);
  bench.publish(group, 'x');
  assert.is(bench.node.deadline, bench.now + PROBE_MS);
  remote.status(1);
  assert.ok(bench.node.deadline > bench.now + 10_000);
});

node('early and repeated calls of onTimeout do nothing', () => {
  const bench = new Bench();
  const group = bench.join();
  bench.meet('fd00::2', ['g']);
  bench.publish(group, 'x');
  bench.take();
  const { deadline } = bench.node;
  for (let i = 0; i < 100; i++) bench.node.onTimeout(bench.now + i / 10);
  assert.equal(bench.sent, []);
  assert.is(bench.node.deadline, deadline);
});

node('a late call, after the machine slept, fires each timer once', () => {
  const bench = new Bench();
  const group = bench.join();
  bench.meet('fd00::2', ['g']);
  bench.publish(group, 'x');
  bench.take();
  bench.now += 30_000;
  bench.node.onTimeout(bench.now);
  assert.ok(bench.take().length <= 2);
  assert.ok(bench.node.deadline > bench.now);
});

node('the clock may be at any height: timestamps wrap at 2^32 ms', () => {
  const bench = new Bench();
  bench.now = 2 ** 32 - 50;
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g'], 100);
  assert.is(bench.node.peers()[0]!.rttMs, 100);
  for (let i = 1; i < 50; i++) {
    bench.publish(group, 'x');
    const echoTimestamp = bench.sent.at(-1)!.timestamp;
    bench.wait(60);
    remote.status(i, { flags: 2, echoTimestamp });
  }
  assert.is(bench.node.peers()[0]!.rttMs, 60);
});

node('numbers may be at any height: they wrap at 2^32, and 0 is one like any other', () => {
  const bench = new Bench({ firstSeq: 2 ** 32 - 1 });
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  const seqs = [0, 1, 2].map(() => group.publish(bench.now, bytesOfText('x')));
  const privateSeqs = [0, 1].map(() => group.publishTo(bench.now, 'fd00::2', bytesOfText('x')));
  assert.equal(seqs, [2 ** 32 - 1, 0, 1]);
  assert.equal(privateSeqs, [2 ** 32 - 1, 0]);
  assert.is(bench.node.counters['publishesRefused'], 0);
  assert.equal(remote.heard('DATA').filter(({ flags }) => !(flags & 32)).map(({ seq }) => seq), seqs);
  remote.status(1);
  bench.wait(2_000);
  assert.not.ok(bench.take().some((sent) => sent.frames.some(({ type, flags }) => type === 'DATA' && !(flags & 32))));
});

node('what is sent fits: 65,536 bytes and small frames, never more than 1,200 in a datagram', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.publish(group, 65_536);
  for (let i = 0; i < 40; i++) group.datagram(bench.now, new Uint8Array(700));
  group.publishTo(bench.now, 'fd00::2', bytesOfText('x'));
  for (let i = 0; i < 100; i++) {
    bench.wait(5);
    const seqs = remote.heard('DATA').filter(({ flags }) => !(flags & 32)).map(({ seq }) => seq as number);
    remote.status(Math.max(...seqs));
  }
  assert.ok(bench.sent.every(({ size }) => size <= 1200));
  const fragments = new Map(remote.heard('DATA').filter(({ flags }) => !(flags & 32)).map((one) => [one['seq'], one]));
  assert.is([...fragments.values()].reduce((bytes, one) => bytes + String(one['payload']).length / 2, 0), 65_536);
  assert.is(fragments.size, 57);
  assert.is(remote.heard('DGRAM').length, 40);
});

node('two nodes: greeting, joins and messages both ways, through their own bytes', () => {
  const one = new Bench();
  const two = new Bench({ epoch: EPOCH + 7 }, () => 0.25);
  const other = two.node.addLocal(two.now, 'fd00::2', 'test', true);
  two.node.removeLocal(two.now, two.local);
  const wires: [number, () => void][] = [];
  const connect = (from: Bench, to: Bench, address: string, local: number): void => {
    from.send = (_local, _address, _port, bytes) => {
      const copy = bytes.slice();
      wires.push([from.now + 20, () => to.node.onDatagram(to.now, local, address, PORT, copy)]);
    };
  };
  connect(one, two, 'fd00::1', other);
  connect(two, one, 'fd00::2', one.local);
  const run = (until: number): void => {
    while (wires.length > 0 || Math.min(one.node.deadline, two.node.deadline) <= until) {
      const next = Math.min(wires[0]?.[0] ?? Infinity, one.node.deadline, two.node.deadline);
      if (next > until) break;
      one.now = two.now = Math.max(one.now, next);
      while (wires.length > 0 && wires[0]![0] <= one.now) wires.shift()![1]();
      one.node.onTimeout(one.now);
      two.node.onTimeout(two.now);
    }
    one.now = two.now = until;
  };
  const [a, b] = [one.join(), two.join()];
  one.node.onCandidates(one.now, one.local, [{ address: 'fd00::2', port: 0, hops: 0, advertised: true }]);
  run(one.now + 1000);
  assert.equal(one.takeEvents(), ['peer fd00::2 alive', `g fd00::2 joined ${EPOCH + 7 - 0x66001001}`]);
  assert.equal(two.takeEvents(), ['peer fd00::1 alive', `g fd00::1 joined ${EPOCH - 0x66001001}`]);
  one.publish(a, 'hello');
  two.publish(b, 5000);
  run(one.now + 1000);
  assert.equal(one.takeEvents(), ['g fd00::2 1 5000 bytes']);
  assert.equal(two.takeEvents(), ['g fd00::1 1 hello']);
  one.node.shutdown(one.now);
  run(one.now + 100);
  assert.equal(two.takeEvents(), ['peer fd00::1 gone', `g fd00::1 gone ${EPOCH - 0x66001001}`]);
});

node('what is told of a peer: round trip, loss, what waits for it', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g', 'other']);
  for (let i = 0; i < 4; i++) bench.publish(group, 'four');
  bench.wait(150);
  const [peer] = bench.node.peers();
  assert.equal([peer!.rttMs, peer!.groupCount, peer!.queuedBytes, peer!.mesh, peer!.port], [100, 2, 16, 'test', PORT]);
  assert.is(peer!.loss, 0.2); // one of five was the probe
  remote.status(4);
  assert.is(bench.node.peers()[0]!.queuedBytes, 0);
  assert.is(WHOLE, 6);
});

node.run();
