import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Bench, bytesOfText, groupHex, PRIVATE, Remote, START, textOf, WHOLE } from './bench.ts';
import { begun } from './begun.ts';

const join = suite('groups: joining and leaving');

function firstSeqs(bench: Bench, start: number): { seqs: number[]; starts: unknown[] } {
  const remote = new Remote(bench, 'fd00::2');
  remote.greet();
  remote.acknowledgeSubs();
  bench.take();
  remote.subscribe(['g'], start);
  return { seqs: remote.seqs(), starts: [...new Set(remote.heard('DATA').map((data) => data['start']))] };
}

function withHistory(): Bench {
  const bench = new Bench();
  const group = bench.join();
  for (let i = 1; i <= 3; i++) bench.publish(group, `m${i}`);
  bench.publish(group, 1500); // 4 and 5
  bench.publish(group, 'm6');
  return bench;
}

join('joining twice is the same group', () => {
  const bench = new Bench();
  const group = bench.join('a');
  assert.is(bench.join('a', { start: 'all' }), group);
  assert.is.not(bench.join('b'), group);
  assert.equal([...bench.node.groups].map(({ name }) => name), ['a', 'b']);
});

join('a member that joins from now gets what is published from now on', () => {
  const bench = withHistory();
  assert.equal(firstSeqs(bench, 0).seqs, []);
  const [group] = [...bench.node.groups];
  bench.take();
  bench.publish(group!, 'new');
  assert.equal(bench.take()[0]!.frames.map((one) => [one['seq'], one['start']]), [[7, 7]]);
});

join('a member that wants the last K gets K messages, fragments counted as one', () => {
  assert.equal(firstSeqs(withHistory(), 1), { seqs: [6], starts: [6] });
  assert.equal(firstSeqs(withHistory(), 2), { seqs: [4, 5, 6], starts: [4] });
  assert.equal(firstSeqs(withHistory(), 254), { seqs: [1, 2, 3, 4, 5, 6], starts: [1] });
});

join('a member that wants all gets all that is retained', () => {
  assert.equal(firstSeqs(withHistory(), 255), { seqs: [1, 2, 3, 4, 5, 6], starts: [1] });
  const bench = withHistory();
  const [group] = [...bench.node.groups];
  group!.stream.log.shift();
  assert.equal(firstSeqs(bench, 255).starts, [2]);
});

join('a member already there when we join is met from now on', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2', ['g']);
  const group = bench.join();
  assert.equal(bench.takeEvents(), ['g fd00::2 joined']);
  bench.publish(group, 'x');
  assert.equal(remote.heard('DATA').map((one) => one['start']), [1]);
});

join('the history is what the log holds of ours, whole messages, oldest first', () => {
  const bench = withHistory();
  const [group] = [...bench.node.groups];
  assert.equal(group!.history().map(({ seq, data }) => [seq, data.length]), [[1, 2], [2, 2], [3, 2], [4, 1500], [6, 2]]);
  assert.equal(group!.history(2).map(({ seq }) => seq), [4, 6]);
  assert.equal(group!.history(0).map(({ seq }) => seq), []);
  assert.is(textOf(group!.history(1)[0]!.data), 'm6');
});

join('the log keeps its own copy of what was published', () => {
  const bench = new Bench();
  const group = bench.join();
  const data = bytesOfText('before');
  group.publish(bench.now, data);
  data.fill(0);
  assert.is(textOf(group.history()[0]!.data), 'before');
});

join('members are the others that are there, with what is known of them', () => {
  const bench = new Bench();
  const group = bench.join();
  bench.meet('fd00::2', ['g'], 80);
  bench.meet('fd00::3', []);
  assert.equal(group.members().map(({ id, stale, rttMs }) => [id, stale, rttMs]), [['fd00::2', false, 80]]);
  assert.is(group.status()['members'], 2);
});

