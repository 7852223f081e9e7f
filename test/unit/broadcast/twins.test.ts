import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MeshNode } from '../../../src/multicast/node.ts';
import { heardAll, Pair } from './pair.ts';

const twins = suite('one node on two meshes');

function together(meshes = [0, 1]): Pair {
  const pair = new Pair();
  for (const mesh of meshes) pair.bringUp(mesh);
  pair.run(3000);
  for (const node of pair.nodes) node.join(pair.now, 'g');
  pair.run(1000);
  return pair;
}

function group(pair: Pair, index: number) {
  return [...pair.nodes[index]!.groups][0]!;
}

/** A numbered message every 20 ms for so long; @returns the next number. */
function talk(pair: Pair, first: number, ms: number): number {
  let number = first;
  for (let at = 0; at < ms; at += 20, number++) {
    group(pair, 0).publish(pair.now, Uint8Array.of(number >> 8, number));
    pair.run(20);
  }
  return number;
}

/** What node 1 heard is all that was said, once, in order, from the one member. */
function assertWhole(pair: Pair, count: number): void {
  const source = pair.members(1)[0]!;
  assert.equal(pair.heard[1], Array.from({ length: count }, (_, number) => `${source} ${number}`));
}

twins('it is one member at either end', () => {
  const pair = together();
  assert.is(pair.members(0).length, 1);
  assert.is(pair.members(1).length, 1);
});

twins('met on both meshes at once, it never was two members, and all call it the same', () => {
  for (const meshes of [[0, 1], [1, 0]]) {
    const pair = new Pair();
    for (const node of pair.nodes) node.join(pair.now, 'g');
    for (const mesh of meshes) pair.bringUp(mesh);
    pair.run(3000);
    assert.equal(pair.events, [['fc00::b joined'], ['fc00::a joined']]);
  }
});

twins('met first on the mesh that is asked first, it is called the same', () => {
  const pair = new Pair();
  for (const node of pair.nodes) node.join(pair.now, 'g');
  pair.bringUp(1);
  pair.bringUp(0, [1], false);
  pair.bringUp(0, [0], false);
  pair.run(3000);
  assert.equal(pair.events, [['fc00::b joined'], ['fc00::a joined']], 'the other address is learnt from the node itself');
});

twins('that both addresses are one is found out though greetings are lost', () => {
  let doubled = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const pair = new Pair();
    pair.seed(seed);
    pair.loss = 0.3;
    for (const node of pair.nodes) node.join(pair.now, 'g');
    pair.bringUp(0);
    pair.bringUp(1);
    talk(pair, 0, 12_000);
    pair.loss = 0;
    pair.run(2000);
    assert.is(pair.members(0).length, 1, `seed ${seed}`);
    assert.is(pair.members(1).length, 1, `seed ${seed}`);
    const seqs = pair.heard[1]!.map((line) => line.split(' ')[1]);
    doubled += seqs.length - new Set(seqs).size;
  }
  // Of 12,000: where a list of groups came through and the greeting before it did not.
  assert.ok(doubled < 20, `${doubled} messages came twice`);
});

twins('a message comes once', () => {
  const pair = together();
  assert.is(talk(pair, 0, 20), 1);
  pair.run(1000);
  assertWhole(pair, 1);
});

for (const mesh of [0, 1]) {
  twins(`mesh ${mesh} fails in a conversation and comes back: nothing is lost, nobody leaves`, () => {
    const pair = together();
    const events = [pair.events[0]!.length, pair.events[1]!.length];
    let said = talk(pair, 0, 2000);
    pair.cut.add(pair.addresses[0]![mesh]!);
    said = talk(pair, said, 1500);
    assert.ok(pair.heard[1]!.length > said - 10, `${said - pair.heard[1]!.length} are late 1.5 s after the failure`);
    said = talk(pair, said, 118_500);
    pair.cut.clear();
    said = talk(pair, said, 20_000);
    pair.run(2000);
    assertWhole(pair, said);
    assert.equal([pair.events[0]!.length, pair.events[1]!.length], events);
  });

  twins(`our own address on mesh ${mesh} goes and comes back: nothing is lost, nobody leaves`, () => {
    const pair = together();
    const events = [pair.events[0]!.length, pair.events[1]!.length];
    let said = talk(pair, 0, 1000);
    pair.nodes[0]!.removeLocal(pair.now, mesh);
    pair.cut.add(pair.addresses[0]![mesh]!);
    said = talk(pair, said, 1000);
    assert.ok(pair.heard[1]!.length > said - 10);
    said = talk(pair, said, 119_000);
    pair.cut.clear();
    pair.bringUp(mesh, [0]);
    said = talk(pair, said, 20_000);
    pair.run(2000);
    assertWhole(pair, said);
    assert.equal([pair.events[0]!.length, pair.events[1]!.length], events);
  });
}

