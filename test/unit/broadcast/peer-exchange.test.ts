import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAddress } from '../../../src/wire/address.ts';
import { CONFIGURED } from '../../../src/broadcast/mesh-source.ts';
import { hexOf, type WireFrame } from '../wire/codec.ts';
import { Bench, BYE, Remote } from '../multicast/bench.ts';

const exchange = suite('peer exchange');

function hex(address: string): string {
  return hexOf(parseAddress(address)!);
}

type Entry = { address: string; port: number; flags: number };

exchange('a new peer is told of the others that are alive, those in its groups first', () => {
  const bench = new Bench();
  bench.meet('fd00::2', ['a']);
  bench.meet('fd00::3', ['b']);
  bench.meet('fd00::4', ['b', 'c']);
  const remote = new Remote(bench, 'fd00::5');
  remote.greet();
  const first = remote.find('PEERS')!['peers'] as Entry[];
  assert.equal(first.map((one) => one.address).sort(), ['fd00::2', 'fd00::3', 'fd00::4'].map(hex));
  assert.ok(first.every((one) => one.port === 14627));
});

exchange('every minute one peer hears of others, with the mark of shared groups', () => {
  const bench = new Bench();
  bench.meet('fd00::2', ['a']);
  bench.meet('fd00::3', ['b']);
  bench.meet('fd00::4', ['b']);
  const remotes = ['fd00::2', 'fd00::3', 'fd00::4'].map((address) => new Remote(bench, address));
  bench.randoms = [0.5]; // the second of three
  bench.wait(25_000);
  bench.take();
  for (const remote of remotes) {
    remote.knows = 1;
    remote.send(remote.hello({}));
  }
  bench.randoms = [0.5];
  bench.wait(36_000);
  const told = bench.take().flatMap(({ to, frames }) => frames
    .filter(({ frame }) => frame === 'PEERS').map((frame) => [to, frame['peers']]));
  assert.equal(told, [['fd00::3', [
    { address: hex('fd00::4'), port: 14627, flags: 1, reserved: 0 },
    { address: hex('fd00::2'), port: 14627, flags: 0, reserved: 0 },
  ]]]);
});

exchange('nobody is told of itself, of the silent, or of those on another mesh', () => {
  const bench = new Bench();
  bench.meet('fd00::2');
  bench.wait(36_000); // stale
  const other = bench.node.addLocal(bench.now, '10.0.0.1', 'lan', false);
  const elsewhere = new Remote(bench, '10.0.0.2');
  const { local } = bench;
  bench.local = other;
  elsewhere.greet();
  bench.local = local;
  const remote = new Remote(bench, 'fd00::5');
  remote.greet();
  assert.equal(remote.heard('PEERS'), []);
});

exchange('32 of them at most', () => {
  const bench = new Bench();
  for (let i = 0; i < 40; i++) bench.meet(`fd00::1:${i}`);
  const remote = new Remote(bench, 'fd00::5');
  remote.greet();
  const peers = remote.find('PEERS')!['peers'] as Entry[];
  assert.is(peers.length, 32);
  assert.is(new Set(peers.map((one) => one.address)).size, 32);
});

exchange('told addresses are candidates only: each is greeted, and none believed', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.takeEvents();
  remote.send({
    frame: 'PEERS', flags: 0,
    peers: [{ address: hex('fd00::8'), port: 14627 }, { address: hex('fd00::9'), port: 9999 }, { address: hex('fd00::1'), port: 14627 }],
  });
  bench.wait(200);
  const probed = bench.take().filter(({ frames }) => frames[0]!.flags & 1).map(({ to }) => to);
  assert.equal(probed.slice(0, 2).sort(), ['fd00::8', 'fd00::9 9999']);
  assert.equal(bench.takeEvents(), []);
  assert.equal(bench.node.peers().map(({ id, state }) => `${id} ${state}`), [
    'fd00::2 alive', 'fd00::8 probing', '[fd00::9]:9999 probing',
  ]);
});

exchange('told of a peer that is gone, we probe it at once, but not within a second of the last time', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  const gone = bench.meet('fd00::3');
  gone.send(gone.hello({ flags: BYE }));
  bench.wait(20_000);
  bench.take();
  bench.waitFor(() => gone.find('HELLO') !== undefined); // probed now, and then every 8 s
  bench.take();
  const told = { frame: 'PEERS', flags: 0, peers: [{ address: hex('fd00::3'), port: 14627 }] };
  bench.wait(500);
  remote.send(told);
  bench.wait(100);
  assert.equal(gone.heard(), []);
  bench.wait(500);
  remote.send(told);
  bench.wait(100);
  assert.equal(gone.heard().map(({ flags }) => flags), [1]);
});

