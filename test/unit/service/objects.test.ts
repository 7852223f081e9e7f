import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LineLog } from '../../../src/runtime/log.ts';
import { UbusService } from '../../../src/service/ubus-service.ts';
import type { Table } from '../../../src/ubus/blob.ts';
import { decodeTable } from '../../../src/ubus/blob.ts';
import type { Answer } from '../../../src/ubus/connection.ts';
import { UbusConnection } from '../../../src/ubus/connection.ts';
import { busAt, bytes, eventsOfPeer, setup as setupDaemon } from './setup.ts';

const objects = suite('ubus objects');
const PATH = '/meshchat.sock';

async function setup(own?: string[]) {
  const parts = await setupDaemon(own);
  const { runtime, daemon } = parts;
  const log = new LineLog('info', () => {});
  const options = { version: '1.2.3', socketPath: PATH, socketMode: 0o660, systemBusPath: '', runtimeWarning: '' };
  const service = new UbusService(daemon, log, options);
  await service.start();
  const { connect, call } = busAt(PATH, runtime);
  return { ...parts, service, connect, call, client: await connect() };
}
const error = ({ data }: Answer): unknown => data[0]?.['error'];

objects('are listed with their methods and argument types', async () => {
  const { client, runtime } = await setup();
  const looking = client.lookup();
  await runtime.settle();
  const { objects: found } = await looking;
  assert.equal(found.map(({ path }) => path), ['meshchat', 'meshchat.groups']);
  assert.equal({ ...(found[1]?.signature['leave'] as Table) }, { name: 3 });
});

objects('a group has an object while it is joined', async () => {
  const { client, call, node } = await setup();
  const joined = await call(client, 'meshchat.groups', 'join', { name: 'irc/#mesh', slow: 'block' });
  assert.is(joined.status, 0);
  assert.is(joined.data[0]?.['object'], 'meshchat.group.irc/#mesh');
  assert.is((joined.data[0]?.['options'] as Table)['slow'], 'block');
  const published = await call(client, 'meshchat.group.irc/#mesh', 'publish', { text: 'hi' });
  assert.equal({ ...published.data[0] }, { seq: 1, epoch: 7, room: 1000 });
  assert.equal(node.groups.get('irc/#mesh')?.published, ['hi']);
  assert.is((await call(client, 'meshchat.groups', 'leave', { name: 'irc/#mesh' })).status, 0);
  assert.is((await call(client, 'meshchat.group.irc/#mesh', 'publish', { text: 'hi' })).status, 4);
});

objects('a group whose name ends with * is called by it, though to ubus it is a pattern', async () => {
  const { client, call, node } = await setup();
  for (const name of ['a!', 'a*', 'ab']) assert.is((await call(client, 'meshchat.groups', 'join', { name })).status, 0);
  assert.is((await call(client, 'meshchat.group.a*', 'publish', { text: 'x' })).status, 0);
  assert.equal([...node.groups.values()].map(({ published }) => published), [[], ['x'], []]);
});

objects('what is addressed to nobody goes to nobody', async () => {
  const { client, call, node } = await setup();
  await call(client, 'meshchat.groups', 'join', { name: 'g' });
  const answers = await Promise.all(['publish', 'datagram'].map((method) => call(client, 'meshchat.group.g', method, { text: 'x', to: '' })));
  assert.equal(answers.map(({ status }) => status), [4, 4]);
  assert.equal(node.groups.get('g')?.published, []);
});

