/** One node by two addresses, played frame by frame: when the two are one, which is used, and what becomes of one that ends. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GONE, type Peer, STALE } from '../../../src/broadcast/peer.ts';
import type { BroadcastOptions } from '../../../src/broadcast/options.ts';
import { parseAddress } from '../../../src/wire/address.ts';
import { ACK_NOW, Bench, BYE, groupHex, PORT, PROBE, Remote, REMOTE_EPOCH, REPAIR, WHOLE } from '../multicast/bench.ts';
import { REORDER_MS, RTT_MS } from '../multicast/timers.ts';
import { hexOf } from '../wire/codec.ts';

const addresses = suite('one node by two addresses');

/** SUBS of this version: in the group, with further addresses, "fd00::c away" for one that it had. */
function tell(from: Remote, version: number, ...others: string[]): void {
  from.subsVersion = version;
  from.groups = [{ group: groupHex('g'), life: 1, start: 0 }];
  const named = others.map((other) => {
    const [address, away] = other.split(' ');
    return { address: hexOf(parseAddress(address!)!), port: PORT, flags: away === undefined ? 0 : 1 };
  });
  from.send({ frame: 'SUBS', flags: 0, version, groups: from.groups, addresses: named });
}

function peerOf(bench: Bench, { address }: Remote): Peer {
  return bench.node.broadcast.peers.find(address)!;
}

/** Two addresses of one node that have greeted, `a` first, and said nothing else. */
function greeted(bench: Bench, first = 'fd00::a', second = 'fd00::b'): [Remote, Remote] {
  const [a, b] = [new Remote(bench, first), new Remote(bench, second)];
  b.identity = a.identity;
  for (const one of [a, b]) {
    one.greet();
    one.steady(RTT_MS);
  }
  return [a, b];
}

/** They are one, in a group with us; `a` leads. */
function united(options: Partial<BroadcastOptions> = {}): { bench: Bench; a: Remote; b: Remote } {
  const bench = new Bench(options);
  bench.join();
  const [b, a] = greeted(bench, 'fd00::b', 'fd00::a');
  tell(a, 2);
  tell(b, 3, 'fd00::a');
  tell(a, 3, 'fd00::b');
  assert.equal([peerOf(bench, a), peerOf(bench, b)].map(({ lead }) => lead.id), ['fd00::a', 'fd00::a']);
  a.acknowledgeSubs();
  b.acknowledgeSubs();
  bench.wait(100);
  bench.take();
  bench.takeEvents();
  return { bench, a, b };
}

/** Only these of its addresses are heard for so long. */
function only(bench: Bench, ms: number, ...heard: Remote[]): void {
  for (let left = ms; left > 0; left -= 1000) {
    bench.wait(Math.min(1000, left));
    for (const one of heard) one.send(one.hello());
  }
}

function restart(...remotes: Remote[]): void {
  for (const one of remotes) {
    one.epoch = REMOTE_EPOCH + 1;
    one.knows = 0;
    one.greet();
  }
}

addresses('both name each other, under one number and one epoch: without one of these they are two', () => {
  for (const lacks of ['nothing', 'number', 'epoch', 'name']) {
    const bench = new Bench();
    const group = bench.join();
    const [a, b] = [new Remote(bench, 'fd00::a'), new Remote(bench, 'fd00::b')];
    if (lacks !== 'number') b.identity = a.identity;
    if (lacks === 'epoch') b.epoch++;
    a.greet();
    b.greet();
    tell(a, 2, 'fd00::b');
    if (lacks === 'name') tell(b, 2);
    else tell(b, 2, 'fd00::a');
    only(bench, 8000, a, b);
    assert.is(group.members().length, lacks === 'nothing' ? 1 : 2, lacks);
  }
});

addresses('who names the address of another node of the same epoch is not kept waiting for it', () => {
  const bench = new Bench();
  const group = bench.join();
  const [other, a] = [new Remote(bench, 'fd00::c'), new Remote(bench, 'fd00::a')];
  other.greet();
  a.greet();
  tell(other, 2);
  tell(a, 9, 'fd00::c');
  assert.is(group.members().length, 2);
});

