import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClientError } from '../../../src/client/client.ts';
import { LocalClient } from '../../../src/client/local-client.ts';
import { bytes, setup as setupDaemon, text } from '../service/setup.ts';

const local = suite('local client');

async function setup() {
  const parts = await setupDaemon();
  return { ...parts, client: new LocalClient(parts.daemon.groups) };
}
async function refused(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as ClientError).status;
  }
  return 'not refused';
}

local('joins, publishes and hears', async () => {
  const { client, node, runtime } = await setup();
  const heard: string[] = [];
  const group = await client.join('g', {
    onMessage: ({ source, data }) => heard.push(`${source} ${text(data)}`),
    onMember: ({ address, state }) => heard.push(`${address} ${state}`),
  });
  assert.equal(await group.publish('hello'), { seq: 1, epoch: 7, room: 1000 });
  const core = node.groups.get('g') as never;
  node.output.member(core, '127.0.0.2', 'joined', 1);
  node.output.message(core, '127.0.0.2', 1, 1, bytes('hi'), false);
  await runtime.settle();
  assert.equal(heard, ['127.0.0.2 joined', '127.0.0.2 hi']);
  assert.equal(await client.self(), ['127.0.0.1']);
});

local('reaches the other programs of its own daemon by its own address, and nobody else', async () => {
  const { client, daemon, node, runtime } = await setup();
  const heard: string[] = [];
  const service = await new LocalClient(daemon.groups).join('g', {
    onMessage: ({ source, seq, data, addressed }) => heard.push(`${source} ${seq} ${data.length}${addressed ? ' to us' : ''}`),
    onDatagram: ({ source, data }) => heard.push(`${source} ${text(data)}`),
  });
  const group = await client.join('g', { onMessage: () => heard.push('back to whom it came from') });
  const to = '127.0.0.1';
  assert.equal(await group.publish('a', { to }), { seq: 1, epoch: 7, room: 1000 });
  await group.publish(new Uint8Array(3000), { to });
  await group.publish('b', { to });
  await group.datagram('d', { to });
  await runtime.settle();
  assert.equal(heard, ['127.0.0.1 1 1 to us', '127.0.0.1 2 3000 to us', '127.0.0.1 5 1 to us', '127.0.0.1 d']);
  assert.equal(node.groups.get('g')?.published, []);
  assert.is(await refused(service.publish(new Uint8Array(65537), { to })), 'INVALID_ARGUMENT');
  assert.is(await refused(service.datagram(new Uint8Array(1101), { to })), 'INVALID_ARGUMENT');
  assert.equal(daemon.groups.history(daemon.groups.find('g')!, 9), [], 'what is private is in no history');
});

local('names its refusals', async () => {
  const { client, node } = await setup();
  const group = await client.join('g', {});
  assert.is(await refused(client.join('g', {})), 'INVALID_ARGUMENT');
  assert.is(await refused(group.publish('x', { to: '127.0.0.2' })), 'NOT_FOUND');
  assert.is(await refused(group.publish(new Uint8Array(65537))), 'INVALID_ARGUMENT');
  node.groups.get('g')!.room = 0;
  assert.is(await refused(group.publish('x', { wait: false })), 'BUSY');
  await group.leave();
  assert.is(await refused(group.publish('x')), 'INVALID_ARGUMENT');
  client.close();
  assert.is(await refused(client.join('h', {})), 'CONNECTION_FAILED');
});

local('is told nothing after leave, and leaves all on close', async () => {
  const { client, node, runtime } = await setup();
  const heard: string[] = [];
  const group = await client.join('g', { onMessage: () => heard.push('g') });
  await client.join('h', { onMessage: () => heard.push('h') });
  const core = node.groups.get('g') as never;
  node.output.message(core, '127.0.0.2', 1, 1, bytes('late'), false);
  await group.leave();
  await runtime.settle();
  assert.equal(heard, []);
  client.close();
  assert.equal(node.calls.filter((call) => call.startsWith('leave')), ['leave g', 'leave h']);
});

local('says when our addresses change', async () => {
  const { client, mesh, runtime } = await setup();
  const told: string[][] = [];
  client.onSelf = (addresses) => told.push(addresses);
  mesh.give(['127.0.0.1', '127.0.0.7']);
  await runtime.settle();
  assert.equal(told.at(-1), ['127.0.0.7', '127.0.0.1']);
});

local.run();