objects('say in a sentence what is wrong with the arguments, with the ubus status', async () => {
  const { client, call } = await setup();
  const missing = await call(client, 'meshchat.groups', 'join');
  assert.equal([missing.status, error(missing)], [2, 'the argument name is missing']);
  const wrong = await call(client, 'meshchat.groups', 'join', { name: 5 });
  assert.equal([wrong.status, error(wrong)], [2, 'name is a string (UTF-8)']);
  const real = await call(client, 'meshchat.groups', 'join', { name: 'g', last: 1.5 });
  assert.equal([real.status, error(real)], [2, 'last is a whole number']);
  const start = await call(client, 'meshchat.groups', 'join', { name: 'g', start: '5' });
  assert.equal([start.status, error(start)], [2, 'start is now, all, or last: how many messages']);
  const latin = await call(client, 'meshchat.groups', 'join', { name: Uint8Array.from([0x61, 0xe9]) });
  assert.equal([latin.status, error(latin)], [2, 'name is a string (UTF-8)'], 'nothing else is made of it');
  const unknown = await call(client, 'meshchat.groups', 'join', { name: 'g', nmae: 'x' });
  assert.match(String(error(unknown)), /there is no argument nmae; known: name, delivery/);
  assert.is((await call(client, 'meshchat', 'nonsense')).status, 3);
  assert.is((await call(client, 'meshchat', 'constructor')).status, 3);
  assert.is((await call(client, 'meshchat', 'status', { ubus_rpc_session: 'x' })).status, 0, 'rpcd adds it');
  await call(client, 'meshchat.groups', 'join', { name: 'g' });
  assert.match(String(error(await call(client, 'meshchat.group.g', 'publish'))), /either text/);
  assert.match(String(error(await call(client, 'meshchat.group.g', 'publish', { data: '???' }))), /either text/);
  const nobody = await call(client, 'meshchat.group.g', 'publish', { text: 'x', to: '127.0.0.9' });
  assert.equal([nobody.status, error(nobody)], [4, 'no such member in this group']);
});

objects('a full log is status 11 with the room there is', async () => {
  const { client, call, node } = await setup();
  await call(client, 'meshchat.groups', 'join', { name: 'g' });
  node.groups.get('g')!.room = 3;
  const full = await call(client, 'meshchat.group.g', 'publish', { text: 'long', wait: false });
  assert.equal([full.status, full.data[0]?.['room']], [11, 3]);
});

objects('a publish that waits is answered once there is room', async () => {
  const { client, call, node, runtime } = await setup();
  await call(client, 'meshchat.groups', 'join', { name: 'g' });
  const core = node.groups.get('g')!;
  core.room = 3;
  let answer: Answer | undefined;
  void client.call('meshchat.group.g', 'publish', { text: 'long' }).then((got) => (answer = got));
  await runtime.settle();
  assert.is(answer, undefined);
  core.room = 100;
  node.output.room(core as never);
  await runtime.settle();
  assert.is((answer as unknown as Answer).status, 0);
});

objects('a client that goes away leaves its groups, but for those that persist', async () => {
  const { client, call, runtime, daemon } = await setup();
  await call(client, 'meshchat.groups', 'join', { name: 'g' });
  await call(client, 'meshchat.groups', 'join', { name: 'p', persist: true });
  client.close();
  await runtime.settle();
  assert.equal([...daemon.groups.all].map(({ name }) => name), ['p']);
});

/** Joins a group and subscribes in one call; collects notifications. */
async function subscribe(parts: Awaited<ReturnType<typeof setup>>, client: UbusConnection, name: string, more: Table = {}) {
  const heard: string[] = [];
  const adding = client.addObject(({ method, data: _ }) => void heard.push(method));
  await parts.runtime.settle();
  const subscriber = (await adding) | 0;
  const answer = await parts.call(client, 'meshchat.groups', 'join', { name, subscriber, ...more });
  return { heard, answer };
}

objects('join subscribes in the same call, so that nothing falls between', async () => {
  const parts = await setup();
  const { node, runtime, client } = parts;
  const { heard, answer } = await subscribe(parts, client, 'g');
  assert.is(answer.status, 0);
  const core = node.groups.get('g') as never;
  node.output.message(core, '127.0.0.2', 1, 1, bytes('hi'), false);
  node.output.datagram(core, '127.0.0.2', bytes('d'));
  node.output.member(core, '127.0.0.2', 'joined', 1);
  node.output.gap(core, '127.0.0.2', 1, 2, 3, 'restart', false);
  await runtime.settle();
  assert.equal(heard, ['message', 'datagram', 'member', 'gap']);
});

