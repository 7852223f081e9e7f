import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Group } from '../../../src/multicast/group.ts';
import type { GroupOptions } from '../../../src/multicast/options.ts';
import { Bench, bytesOfText, type Remote } from './bench.ts';

const policies = suite('groups: a full log');
const SIZE = 1000;
/** What one such message costs the log. */
const COST = SIZE + 64;

/** A node whose log holds ten messages, with a member that is alive and acknowledges nothing. */
function full(options: GroupOptions = {}, nodeOptions = {}) {
  const bench = new Bench({ logBytesMax: 10 * COST, ...nodeOptions });
  const group = bench.join('g', options);
  const remote = bench.meet('fd00::2', ['g']);
  bench.publish(group, SIZE);
  remote.status(1, { high: 1 });
  for (let i = 2; i <= 11; i++) {
    assert.is(bench.publish(group, SIZE), i);
    bench.wait(1);
  }
  bench.takeEvents();
  return { bench, group, remote };
}

/** The member stays alive, says nothing of the stream. */
function live(bench: Bench, ms: number): void {
  for (let left = ms; left > 0; left -= 1000) {
    bench.wait(Math.min(1000, left));
    bench.node.broadcast.peers.find('fd00::2')!.heardAt = bench.now;
  }
}

policies('what all have is let go as room is needed', () => {
  const { bench, group, remote } = full();
  assert.is(group.status()['lowSeq'], 2);
  remote.status(7, { high: 7 });
  for (let i = 0; i < 5; i++) assert.ok(bench.publish(group, SIZE) > 0);
  assert.is(group.status()['lowSeq'], 7);
  assert.is(bench.status('evictions'), 0);
});

policies('what a live member lacks is kept: publish is refused, and nothing has changed', () => {
  for (const slow of ['lag', 'block', 'evict'] as const) {
    const { bench, group } = full({ slow });
    const before = group.status();
    assert.is(bench.publish(group, SIZE), -1);
    assert.equal(group.status(), before);
    assert.is(bench.status('publishesRefused'), 1);
    assert.is(group.room < SIZE, true);
  }
});

policies('a member that went stale before anything was sent to it is waited for 4 s, not 10', () => {
  const bench = new Bench({ logBytesMax: 10 * COST });
  const group = bench.join('g');
  bench.meet('fd00::2', ['g']);
  bench.until(bench.now + 36_000);
  assert.equal(group.members().map(({ stale }) => stale), [true]);
  for (let i = 1; i <= 10; i++) assert.is(bench.publish(group, SIZE), i);
  bench.wait(3_900);
  assert.is(bench.publish(group, SIZE), -1);
  bench.wait(200);
  assert.is(bench.publish(group, SIZE), 11);
});

policies('the node is full: what all have goes first, in whichever group; what a silent member lacks only then', () => {
  const bench = new Bench({ nodeLogBytesMax: 10 * COST });
  const large = bench.join('large');
  const small = bench.join('small');
  bench.meet('fd00::2', ['large']);
  for (let i = 0; i < 3; i++) bench.publish(small, SIZE); // nobody else is in it: all have it
  for (let i = 0; i < 7; i++) bench.publish(large, SIZE);
  bench.wait(36_000); // long silent, and stale
  assert.equal(large.members().map(({ stale }) => stale), [true]);
  for (let i = 0; i < 3; i++) assert.ok(bench.publish(large, SIZE) > 0);
  assert.equal([small.status()['lowSeq'], large.status()['lowSeq']], [4, 1]);
  assert.ok(bench.publish(large, SIZE) > 0);
  assert.is(large.status()['lowSeq'], 2);
});

policies('refused once, the application is told when a quarter of the log is free again, once', () => {
  const { bench, group, remote } = full();
  bench.publish(group, SIZE);
  remote.status(3, { high: 11 });
  assert.equal(bench.takeEvents(), []);
  remote.status(5, { high: 11 });
  assert.equal(bench.takeEvents(), ['g room']);
  remote.status(11);
  assert.equal(bench.takeEvents(), []);
  assert.ok(group.room >= SIZE);
});

policies('never refused, it is told nothing', () => {
  const { bench, remote } = full();
  remote.status(11);
  assert.equal(bench.takeEvents(), []);
});

/** The member answers, but gets no further. */
function crawl(bench: Bench, remote: Remote, ms: number): void {
  for (let left = ms; left > 0; left -= 500) {
    bench.wait(500);
    remote.status(1, { high: 11 });
  }
  bench.take();
}

