import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Answer } from '../../../../src/mesh/yggdrasil/admin.ts';
import { YggdrasilAdmin } from '../../../../src/mesh/yggdrasil/admin.ts';
import { addressOfKey } from '../../../../src/mesh/yggdrasil/key.ts';
import { rounds } from '../../../support/rounds.ts';
import { FakeRuntime } from '../fake-runtime.ts';
import { FakeSocket, YGG_NODES } from './fake-socket.ts';

const test = suite('mesh/yggdrasil/admin');

function setup() {
  const runtime = new FakeRuntime();
  const fake = new FakeSocket(runtime, '/x.sock');
  fake.answer = ({ request }) => ({ asked: request });
  const admin = new YggdrasilAdmin(runtime.asRuntime(), { path: '/x.sock' });
  const ask = async (ms = 5000): Promise<Answer> => {
    const promise = admin.call('getself');
    await runtime.run(ms);
    return promise;
  };
  return { runtime, fake, admin, ask };
}

test('an address is made of the bits of its key', () => {
  for (const [key, address] of YGG_NODES) assert.is(addressOfKey(key), address);
  const key = YGG_NODES[0][0];
  for (const bad of ['', 'zz', key.toUpperCase(), `${key}0`]) assert.is(addressOfKey(bad), undefined);
});

test('keys of the partial addresses in answers have the same address as the whole ones', () => {
  const whole = YGG_NODES[2][0];
  assert.is(addressOfKey(`${whole.slice(0, 29)}7${'f'.repeat(34)}`), YGG_NODES[2][1]);
});

test('asks again and again on one connection', async () => {
  const { fake, ask } = setup();
  for (let i = 0; i < 3; i++) {
    const answer = await ask(10);
    assert.is(answer.failure, undefined);
    if (answer.failure === undefined) assert.equal(answer.response, { asked: 'getself' });
  }
  assert.is(fake.connections.length, 1);
  assert.is(fake.requests[0]?.keepalive, true);
});

test('finds the end of an answer in pieces of any size, with braces in strings', async () => {
  const { runtime, fake, admin } = setup();
  fake.answer = () => null;
  const text = JSON.stringify({ status: 'success', response: { a: '}"{\\', b: [{}, '\\"}'] } }, null, 1);
  for (const size of [1, 2, 7, 1000]) {
    const promise = admin.call('x');
    await runtime.run(1);
    for (let at = 0; at < text.length; at += size) fake.connections[0]!.toClient(text.slice(at, at + size));
    await runtime.run(1);
    const answer = await promise;
    assert.is(answer.failure, undefined);
    if (answer.failure === undefined) assert.equal(answer.response, { a: '}"{\\', b: [{}, '\\"}'] });
  }
});

test('an error is a refusal by status, whatever its words', async () => {
  const { fake, ask } = setup();
  fake.answer = () => undefined;
  const answer = await ask();
  assert.is(answer.failure?.kind, 'refused');
  assert.match(answer.failure!.text, /unknown action 'getself'/);
});

test('silence ends the question and the connection, the next call has a new one', async () => {
  const { fake, ask } = setup();
  fake.answer = () => null;
  assert.is((await ask()).failure?.kind, 'silent');
  fake.connections[0]!.toClient('{"status":"success","response":{"late":1}}');
  fake.answer = () => ({ fresh: 1 });
  const answer = await ask();
  assert.is(fake.connections.length, 2);
  if (answer.failure === undefined) assert.equal(answer.response, { fresh: 1 });
  else assert.unreachable(answer.failure.text);
});

for (const [what, text, kind] of [
  ['what is no JSON', 'SSH-2.0-dropbear\r\n', 'malformed'],
  ['broken JSON', '{"status": success}', 'silent'],
  ['another program\'s JSON', '{"hello": 1}', 'malformed'],
  ['endless nesting', '['.repeat(5000), 'malformed'],
  ['endless nesting of objects', `${'{"a":'.repeat(5000)}}`, 'silent'],
  ['an endless answer', `{"status":"${'x'.repeat(600_000)}`, 'malformed'],
  ['a closing bracket first', '}', 'malformed'],
] as const) {
  test(`${what} is ${kind}`, async () => {
    const { runtime, fake, ask } = setup();
    fake.answer = () => text;
    const answer = await ask(2100);
    assert.is(answer.failure?.kind, kind);
    assert.ok(fake.connections[0]!.closed);
    assert.is(runtime.timerCount, 0);
  });
}

test('absent, refused and forbidden sockets are told apart', async () => {
  const { fake, ask } = setup();
  fake.refusal = 'EACCES';
  assert.is((await ask()).failure?.kind, 'denied');
  fake.refusal = 'ENOENT';
  assert.is((await ask()).failure?.kind, 'absent');
  fake.up = false;
  assert.match((await ask()).failure!.text, /no Yggdrasil listens at \/x\.sock/);
});

test('a socket that closes ends the question at once', async () => {
  const { runtime, fake, admin } = setup();
  fake.answer = () => null;
  const promise = admin.call('x');
  await runtime.run(1);
  fake.connections[0]!.close();
  await runtime.run(1);
  assert.is((await promise).failure?.kind, 'silent');
});

test('bytes of a connection that was given up do not reach the next question', async () => {
  const { runtime, fake, admin, ask } = setup();
  fake.answer = () => null;
  await ask();
  const handler = fake.connections[0]!;
  handler.closed = false;
  fake.answer = () => null;
  const promise = admin.call('second');
  await runtime.run(1);
  handler.deliverLate('{"status":"success","response":{"late":1}}');
  fake.connections[1]!.toClient('{"status":"success","response":{"fresh":1}}');
  await runtime.run(1);
  const answer = await promise;
  if (answer.failure === undefined) assert.equal(answer.response, { fresh: 1 });
  else assert.unreachable(answer.failure.text);
});

test('random bytes never throw', async () => {
  const { runtime, fake, ask } = setup();
  let seed = 7;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < rounds(500); round++) {
    fake.answer = () => Array.from({ length: 1 + next(60) }, () => '{}[]":,\\ae1 \n\xff'[next(14)]).join('');
    assert.ok((await ask(2100)).failure !== undefined);
  }
  assert.is(runtime.timerCount, 0);
});

test.run();
