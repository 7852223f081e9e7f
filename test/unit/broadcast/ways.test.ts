/** What came to light where many nodes had two addresses (test/sim): each in its smallest form. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GONE } from '../../../src/broadcast/peer.ts';
import type { MeshNode } from '../../../src/multicast/node.ts';
import type { Session } from '../../../src/multicast/session.ts';
import { FRAME_DATA, FRAME_SUBS } from '../../../src/wire/frame.ts';
import { Pair } from './pair.ts';

const ways = suite('ways under faults');

/** Both nodes in the group, on these meshes. */
function met(meshes: readonly number[], ms = 4000, nameless = false): Pair {
  const pair = new Pair();
  pair.nameless = nameless;
  for (const node of pair.nodes) node.join(pair.now, 'g');
  for (const mesh of meshes) pair.bringUp(mesh);
  pair.run(ms);
  return pair;
}

/** Node 1 holds node 0 for two. */
function takenForTwo(): Pair {
  const pair = met([0, 1], 6000, true);
  assert.is(pair.members(1).length, 2, 'it has not heard that they are one; the other has');
  return pair;
}

/** And hears now that they are one. */
function enlighten(pair: Pair): void {
  pair.nameless = false;
  pair.nodes[0]!.join(pair.now, 'another');
}

/** A numbered message of node 0 every 20 ms for so long; @returns the next number. */
function talk(pair: Pair, first: number, ms: number): number {
  let number = first;
  for (let at = 0; at < ms; at += 20, number++) {
    [...pair.nodes[0]!.groups][0]!.publish(pair.now, Uint8Array.of(number >> 8, number));
    pair.run(20);
  }
  return number;
}

ways('the number of an address that is gone may be that of another mesh: nothing goes from the one to the other', () => {
  const pair = met([0, 1]);
  pair.nodes[0]!.removeLocal(pair.now, 0);
  pair.nodes[0]!.removeLocal(pair.now, 1);
  pair.bringUp(1, [0]);
  pair.run(60_000);
  assert.is(pair.strayCount, 0);
});

ways('a round trip is there and back by one way', () => {
  const pair = new Pair();
  pair.delays[0] = 150;
  for (const node of pair.nodes) node.join(pair.now, 'g');
  for (const mesh of [0, 1]) pair.bringUp(mesh);
  pair.run(4000);
  pair.loss = 0.2;
  let least = Infinity;
  for (let round = 0, said = 0; round < 100; round++) {
    if (round % 10 === 0) pair.cut.add('200::a');
    if (round % 10 === 5) pair.cut.clear();
    said = talk(pair, said, 400);
    const slow = pair.nodes.flatMap((node) => node.peers()).filter(({ id }) => id.startsWith('fc'));
    least = Math.min(least, ...slow.map(({ rttMs }) => rttMs));
  }
  assert.ok(least >= 300, `${least} ms, of 300`);
});

ways('an address that was away when the other was met is no less bound to its key', () => {
  const pair = met([0]);
  pair.nodes[0]!.removeLocal(pair.now, 0);
  pair.bringUp(1);
  pair.run(3000);
  assert.equal(pair.members(0), ['fc00::b']);
  assert.equal(pair.events[0], ['fc00::b joined']);
});

ways('two members that turn out to be one get all that is said from then on, and rest', () => {
  const pair = takenForTwo();
  let said = talk(pair, 0, 200);
  pair.cut.add('200::a');
  said = talk(pair, said, 3000);
  pair.cut.clear();
  said = talk(pair, said, 3000);
  enlighten(pair);
  pair.run(10_000);
  assert.is(pair.members(1).length, 1);
  const [lead] = pair.members(1);
  const other = pair.nodes[1]!.broadcast.peers.find(lead === 'fc00::a' ? '200::a' : 'fc00::a')!;
  assert.is((other.session as Session).streams.size, 0, 'the streams of its other name have ended');
  const from = said;
  pair.heard[1]!.length = 0;
  said = talk(pair, said, 1000);
  pair.run(2000);
  const heard = Array.from({ length: said - from }, (_, i) => `${lead} ${from + i}`);
  assert.equal(pair.heard[1], heard, 'and nothing that came under the other name comes again');
  const { sentCount } = pair;
  pair.run(5000);
  assert.ok(pair.sentCount - sentCount < 20, `${pair.sentCount - sentCount} datagrams in 5 s of rest`);
});