twins('a mesh that comes and goes every 3 s costs nothing', () => {
  const pair = together();
  let said = 0;
  for (let round = 0; round < 10; round++) {
    pair.cut.add(pair.addresses[0]![round % 2]!);
    said = talk(pair, said, 3000);
    pair.cut.clear();
    said = talk(pair, said, 3000);
  }
  pair.run(3000);
  assertWhole(pair, said);
});

twins('another address instead of one: the node is the member that it was', () => {
  const pair = together();
  const before = pair.members(1);
  let said = talk(pair, 0, 1000);
  pair.nodes[0]!.removeLocal(pair.now, 0);
  pair.addresses[0]![0] = 'fc00::c';
  pair.bringUp(0, [0]);
  said = talk(pair, said, 120_000);
  pair.run(1000);
  assertWhole(pair, said);
  assert.equal(pair.members(1), before);
});

twins('a node that starts anew ends by all its addresses and is one member again', () => {
  const pair = together();
  const said = talk(pair, 0, 1000);
  pair.restart(0, 200);
  pair.run(5000);
  pair.nodes[0]!.join(pair.now, 'g');
  pair.run(3000);
  talk(pair, said, 20);
  pair.run(1000);
  assert.is(pair.members(1).length, 1);
  assert.is(pair.members(0).length, 1);
  assert.is(pair.heard[1]!.filter((line) => line.endsWith(` ${said}`)).length, 1);
});

twins('it is called the same after it started anew, by whichever way that is learnt first', () => {
  for (const meshes of [[0, 1], [1, 0]]) {
    const pair = together();
    pair.events[1]!.length = 0;
    pair.restart(0, 200, meshes);
    pair.nodes[0]!.join(pair.now, 'g');
    talk(pair, 0, 3000);
    assert.equal(pair.members(1), ['fc00::a']);
    assert.equal(pair.events[1]!.filter((event) => event.endsWith('joined')), ['fc00::a joined']);
    assert.ok(pair.heard[1]!.every((line) => line.startsWith('fc00::a ')), 'nor is anything heard under another name');
  }
});

twins('a goodbye by one way is meant for all', () => {
  const pair = together();
  pair.run(2000);
  pair.cut.add('200::a');
  pair.nodes[0]!.shutdown(pair.now);
  pair.run(100);
  assert.equal(pair.members(1), []);
});

twins('nothing that was sent before it by another way brings the node back', () => {
  const pair = together();
  pair.run(2000);
  pair.delays[1] = 500;
  const { outbox, peers } = pair.nodes[0]!.broadcast;
  outbox.oweHello(peers.find('200::b')!, false);
  outbox.flush(pair.now, Infinity);
  pair.run(100);
  pair.nodes[0]!.shutdown(pair.now);
  pair.run(100);
  pair.nodes[0] = { deadline: Infinity, onDatagram: () => undefined } as unknown as MeshNode;
  pair.events[1] = [];
  pair.run(1000);
  assert.equal(pair.events[1], []);
  assert.equal(pair.members(1), []);
});

twins('who leaves a group while one way is dumb has left', () => {
  for (const mesh of [0, 1]) {
    const pair = together();
    pair.cut.add(pair.addresses[0]![mesh]!);
    pair.nodes[0]!.leave(pair.now, group(pair, 0));
    pair.run(1000);
    assert.equal(pair.members(1), []);
  }
});

twins('a mesh that comes up later changes nobody', () => {
  const pair = together([0]);
  pair.bringUp(1);
  const said = talk(pair, 0, 5000);
  pair.run(500);
  assertWhole(pair, said);
  assert.equal(pair.members(0), ['fc00::b']);
  assert.is(pair.events[0]!.length, 1);
});

twins('an address bound to no key is no way to one that is', () => {
  const pair = new Pair();
  pair.keyless = 1;
  pair.bringUp(1);
  pair.run(3000);
  for (const node of pair.nodes) node.join(pair.now, 'g');
  pair.bringUp(0);
  pair.run(5000);
  assert.equal(pair.members(1), ['fc00::a'], 'it stands back');
  pair.cut.add('fc00::a');
  talk(pair, 0, 20_000);
  assert.equal(pair.heard[1], [], 'nothing comes by it in the name of the other');
  pair.run(100_000);
  assert.equal(pair.members(1), ['200::a'], 'it stands in under its own name when the other is gone');
});

