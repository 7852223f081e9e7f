import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Bench, EPOCH, groupHex, PORT, type Remote, REPAIR } from './bench.ts';

const scheduler = suite('scheduler');

/** Opens the node's window wide, so that only pacing is left. */
function wide(bench: Bench): void {
  bench.node.broadcast.counters; // the window belongs to the node's context; a stream knows it
  for (const group of bench.node.groups) group.stream.context.window.bytes = 8_000_000;
}

function begin(bench: Bench, remotes: Remote[], names = ['g']): void {
  for (const group of bench.node.groups) bench.publish(group, 'first');
  bench.wait(100);
  for (const remote of remotes) for (const name of names) remote.status(1, { name });
  wide(bench);
  bench.take();
}

scheduler('a burst to one path is at most 8 full packets per 5 ms', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  begin(bench, [remote]);
  const at = bench.now;
  for (let i = 0; i < 30; i++) bench.publish(group, 1150);
  bench.wait(40);
  const slots = new Map<number, number>();
  for (const sent of bench.take()) slots.set(sent.at - at, (slots.get(sent.at - at) ?? 0) + sent.size);
  assert.ok(slots.size >= 4);
  const times = [...slots.keys()];
  for (const [i, time] of times.entries()) if (i > 0) assert.ok(time - times[i - 1]! >= 5, `${times}`);
  for (const bytes of slots.values()) assert.ok(bytes <= 8 * 1200, `${bytes}`);
});

scheduler('pacing of one path holds nobody else up', () => {
  const bench = new Bench();
  const group = bench.join();
  const remotes = ['fd00::2', 'fd00::3'].map((address) => bench.meet(address, ['g']));
  begin(bench, remotes);
  for (let i = 0; i < 9; i++) group.publishTo(bench.now, 'fd00::2', new Uint8Array(1150));
  bench.take();
  bench.publish(group, 'for all');
  assert.equal(remotes[1]!.seqs(), [2]);
  assert.equal(remotes[0]!.seqs(), []);
});

scheduler('one call sends 100 datagrams, the rest follows a millisecond later', () => {
  const bench = new Bench();
  const group = bench.join();
  const remotes = Array.from({ length: 120 }, (_, i) => bench.meet(`fd00::1:${i.toString(16)}`, ['g']));
  begin(bench, remotes);
  bench.publish(group, 'x');
  assert.is(bench.take().length, 100);
  assert.is(bench.node.deadline, bench.now + 1);
  bench.wait(1);
  assert.is(bench.take().length, 20);
});

scheduler('data and what else is owed share them: 50 are kept for the latter while it needs them', () => {
  const bench = new Bench();
  const group = bench.join();
  const remotes = Array.from({ length: 250 }, (_, i) => bench.meet(`fd00::1:${i.toString(16)}`, ['g']));
  begin(bench, remotes);
  bench.wait(10);
  bench.take();
  bench.join('another');
  assert.is(bench.take().length, 100, 'SUBS is owed to all');
  bench.publish(group, 'x');
  const data = bench.take().map(({ frames }) => frames.some(({ frame }) => frame === 'DATA'));
  assert.equal([data.length, data.filter(Boolean).length], [100, 50]);
});

scheduler('repairs are no exception', () => {
  const bench = new Bench();
  const group = bench.join('g', { repair: 'srm' });
  const remotes = Array.from({ length: 120 }, (_, i) => bench.meet(`fd00::1:${i.toString(16)}`, ['g']));
  begin(bench, remotes);
  bench.publish(group, 'x');
  bench.wait(200);
  bench.take();
  // One asks the group, and the source repairs to all who have not acknowledged: 120 at once.
  const address = 'fd000000000000000000000000000001';
  remotes[0]!.send({ frame: 'REQUEST', flags: 0, address, port: PORT, epoch: EPOCH, group: groupHex('g'), first: 2 });
  bench.wait(300);
  const repairs = bench.take().filter(({ frames }) => frames.some(({ frame }) => frame === 'DATA'));
  assert.equal([...new Set(repairs.map(({ at }) => at))].map((at) => repairs.filter((one) => one.at === at).length), [100, 20]);
});

scheduler('each message starts its round at another receiver', () => {
  const bench = new Bench();
  const group = bench.join();
  const remotes = ['fd00::2', 'fd00::3', 'fd00::4'].map((address) => bench.meet(address, ['g']));
  begin(bench, remotes);
  const firsts = new Set<string>();
  for (let i = 0; i < 3; i++) {
    bench.publish(group, 'x');
    firsts.add(bench.take()[0]!.to);
  }
  assert.is(firsts.size, 3);
});

