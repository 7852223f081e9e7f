import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Peer } from '../../../src/broadcast/peer.ts';
import { ACK_NOW, Bench, bytesOfText, BYE, hexOfText, PRIVATE, Remote, START, WHOLE } from './bench.ts';
import { HOLD_MS } from './timers.ts';

const addressed = suite('groups: to one member');

function three() {
  const bench = new Bench();
  const group = bench.join();
  const two = bench.meet('fd00::2', ['g']);
  const other = bench.meet('fd00::3', ['g']);
  const to = (member: string, text: string): number => group.publishTo(bench.now, member, bytesOfText(text));
  return { bench, group, two, other, to };
}

addressed('it goes to that member and never to another, whatever the others ask for', () => {
  const { bench, two, other, to } = three();
  assert.is(to('fd00::2', 'secret'), 1);
  const data = two.find('DATA')!;
  assert.is(data.flags & ~ACK_NOW, WHOLE | START | PRIVATE);
  assert.equal([data['seq'], data['start'], data['payload']], [1, 1, hexOfText('secret')]);
  other.status(0, { flags: PRIVATE, nackHigh: 5, high: 5 });
  other.status(0, { nackHigh: 5, high: 5 });
  other.status(0, { flags: PRIVATE | 1, high: 0 });
  other.send({ frame: 'SUBS', flags: 0, version: 99, groups: [{ ...other.groups[0], start: 255 }] });
  bench.wait(30_000);
  assert.equal(other.heard('DATA').concat(other.heard('POLL')), []);
});

addressed('its numbers are its own, apart from those of the group and of other members', () => {
  const { bench, group, to } = three();
  bench.publish(group, 'for all');
  assert.is(to('fd00::2', 'a'), 1);
  assert.is(to('fd00::3', 'b'), 1);
  assert.is(to('fd00::2', 'c'), 2);
  assert.is(bench.publish(group, 'for all'), 2);
});

addressed('it is repeated and acknowledged like any stream, and then no longer kept', () => {
  const { bench, group, two, to } = three();
  to('fd00::2', 'secret');
  bench.take();
  bench.wait(120);
  assert.equal(two.heard('DATA').map(({ flags }) => flags & PRIVATE), [PRIVATE]);
  assert.ok(bench.status('logBytes') > 0);
  two.status(1, { flags: PRIVATE });
  assert.is(bench.status('logBytes'), 0);
  assert.equal(group.history(), []);
  bench.take();
  bench.wait(20_000);
  assert.equal(two.heard('DATA').concat(two.heard('POLL')), []);
});

addressed('STATUS of the group\'s stream says nothing of it', () => {
  const { bench, two, to } = three();
  to('fd00::2', 'secret');
  two.status(1);
  assert.is(bench.status('badAcksIn'), 1);
  assert.ok(bench.status('logBytes') > 0);
});

addressed('what comes addressed to us is told as such, from a stream of its own', () => {
  const { bench, two } = three();
  two.begin();
  two.data(1, 'psst', { flags: WHOLE | START | PRIVATE | ACK_NOW, start: 1 });
  two.data(2, 'm2');
  assert.equal(bench.takeEvents(), ['g fd00::2 1 m1', 'g fd00::2 1! psst', 'g fd00::2 2 m2']);
  assert.equal(two.heard('STATUS').map((status) => [status.flags & PRIVATE, status['cumulative']]), [[PRIVATE, 1]]);
});

addressed('to nobody in the group it is refused', () => {
  const { bench, to } = three();
  bench.meet('fd00::9', []);
  assert.is(to('fd00::9', 'x'), -3);
  assert.is(to('fd00::77', 'x'), -3);
  assert.is(to('__proto__', 'x'), -3);
});

addressed('a member that leaves and comes back gets the numbers that follow', () => {
  const { bench, two, to } = three();
  to('fd00::2', 'a');
  two.subscribe([]);
  assert.is(to('fd00::2', 'b'), -3);
  two.subscribe(['g']);
  bench.take();
  assert.is(to('fd00::2', 'c'), 2);
  assert.is(two.find('DATA')!['start'], 2);
});