addresses('nor for an address that it had: nobody is looked for there', () => {
  const bench = new Bench();
  const group = bench.join();
  const a = new Remote(bench, 'fd00::a');
  a.greet();
  tell(a, 2, 'fd00::b away');
  assert.equal([group.members().length, bench.status('knownNodes')], [1, 1]);
  bench.node.onCandidates(bench.now, bench.local, [{ address: 'fd00::d', port: 0, hops: 0, advertised: true }]);
  const c = new Remote(bench, 'fd00::c');
  c.greet();
  tell(c, 2, 'fd00::d away');
  assert.is(group.members().length, 2);
});

addresses('nor for one that none of our addresses reaches any more', () => {
  const bench = new Bench();
  bench.node.removeLocal(bench.now, bench.local);
  bench.local = bench.node.addLocal(bench.now, 'fd00::1', 'one', true, (address) => address.startsWith('fd'));
  const second = bench.node.addLocal(bench.now, 'fc00::1', 'two', true, (address) => address.startsWith('fc'));
  const group = bench.join();
  const b = new Remote(bench, 'fc00::b');
  b.bench.local = second;
  b.greet();
  bench.local = 0;
  bench.node.removeLocal(bench.now, second);
  const a = new Remote(bench, 'fd00::a');
  a.identity = b.identity;
  a.epoch++;
  a.greet();
  tell(a, 2, 'fc00::b');
  assert.equal(group.members().map(({ id }) => id), ['fd00::a']);
});

addresses('at most 256 are kept waiting at a time', () => {
  const bench = new Bench();
  const group = bench.join();
  const remotes = Array.from({ length: 260 }, (_, i) => new Remote(bench, `fd00::1:${i.toString(16)}`));
  for (const remote of remotes) remote.greet(10);
  for (const [i, remote] of remotes.entries()) tell(remote, 2, `fd00::2:${i.toString(16)}`);
  assert.is(group.members().length, 4);
});

addresses('an older list, come late, changes no names', () => {
  const { bench, a, b } = united();
  tell(a, 2);
  assert.equal([peerOf(bench, a).named.size, peerOf(bench, b).doubted], [1, false]);
});

addresses('of two ways the same is used at both ends, whichever was met first', () => {
  for (const [first, second] of [['fd00::a', 'fd00::b'], ['fd00::b', 'fd00::a']] as const) {
    const bench = new Bench();
    bench.join();
    const [one, other] = greeted(bench, first, second);
    tell(one, 2, second);
    tell(other, 2, first);
    assert.is(peerOf(bench, one).lead.way.id, 'fd00::a');
  }
});

addresses('the way that is alive is used; where none is, the one that was heard last', () => {
  const { bench, a, b } = united();
  const lead = peerOf(bench, a);
  assert.is(lead.way.id, 'fd00::a');
  only(bench, 10_000, b);
  bench.wait(29_000);
  assert.is(lead.way.id, 'fd00::b', 'the other is stale');
  bench.wait(10_000);
  assert.is(lead.way.id, 'fd00::b', 'so is this one, since a moment ago');
  assert.is(lead.way.state, STALE);
});

addresses('what is owed to the node takes the way that is used, and no other that a greeting goes by', () => {
  const { bench, a, b } = united();
  a.begin();
  a.send(a.hello());
  bench.take();
  const data = { frame: 'DATA', flags: WHOLE | ACK_NOW, group: groupHex('g'), seq: 2, lowOffset: 65_535, payload: '61' };
  b.send(b.hello({ flags: PROBE }), data);
  assert.equal([a.heard('STATUS').length, b.heard('STATUS').length, b.heard('HELLO').length], [1, 0, 1]);
});

addresses('a way that data no longer comes by is left, and greeted at once', () => {
  const { bench, a, b } = united();
  a.begin();
  bench.wait(1000);
  bench.take();
  b.data(2);
  assert.is(peerOf(bench, a).way.id, 'fd00::b');
  assert.equal(a.heard('HELLO').map(({ flags }) => flags), [PROBE]);
});

addresses('a repair that comes by another way than it was asked for by tells no round trip', () => {
  for (const moves of [false, true]) {
    const { bench, a, b } = united();
    a.begin();
    a.data(3);
    bench.wait(REORDER_MS);
    assert.is(a.heard('STATUS').length, 1);
    const lead = peerOf(bench, a);
    if (moves) lead.way = peerOf(bench, b);
    const counts = (): number[] => [a, b].map((one) => peerOf(bench, one).ownRoundTrip.sampleCount);
    const before = counts();
    bench.wait(RTT_MS + 1);
    (moves ? a : b).data(2, 'm2', { flags: WHOLE | REPAIR });
    assert.equal(counts(), before);
  }
});

