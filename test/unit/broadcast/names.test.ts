/** Whether two addresses are one node: who waits for what, and what becomes of a node that was held for two. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Session } from '../../../src/multicast/session.ts';
import { FRAME_DATA, FRAME_SUBS } from '../../../src/wire/frame.ts';
import { heardAll, met, Pair, talk } from './pair.ts';

const names = suite('one node or two');

/** Node 1 holds node 0 for two. */
function takenForTwo(): Pair {
  const pair = met([0, 1], 6000, true);
  assert.is(pair.members(1).length, 2, 'it has not heard that they are one; the other has');
  return pair;
}

/** Node 0 is heard under both names, then under one, then under both; @returns the next number. */
function talkByTurns(pair: Pair): number {
  const both = talk(pair, 0, 200);
  pair.cut.add('200::a');
  const one = talk(pair, both, 3000);
  pair.cut.clear();
  return talk(pair, one, 3000);
}

/** And hears now that they are one. */
function enlighten(pair: Pair): void {
  pair.nameless = false;
  pair.nodes[0]!.join(pair.now, 'another');
}

/** Met on the first mesh, and on the second just now; node 1 gets no list from the addresses of one of them. */
function metThenSecond(hiddenFrom: string): Pair {
  const pair = met([0]);
  pair.hidden.add(FRAME_SUBS);
  pair.hiddenFrom = hiddenFrom;
  pair.bringUp(1);
  return pair;
}

/** Met on the second mesh, whose addresses' lists do not come to node 1, and on the first just now. */
function metByHidden(): Pair {
  const pair = new Pair();
  pair.hidden.add(FRAME_SUBS);
  pair.hiddenFrom = '200';
  for (const node of pair.nodes) node.join(pair.now, 'g');
  pair.bringUp(1);
  pair.run(3000);
  pair.bringUp(0);
  return pair;
}

names('two members that turn out to be one get all that is said from then on, and rest', () => {
  const pair = takenForTwo();
  let said = talkByTurns(pair);
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
  assert.equal(pair.heard[1], heardAll(lead!, from, said), 'and nothing that came under the other name comes again');
  const { sentCount } = pair;
  pair.run(5000);
  assert.ok(pair.sentCount - sentCount < 20, `${pair.sentCount - sentCount} datagrams in 5 s of rest`);
});

names('what has come to one of them is not asked for again by the other', () => {
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
    assert.equal(pair.heard[1], heardAll(lead!, from, said), `mesh ${mesh}`);
  }
});

