import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashText } from '../../../src/encoding/hash.ts';
import type { WireFrame } from '../wire/codec.ts';
import { Bench, BYE, groupHex, PORT, PROBE, Remote, REMOTE_EPOCH, START, WHOLE } from './bench.ts';

const gossip = suite('gossip');

function digest(names: string[], fields: Partial<WireFrame> = {}): WireFrame {
  const sum = names.reduce((total, name) => (total + hashText(name)) >>> 0, 0);
  return { frame: 'DIGEST', flags: 0, group: groupHex('g'), count: names.length, sum, ...fields };
}

function hint(high: number, fields: Partial<WireFrame> = {}): WireFrame {
  const address = 'fd000000000000000000000000000002';
  return { frame: 'HINT', flags: 0, address, port: PORT, epoch: REMOTE_EPOCH, group: groupHex('g'), high, ...fields };
}

/** A member with messages 1 ... 3 of fd00::2, which says goodbye then; and `count` other members. */
function bereft(count = 5): { bench: Bench; source: Remote; others: Remote[] } {
  const bench = new Bench();
  bench.join();
  const source = bench.meet('fd00::2', ['g']);
  const others = Array.from({ length: count }, (_, i) => bench.meet(`fd00::a${i}`, ['g']));
  source.begin();
  source.data(2);
  source.data(3);
  bench.wait(500);
  source.send(source.hello({ flags: BYE, subsVersion: source.subsVersion }));
  bench.take();
  bench.takeEvents();
  return { bench, source, others };
}

gossip('a keepalive carries a digest of each group that we share: its members and ourselves', () => {
  const bench = new Bench();
  bench.join();
  bench.join('not shared');
  const remote = bench.meet('fd00::2', ['g']);
  bench.meet('fd00::3', ['g']);
  remote.send(remote.hello({ flags: PROBE }));
  assert.equal(remote.heard('DIGEST'), [digest(['fd00::1', 'fd00::2', 'fd00::3'])]);
});

gossip('a digest names the port of who is not at 14627, whichever our own is', () => {
  const bench = new Bench({ port: 9999 });
  bench.join();
  bench.node.onCandidates(bench.now, bench.local, [{ address: 'fd00::2', port: PORT, hops: 0, advertised: true }]);
  const remote = new Remote(bench, 'fd00::2');
  remote.greet();
  remote.subscribe(['g']);
  remote.send(remote.hello({ flags: PROBE }));
  assert.equal(remote.find('DIGEST'), digest(['[fd00::1]:9999', 'fd00::2']));
});

gossip('members that are gone, or on another mesh, are not in it', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  const gone = bench.meet('fd00::3', ['g']);
  gone.send(gone.hello({ flags: BYE }));
  const first = bench.local;
  bench.local = bench.node.addLocal(bench.now, '10.0.0.1', 'lan', false);
  bench.meet('10.0.0.2', ['g']);
  bench.local = first;
  remote.send(remote.hello({ flags: PROBE }));
  assert.equal(remote.find('DIGEST'), digest(['fd00::1', 'fd00::2']));
});

gossip('whoever differs is told whom we know, once in 10 s; who agrees is not', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.meet('fd00::3', ['g']);
  remote.send(digest(['fd00::1', 'fd00::2', 'fd00::3']));
  assert.equal(remote.heard('PEERS'), []);
  remote.send(digest(['fd00::1', 'fd00::2'], { group: groupHex('other') }));
  assert.equal(remote.heard('PEERS'), []);
  remote.send(digest(['fd00::1', 'fd00::2', 'fd00::9']));
  assert.is(remote.heard('PEERS').length, 1);
  bench.wait(9000);
  remote.send(digest(['fd00::1', 'fd00::2']));
  assert.is(remote.heard('PEERS').length, 1);
  bench.wait(1001);
  remote.send(digest(['fd00::1', 'fd00::2']));
  assert.is(remote.heard('PEERS').length, 2);
});