scheduler('groups take turns when the window is tight: one cannot starve the other', () => {
  const bench = new Bench();
  const big = bench.join('big');
  const small = bench.join('small');
  const remotes = ['fd00::2', 'fd00::3'].map((address) => bench.meet(address, ['big', 'small']));
  begin(bench, remotes, ['big', 'small']);
  const { window } = big.stream.context;
  window.bytes = 100;
  bench.publish(big, 'x'); // fills it
  for (let i = 0; i < 50; i++) bench.publish(big, 1000);
  for (let i = 0; i < 5; i++) bench.publish(small, 1000);
  bench.take();
  window.bytes = 20_000;
  for (const remote of remotes) remote.status(2, { name: 'big' });
  const ofSmall = remotes.flatMap((remote) => remote.heard('DATA')).filter(({ payload }) => String(payload).length === 2000);
  const groups = new Set(ofSmall.slice(0, 6).map(({ group }) => group));
  assert.is(groups.size, 2, 'both groups are among the first packets');
  assert.is(ofSmall.filter(({ group }) => group === ofSmall[0]!['group']).length > 0, true);
});

scheduler('repairs go before new data', () => {
  const bench = new Bench();
  const group = bench.join();
  const remotes = ['fd00::2', 'fd00::3'].map((address) => bench.meet(address, ['g']));
  begin(bench, remotes);
  const { window } = group.stream.context;
  bench.publish(group, 'lost');
  bench.publish(group, 'here');
  bench.wait(150);
  window.bytes = 10;
  bench.publish(group, 'new');
  bench.take();
  window.bytes = 100_000;
  remotes[0]!.status(1, { high: 3, nackHigh: 2, bitmap: '80' });
  const sent = bench.take().flatMap(({ frames }) => frames);
  assert.equal([sent[0]!['seq'], sent[0]!.flags & REPAIR], [2, REPAIR]);
  assert.ok(sent.some((one) => one['seq'] === 4));
});

scheduler('small packets to one peer share a datagram', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  begin(bench, [remote]);
  const { window } = group.stream.context;
  window.bytes = 10;
  for (let i = 0; i < 5; i++) bench.publish(group, 'abc');
  bench.take();
  window.bytes = 100_000;
  remote.status(1, { high: 2 });
  assert.equal(bench.take().map(({ frames }) => frames.length), [4]);
});

scheduler('an acknowledgement that is due rides along with data', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  begin(bench, [remote]);
  remote.begin();
  assert.equal(remote.heard('STATUS'), []);
  bench.publish(group, 'x');
  assert.equal(bench.take().map(({ frames }) => frames.map(({ frame }) => frame)), [['DATA', 'STATUS']]);
  bench.wait(1000);
  assert.equal(remote.heard('STATUS'), []);
});

scheduler('what other frames are owed leaves with it too', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  begin(bench, [remote]);
  const { window } = group.stream.context;
  bench.publish(group, 'a');
  window.bytes = 1;
  bench.publish(group, 'b');
  bench.take();
  remote.send({ frame: 'SUBS_REQ', flags: 0, version: 0 }, {
    frame: 'STATUS', flags: 0, group: groupHex('g'), epochLow: EPOCH & 0xffff, cumulative: 2, nackHigh: 2, high: 2, window: 128,
  });
  assert.equal(bench.take().map(({ frames }) => frames.map(({ frame }) => frame)), [['DATA', 'SUBS']]);
});

scheduler('what waited while our address was away goes when it is back', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  begin(bench, [remote]);
  for (let i = 0; i < 20; i++) bench.publish(group, 1150);
  bench.wait(200);
  bench.take();
  remote.status(1, { nackHigh: 20, high: 21, bitmap: '000020' });
  const first = remote.seqs().length;
  assert.ok(first < 15, `${first} at once`);
  bench.node.removeLocal(bench.now, bench.local);
  bench.wait(20);
  bench.local = bench.node.addLocal(bench.now, 'fd00::1', 'test', true);
  remote.send(remote.hello({}));
  bench.wait(40);
  assert.equal([...new Set(remote.seqs())], Array.from({ length: 19 }, (_, i) => 2 + i));
});

scheduler.run();