join('what was left is told no more: no messages, no members, no publishing', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  remote.begin();
  remote.data(3);
  bench.node.leave(bench.now, group);
  bench.takeEvents();
  bench.take();
  remote.data(2);
  remote.send({ frame: 'DGRAM', flags: 0, group: groupHex('g'), seq: 1, payload: '00' });
  remote.subscribe([]);
  assert.equal(bench.takeEvents(), []);
  assert.equal([...bench.node.groups], []);
  assert.is(bench.publish(group, 'x'), -4);
  assert.is(group.publishTo(bench.now, 'fd00::2', bytesOfText('x')), -4);
  assert.is(group.datagram(bench.now, bytesOfText('x')), -4);
  assert.is(group.datagramTo(bench.now, 'fd00::2', bytesOfText('x')), -4);
  assert.is(bench.status('reorderBytes'), 0);
  bench.node.leave(bench.now, group); // once more does no harm
});

join('what was published before leaving still reaches the members', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.publish(group, 'last words');
  bench.take();
  bench.node.leave(bench.now, group);
  assert.is(bench.node.drained, false);
  bench.wait(600);
  assert.ok(remote.seqs().includes(1), 'repeated');
  remote.status(1);
  bench.take();
  assert.is(bench.node.drained, true);
  bench.wait(10_000);
  assert.equal(remote.seqs(), []);
  assert.is(bench.status('logBytes'), 0, 'and then nothing of it is kept');
});

join('and so it does who was stale or gone then, however late it is back', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.wait(40_000);
  bench.publish(group, 'last words');
  bench.node.leave(bench.now, group);
  bench.wait(600_000);
  assert.is(bench.node.drained, true, 'nobody waits for who is gone');
  bench.take();
  remote.send(remote.hello());
  assert.equal(remote.seqs(), [1]);
  remote.status(1);
  assert.is(bench.status('logBytes'), 0);
});

join('or it is told that there were some: when they are older than what is kept', () => {
  const bench = new Bench({ retainMs: 3_600_000 });
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.publish(group, 'last words');
  bench.wait(20);
  bench.node.leave(bench.now, group);
  bench.wait(4_000_000);
  assert.is(bench.status('logBytes'), 0);
  bench.take();
  remote.send(remote.hello());
  assert.equal(remote.heard('POLL').map(({ low, high }) => [low, high]), [[2, 1]]);
  remote.status(1);
  bench.wait(100_000);
  assert.equal(remote.heard('POLL').length, 1);
});

join('of the groups that were left with words unheard the last 32 are served: of another we say that nothing comes', () => {
  const bench = new Bench();
  const names = Array.from({ length: 33 }, (_, i) => `g${i}`);
  const remote = bench.meet('fd00::2', names);
  for (const name of names) {
    const group = bench.join(name);
    bench.publish(group, 'x');
    bench.node.leave(bench.now, group);
  }
  bench.take();
  for (const name of names) remote.status(0, { name, nackHigh: 1, high: 1 });
  assert.equal(remote.heard('GAP').map(({ group, low }) => [group, low]), [[groupHex('g0'), 2]]);
});

join('joined again meanwhile it is the same group: it has its history, and who lacks some of it', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  const other = bench.meet('fd00::3', ['g']);
  group.publishTo(bench.now, 'fd00::2', bytesOfText('for you'));
  bench.publish(group, 'one');
  other.status(1);
  bench.node.leave(bench.now, group);
  bench.takeEvents();
  assert.is(bench.join('g', { slow: 'block' }), group);
  assert.equal(bench.takeEvents(), ['g fd00::2 joined', 'g fd00::3 joined']);
  assert.equal([group.options.slow, group.history().length], ['block', 1]);
  bench.wait(1000);
  bench.take();
  remote.status(0, { nackHigh: 1, high: 1 });
  remote.status(0, { nackHigh: 1, high: 1, flags: PRIVATE });
  assert.equal(remote.heard('DATA').map((one) => [one['seq'], one.flags & PRIVATE]), [[1, 0], [1, PRIVATE]]);
  bench.wait(5);
  assert.is(bench.publish(group, 'two'), 2);
  assert.equal(other.seqs(), [2], 'and who had all of it goes on as it was');
});