objects('a publisher does not hear itself unless it asked for an echo', async () => {
  const parts = await setup();
  const { runtime, client, call, connect } = parts;
  const one = await subscribe(parts, client, 'g');
  const other = await connect();
  const two = await subscribe(parts, other, 'g', { echo: true });
  await call(client, 'meshchat.group.g', 'publish', { text: 'from one' });
  await call(other, 'meshchat.group.g', 'publish', { text: 'from two' });
  await runtime.settle();
  assert.equal(one.heard, ['message']);
  assert.equal(two.heard, ['message', 'message']);
});

objects('a later joiner gets the recent messages it asks for with the answer', async () => {
  const parts = await setup();
  const { client, call, connect } = parts;
  await call(client, 'meshchat.groups', 'join', { name: 'g' });
  for (const text of ['a', 'b', 'c']) await call(client, 'meshchat.group.g', 'publish', { text });
  const { answer } = await subscribe(parts, await connect(), 'g', { last: 2 });
  assert.equal((answer.data[0]?.['history'] as Table[]).map(({ text }) => text), ['b', 'c']);
});

objects('bytes that are no text come as base64', async () => {
  const parts = await setup();
  const { client, call, node, runtime } = parts;
  await call(client, 'meshchat.groups', 'join', { name: 'g' });
  await call(client, 'meshchat.group.g', 'publish', { data: 'AP/+' });
  node.output.message(node.groups.get('g') as never, '127.0.0.2', 1, 1, new Uint8Array([0]), false);
  await runtime.settle();
  const { data } = await call(client, 'meshchat.group.g', 'history');
  assert.equal((data[0]?.['messages'] as Table[]).map((message) => [message['text'], message['data']]), [
    [undefined, 'AP/+'], [undefined, 'AA=='],
  ]);
});

objects('a subscriber that does not read loses notifications, costs bounded memory and learns what it missed', async () => {
  const parts = await setup();
  const { client, connect, node, runtime, call } = parts;
  await subscribe(parts, client, 'g');
  const slow = await connect();
  const gaps: Table[] = [];
  let count = 0;
  const adding = slow.addObject(({ method, data }) => {
    if (method === 'message') count++;
    else gaps.push(decodeTable(data)!);
  });
  await runtime.settle();
  await call(slow, 'meshchat.groups', 'join', { name: 'g', subscriber: (await adding) | 0 });
  slow.pause();
  const core = node.groups.get('g') as never;
  for (let seq = 1; seq <= 400; seq++) {
    node.output.message(core, '127.0.0.2', 1, seq, new Uint8Array(1000).fill(97), false);
    await runtime.settle();
  }
  const stream = [...parts.service.server.bus.clients.values()].map(({ stream: one }) => one.queuedBytes);
  assert.ok(Math.max(...stream) <= 256 * 1024 + 2048, `${stream}`);
  // They would fit, but their turn is after what is missing.
  node.output.message(core, '127.0.0.2', 1, 401, bytes('.'), false);
  node.output.gap(core, '127.0.0.2', 1, 402, 409, 'evicted', false);
  node.output.member(core, '127.0.0.3', 'joined', 1);
  await runtime.settle();
  slow.resume();
  await runtime.settle();
  assert.ok(count > 100 && count < 400);
  assert.equal(gaps.map(({ from, to, reason }) => [from, to, reason]), [[count + 1, 409, 'client'], [0, 0, 'client']]);
  node.output.message(core, '127.0.0.2', 1, 410, bytes('again'), false);
  const before = count;
  await runtime.settle();
  assert.is(count, before + 1);
  const { data } = await call(client, 'meshchat', 'metrics');
  assert.is(data[0]?.['missed'], 403 - before);
  assert.is(data[0]?.['ubusDropped'], 1, 'after the first it waits for room');
  assert.is(data[0]?.['ubusRefused'], 0);
});