addressed('joined again, our own numbers go on: the receiver has not forgotten them', () => {
  const { bench, group, two, to } = three();
  to('fd00::2', 'a');
  two.status(1, { flags: PRIVATE });
  bench.node.leave(bench.now, group);
  bench.wait(1000);
  const again = bench.join();
  assert.is(again.publishTo(bench.now, 'fd00::2', bytesOfText('b')), 2);
});

addressed('what waits for room at the member is kept, though all that was sent is acknowledged', () => {
  const { bench, two, to } = three();
  for (let i = 1; i <= 200; i++) to('fd00::2', `m${i}`);
  bench.wait(20);
  const sent = two.seqs().length;
  assert.ok(sent < 200);
  bench.take();
  two.status(sent, { flags: PRIVATE, window: 0 });
  for (let last = sent; last < 200; ) {
    two.status(last = two.seqs().at(-1)!, { flags: PRIVATE });
    bench.wait(5);
  }
  assert.equal(two.seqs(), Array.from({ length: 200 - sent }, (_, i) => sent + 1 + i));
});

addressed('what other members are sent does not make its numbers jump: that would be a gap', () => {
  const { bench, group, two, other, to } = three();
  for (let i = 0; i < 5; i++) to('fd00::3', 'x');
  to('fd00::2', 'a');
  other.status(5, { flags: PRIVATE });
  two.status(1, { flags: PRIVATE });
  bench.node.leave(bench.now, group);
  bench.wait(1000);
  const again = bench.join();
  assert.is(again.publishTo(bench.now, 'fd00::2', bytesOfText('b')), 2);
  assert.is(again.publishTo(bench.now, 'fd00::3', bytesOfText('y')), 6);
});

addressed('a member that we had to forget is not sent its numbers a second time: it has not forgotten us', () => {
  const bench = new Bench({ peersMax: 1 });
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  for (let i = 0; i < 5; i++) group.publishTo(bench.now, 'fd00::2', bytesOfText('x'));
  remote.status(5, { flags: PRIVATE });
  remote.send(remote.hello({ flags: BYE }));
  const third = bench.meet('fd00::3', ['g']);
  third.send(third.hello({ flags: BYE }));
  remote.greet();
  remote.subscribe(['g']);
  assert.is(group.publishTo(bench.now, 'fd00::2', bytesOfText('x')), 6);
});

addressed('what waits for a member that takes nothing for now is kept', () => {
  const { bench, two, to } = three();
  for (let i = 0; i < 200; i++) to('fd00::2', 'x');
  bench.wait(200);
  const sent = Math.max(...two.seqs());
  assert.ok(sent < 200);
  two.status(sent, { flags: PRIVATE, window: 0 });
  bench.take();
  two.status(sent, { flags: PRIVATE });
  bench.wait(200);
  assert.is(Math.max(...two.seqs()), 200);
});

addressed('nor is a member that starts anew, though its daemon is another then', () => {
  const { two, to } = three();
  to('fd00::2', 'a');
  two.epoch++;
  two.identity++;
  two.subsVersion = 1;
  two.greet();
  two.subscribe(['g']);
  assert.is(to('fd00::2', 'b'), 2);
});

addressed('nothing of it is left when the member is gone for good', () => {
  const { bench, two, to } = three();
  to('fd00::2', 'a');
  two.subscribe([]);
  bench.wait(HOLD_MS);
  assert.equal([bench.status('logBytes'), bench.status('inFlightBytes'), bench.status('flights')], [0, 0, 0]);
});

addressed('two names of a node do not get the same numbers one after the other', () => {
  const { bench, two, to } = three();
  assert.equal([to('fd00::2', 'a'), to('fd00::2', 'b')], [1, 2]);
  const again = new Remote(bench, 'fd00::4');
  again.identity = two.identity;
  again.greet();
  again.subscribe(['g']);
  assert.is(to('fd00::4', 'c'), 3);
});