gossip('a source is gone: after 4 to 8 s three members hear how far we had it', () => {
  const { bench } = bereft();
  const at = bench.now;
  bench.wait(3990);
  assert.equal(bench.sent.filter(({ frames }) => frames.some(({ frame }) => frame === 'HINT')), []);
  bench.wait(4020);
  const hints = bench.sent.filter(({ frames }) => frames.some(({ frame }) => frame === 'HINT'));
  assert.is(new Set(hints.map(({ to }) => to)).size, 3);
  assert.ok(hints.every((sent) => sent.at === at + 6000 && sent.to !== 'fd00::2'));
  assert.equal(hints[0]!.frames.find(({ frame }) => frame === 'HINT'), hint(3));
  bench.take();
  bench.wait(20_000);
  assert.equal(bench.sent.filter(({ frames }) => frames.some(({ frame }) => frame === 'HINT')), []);
});

gossip('a hint of more than we had is told on to three others, and is a gap when the source cannot come back', () => {
  const { bench, source, others } = bereft();
  bench.wait(10_000);
  bench.take();
  bench.takeEvents();
  others[0]!.send(hint(7));
  bench.wait(600);
  const told = others.filter((one) => one.heard('HINT').length > 0);
  assert.is(told.length, 3);
  assert.equal(told[0]!.find('HINT'), hint(7));
  bench.take();
  others[1]!.send(hint(7), hint(6));
  bench.wait(600);
  assert.ok(others.every((one) => one.heard('HINT').length === 0), 'no news, nothing told on');
  assert.equal(bench.takeEvents(), []);
  source.epoch++;
  source.knows = 0;
  source.greet();
  const gaps = (): string[] => bench.takeEvents().filter((event) => event.includes('gap'));
  assert.equal(gaps(), ['g fd00::2 gap 4-7 restart']);
  others[1]!.send(hint(9));
  assert.equal(gaps(), ['g fd00::2 gap 8-9 restart']);
});

gossip('nor when it has not come back in five minutes', () => {
  const { bench, others } = bereft();
  others[0]!.send(hint(7));
  bench.takeEvents();
  for (let i = 0; i < 29; i++) {
    bench.wait(10_000);
    for (const one of others) one.send(one.hello({}));
  }
  assert.equal(bench.takeEvents(), []);
  bench.wait(10_001);
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 4-7 source-gone']);
});

gossip('a hint of a source that is here, of another epoch, group or address, or of 10,000 messages more changes nothing', () => {
  const { bench, others } = bereft();
  others[0]!.begin();
  bench.takeEvents();
  for (const fields of [{ epoch: 5 }, { group: groupHex('other') }, { address: 'fd0000000000000000000000000000a1' }, { port: 9 }]) {
    others[0]!.send(hint(7, fields));
  }
  others[1]!.send(hint(0x80000003), hint(0), hint(3), hint(3 + 10_001));
  others[1]!.send(hint(9, { address: 'fd0000000000000000000000000000a0' }));
  assert.equal(bench.takeEvents(), []);
  bench.wait(310_000);
  assert.equal(bench.takeEvents().filter((event) => event.includes('gap')), [], 'nor when it cannot come back');
});

gossip('all hints together claim at most 10,000 messages more than we had', () => {
  const { bench, source, others } = bereft();
  others[0]!.send(hint(3 + 9_000));
  source.epoch++;
  source.knows = 0;
  source.greet();
  bench.takeEvents();
  others[1]!.send(hint(3 + 10_001));
  assert.equal(bench.takeEvents(), []);
  others[1]!.send(hint(3 + 10_000));
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 9004-10003 restart']);
  others[2]!.send(hint(3 + 10_002));
  assert.equal(bench.takeEvents(), []);
});

gossip('back under its epoch, a source speaks for itself', () => {
  const { bench, source, others } = bereft();
  bench.wait(1);
  source.send(source.hello({}));
  bench.takeEvents();
  others[0]!.send(hint(7));
  assert.equal(bench.takeEvents(), []);
  bench.take();
  bench.wait(9000);
  assert.ok(others.every((one) => one.heard('HINT').length === 0));
});

