import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SystemError } from '../../../src/runtime/runtime.ts';
import type { GroupHandler, JoinOptions } from '../../../src/client/client.ts';
import type { ClientError } from '../../../src/client/client.ts';
import { connect as connectTo } from '../../../src/client/socket-client.ts';
import type { SocketClient } from '../../../src/client/socket-client.ts';
import { LineLog } from '../../../src/runtime/log.ts';
import { CLIENTS_MAX } from '../../../src/ubus/server.ts';
import { UbusService } from '../../../src/service/ubus-service.ts';
import { bytes, setup as setupDaemon, text } from '../service/setup.ts';

const socket = suite('socket client');
const PATH = '/meshchat.sock';

async function setup() {
  const parts = await setupDaemon();
  const { runtime, daemon } = parts;
  const options = { version: '1.2.3', socketPath: PATH, socketMode: 0o660, systemBusPath: '', runtimeWarning: '' };
  const service = new UbusService(daemon, new LineLog('info', () => {}), options);
  await service.start();
  /** Lets the bus work until the promise is settled. */
  const done = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => {});
    await runtime.settle();
    return promise;
  };
  const connect = (): Promise<SocketClient> => done(connectTo({ path: PATH, runtime: runtime.runtime }));
  return { ...parts, service, done, connect, client: await connect() };
}

function recorder(): { heard: string[]; handler: GroupHandler } {
  const heard: string[] = [];
  const handler: GroupHandler = {
    onMessage: ({ source, seq, data }) => heard.push(`${source} ${seq} ${text(data)}`),
    onDatagram: ({ data }) => heard.push(`datagram ${text(data)}`),
    onGap: ({ source, from, to, reason, addressed }) => heard.push(`gap ${source} ${from}-${to} ${reason}${addressed ? ' to us' : ''}`),
    onMember: ({ address, state }) => heard.push(`${address} ${state}`),
    onRejoin: () => heard.push('rejoin'),
  };
  return { heard, handler };
}
async function refused(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as ClientError).status;
  }
  return 'not refused';
}

socket('does all that the client inside the daemon does', async () => {
  const { client, done, node, runtime } = await setup();
  const { heard, handler } = recorder();
  const group = await done(client.join('g', handler));
  assert.equal(await done(group.publish('hello')), { seq: 1, epoch: 7, room: 1000 });
  const core = node.groups.get('g')!;
  core.others = [{ id: '127.0.0.2', epoch: 3, stale: false, rttMs: 2 }];
  node.output.member(core as never, '127.0.0.2', 'joined', 3);
  node.output.message(core as never, '127.0.0.2', 3, 1, new Uint8Array([0xff, 0]), false);
  node.output.message(core as never, '127.0.0.2', 3, 2, bytes('grüße'), false);
  node.output.datagram(core as never, '127.0.0.2', bytes('d'));
  node.output.gap(core as never, '127.0.0.2', 3, 3, 4, 'evicted', false);
  node.output.gap(core as never, '127.0.0.2', 3, 1, 1, 'evicted', true);
  await runtime.settle();
  assert.equal(heard, ['127.0.0.2 joined', '127.0.0.2 1 \ufffd\0', '127.0.0.2 2 grüße', 'datagram d', 'gap 127.0.0.2 3-4 evicted', 'gap 127.0.0.2 1-1 evicted to us']);
  assert.equal((await done(group.members())).map(({ address, self }) => [address, self]), [['127.0.0.1', true], ['127.0.0.2', false]]);
  assert.equal((await done(group.history({ last: 2 }))).map(({ data }) => [...data].length), [2, 7]);
  assert.equal(await done(client.self()), ['127.0.0.1']);
  assert.equal(await done(client.groups()), [{ name: 'g', memberCount: 2, joined: true }]);
  await done(group.datagram('out'));
  await done(group.publish('to one', { to: '127.0.0.2' }));
  assert.equal(core.published, ['hello', 'datagram out', 'to one']);
  await done(group.leave());
  assert.ok(node.calls.includes('leave g'));
  client.close();
});