addressed('what a source that is gone owed us alone is a gap', () => {
  const { bench, two } = three();
  two.begin(1, { flags: WHOLE | START | PRIVATE });
  two.data(3, 'm3', { flags: WHOLE | PRIVATE });
  bench.takeEvents();
  bench.wait(1);
  two.send(two.hello({ flags: BYE }));
  const told = bench.takeEvents().filter((event) => event.includes('!'));
  assert.equal(told, ['g fd00::2 gap 2-2! source-gone', 'g fd00::2 3! m3']);
});

addressed('a node that comes back by a third name gets the numbers that follow those of the one it had', () => {
  const { bench, two, to } = three();
  for (const text of ['a', 'b', 'c']) to('fd00::2', text);
  two.subscribe([]);
  const third = new Remote(bench, 'fd00::4');
  third.identity = two.identity;
  third.greet();
  third.subscribe(['g']);
  assert.is(to('fd00::4', 'd'), 4);
});

addressed('a name of a node that was sent nothing meanwhile begins anew behind what another of its names was sent', () => {
  const { bench, group, two, to } = three();
  const other = new Remote(bench, 'fd00::4');
  other.identity = two.identity;
  other.greet();
  other.subscribe(['g']);
  assert.equal([to('fd00::2', 'a'), to('fd00::4', 'b'), to('fd00::4', 'c')], [1, 2, 3]);
  two.status(1, { flags: PRIVATE });
  bench.take();
  assert.equal([to('fd00::2', 'd'), to('fd00::2', 'e')], [4, 5]);
  assert.equal(two.heard('DATA').map(({ seq, start }) => [seq, start]), [[4, 4], [5, 4]]);
  two.status(5, { flags: PRIVATE });
  other.status(3, { flags: PRIVATE });
  assert.equal([bench.status('logBytes'), group.addressed.size], [0, 2]);
});

/** Two names of one node; `unite`: the second is a way to the first from now on. */
function named() {
  const bench = new Bench();
  const group = bench.join();
  const [first, second] = ['fd00::2', 'fd00::4'].map((address) => new Remote(bench, address)) as [Remote, Remote];
  second.identity = first.identity;
  for (const one of [first, second]) {
    one.greet();
    one.subscribe(['g']);
  }
  const to = (one: Remote, text: string): number => group.publishTo(bench.now, one.address, bytesOfText(text));
  const unite = (): void => {
    bench.take();
    const [lead, way] = [first, second].map(({ address }) => bench.node.broadcast.peers.find(address)!) as [Peer, Peer];
    way.lead = lead;
    way.shadowed = true;
    bench.node.onShadow(bench.now, way);
    bench.node.onTimeout(bench.now);
  };
  return { bench, group, first, second, to, unite };
}

addressed('what goes on to the name that stays leaves nothing behind at the other', () => {
  for (const before of [0, 1]) {
    const { bench, group, first, second, to, unite } = named();
    if (before) to(first, 'a');
    if (before) first.status(1, { flags: PRIVATE });
    to(second, 'b');
    unite();
    assert.equal(first.seqs(), [before + 1]);
    assert.is(group.stream.context.sendStreams.size, 2, 'the one for all, and one to it');
    first.status(before + 1, { flags: PRIVATE });
    assert.equal([bench.node.drained, bench.status('logBytes')], [true, 0]);
  }
});

addressed('what the name that stays has not acknowledged yet is not lost for it', () => {
  const { bench, first, second, to, unite } = named();
  to(first, 'a');
  to(second, 'b');
  unite();
  bench.wait(600);
  assert.ok(first.seqs().includes(1));
});

addressed('nor does what came before the last that it was sent follow it: that would be a repetition to it', () => {
  const { bench, first, second, to, unite } = named();
  to(first, 'a');
  first.status(1, { flags: PRIVATE });
  to(second, 'b');
  assert.is(to(first, 'c'), 3);
  first.status(3, { flags: PRIVATE });
  unite();
  bench.wait(600);
  assert.equal([first.seqs(), first.heard('POLL')], [[], []]);
  assert.is(to(first, 'd'), 4);
});

addressed.run();
