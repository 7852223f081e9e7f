import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ADMIN_CALLS_MAX, CjdnsAdmin } from '../../../../src/mesh/cjdns/admin.ts';
import type { Answer } from '../../../../src/mesh/cjdns/admin.ts';
import { FakeRuntime, hex } from '../fake-runtime.ts';
import { cjdnsEncode, FakeAdmin, latin1Bytes, latin1Text } from './fake-admin.ts';

const test = suite('mesh/cjdns/admin');

function setup(password = 'testpw', given = password) {
  const runtime = new FakeRuntime();
  const fake = new FakeAdmin(runtime, password);
  fake.answer = () => ({ q: 'pong' });
  const admin = new CjdnsAdmin(runtime.asRuntime(), '127.0.0.1', 11234, given);
  return { runtime, fake, admin };
}
async function ended(runtime: FakeRuntime, promise: Promise<Answer>, ms = 5000): Promise<Answer> {
  await runtime.run(ms);
  return promise;
}
const kind = (answer: Answer): string | undefined => answer.failure?.kind;

test('asks and answers by txid', async () => {
  const { runtime, fake, admin } = setup();
  const answer = await ended(runtime, admin.call('ping'));
  assert.is(kind(answer), undefined);
  assert.is(fake.requests[0]?.text, 'd4:argsde1:q4:ping4:txid8:00010203e');
});

test('signs with the cookie exactly as Admin.c wants it', async () => {
  const { runtime, admin } = setup();
  const sent: string[] = [];
  runtime.onSent = ({ bytes, socket }) => {
    sent.push(latin1Text(bytes));
    const reply = sent.length === 1 ? 'd6:cookie10:17532825174:txid8:00010203e' : 'd000001:q4:pong4:txid8:3fd2095fe';
    runtime.later(() => socket.options.onDatagram(latin1Bytes(reply), '127.0.0.1', 11234));
  };
  runtime.randomBytes = () => hex(sent.length === 0 ? '00010203' : '3fd2095f');
  const answer = await ended(runtime, admin.call('ping', {}, { auth: true }));
  assert.is(kind(answer), undefined);
  assert.is(sent[1], 'd2:aq4:ping4:argsde6:cookie10:17532825174:hash64:'
    + '59a38ccd1ca496b7657c0b6f27fa631281546e33eb3faf3ce4b6f3ca7ab8a3041:q4:auth4:txid8:3fd2095fe');
});

test('uses a cookie again while it is young', async () => {
  const { runtime, fake, admin } = setup();
  let cookies = 0;
  const before = runtime.onSent;
  runtime.onSent = (sent) => {
    if (latin1Text(sent.bytes).includes('6:cookie4:txid')) cookies++;
    before(sent);
  };
  for (let i = 0; i < 3; i++) await ended(runtime, admin.call('ping', {}, { auth: true }), 1000);
  assert.is(cookies, 1);
  await runtime.run(8000);
  await ended(runtime, admin.call('ping', {}, { auth: true }), 100);
  assert.is(cookies, 2, 'and an old one not: cjdns takes it for 20 s');
  fake.cookie = '1753282600';
  const answer = await ended(runtime, admin.call('ping', {}, { auth: true }));
  assert.is(kind(answer), undefined, 'a cookie refused is fetched anew, once');
  assert.is(cookies, 3);
});

test('a wrong password is its own failure', async () => {
  const { runtime, admin, fake } = setup('right', 'wrong');
  const answer = await ended(runtime, admin.call('ping', {}, { auth: true }));
  assert.is(kind(answer), 'auth');
  assert.is(fake.count('ping'), 2, 'no third attempt');
});

test('an unknown function, and one without its password, are told', async () => {
  const { runtime, fake, admin } = setup();
  fake.answer = () => undefined;
  assert.is(kind(await ended(runtime, admin.call('Foo_bar'))), 'unknown');
  assert.is(kind(await ended(runtime, admin.call('SessionManager_getHandles', { page: 0 }))), 'unknown');
});