socket('names its refusals as the client inside the daemon', async () => {
  const { client, done, node } = await setup();
  const group = await done(client.join('g', {}));
  assert.is(await refused(done(client.join('g', {}))), 'INVALID_ARGUMENT');
  assert.is(await refused(done(client.join('', {}))), 'INVALID_ARGUMENT');
  assert.is(await refused(done(group.publish('x', { to: '127.0.0.2' }))), 'NOT_FOUND');
  assert.is(await refused(done(group.publish(new Uint8Array(65537)))), 'INVALID_ARGUMENT');
  node.groups.get('g')!.room = 0;
  assert.is(await refused(done(group.publish('x', { wait: false }))), 'BUSY');
  await done(group.leave());
  assert.is(await refused(done(group.publish('x'))), 'INVALID_ARGUMENT');
  client.close();
  assert.is(await refused(done(client.self())), 'CONNECTION_FAILED');
});

socket('says when there is no daemon, and when its socket may not be opened', async () => {
  const { runtime, done } = await setup();
  const connect = async (): Promise<never> => {
    throw new SystemError('EACCES', 'permission denied');
  };
  const denied = connectTo({ path: '/root', runtime: Object.assign(Object.create(runtime.runtime), { connect }) });
  assert.is(await done(denied.catch((error: Error) => error.message)), 'no right to open /root: permission denied');
  assert.is(await refused(done(connectTo({ path: '/nowhere', runtime: runtime.runtime }))), 'CONNECTION_FAILED');
});

socket('says when the daemon has as many clients as it takes', async () => {
  const { runtime, done } = await setup();
  const quiet = { onData() {}, onClose() {} };
  for (let i = 1; i < CLIENTS_MAX; i++) await runtime.connect({ at: { path: PATH } }, quiet);
  const refusal = connectTo({ path: PATH, runtime: runtime.runtime }).then(String, (error: Error) => error.message);
  assert.match(await done(refusal), /does not greet as ubus does, or has too many clients/);
});

socket('gets the recent messages that it asks for before newer ones', async () => {
  const { client, done, connect, node, runtime } = await setup();
  const group = await done(client.join('g', {}));
  for (const word of ['a', 'b', 'c']) await done(group.publish(word));
  const { heard, handler } = recorder();
  const other = await connect();
  const joining = other.join('g', handler, { start: { last: 2 } } satisfies JoinOptions);
  await runtime.settle();
  node.output.message(node.groups.get('g') as never, '127.0.0.2', 1, 1, bytes('new'), false);
  await done(joining);
  assert.equal(heard, ['127.0.0.1 2 b', '127.0.0.1 3 c', '127.0.0.2 1 new']);
  const history = await done(group.history({ last: 2 }));
  assert.equal(history.map(({ seq, own }) => [seq, own]), [[3, true], [1, false]], 'own: of this machine');
});

/** Loses the connection after the message numbered `first`, while 120 more come. @returns what it heard */
async function missSome(first: number, options: JoinOptions = {}) {
  const parts = await setup();
  const { client, done, connect, node, runtime } = parts;
  const keeper = await connect();
  await done(keeper.join('g', {}));
  const { heard, handler } = recorder();
  await done(client.join('g', handler, options));
  const tell = (seq: number, what: string): void =>
    node.output.message(node.groups.get('g') as never, '127.0.0.2', 1, seq >>> 0, bytes(what), false);
  tell(first, 'one');
  await runtime.settle();
  client.connection!.close();
  for (let i = 1; i <= 120; i++) tell(first + i, 'x');
  await runtime.advance(1000);
  return { ...parts, heard, tell };
}

socket('joins again after its connection was lost and tells what it missed', async () => {
  const { heard, tell, runtime } = await missSome(1);
  assert.equal(heard.slice(0, 4), ['127.0.0.2 1 one', 'rejoin', 'gap 127.0.0.2 2-21 client', '127.0.0.2 22 x']);
  assert.is(heard.length, 103, 'the ring holds the last hundred');
  tell(122, 'y');
  await runtime.settle();
  assert.is(heard.at(-1), '127.0.0.2 122 y');
});

socket('so also over the end of the numbers, and whatever it asked for when it came', async () => {
  const { heard } = await missSome(2 ** 32 - 1, { start: { last: 1 } });
  assert.equal(heard.slice(1, 4), ['rejoin', 'gap 127.0.0.2 0-19 client', '127.0.0.2 20 x']);
  assert.is(heard.length, 103);
});