addresses('a node that was stale is back when it is met by another address', () => {
  const bench = new Bench();
  const group = bench.join();
  const [a, b] = [new Remote(bench, 'fd00::a'), new Remote(bench, 'fd00::b')];
  b.identity = a.identity;
  a.greet();
  tell(a, 2, 'fd00::b');
  bench.wait(40_000);
  assert.equal(group.members().map(({ stale }) => stale), [true]);
  bench.publish(group, 'x');
  b.greet();
  bench.take();
  bench.takeEvents();
  tell(b, 2, 'fd00::a');
  assert.equal(bench.takeEvents(), ['g fd00::a back']);
  assert.equal(b.seqs(), [1]);
});

addresses('when the second address starts anew the first is of a life that is over: it is gone, with a gap', () => {
  const { bench, a, b } = united();
  a.begin();
  a.data(3);
  bench.takeEvents();
  restart(b);
  const told = bench.takeEvents().filter((event) => event.startsWith('g fd00::a'));
  assert.equal(told, ['g fd00::a gap 2-2 source-gone', 'g fd00::a 3 m3', 'g fd00::a gone']);
});

addresses('a new life has names of its own, whatever versions the old one had come to', () => {
  const bench = new Bench();
  const group = bench.join();
  const [a, b] = greeted(bench);
  for (const version of [7, 2]) {
    tell(a, version, 'fd00::b');
    tell(b, version, 'fd00::a');
    bench.wait(100);
    assert.equal([group.members().length, peerOf(bench, a).lead], [1, peerOf(bench, b).lead], `${version}`);
    if (version === 7) restart(a, b);
  }
});

addresses('by which a node that is there is called is not forgotten to make room, though it is gone; another way is', () => {
  for (const gone of ['fd00::a', 'fd00::b']) {
    const { bench, a, b } = united({ peersMax: 2 });
    only(bench, 100_000, gone === 'fd00::a' ? b : a);
    assert.is(bench.node.broadcast.peers.find(gone)!.state, GONE);
    bench.takeEvents();
    new Remote(bench, 'fd00::d').greet();
    assert.is(bench.status('peersRefused'), gone === 'fd00::a' ? 1 : 0);
    assert.equal(bench.takeEvents().filter((event) => event.startsWith('g ')), []);
    assert.equal([...bench.node.groups][0]!.members().map(({ id }) => id), ['fd00::a']);
  }
});

addresses('one that is forgotten stands for nobody: the node goes on by the other', () => {
  for (const last of ['fd00::a', 'fd00::b']) {
    const { bench, a, b } = united({ peersMax: 2 });
    const [stays, goes] = last === 'fd00::a' ? [a, b] : [b, a];
    only(bench, 10_000, stays);
    bench.wait(100_000);
    new Remote(bench, 'fd00::d').greet();
    assert.equal([bench.node.broadcast.peers.find(goes.address), peerOf(bench, stays).state], [undefined, GONE]);
    bench.takeEvents();
    stays.send(stays.hello());
    tell(stays, 9);
    stays.begin(7);
    assert.equal(bench.takeEvents(), [`peer ${last} alive`, `g ${last} joined`, `g ${last} 7 m7`], last);
    assert.is(peerOf(bench, stays).lead.ways.length, 0);
  }
});

addresses('a hint may call a source by another of its names', () => {
  const { bench, a, b } = united();
  const other = bench.meet('fd00::9', ['g']);
  a.begin();
  bench.wait(1);
  a.send(a.hello({ flags: BYE, subsVersion: 3 }));
  const address = hexOf(parseAddress(b.address)!);
  other.send({ frame: 'HINT', flags: 0, address, port: PORT, epoch: REMOTE_EPOCH, group: groupHex('g'), high: 4 });
  bench.takeEvents();
  restart(a);
  assert.equal(bench.takeEvents().filter((event) => event.includes('gap')), ['g fd00::a gap 2-4 restart']);
});

addresses.run();