test('any other error is passed on as one printable line', async () => {
  const { runtime, fake, admin } = setup();
  fake.answer = () => ({ error: 'no such\x1b[31m session\n' });
  const { failure } = await ended(runtime, admin.call('SessionManager_sessionStats', { handle: 1 }, { auth: true }));
  assert.is(failure?.kind, 'refused');
  assert.is(failure?.text, 'cjdns refuses SessionManager_sessionStats: no such?[31m session?');
  fake.answer = () => ({ error: 'none', x: 1 });
  assert.is(kind(await ended(runtime, admin.call('x'))), undefined);
});

test('silence is a failure after three questions', async () => {
  const { runtime, fake, admin } = setup();
  let asked = 0;
  runtime.onSent = () => { asked++; };
  fake.up = false;
  const promise = admin.call('ping');
  await runtime.run(1400);
  assert.is(asked, 3);
  const answer = await ended(runtime, promise, 200);
  assert.is(kind(answer), 'silent');
  assert.match(answer.failure!.text, /does not answer ping at 127\.0\.0\.1 port 11234/);
  await runtime.run(10_000);
  assert.is(asked, 3);
  assert.is(runtime.timerCount, 0);
});

for (const [what, datagram, reason] of [
  ['a truncated answer', 'd1:q4:pong', /answer to ping is truncated/],
  ['the bytes that hang the npm package', 'l-3:e', /is no bencode dictionary/],
  ['an answer of 64 KB', `d1:a65000:${'x'.repeat(65_000)}e`, /65011 bytes long/],
  ['bytes that mean nothing', 'HTTP/1.1 400 Bad Request', /is no bencode dictionary/],
] as const) {
  test(`${what} fails its question with a reason`, async () => {
    const { runtime, fake, admin } = setup();
    fake.answer = () => datagram;
    const { failure } = await ended(runtime, admin.call('ping'), 100);
    assert.is(failure?.kind, 'malformed');
    assert.match(failure!.text, reason);
  });
}

test('an error without txid ("Request too big.") ends the oldest question', async () => {
  const { runtime, fake, admin } = setup();
  fake.answer = () => 'd5:error16:Request too big.e';
  assert.match((await ended(runtime, admin.call('ping'), 100)).failure!.text, /refuses ping: Request too big\./);
});

test('answers from elsewhere, late ones and second ones are counted and dropped', async () => {
  const { runtime, fake, admin } = setup();
  const sockets: Parameters<typeof runtime.onSent>[0][] = [];
  runtime.onSent = (sent) => { sockets.push(sent); };
  const promise = admin.call('ping');
  await runtime.settle();
  const answer = latin1Bytes(cjdnsEncode({ q: 'pong', txid: '00010203' }));
  const deliver = sockets[0]!.socket.options.onDatagram;
  deliver(answer, '127.0.0.1', 999);
  deliver(answer, '127.0.0.2', 11234);
  deliver(latin1Bytes(cjdnsEncode({ q: 'pong', txid: 'ffffffff' })), '127.0.0.1', 11234);
  assert.is(admin.strayCount, 3);
  deliver(answer, '127.0.0.1', 11234);
  assert.is(kind(await promise), undefined);
  deliver(answer, '127.0.0.1', 11234);
  assert.is(admin.strayCount, 4);
  assert.is(fake.requests.length, 0);
});

test('questions at the same time are limited', async () => {
  const { runtime, admin } = setup();
  const promises = Array.from({ length: ADMIN_CALLS_MAX + 1 }, () => admin.call('ping'));
  await runtime.run(100);
  const kinds = (await Promise.all(promises)).map(kind);
  assert.is(kinds.filter((one) => one === undefined).length, ADMIN_CALLS_MAX);
  assert.is(kinds.at(-1), 'closed');
});

test('a question longer than cjdns reads is not sent', async () => {
  const { runtime, fake, admin } = setup();
  assert.is(kind(await ended(runtime, admin.call('x', { path: 'y'.repeat(600) }))), 'closed');
  assert.is(fake.requests.length, 0);
});

test('close() ends what waits, and nothing is left open', async () => {
  const { runtime, fake, admin } = setup();
  fake.up = false;
  const promise = admin.call('ping');
  await runtime.run(100);
  admin.close();
  assert.is(kind(await promise), 'closed');
  assert.is(runtime.sockets.size, 0);
  assert.is(runtime.timerCount, 0);
});

test.run();