join('who came into the group after we had left it gets of its history what it wished', () => {
  const bench = new Bench();
  const group = bench.join();
  bench.meet('fd00::2', ['g']);
  bench.publish(group, 'one');
  bench.node.leave(bench.now, group);
  const late = bench.meet('fd00::3', []);
  late.subscribe(['g'], 255);
  bench.wait(100);
  assert.equal(late.seqs(), []);
  bench.join();
  assert.equal(late.seqs(), [1]);
});

join('joined again, the numbers go on: none is used twice within an epoch', () => {
  const { bench, group, remote } = begun();
  bench.node.leave(bench.now, group);
  bench.wait(1000);
  const again = bench.join();
  assert.is.not(again, group);
  bench.take();
  assert.is(bench.publish(again, 'two'), 2);
  assert.equal(remote.heard('DATA').map((one) => [one['seq'], one['start'], one.flags & START]), [[2, 2, START]]);
});

join('nor when so many others were left meanwhile that it is forgotten', () => {
  const bench = new Bench();
  const group = bench.join();
  for (let i = 0; i < 3; i++) bench.publish(group, 'x');
  bench.node.leave(bench.now, group);
  bench.wait(2);
  for (let i = 0; i < 512; i++) {
    bench.node.leave(bench.now, bench.join(`other ${i}`));
    bench.wait(2);
  }
  assert.is(bench.publish(bench.join('other 511'), 'x'), 1);
  assert.ok(bench.publish(bench.join(), 'x') >= 4);
  assert.ok(bench.publish(bench.join('new'), 'x') >= 4);
});

join('joined again while the last words are on their way, the numbers go on too', () => {
  const bench = new Bench();
  const group = bench.join();
  bench.meet('fd00::2', ['g']);
  bench.publish(group, 'one');
  bench.node.leave(bench.now, group);
  assert.is(bench.publish(bench.join(), 'two'), 2);
});

function colliding(): Bench {
  const ids: Record<string, number[]> = { a: [0x12, 0x34, 0, 1], b: [0x52, 0x34, 0, 1] };
  return new Bench({
    sha256: (name) => {
      const digest = new Uint8Array(32);
      digest.set(ids[textOf(name)] ?? [9]);
      return digest;
    },
  });
}

join('two names with the same low 53 bits of their id are two groups', () => {
  const bench = colliding();
  bench.join('a');
  const remote = bench.meet('fd00::2', []);
  remote.send({ frame: 'SUBS', flags: 0, version: 9, groups: [{ group: '5234000100000000', life: 0, start: 0 }] });
  remote.send({ frame: 'DATA', flags: WHOLE | START, group: '5234000100000000', seq: 1, start: 1, payload: '00' });
  assert.equal(bench.takeEvents(), []);
  assert.is(bench.status('notJoinedIn'), 1);
});

join('of which we are in one at a time', () => {
  const bench = colliding();
  const group = bench.join('a');
  assert.is(bench.node.join(bench.now, 'b'), undefined);
  bench.node.leave(bench.now, group);
  assert.equal([bench.join('b').name, bench.node.join(bench.now, 'a')], ['b', undefined]);
});

join('also where the one that we have left is still owed to somebody', () => {
  const bench = colliding();
  const group = bench.join('a');
  const remote = bench.meet('fd00::2', []);
  remote.send({ frame: 'SUBS', flags: 0, version: 9, groups: [{ group: '1234000100000000', life: 0, start: 0 }] });
  bench.publish(group, 'x');
  bench.node.leave(bench.now, group);
  assert.is(bench.join('b').name, 'b');
  assert.is(bench.status('logBytes'), 0);
});

join.run();
