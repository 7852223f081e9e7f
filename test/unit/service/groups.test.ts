import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JoinOptions } from '../../../src/service/join-options.ts';
import { GROUPS_MAX } from '../../../src/service/groups.ts';
import type { PublishResult } from '../../../src/service/publish-queue.ts';
import { WAITING_MAX } from '../../../src/service/publish-queue.ts';
import type { MembershipHandler, Refusal } from '../../../src/service/shared-group.ts';
import { Membership, Program } from '../../../src/service/shared-group.ts';
import { bytes, setup as setupDaemon, text } from './setup.ts';

const groups = suite('groups');

async function setup() {
  const parts = await setupDaemon();
  const { daemon } = parts;
  const join = (program: Program, name: string, options: JoinOptions = {}, heard?: string[]): Membership => {
    const handler: MembershipHandler = {
      message: (message) => void heard?.push(`${message.source} ${message.seq} ${text(message.data)}`),
      datagram: (source, data) => void heard?.push(`${source} datagram ${text(data)}`),
      gap: ({ source, from, to, reason }) => void heard?.push(`${source} gap ${from}-${to} ${reason}`),
      member: (address, state) => void heard?.push(`${address} ${state}`),
    };
    const answer = daemon.groups.join(program, name, options, heard === undefined ? undefined : handler);
    if (!(answer instanceof Membership)) throw new Error(answer.error);
    return answer;
  };
  const refusal = (program: Program, name: string, options: JoinOptions = {}): Refusal =>
    daemon.groups.join(program, name, options) as Refusal;
  const publish = (membership: Membership, what: string, wait = true): PublishResult[] => {
    const results: PublishResult[] = [];
    daemon.groups.publish(membership.group, membership.program, bytes(what), '', wait, (result) => void results.push(result));
    return results;
  };
  const a = new Program(8);
  const b = new Program(8);
  return { ...parts, join, refusal, publish, a, b, groups: daemon.groups };
}

groups('joins the core once and leaves it with the last program', async () => {
  const { node, join, a, b, groups: subject } = await setup();
  join(a, 'g');
  join(b, 'g');
  subject.leave(a, 'g');
  assert.not(node.calls.includes('leave g'));
  subject.leave(b, 'g');
  assert.equal(node.calls.filter((call) => call.endsWith(' g')), ['join g', 'leave g']);
});

groups('leaves the groups of a program that dies, unless it asked them to persist', async () => {
  const { node, join, a, groups: subject } = await setup();
  join(a, 'g');
  join(a, 'p', { persist: true });
  subject.close(a);
  assert.ok(node.calls.includes('leave g'));
  assert.not(node.calls.includes('leave p'));
  assert.is(subject.leave(new Program(1), 'p').status, 0);
  assert.ok(node.calls.includes('leave p'));
});

groups('a message numbered 0 is heard by the other programs as one like any other', async () => {
  const { node, join, publish, a, b, runtime } = await setup();
  const heard: string[] = [];
  const inA = join(a, 'g');
  join(b, 'g', {}, heard);
  node.groups.get('g')!.seq = 2 ** 32 - 2;
  const numbers = ['x', 'y', 'z'].map((what) => publish(inA, what)[0]!.seq);
  await runtime.settle();
  assert.equal(numbers, [2 ** 32 - 1, 0, 1]);
  assert.equal(heard.map((line) => line.replace(/^\S+ /, '')), [`${2 ** 32 - 1} x`, '0 y', '1 z']);
});

groups('refuses bad names, bad options and a second join with a sentence', async () => {
  const { refusal, join, a } = await setup();
  assert.match(refusal(a, '').error, /1 to 64 bytes/);
  assert.match(refusal(a, 'é'.repeat(33)).error, /this one 66/);
  assert.match(refusal(a, 'a\0').error, /NUL/);
  assert.match(refusal(a, 'g', { playoutMs: 5 }).error, /the playout is 20 to 10000 ms/);
  assert.match(refusal(a, 'g', { delivery: 'fast' as 'timely' }).error, /delivery is one of/);
  assert.match(refusal(a, 'g', { start: { last: -1 } }).error, /start is/);
  join(a, 'g');
  assert.match(refusal(a, 'g').error, /in g already/);
});

groups('refuses options that contradict those the group has, and takes open ones', async () => {
  const { refusal, join, a, b } = await setup();
  join(a, 'g', { slow: 'block' });
  assert.match(refusal(b, 'g', { slow: 'lag' }).error, /joined here with slow block; this join asked for lag/);
  join(b, 'g', { slow: 'block', start: 'all' });
});

groups('limits the groups of a program and of the daemon', async () => {
  const { refusal, join, a } = await setup();
  for (let i = 0; i < 8; i++) join(a, `g${i}`);
  assert.match(refusal(a, 'more').error, /at most 8 groups/);
  const big = new Program(1000);
  for (let i = 8; i < GROUPS_MAX; i++) join(big, `g${i}`);
  assert.match(refusal(big, 'more').error, /112 groups, its limit/);
});

groups('hands what one program publishes to the others, and to itself only on request', async () => {
  const { join, publish, runtime, a, b } = await setup();
  const heardA: string[] = [];
  const heardB: string[] = [];
  const inA = join(a, 'g', {}, heardA);
  const inB = join(b, 'g', { echo: true }, heardB);
  assert.is(publish(inA, 'one')[0]?.seq, 1);
  publish(inB, 'two');
  assert.equal(heardB, [], 'never inside the call');
  await runtime.settle();
  assert.equal(heardA, ['127.0.0.1 2 two']);
  assert.equal(heardB, ['127.0.0.1 1 one', '127.0.0.1 2 two']);
});