ways('what has come to one of them is not asked for again by the other', () => {
  for (const mesh of [0, 1]) {
    const pair = takenForTwo();
    pair.cut.add(pair.addresses[0]![mesh]!);
    const from = talk(pair, 0, 3000);
    pair.run(1000);
    pair.cut.clear();
    enlighten(pair);
    pair.run(8000);
    const [lead] = pair.members(1);
    pair.heard[1]!.length = 0;
    const said = talk(pair, from, 1000);
    pair.run(2000);
    assert.equal(pair.heard[1], Array.from({ length: said - from }, (_, i) => `${lead} ${from + i}`), `mesh ${mesh}`);
  }
});

ways('what one of them kept until it is its turn is not lost', () => {
  const pair = takenForTwo();
  let said = talk(pair, 0, 200);
  pair.cut.add('200::a');
  said = talk(pair, said, 3000);
  pair.cut.clear();
  said = talk(pair, said, 3000);
  pair.run(1000);
  pair.heard[1]!.length = 0;
  pair.hidden.add(FRAME_DATA);
  const first = said;
  said = talk(pair, said, 20);
  pair.hidden.clear();
  said = talk(pair, said, 20);
  pair.hidden.add(FRAME_DATA);
  pair.run(300);
  enlighten(pair);
  pair.run(3000);
  assert.is(pair.members(1).length, 1);
  pair.hidden.clear();
  pair.run(5000);
  const [lead] = pair.members(1);
  assert.equal(pair.heard[1]!.filter((line) => !line.startsWith('gap')), [`${lead} ${first}`, `${lead} ${first + 1}`]);
});

ways('what came under one of two names is not asked for under the other for ever', () => {
  const pair = takenForTwo();
  let said = talk(pair, 0, 200);
  pair.cut.add('200::a');
  said = talk(pair, said, 3000);
  pair.cut.clear();
  said = talk(pair, said, 3000);
  pair.run(3000);
  const { sentCount } = pair;
  pair.run(5000);
  assert.ok(pair.sentCount - sentCount < 20, `${pair.sentCount - sentCount} datagrams in 5 s of rest`);
  assert.ok(pair.heard[1]!.includes('gap 200::a'));
  assert.is(pair.heard[1]!.at(-1), `200::a ${said - 1}`);
});

ways('nobody is met by a second address without learning that it is one', () => {
  const pair = new Pair();
  pair.cut.add('fc00::a');
  for (const node of pair.nodes) node.join(pair.now, 'g');
  for (const mesh of [0, 1]) pair.bringUp(mesh);
  pair.loss = 0.5;
  pair.run(60_000);
  assert.equal(pair.members(1), ['200::a']);
  const events = pair.events[1]!.length;
  pair.loss = 0;
  pair.cut.clear();
  pair.cut.add('200::a');
  const said = talk(pair, 0, 30_000);
  assert.equal(pair.members(1), ['200::a']);
  assert.is(pair.events[1]!.length, events, 'the one mesh fails as the other comes up: nobody joins, nobody leaves');
  assert.equal(pair.heard[1]!.slice(-1), [`200::a ${said - 1}`]);
});

ways('nor when the first address was away when the second was met', () => {
  const pair = new Pair();
  pair.cut.add('fc00::a');
  for (const node of pair.nodes) node.join(pair.now, 'g');
  for (const mesh of [0, 1]) pair.bringUp(mesh);
  pair.run(4000);
  pair.nodes[0]!.removeLocal(pair.now, 0);
  pair.run(4000);
  pair.nodes[0]!.removeLocal(pair.now, 1);
  pair.cut.clear();
  pair.cut.add('200::a');
  pair.bringUp(0, [0]);
  pair.run(8000);
  assert.equal(pair.members(1), ['200::a']);
  assert.equal(pair.events[1], ['200::a joined']);
});

ways('an address is told until it is heard of, as groups are', () => {
  const pair = met([0]);
  pair.hidden.add(FRAME_SUBS);
  pair.bringUp(1, [0], false);
  pair.run(100);
  pair.hidden.clear();
  pair.run(1000);
  const named = () => [...pair.nodes[1]!.broadcast.peers.find('fc00::a')!.named];
  assert.equal(named(), [['200::a', true]]);
  pair.nodes[0]!.removeLocal(pair.now, 1);
  pair.run(1000);
  assert.equal(named(), [['200::a', false]]);
  pair.bringUp(1, [0], false);
  pair.run(1000);
  assert.equal(named(), [['200::a', true]]);
  pair.nodes[0]!.removeLocal(pair.now, 1);
  pair.keyless = 1;
  pair.bringUp(1, [0], false);
  pair.nodes[0]!.removeLocal(pair.now, 1);
  pair.run(1000);
  assert.equal(named(), [], 'one that is bound to no key may be of somebody else by now');
});

