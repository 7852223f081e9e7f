/** What came to light where many nodes had two addresses (test/sim): each in its smallest form. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GONE } from '../../../src/broadcast/peer.ts';
import type { MeshNode } from '../../../src/multicast/node.ts';
import { FRAME_SUBS } from '../../../src/wire/frame.ts';
import { met, Pair, talk } from './pair.ts';

const ways = suite('ways under faults');

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

ways('an answer that comes by a way that was left meanwhile tells the round trip of that way', () => {
  const pair = met([0, 1]);
  const asked = pair.nodes[0]!;
  const lead = asked.broadcast.peers.find('fc00::b')!;
  const used = lead.way;
  const other = lead.ways.find((way) => way !== used)!;
  [...asked.groups][0]!.publish(pair.now, Uint8Array.of(0, 0));
  lead.way = other;
  asked.onWay(pair.now, lead);
  const before = [used, other].map(({ ownRoundTrip }) => ownRoundTrip.sampleCount);
  pair.run(60);
  assert.is(lead.way, other);
  assert.equal([used, other].map(({ ownRoundTrip }) => ownRoundTrip.sampleCount), [before[0]! + 1, before[1]!]);
});

ways.run();