twins('what has come by the address that is bound to a key does not come again by the one that stands in for it', () => {
  const pair = new Pair();
  pair.keyless = 1;
  for (const node of pair.nodes) node.join(pair.now, 'g', { start: 'all' });
  for (const mesh of [1, 0]) {
    pair.bringUp(mesh);
    pair.run(3000);
  }
  const said = talk(pair, 0, 200);
  pair.run(1000);
  for (const address of ['fc00::a', 'fc00::b']) pair.cut.add(address);
  pair.run(115_000);
  assert.equal(pair.members(1), ['200::a']);
  const all = talk(pair, said, 200);
  pair.run(1000);
  assert.equal(pair.heard[1], [...heardAll('fc00::a', 0, said), ...heardAll('200::a', said, all)]);
});

twins('an address bound to no key stands back after a new start too', () => {
  for (const meshes of [[0, 1], [1, 0]]) {
    for (const gapMs of [0, 50, 3000]) {
      const pair = new Pair();
      pair.keyless = 1;
      for (const mesh of [0, 1]) pair.bringUp(mesh);
      pair.run(3000);
      for (const node of pair.nodes) node.join(pair.now, 'g');
      pair.run(2000);
      pair.restart(0, 200, [meshes[0]!]);
      pair.nodes[0]!.join(pair.now, 'g');
      pair.run(gapMs);
      pair.bringUp(meshes[1]!, [0]);
      talk(pair, 0, 5000);
      assert.equal([pair.members(0), pair.members(1)], [['fc00::b'], ['fc00::a']], `${meshes.join()} ${gapMs}`);
    }
  }
});

twins('somebody who tells the number of another node holds nobody up for long', () => {
  const pair = together([0]);
  liar(pair, 300);
  pair.run(10_000);
  assert.equal(pair.members(1).sort(), ['200::e', 'fc00::a'], 'two nodes, two members');
});

/** A third node that copies the number which the first one tells everybody. */
function liar(pair: Pair, epoch: number): MeshNode {
  const node = new MeshNode(
    { epoch, port: 14627, sha256: (bytes) => new Uint8Array(32).fill(bytes.length) }, () => 0.3,
    { ...pair.output(0), send: (_local, to, _port, bytes) => pair.put('200::e', to, bytes) },
  );
  setNumber(node, pair.nodes[0]!.broadcast.identity);
  pair.bringUp(1, [1]);
  pair.join(node, '200::e');
  node.join(pair.now, 'g');
  return node;
}

function setNumber(node: MeshNode, number: number): void {
  (node.broadcast as { identity: number }).identity = number;
}

twins('nor does he who names its address as his: it does not name his', () => {
  const pair = together([0]);
  liar(pair, 100).addLocal(pair.now, 'fc00::a', 'fc00', true, () => false);
  pair.run(20_000);
  assert.equal(pair.members(1).sort(), ['200::e', 'fc00::a']);
});

twins('who is denied by a newer list is a member at once', () => {
  const pair = together([0]);
  liar(pair, 100).addLocal(pair.now, 'fc00::a', 'fc00', true, () => false);
  pair.run(3000);
  assert.equal(pair.members(1), ['fc00::a']);
  for (const name of ['hh', 'iii', 'jjjj']) pair.nodes[0]!.join(pair.now, name);
  pair.run(1000);
  assert.equal(pair.members(1).sort(), ['200::e', 'fc00::a']);
});

twins('whoever has an address of a node that was is not that node, with its number neither', () => {
  const pair = new Pair();
  pair.cut.add('200::a');
  for (const mesh of [0, 1]) pair.bringUp(mesh);
  for (const node of pair.nodes) node.join(pair.now, 'g');
  pair.run(3000);
  const number = pair.nodes[0]!.broadcast.identity;
  pair.cut.clear();
  pair.cut.add('fc00::a');
  pair.restart(0, 200);
  setNumber(pair.nodes[0]!, number);
  pair.nodes[0]!.join(pair.now, 'g');
  pair.run(8000);
  assert.equal(pair.members(1).sort(), ['200::a', 'fc00::a']);
});

twins('an address that a node says it has no more is left at once', () => {
  const pair = together();
  pair.nodes[0]!.removeLocal(pair.now, 1);
  pair.cut.add('200::a');
  pair.run(50);
  group(pair, 1).publish(pair.now, Uint8Array.of(0, 7));
  pair.run(60);
  assert.equal(pair.heard[0], ['fc00::b 7']);
});

twins.run();