ways('a second address is no member before the first has told its newest list', () => {
  const pair = met([0]);
  pair.hidden.add(FRAME_SUBS);
  pair.hiddenFrom = 'fc00';
  pair.bringUp(1);
  pair.run(12_000);
  assert.equal(pair.members(1), ['fc00::a'], 'the first is heard: it will');
  pair.cut.add('fc00::a');
  pair.run(9000);
  assert.equal(pair.members(1).sort(), ['200::a', 'fc00::a'], 'it is not: nobody is waited for so long');
});

ways('nor while neither is heard', () => {
  const pair = met([0]);
  pair.hidden.add(FRAME_SUBS);
  pair.hiddenFrom = 'fc00';
  pair.bringUp(1);
  pair.run(500);
  assert.equal(pair.nodes[1]!.broadcast.peers.find('200::a')!.named.size, 1);
  for (const address of pair.addresses[0]!) pair.cut.add(address);
  pair.run(20_000);
  pair.cut.clear();
  pair.hidden.clear();
  pair.run(10_000);
  assert.equal(pair.events[1], ['fc00::a joined']);
});

ways('nothing counts by a second address before its list has come', () => {
  const pair = met([0]);
  pair.hidden.add(FRAME_SUBS);
  pair.hiddenFrom = '200';
  pair.bringUp(1);
  pair.run(1000);
  assert.is(pair.nodes[0]!.broadcast.peers.find('fc00::b')!.way.id, '200::b', 'the other knows that they are one');
  const said = talk(pair, 0, 1000);
  pair.hidden.clear();
  pair.run(10_000);
  assert.equal(pair.heard[1], Array.from({ length: said }, (_, number) => `fc00::a ${number}`));
});

ways('nor by the first, where the list of the second came before', () => {
  const pair = new Pair();
  pair.hidden.add(FRAME_SUBS);
  pair.hiddenFrom = '200';
  for (const node of pair.nodes) node.join(pair.now, 'g');
  pair.bringUp(1);
  pair.run(3000);
  pair.bringUp(0);
  pair.run(3000);
  const said = talk(pair, 0, 1000);
  pair.hidden.clear();
  pair.run(10_000);
  assert.equal(pair.heard[1], Array.from({ length: said }, (_, number) => `fc00::a ${number}`));
});

ways('who was a member first leads, not who was met first', () => {
  const pair = new Pair();
  pair.hidden.add(FRAME_SUBS);
  pair.hiddenFrom = '200';
  for (const node of pair.nodes) node.join(pair.now, 'g');
  pair.bringUp(1);
  pair.run(3000);
  pair.bringUp(0);
  pair.cut.add('200::a');
  pair.run(20_000);
  assert.equal(pair.members(1), ['fc00::a']);
  pair.cut.clear();
  pair.hidden.clear();
  pair.run(30_000);
  assert.equal(pair.events[1], ['fc00::a joined']);
  assert.is(pair.nodes[1]!.broadcast.peers.find('200::a')!.lead.id, 'fc00::a');
});

ways('nothing counts by a second address without a list after it was gone for a while either', () => {
  const pair = met([0]);
  pair.hidden.add(FRAME_SUBS);
  pair.hiddenFrom = '200';
  pair.bringUp(1);
  pair.run(1000);
  pair.cut.add('200::a');
  pair.run(120_000);
  pair.cut.clear();
  pair.run(1000);
  const said = talk(pair, 0, 1000);
  pair.hidden.clear();
  pair.run(10_000);
  assert.equal(pair.heard[1], Array.from({ length: said }, (_, number) => `fc00::a ${number}`));
});

ways('what waited for the way to come back goes on when it has', () => {
  const pair = met([0]);
  pair.loss = 0.5;
  talk(pair, 0, 500);
  const group = [...pair.nodes[0]!.groups][0]!;
  const cursor = group.stream.cursors.get(group.peers.get('fc00::b')!)!;
  for (let i = 0; i < 2000 && !cursor.hasRepairs; i++) pair.run(1);
  pair.loss = 0;
  pair.nodes[0]!.removeLocal(pair.now, 0);
  pair.run(500);
  pair.bringUp(0, [0]);
  pair.run(20_000);
  assert.is(pair.heard[1]!.length, 25);
});