names('what one of them kept until it is its turn is not lost', () => {
  const pair = takenForTwo();
  let said = talkByTurns(pair);
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

names('what came under one of two names is not asked for under the other for ever', () => {
  const pair = takenForTwo();
  let said = talkByTurns(pair);
  pair.run(3000);
  const { sentCount } = pair;
  pair.run(5000);
  assert.ok(pair.sentCount - sentCount < 20, `${pair.sentCount - sentCount} datagrams in 5 s of rest`);
  assert.ok(pair.heard[1]!.includes('gap 200::a'));
  assert.is(pair.heard[1]!.at(-1), `200::a ${said - 1}`);
});

/** Node 1 holds node 0 for two: says a number to one of its names alone. */
function whisper(pair: Pair, to: string, number: number): void {
  assert.ok([...pair.nodes[1]!.groups][0]!.publishTo(pair.now, to, Uint8Array.of(0, number)) > 0);
}

/** What is said meanwhile does not arrive before it is known that they are one. */
function enlightenTooSoon(pair: Pair, say: () => void): void {
  for (const address of pair.addresses[0]!) pair.cut.add(address);
  say();
  pair.run(30);
  pair.cut.clear();
  enlighten(pair);
  pair.run(3000);
  assert.is(pair.members(1).length, 1);
}

names('what was sent to one of them alone and has not come goes on to the one that stays', () => {
  for (const before of [0, 2]) {
    const pair = takenForTwo();
    const [lead, second] = pair.members(1) as [string, string];
    for (let number = 0; number < before; number++) whisper(pair, lead, number);
    pair.run(1000);
    enlightenTooSoon(pair, () => {
      for (let number = before; number < 5; number++) whisper(pair, second, number);
    });
    assert.equal(pair.members(1), [lead]);
    assert.equal(pair.heard[0], heardAll(pair.members(0)[0]!, 0, 5));
  }
});

names('and where both names have used a number, none is used a third time', () => {
  const pair = takenForTwo();
  const [lead, second] = pair.members(1) as [string, string];
  for (const [number, to] of [second, lead, lead].entries()) {
    whisper(pair, to, number);
    pair.run(1000);
  }
  enlightenTooSoon(pair, () => whisper(pair, second, 3));
  whisper(pair, lead, 4);
  pair.run(1000);
  assert.is(pair.heard[0]!.at(-1)!.split(' ')[1], '4');
});

names('nobody is met by a second address without learning that it is one', () => {
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

names('nor when the first address was away when the second was met', () => {
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

names('an address is told until it is heard of, as groups are', () => {
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

names('a second address is no member before the first has told its newest list', () => {
  const pair = metThenSecond('fc00');
  pair.run(12_000);
  assert.equal(pair.members(1), ['fc00::a'], 'the first is heard: it will');
  pair.cut.add('fc00::a');
  pair.run(9000);
  assert.equal(pair.members(1).sort(), ['200::a', 'fc00::a'], 'it is not: nobody is waited for so long');
});

names('nor while neither is heard', () => {
  const pair = metThenSecond('fc00');
  pair.run(500);
  assert.equal(pair.nodes[1]!.broadcast.peers.find('200::a')!.named.size, 1);
  for (const address of pair.addresses[0]!) pair.cut.add(address);
  pair.run(20_000);
  pair.cut.clear();
  pair.hidden.clear();
  pair.run(10_000);
  assert.equal(pair.events[1], ['fc00::a joined']);
});

names('nothing counts by a second address before its list has come', () => {
  const pair = metThenSecond('200');
  pair.run(1000);
  assert.is(pair.nodes[0]!.broadcast.peers.find('fc00::b')!.way.id, '200::b', 'the other knows that they are one');
  const said = talk(pair, 0, 1000);
  pair.hidden.clear();
  pair.run(10_000);
  assert.equal(pair.heard[1], heardAll('fc00::a', 0, said));
});

names('nor by the first, where the list of the second came before', () => {
  const pair = metByHidden();
  pair.run(3000);
  const said = talk(pair, 0, 1000);
  pair.hidden.clear();
  pair.run(10_000);
  assert.equal(pair.heard[1], heardAll('fc00::a', 0, said));
});

names('who was a member first leads, not who was met first', () => {
  const pair = metByHidden();
  pair.cut.add('200::a');
  pair.run(20_000);
  assert.equal(pair.members(1), ['fc00::a']);
  pair.cut.clear();
  pair.hidden.clear();
  pair.run(30_000);
  assert.equal(pair.events[1], ['fc00::a joined']);
  assert.is(pair.nodes[1]!.broadcast.peers.find('200::a')!.lead.id, 'fc00::a');
});

names('nothing counts by a second address without a list after it was gone for a while either', () => {
  const pair = metThenSecond('200');
  pair.run(1000);
  pair.cut.add('200::a');
  pair.run(120_000);
  pair.cut.clear();
  pair.run(1000);
  const said = talk(pair, 0, 1000);
  pair.hidden.clear();
  pair.run(10_000);
  assert.equal(pair.heard[1], heardAll('fc00::a', 0, said));
});

names('what is said to the one alone, then to the other, comes, be it before or after they are known to be one', () => {
  for (const order of [[0, 1], [1, 0], [0, 1, 1], [0, 1, 0, 1], [1, 1, 0, 0, 1]]) {
    const pair = takenForTwo();
    const both = pair.members(1);
    let number = 0;
    for (const which of order) {
      whisper(pair, both[which]!, number++);
      pair.run(1000);
    }
    enlighten(pair);
    pair.run(5000);
    for (let i = 0; i < 3; i++) {
      whisper(pair, pair.members(1)[0]!, number++);
      pair.run(1000);
    }
    assert.equal(pair.heard[0], heardAll(pair.members(0)[0]!, 0, number), order.join());
  }
});

names.run();