policies('lag: a member that is slower than 10 s is not waited for, and told what it misses', () => {
  const { bench, group, remote } = full({ slow: 'lag' });
  crawl(bench, remote, 9000);
  assert.is(bench.publish(group, SIZE), -1);
  crawl(bench, remote, 2000);
  assert.ok(bench.publish(group, SIZE) > 0);
  assert.is(group.status()['lowSeq'], 3);
  assert.ok(bench.status('evictions') > 0);
  bench.wait(200);
  assert.is(remote.find('POLL')!['low'], 3);
  bench.take();
  remote.status(2, { nackHigh: 3, high: 11 });
  assert.equal(remote.heard('DATA').map((one) => [one['seq'], one['lowOffset']])[0], [3, 0]);
});

policies('of many messages let go one after the other a member is told once a round trip', () => {
  const { bench, group, remote } = full({ slow: 'lag' });
  crawl(bench, remote, 11_000);
  for (let i = 0; i < 6; i++) {
    assert.ok(bench.publish(group, SIZE) > 0);
    bench.wait(10);
  }
  assert.is(remote.heard('POLL').length, 1);
});

policies('block: it is waited for however long it takes', () => {
  const { bench, group } = full({ slow: 'block' });
  live(bench, 60_000);
  assert.is(bench.publish(group, SIZE), -1);
  assert.is(group.status()['lowSeq'], 2);
});

policies('block: but not when it is gone', () => {
  const { bench, group } = full({ slow: 'block' });
  bench.wait(91_000);
  assert.ok(bench.publish(group, SIZE) > 0);
});

policies('evict: it loses all that it lacks at once, and goes on with what is new', () => {
  const { bench, group, remote } = full({ slow: 'evict' });
  crawl(bench, remote, 11_000);
  const seq = bench.publish(group, SIZE);
  assert.is(seq, 12);
  assert.is(remote.find('POLL')!['low'], 12, 'told at once');
  bench.take();
  bench.wait(200);
  remote.status(1, { nackHigh: 11, high: 11 });
  assert.equal([...new Set(remote.seqs())], [12]);
  assert.is(remote.find('POLL')!['low'], 12);
});

policies('a member that has answered no probe for 4 s is not waited for', () => {
  const { bench, group } = full({}, { lagMs: 1e9 });
  live(bench, 7000);
  assert.ok(bench.publish(group, SIZE) > 0);
  const blocked = full({ slow: 'block' }, { lagMs: 1e9 });
  live(blocked.bench, 7000);
  assert.is(blocked.bench.publish(blocked.group, SIZE), -1);
});

policies('a message larger than the whole log is refused, one of more than 64 KiB as too long', () => {
  const bench = new Bench({ logBytesMax: 10_000 });
  const group = bench.join();
  assert.is(bench.publish(group, 20_000), -1);
  assert.is(bench.publish(group, 65_537), -2);
  assert.is(group.publishTo(bench.now, 'fd00::2', new Uint8Array(65_537)), -2);
  const large = new Bench().join('g');
  assert.is(large.publish(100_000, new Uint8Array(65_536)), 1);
});

policies('one that does not fit even when all is let go changes nothing: what all have stays too', () => {
  const { bench, group, remote } = full();
  remote.status(4, { high: 11 });
  const before = group.status();
  assert.is(bench.publish(group, 9 * SIZE), -1);
  assert.equal(group.status(), before);
});

policies('many small ones are bounded too: each costs 64 bytes beside itself', () => {
  const bench = new Bench({ logBytesMax: 6500 });
  const group = bench.join();
  for (let i = 0; i < 500; i++) bench.publish(group, 'x');
  assert.is(group.status()['logPackets'], 100);
  assert.is(bench.status('logBytes'), 6500);
});

/** A message has been published, so long ago, where they are kept for an hour. */
function kept(ageMs: number): { bench: Bench; group: Group } {
  const bench = new Bench({ retainMs: 3_600_000 });
  const group = bench.join();
  bench.publish(group, 'old');
  bench.wait(ageMs);
  return { bench, group };
}

policies('what is older than an hour is let go', () => {
  const { bench, group } = kept(3_600_000);
  bench.publish(group, 'new');
  assert.is(group.status()['lowSeq'], 1);
  bench.wait(1);
  bench.publish(group, 'newer');
  assert.is(group.status()['lowSeq'], 2);
});

policies('and so it is when nothing is published any more: nobody who joins later is sent it', () => {
  const { bench, group } = kept(1000);
  bench.publish(group, 'younger');
  bench.wait(3_600_500);
  assert.equal([group.status()['lowSeq'], group.history().length], [2, 1]);
  bench.wait(1000);
  assert.is(bench.status('logBytes'), 0);
  const remote = bench.meet('fd00::2', []);
  remote.subscribe(['g'], 255);
  bench.wait(100);
  assert.equal(remote.seqs(), []);
});