gossip('of the incarnation before a restart a hint is a gap too', () => {
  const { bench, source, others } = bereft();
  source.epoch++;
  source.knows = 0;
  source.greet();
  bench.takeEvents();
  others[0]!.send(hint(5));
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 4-5 restart']);
});

gossip('what we never had of a source is nothing to be told of', () => {
  const { bench, others } = bereft();
  others[3]!.data(5); // without START: we do not know where it begins
  const again = others[3]!;
  again.epoch++;
  again.knows = 0;
  again.greet();
  bench.takeEvents();
  others[0]!.send(hint(7, { address: 'fd0000000000000000000000000000a3' }));
  assert.equal(bench.takeEvents(), []);
});

gossip('after we have left the group, and after five minutes, it is over', () => {
  const { bench, others } = bereft();
  for (let i = 0; i < 31; i++) {
    bench.wait(10_000);
    for (const one of others) one.send(one.hello({}));
  }
  others[0]!.begin(1);
  others[0]!.send(others[0]!.hello({ flags: BYE }));
  bench.wait(10_000);
  bench.takeEvents();
  others[1]!.send(hint(7));
  assert.equal(bench.takeEvents(), []);
  const left = bereft();
  left.bench.publish([...left.bench.node.groups][0]!, 'last words'); // so that it has members still
  left.bench.node.leave(left.bench.now, [...left.bench.node.groups][0]!);
  left.bench.take();
  left.bench.wait(9000);
  assert.equal(left.bench.sent.filter(({ frames }) => frames.some(({ frame }) => frame === 'HINT')), []);
});

gossip('a hint that was wrong does not cost what the source says when it is back', () => {
  const { bench, source, others } = bereft();
  others[0]!.send(hint(7));
  bench.wait(1);
  source.send(source.hello({}));
  bench.takeEvents();
  source.data(4);
  source.data(5);
  assert.equal(bench.takeEvents(), ['g fd00::2 4 m4', 'g fd00::2 5 m5']);
});

gossip('who is not in the group has nothing to hint', () => {
  const { bench, source } = bereft();
  const stranger = bench.meet('fd00::99', []);
  stranger.send(hint(7));
  source.epoch++;
  source.knows = 0;
  source.greet();
  assert.equal(bench.takeEvents().filter((event) => event.includes('gap')), []);
});

gossip('a keepalive has 8 digests at most', () => {
  const bench = new Bench();
  const names = Array.from({ length: 12 }, (_, i) => `g${i}`);
  for (const name of names) bench.join(name);
  const remote = bench.meet('fd00::2', names);
  bench.wait(30_000);
  assert.is(remote.heard('DIGEST').length, 8);
});

gossip('of more than 512 ends the first is forgotten', () => {
  const bench = new Bench();
  const names = Array.from({ length: 103 }, (_, i) => `g${i}`);
  for (const name of names) bench.join(name);
  const sources = Array.from({ length: 5 }, (_, i) => bench.meet(`fd00::b${i}`, names));
  const other = bench.meet('fd00::9', names);
  for (const source of sources) {
    for (const name of names) source.data(1, 'm1', { name, flags: WHOLE | START, start: 1 });
    bench.wait(1);
    source.send(source.hello({ flags: BYE }));
  }
  const address = 'fd0000000000000000000000000000b0';
  for (const name of names.slice(0, 5)) other.send(hint(4, { group: groupHex(name), address }));
  bench.takeEvents();
  for (let i = 0; i < 31; i++) {
    bench.wait(10_000);
    other.send(other.hello());
  }
  const gaps = bench.takeEvents().filter((event) => event.includes('gap'));
  assert.equal(gaps, ['g3', 'g4'].map((name) => `${name} fd00::b0 gap 2-4 source-gone`));
});

gossip.run();