groups('delivers what the core tells on a later turn, in order', async () => {
  const { join, runtime, node, a } = await setup();
  const heard: string[] = [];
  join(a, 'g', {}, heard);
  const core = node.groups.get('g') as never;
  node.output.member(core, '127.0.0.2', 'joined', 1);
  node.output.message(core, '127.0.0.2', 1, 1, bytes('hi'), false);
  node.output.gap(core, '127.0.0.2', 1, 2, 4, 'evicted', false);
  node.output.datagram(core, '127.0.0.2', bytes('d'));
  assert.equal(heard, []);
  await runtime.settle();
  assert.equal(heard, ['127.0.0.2 joined', '127.0.0.2 1 hi', '127.0.0.2 gap 2-4 evicted', '127.0.0.2 datagram d']);
});

groups('goes on with the next event after a handler threw', async () => {
  const { join, runtime, node, a, daemon } = await setup();
  const heard: string[] = [];
  const membership = join(a, 'g', {}, heard);
  const core = node.groups.get('g') as never;
  let thrown = 0;
  const message = membership.handler!.message;
  membership.handler!.message = (one) => {
    if (thrown++ === 0) throw new Error('a bug');
    message(one);
  };
  node.output.message(core, '127.0.0.2', 1, 1, bytes('lost'), false);
  node.output.message(core, '127.0.0.2', 1, 2, bytes('kept'), false);
  assert.throws(() => daemon.events.dispatch());
  await runtime.settle();
  assert.equal(heard, ['127.0.0.2 2 kept']);
});

groups('makes publishers wait for room first come first served', async () => {
  const { join, publish, runtime, node, a, b } = await setup();
  const inA = join(a, 'g');
  const inB = join(b, 'g');
  const core = node.groups.get('g')!;
  core.room = 2;
  const first = publish(inA, 'long one');
  const second = publish(inB, 'x');
  assert.equal([first, second], [[], []], 'x would fit, but waits its turn');
  assert.is(publish(inB, 'y', false)[0]?.status, 11, 'without waiting it is refused');
  core.room = 100;
  node.output.room(core as never);
  await runtime.settle();
  assert.equal([first[0]?.seq, second[0]?.seq], [1, 2]);
  assert.equal(core.published, ['long one', 'x']);
});

groups('bounds the publications that wait and refuses those of a left group', async () => {
  const { join, publish, node, a, groups: subject } = await setup();
  const inA = join(a, 'g');
  node.groups.get('g')!.room = 0;
  const waiting = Array.from({ length: WAITING_MAX }, () => publish(inA, 'x'));
  assert.is(publish(inA, 'x')[0]?.status, 11);
  subject.leave(a, 'g');
  assert.equal(waiting.filter((results) => results.length > 0).length, 0, 'its program is gone: no answer');
});

groups('keeps recent messages within count and bytes and replays them to a joiner that asks', async () => {
  const { join, runtime, node, a, b, groups: subject } = await setup();
  join(a, 'g');
  const core = node.groups.get('g') as never;
  for (let seq = 1; seq <= 150; seq++) node.output.message(core, '127.0.0.2', 1, seq, bytes(`m${seq}`), false);
  node.output.message(core, '127.0.0.2', 1, 1, bytes('private'), true);
  await runtime.settle();
  assert.is(subject.history(subject.find('g')!, 1000).length, 100);
  const heard: string[] = [];
  join(b, 'g', { start: { last: 2 } }, heard);
  node.output.message(core, '127.0.0.2', 1, 151, bytes('new'), false);
  await runtime.settle();
  assert.equal(heard, ['127.0.0.2 149 m149', '127.0.0.2 150 m150', '127.0.0.2 151 new']);
  for (let seq = 200; seq < 210; seq++) node.output.message(core, '127.0.0.2', 1, seq, new Uint8Array(20_000), false);
  await runtime.settle();
  assert.ok(subject.delivery.recent.bytes <= 64 * 1024);
});

groups('bounds the recent messages of all groups together', async () => {
  const { join, runtime, node, groups: subject } = await setup();
  const big = new Program(100);
  for (let i = 0; i < 40; i++) {
    join(big, `g${i}`);
    const core = node.groups.get(`g${i}`) as never;
    for (let seq = 1; seq <= 3; seq++) node.output.message(core, '127.0.0.2', 1, seq, new Uint8Array(i === 0 ? 10 : 20_000), false);
  }
  await runtime.settle();
  assert.ok(subject.delivery.recent.bytes <= 1024 * 1024);
  assert.is(subject.history(subject.find('g0')!, 9).length, 3, 'taken from those that hold most');
});

groups('lists ourselves first among the members', async () => {
  const { join, node, a, groups: subject } = await setup();
  join(a, 'g');
  node.groups.get('g')!.others = [{ id: '127.0.0.2', epoch: 3, stale: true, rttMs: 9 }];
  assert.equal(subject.members(subject.find('g')!), [
    { address: '127.0.0.1', epoch: 7, self: true, stale: false, rttMs: 0 },
    { address: '127.0.0.2', epoch: 3, self: false, stale: true, rttMs: 9 },
  ]);
});

groups.run();