ways('an address bound to no key is not asked again, nor does the other wait, once it is clear that they are one', () => {
  const pair = new Pair();
  pair.keyless = 1;
  for (const node of pair.nodes) node.join(pair.now, 'g');
  pair.bringUp(1);
  pair.run(3000);
  pair.bringUp(0);
  pair.run(1000);
  assert.equal(pair.members(1), ['fc00::a']);
  const { sentCount } = pair;
  pair.run(4000);
  assert.ok(pair.sentCount - sentCount < 10, `${pair.sentCount - sentCount} datagrams in 4 s`);
});

ways('what is asked for by a way that may be of another member is not refused', () => {
  const pair = met([0]);
  pair.hidden.add(FRAME_SUBS);
  pair.bringUp(1);
  pair.run(500);
  pair.loss = 0.3;
  const group = [...pair.nodes[1]!.groups][0]!;
  for (let number = 0; number < 100; number++) {
    group.publishTo(pair.now, 'fc00::a', Uint8Array.of(0, number));
    pair.run(20);
  }
  assert.is(group.members().length, 1);
  pair.loss = 0;
  pair.hidden.clear();
  pair.run(5000);
  assert.equal(pair.heard[0], Array.from({ length: 100 }, (_, number) => `fc00::b ${number}`));
});

ways('who is kept waiting goes on where he was', () => {
  const pair = met([0]);
  talk(pair, 0, 100);
  assert.is(pair.heard[1]!.length, 5, 'not acknowledged yet');
  const node = pair.nodes[1]!;
  const peer = node.broadcast.peers.find('fc00::a')!;
  for (const shadowed of [true, false]) {
    peer.shadowed = shadowed;
    node.onShadow(pair.now, peer);
    talk(pair, shadowed ? 5 : 10, 100);
    if (shadowed) assert.is(pair.heard[1]!.length, 5, 'and nothing counts before his name is clear');
  }
  pair.run(5000);
  assert.equal(pair.heard[1], Array.from({ length: 15 }, (_, number) => `fc00::a ${number}`));
});

ways('nothing of an old life comes back with one of its addresses', () => {
  const pair = met([0, 1]);
  pair.events[1]!.length = 0;
  pair.restart(0, 200, [0]);
  pair.nodes[0]!.join(pair.now, 'g');
  pair.run(3000);
  assert.equal([...[...pair.nodes[1]!.groups][0]!.peers.keys()], ['fc00::a']);
  pair.bringUp(1, [0]);
  pair.run(3000);
  assert.equal(pair.events[1], ['fc00::a restarted', 'fc00::a joined']);
});

ways('a new life learnt by one way ends the others at once', () => {
  const pair = met([0, 1]);
  pair.restart(0, 200, [0]);
  pair.run(1000);
  assert.is(pair.nodes[1]!.broadcast.peers.find('200::a')!.state, GONE);
});

ways('who is met where addresses are bound to keys is bound from the first', () => {
  const pair = met([0]);
  assert.ok(pair.nodes[0]!.broadcast.peers.find('fc00::b')!.bound);
  pair.keyless = 1;
  pair.bringUp(1);
  pair.run(3000);
  assert.not.ok(pair.nodes[0]!.broadcast.peers.find('200::b')!.bound);
});

ways('an answer that leaves by another way than the question came has no echo', () => {
  const pair = met([0, 1]);
  const [asked, answers] = pair.nodes as [MeshNode, MeshNode];
  const lead = answers.broadcast.peers.find('fc00::a')!;
  const other = lead.ways.find((way) => way !== lead.way)!;
  [...asked.groups][0]!.publish(pair.now, Uint8Array.of(0, 0));
  lead.way = other;
  other.heardAt = pair.now;
  answers.onWay(pair.now, lead);
  const { ownRoundTrip } = asked.broadcast.peers.find(other.id.replace('::a', '::b'))!;
  const before = ownRoundTrip.sampleCount;
  pair.run(200);
  assert.is(pair.heard[1]!.length, 1);
  assert.is(lead.way, other);
  assert.is(ownRoundTrip.sampleCount, before);
});

ways.run();