objects('a caller that does not read its answers is not served, and loses none', async () => {
  const { client, connect, call, node, runtime, service } = await setup();
  await call(client, 'meshchat.groups', 'join', { name: 'g' });
  const core = node.groups.get('g') as never;
  for (let seq = 1; seq <= 20; seq++) node.output.message(core, '127.0.0.2', 1, seq, new Uint8Array(1000).fill(97), false);
  const caller = await connect();
  const { objects: [group] } = await (async () => {
    const looking = caller.lookup('meshchat.group.g');
    await runtime.settle();
    return looking;
  })();
  caller.pause();
  const asked = Array.from({ length: 40 }, () => caller.invoke(group!.id, 'history'));
  await runtime.settle();
  const queued = [...service.server.bus.clients.values()].map(({ stream }) => stream.queuedBytes);
  assert.ok(Math.max(...queued) > 200 * 1024 && Math.max(...queued) < 400 * 1024, `${queued}`);
  caller.resume();
  await runtime.settle();
  const lengths = (await Promise.all(asked)).map(({ data }) => (data[0]?.['messages'] as Table[]).length);
  assert.equal(lengths, new Array(40).fill(20));
});

objects('the status tells meshes, peers, groups, memory and limits', async () => {
  const { client, call, node } = await setup();
  node.peerList = [{
    id: '127.0.0.2', address: '127.0.0.2', port: 14627, mesh: 'static', state: 'alive', rttMs: 1.23456, loss: 0.1, heardAt: 500,
    epoch: 3, groupCount: 2, queuedBytes: 0, wayOf: '127.0.0.9',
  }];
  await call(client, 'meshchat.groups', 'join', { name: 'g' });
  const { data: [status] } = await call(client, 'meshchat', 'status');
  assert.is(status!['version'], '1.2.3');
  assert.equal(status!['addresses'], ['127.0.0.1']);
  assert.equal({ ...(status!['peers'] as Table) }, { alive: 1, stale: 0, gone: 0, probing: 0 });
  assert.is(((status!['groups'] as Table[])[0] as Table)['name'], 'g');
  assert.match(String(((status!['meshes'] as Table[])[0] as Table)['warning']), /bound to no key/);
  const { data: [peers] } = await call(client, 'meshchat', 'peers');
  const [peer] = peers!['peers'] as Table[];
  assert.equal([peer!['rtt_ms'], peer!['heard_ms_ago'], peer!['way_of']], [1.235, 500, '127.0.0.9']);
});

objects('we count once among the members, whatever number of addresses we have', async () => {
  for (const own of [[], ['127.0.0.1'], ['127.0.0.1', '127.0.0.9']]) {
    const { client, call, node } = await setup(own);
    await call(client, 'meshchat.groups', 'join', { name: 'g' });
    node.groups.get('g')!.others = [{ id: '127.0.0.2', epoch: 1, stale: false, rttMs: 1 }];
    const { data: [list] } = await call(client, 'meshchat.groups', 'list');
    assert.is((list!['groups'] as Table[])[0]!['members'], own.length === 0 ? 1 : 2);
  }
});

objects('the log can be read and its level set', async () => {
  const { client, call } = await setup();
  assert.is((await call(client, 'meshchat', 'log', { level: 'loud' })).status, 2);
  const { data } = await call(client, 'meshchat', 'log', { level: 'debug', last: 1 });
  assert.equal([data[0]?.['level'], (data[0]?.['lines'] as string[]).length], ['debug', 1]);
});

objects('peers that come and go are events', async () => {
  const { client, node, runtime } = await setup();
  assert.equal(await eventsOfPeer(client, runtime, node), ['meshchat.peer 127.0.0.2 alive']);
});

objects.run();