exchange('so is who has never answered, but once in 3 s', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  const unmet = new Remote(bench, 'fd00::3');
  const told = { frame: 'PEERS', flags: 0, peers: [{ address: hex('fd00::3'), port: 14627 }] };
  remote.send(told);
  // It is asked once in five minutes by then.
  for (let askedAt = bench.now; bench.now - askedAt < 100_000; remote.send(remote.hello())) {
    bench.wait(1000);
    if (unmet.heard('HELLO').length > 0) askedAt = bench.now;
    bench.take();
  }
  while (unmet.find('HELLO') === undefined) {
    bench.wait(1000);
    remote.send(remote.hello());
  }
  bench.take();
  bench.wait(1500);
  remote.send(told);
  bench.wait(500);
  assert.equal(unmet.heard(), []);
  bench.wait(2000);
  for (let i = 0; i < 3; i++) remote.send(told);
  bench.wait(500);
  assert.equal(unmet.heard().map(({ flags }) => flags), [1]);
});

/** 32 addresses that nobody has. */
function invented(round: number): WireFrame {
  const peers = Array.from({ length: 32 }, (_, i) => ({ address: hex(`fd01::${round.toString(16)}:${i.toString(16)}`), port: 14627 }));
  return { frame: 'PEERS', flags: 0, peers };
}

exchange('of one peer we take three in a row, then one in 10 s', () => {
  const bench = new Bench({ probesPerMinute: 1 });
  const remote = bench.meet('fd00::2');
  const known = bench.status('knownNodes');
  for (let round = 0; round < 100; round++) remote.send(invented(round));
  assert.is(bench.status('knownNodes'), known + 3 * 32);
  assert.is(bench.status('exchangesRefused'), 97);
  for (let round = 100; round < 130; round++) {
    bench.wait(1000);
    remote.send(invented(round));
  }
  assert.is(bench.status('knownNodes'), known + 6 * 32);
});

exchange('however many are invented, one that is gone is asked as often, and no configured one is forgotten', () => {
  const asked = [false, true].map((flood) => {
    const bench = new Bench({ candidatesMax: 256 });
    const liars = ['fd00::2', 'fd00::3', 'fd00::4', 'fd00::5', 'fd00::6', 'fd00::7'].map((address) => bench.meet(address));
    const gone = bench.meet('fd00::9');
    bench.node.onCandidates(bench.now, bench.local, [{ address: 'fd00::8', port: 0, hops: 0, advertised: true, origin: CONFIGURED }]);
    gone.send(gone.hello({ flags: BYE }));
    let count = 0;
    for (let round = 0; round < 300; round++) {
      bench.wait(1000);
      for (const [i, liar] of liars.entries()) liar.send(flood ? invented(6 * round + i) : liar.hello());
      count += gone.heard('HELLO').length;
      bench.take();
    }
    assert.ok(bench.node.peers().some(({ id }) => id === 'fd00::8'));
    return count;
  });
  assert.ok(asked[1]! > 0.9 * asked[0]!, `${asked.join(', ')}`);
});

exchange('whom a peer has told of is kept when he is configured too', () => {
  const bench = new Bench({ candidatesMax: 16 });
  const remote = bench.meet('fd00::2');
  remote.send({ frame: 'PEERS', flags: 0, peers: [{ address: hex('fd00::8'), port: 14627 }] });
  bench.node.onCandidates(bench.now, bench.local, [{ address: 'fd00::8', port: 0, hops: 0, advertised: true, origin: CONFIGURED }]);
  remote.send(invented(1));
  assert.equal(bench.node.peers().map(({ id }) => id), ['fd00::2', 'fd00::8', 'fd01::1:1e', 'fd01::1:1f']);
});

exchange('an address that cannot belong to the mesh it was told on is dropped', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  remote.send({ frame: 'PEERS', flags: 0, peers: [{ address: hex('10.0.0.7'), port: 14627 }] });
  assert.equal(bench.node.peers().map(({ id }) => id), ['fd00::2']);
});

exchange('a stranger may tell us nothing', () => {
  const bench = new Bench();
  const remote = new Remote(bench, 'fd00::2');
  remote.send({ frame: 'PEERS', flags: 0, peers: [{ address: hex('fd00::8'), port: 14627 }] });
  assert.equal(bench.node.peers().map(({ id }) => id), ['fd00::2']);
});

exchange.run();
