import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LineLog } from '../../../src/runtime/log.ts';
import { decodeTable, encodeTable } from '../../../src/ubus/blob.ts';
import { UbusConnection } from '../../../src/ubus/connection.ts';
import { KEPT_BYTES_MAX, OBJECTS_MAX } from '../../../src/ubus/requests.ts';
import { CLIENTS_MAX, PENDING_BYTES_MAX, UbusServer } from '../../../src/ubus/server.ts';
import { STATUS_NO_MEMORY } from '../../../src/ubus/status.ts';
import type { FakeStream } from '../service/fake-runtime.ts';
import { FakeRuntime } from '../service/fake-runtime.ts';

const server = suite('ubus server');
const PATH = '/bus';
/** Of a method `say` with an argument `text`. */
const SIGNATURE = encodeTable({ say: { text: 3 } });

async function setup() {
  const runtime = new FakeRuntime();
  const lines: string[] = [];
  const subject = new UbusServer(runtime.runtime, new LineLog('warn', (line) => lines.push(line)), { path: PATH, mode: 0o660 });
  await subject.start();
  const done = async <T>(promise: Promise<T>): Promise<T> => {
    await runtime.settle();
    return promise;
  };
  const connect = (): Promise<UbusConnection> => done(UbusConnection.connect(runtime.runtime, PATH));
  const raw = async (): Promise<FakeStream & { answered: number }> => {
    const handler = { onData: () => void (stream.answered++), onClose: () => {} };
    const stream = Object.assign(await runtime.connect({ at: { path: PATH } }, handler) as FakeStream, { answered: 0 });
    return stream;
  };
  return { runtime, subject, done, connect, raw, lines };
}

server('a client calls the object of another', async () => {
  const { connect, done } = await setup();
  const [owner, caller] = [await connect(), await connect()];
  const id = await done(owner.addObject((call) => {
    call.reply(encodeTable({ you_said: decodeTable(call.data)?.['text'] ?? '' }));
    call.reply(encodeTable({ twice: true }));
    call.finish(200);
  }, 'parrot', SIGNATURE));
  assert.ok(id >= 1024);
  const { status, data } = await done(caller.call('parrot', 'say', { text: 'hi' }));
  assert.equal([status, JSON.stringify(data)], [200, '[{"you_said":"hi"},{"twice":true}]']);
});

server('a name of ours that a client has taken is told', async () => {
  const { connect, done, subject, lines } = await setup();
  await done((await connect()).addObject(() => {}, 'ours', SIGNATURE));
  assert.is(subject.addObject({ path: 'ours', signature: SIGNATURE, invoke: () => {} }), undefined);
  assert.equal(lines, ['warn: control socket: another program has the name ours']);
});

server('a call of an object whose owner dies ends with the time limit', async () => {
  const { connect, done, runtime } = await setup();
  const [owner, caller] = [await connect(), await connect()];
  await done(owner.addObject(() => {}, 'silent', SIGNATURE));
  const calling = caller.call('silent', 'say', {}, 2000);
  await runtime.settle();
  owner.close();
  await runtime.advance(2000);
  assert.is((await calling).status, 7);
  assert.is((await done(caller.call('silent', 'say'))).status, 4, 'its objects are gone');
});

server('all requests fail when the connection ends', async () => {
  const { connect, runtime, subject } = await setup();
  const caller = await connect();
  const calling = caller.lookup();
  subject.stop();
  caller.close();
  await runtime.settle();
  assert.is((await calling).status, 10);
  assert.is((await caller.lookup()).status, 10);
});

server('notifications reach the subscribers, who are told when the object goes', async () => {
  const { connect, done, runtime } = await setup();
  const [owner, reader] = [await connect(), await connect()];
  const active: boolean[] = [];
  owner.onActive = (_id, on) => active.push(on);
  const target = await done(owner.addObject(() => {}, 'news', SIGNATURE));
  const heard: string[] = [];
  const object = await done(reader.addObject((call) => heard.push(call.method)));
  let gone = 0;
  reader.onTargetGone = (_object, id) => (gone = id);
  assert.is(await done(reader.subscribe(object, target)), 0);
  owner.notify(target, 'flash', encodeTable({ n: 1 }));
  await runtime.settle();
  assert.is(await done(owner.subscribe(target, target)), 2, 'not one of its own');
  assert.is(await done(owner.removeObject(target)), 0);
  assert.equal([heard, active, gone], [['flash'], [true, false], target]);
});

server('events reach each listener once, and not their sender', async () => {
  const { connect, done, runtime } = await setup();
  const [sender, reader] = [await connect(), await connect()];
  const heard: string[] = [];
  await done(reader.listen('weather.*', (name) => heard.push(name)));
  await done(sender.listen('*', (name) => heard.push(`own ${name}`)));
  await done(sender.invoke(1, 'send', { id: 'weather.rain', data: { mm: 5 } }));
  await done(sender.invoke(1, 'send', { id: 'traffic', data: {} }));
  await runtime.settle();
  assert.equal(heard, ['weather.rain']);
});

server('limits the clients', async () => {
  const { connect, raw, subject, runtime } = await setup();
  for (let i = 0; i < CLIENTS_MAX; i++) await raw();
  const late = await raw();
  await runtime.settle();
  assert.equal([subject.clientCount, subject.refusedCount, late.closed], [CLIENTS_MAX, 1, true]);
  void connect;
});

server('limits the objects of a client', async () => {
  const { connect, done } = await setup();
  const client = await connect();
  for (let i = 0; i < OBJECTS_MAX; i++) assert.ok(await done(client.addObject(() => {})));
  assert.is(await done(client.addObject(() => {})), 0);
});

server('limits what it keeps of an object: its name and methods, and the patterns it listens to', async () => {
  const { connect, done } = await setup();
  const client = await connect();
  const signature = encodeTable({ say: { ['x'.repeat(KEPT_BYTES_MAX)]: 3 } });
  assert.is(await done(client.addObject(() => {}, 'large', signature)), 0);
  assert.is(await done(client.addObject(() => {}, 'x'.repeat(KEPT_BYTES_MAX), SIGNATURE)), 0);
  assert.is(await done(client.listen('x'.repeat(KEPT_BYTES_MAX + 1), () => {})), STATUS_NO_MEMORY);
  assert.ok(await done(client.addObject(() => {}, 'small', SIGNATURE)));
});

server('closes a client when all unfinished messages together are too long', async () => {
  const { raw, subject, runtime } = await setup();
  const half = new Uint8Array(1_000_000);
  half.set([0, 3, 0, 1, 0, 0, 0, 0, 0, 0x0f, 0xff, 0xfc]);
  const streams: FakeStream[] = [];
  for (let sent = 0; sent <= PENDING_BYTES_MAX; sent += half.length) {
    const stream = await raw();
    stream.write(half);
    await runtime.settle();
    streams.push(stream);
  }
  assert.equal(streams.map(({ closed }) => closed).filter(Boolean).length, 1);
  assert.is(subject.clientCount, streams.length - 1);
});

server('closes a client that does not speak ubus, and no other', async () => {
  const { raw, connect, runtime, done } = await setup();
  const client = await connect();
  const stranger = await raw();
  stranger.write(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'));
  await runtime.settle();
  assert.ok(stranger.closed);
  assert.is((await done(client.lookup())).status, 0);
});

server.run();