policies('the budget of the node: other groups give up history, the largest first', () => {
  const bench = new Bench({ nodeLogBytesMax: 20 * COST });
  const [a, b, c] = ['a', 'b', 'c'].map((name) => bench.join(name));
  for (let i = 0; i < 8; i++) bench.publish(a!, SIZE);
  for (let i = 0; i < 12; i++) bench.publish(b!, SIZE);
  assert.is(bench.status('logBytes'), 20 * COST);
  assert.ok(bench.publish(c!, SIZE) > 0);
  assert.equal([a!.status()['logPackets'], b!.status()['logPackets'], c!.status()['logPackets']], [8, 11, 1]);
  assert.ok(bench.status('logBytes') <= 20 * COST);
});

policies('the budget of the node: what others still owe is not taken from them', () => {
  const bench = new Bench({ nodeLogBytesMax: 10 * COST });
  const [a, b] = ['a', 'b'].map((name) => bench.join(name));
  bench.meet('fd00::2', ['a']);
  for (let i = 0; i < 10; i++) bench.publish(a!, SIZE);
  assert.is(bench.publish(b!, SIZE), -1);
  assert.is(a!.status()['logPackets'], 10);
});

policies('the budget of the node: what does not fit changes nothing in any group', () => {
  const bench = new Bench({ nodeLogBytesMax: 10 * COST });
  const [a, b, c] = ['a', 'b', 'c'].map((name) => bench.join(name));
  bench.meet('fd00::2', ['a', 'b']);
  for (let i = 0; i < 4; i++) bench.publish(a!, SIZE);
  for (let i = 0; i < 4; i++) bench.publish(b!, SIZE);
  for (let i = 0; i < 2; i++) bench.publish(c!, SIZE); // nobody else is in it
  const before = [a, b, c].map((group) => group!.status());
  assert.is(bench.publish(c!, 3 * SIZE), -1);
  assert.equal([a, b, c].map((group) => group!.status()), before);
  assert.ok(bench.publish(c!, SIZE) > 0);
  assert.ok(bench.publish(a!, SIZE) > 0);
});

policies('refused for want of room to one member, the application is told in time as well', () => {
  const { bench, group, remote } = full();
  remote.status(11);
  bench.takeEvents();
  const fill = (): number => group.publishTo(bench.now, 'fd00::2', bytesOfText('x'.repeat(SIZE)));
  let last = 1;
  for (let i = 0; i < 20 && last > 0; i++) {
    last = fill();
    bench.wait(5);
  }
  assert.is(last, -1);
  remote.status(10, { flags: 32 });
  assert.equal(bench.takeEvents(), ['g room']);
});

policies('the budget of the node: what a silent member of another group lacks goes before what one that is there does', () => {
  const bench = new Bench({ nodeLogBytesMax: 10 * COST });
  const [a, b] = ['a', 'b'].map((name) => bench.join(name)) as [Group, Group];
  bench.meet('fd00::2', ['a']);
  bench.meet('fd00::3', ['b']);
  for (let i = 0; i < 5; i++) bench.publish(b, SIZE);
  live(bench, 11_000);
  for (let i = 0; i < 5; i++) bench.publish(a, SIZE);
  assert.ok(bench.publish(a, SIZE) > 0);
  assert.equal([a.status()['lowSeq'], b.status()['lowSeq']], [1, 2]);
  assert.ok(bench.status('logBytes') <= 10 * COST);
});

policies('the budget of the node: what is closed counts no more, neither for nor against', () => {
  const bench = new Bench({ nodeLogBytesMax: 10 * COST });
  const [a, b] = ['a', 'b'].map((name) => bench.join(name)) as [Group, Group];
  const [two, three] = ['fd00::2', 'fd00::3'].map((address) => bench.meet(address, ['a'])) as [Remote, Remote];
  two.subscribe(['a', 'b']);
  for (let i = 0; i < 3; i++) a.publishTo(bench.now, 'fd00::3', new Uint8Array(SIZE));
  for (let i = 0; i < 3; i++) bench.publish(a, SIZE);
  for (const remote of [two, three]) remote.subscribe(remote === two ? ['b'] : []);
  bench.node.leave(bench.now, a);
  assert.is(bench.status('logBytes'), 0);
  for (let i = 0; i < 10; i++) assert.ok(bench.publish(b, SIZE) > 0);
  assert.is(bench.publish(b, SIZE), -1);
});

policies.run();