socket('tells an unknown gap when the daemon had left the group meanwhile', async () => {
  const { client, done, runtime } = await setup();
  const { heard, handler } = recorder();
  const group = await done(client.join('g', handler));
  client.connection!.close();
  assert.is(await refused(group.publish('x')), 'CONNECTION_FAILED');
  await runtime.advance(1000);
  assert.equal(heard, ['rejoin', 'gap  0-0 client']);
  assert.is((await done(group.publish('x'))).seq, 1);
});

socket('so each of several programs, whichever is back first', async () => {
  const { client, done, connect, service, runtime } = await setup();
  const [one, two] = [recorder(), recorder()];
  await done(client.join('g', one.handler));
  await done((await connect()).join('g', two.handler));
  service.stop();
  await runtime.settle();
  await service.start();
  await runtime.advance(1000);
  assert.equal([one.heard, two.heard], [['rejoin', 'gap  0-0 client'], ['rejoin', 'gap  0-0 client']]);
});

socket('asks again for earlier messages when the daemon was away, and hands out those it did not have', async () => {
  const { client, done, service, node, runtime } = await setup();
  const { heard, handler } = recorder();
  await done(client.join('g', handler, { start: 'all' }));
  const tell = (epoch: number, seq: number): void =>
    node.output.message(node.groups.get('g') as never, '127.0.0.2', epoch, seq, bytes('x'), false);
  for (const seq of [1, 2, 3]) tell(1, seq);
  await runtime.settle();
  service.stop();
  await runtime.settle();
  await service.start();
  await runtime.advance(1000);
  assert.is(node.groups.get('g')!.options.start, 'all');
  for (const seq of [2, 3, 4]) tell(1, seq);
  tell(2, 1);
  await runtime.settle();
  assert.equal(heard.slice(3), ['rejoin', 'gap  0-0 client', '127.0.0.2 4 x', '127.0.0.2 1 x']);
});

socket('tells what it missed when the next message shows it', async () => {
  const { client, done, service, node, runtime } = await setup();
  const { heard, handler } = recorder();
  await done(client.join('g', handler));
  const tell = (seq: number): void =>
    node.output.message(node.groups.get('g') as never, '127.0.0.2', 1, seq, bytes('x'), false);
  tell(1);
  await runtime.settle();
  service.stop();
  await runtime.settle();
  await service.start();
  await runtime.advance(1000);
  for (const seq of [5, 6]) tell(seq);
  await runtime.settle();
  assert.equal(heard.slice(1), ['rejoin', 'gap  0-0 client', 'gap 127.0.0.2 2-4 client', '127.0.0.2 5 x', '127.0.0.2 6 x']);
});

socket('says that a group has ended when the daemon refuses to join it again', async () => {
  const { client, done, connect, runtime } = await setup();
  const ends: string[] = [];
  await done(client.join('g', { onEnd: ({ status, message }) => void ends.push(`${status} ${message}`) }, { slow: 'block' }));
  client.connection!.close();
  await runtime.settle();
  await done((await connect()).join('g', {}, { slow: 'evict' }));
  await runtime.advance(1000);
  assert.equal(ends, ['INVALID_ARGUMENT g is joined here with slow evict; this join asked for block']);
  await done(client.join('g', {}));
});

socket('goes on trying while the daemon is away', async () => {
  const { client, done, runtime, service } = await setup();
  const { heard, handler } = recorder();
  const told: boolean[] = [];
  client.onConnected = (connected) => told.push(connected);
  await done(client.join('g', handler));
  service.stop();
  await runtime.advance(20_000);
  assert.equal(told, [false]);
  await service.start();
  await runtime.advance(6000);
  assert.equal(told, [false, true]);
  assert.equal(heard, ['rejoin', 'gap  0-0 client']);
});

socket('hears of changes of our addresses', async () => {
  const { client, mesh, runtime } = await setup();
  const told: string[][] = [];
  client.onSelf = (addresses) => told.push(addresses);
  mesh.give(['127.0.0.1', '127.0.0.7']);
  await runtime.settle();
  assert.equal(told.at(-1), ['127.0.0.7', '127.0.0.1']);
});

socket.run();
