/** Input that killed the first meshchat, random and mutated input, and WebSocket frames. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { answerHandshake, encodeFrame } from '../../../src/irc/websocket.ts';
import { brief, seeded, World } from './world.ts';
import type { TestClient, TestNode } from './world.ts';

async function pair(): Promise<{ world: World; node: TestNode; bob: TestClient; eve: TestClient }> {
  const world = new World(5);
  const node = await world.node('fc00::a1', { websocket: [{ address: '::1', port: 1 }] });
  const [bob, eve] = [await node.user('bob'), await node.user('eve')];
  await bob.ask('JOIN #c');
  await eve.ask('JOIN #c');
  bob.take();
  return { world, node, bob, eve };
}

const deaths = suite('irc inputs that once killed');

deaths('a write of more than 1,024 bytes: all its lines arrive', async () => {
  const { world, bob, eve } = await pair();
  bob.send(...Array.from({ length: 1000 }, (_, i) => `PRIVMSG #c :pasted line number ${i}`));
  await world.run(2000);
  assert.equal(brief(eve.take()), Array.from({ length: 1000 }, (_, i) => `bob PRIVMSG #c pasted line number ${i}`));
});
deaths('a topic of any length is cut at a character, PING with 505 bytes is answered', async () => {
  const { bob } = await pair();
  const topic = (await bob.ask(`TOPIC #c :${'ä'.repeat(245)}`))[0] as string;
  assert.ok(topic.endsWith('ä'));
  assert.ok((await bob.ask(`PING ${'x'.repeat(505)}`))[0]?.includes('x'.repeat(505)));
});
deaths('a client that closes at once, in the middle of a line, or before it reads', async () => {
  const { world, node, bob } = await pair();
  for (const text of ['', 'NICK x', 'NICK x\r\nUSER x 0 * :x\r\nJOIN #c\r\nPRIV']) {
    const client = node.connect();
    client.bytes(new TextEncoder().encode(text));
    client.disconnect();
  }
  await world.run(100);
  assert.equal(await bob.ask('PING a'), [':irc.mesh PONG irc.mesh a']);
});
deaths('NICK of any length before and after USER', async () => {
  const { node } = await pair();
  const client = node.connect();
  assert.ok((await client.ask('USER u 0 * :U', `NICK ${'n'.repeat(400)}`)).every((line) => line.includes(' 432 ')));
  assert.ok((await client.ask('NICK exactly9c')).some((line) => line.includes(' 001 exactly9c ')));
});
deaths('a channel name that is none, and PART and WHO of one that is not, create nothing', async () => {
  const { bob } = await pair();
  await bob.ask('JOIN 20', 'PART #ghost', 'WHO #ghost', 'TOPIC #ghost :x', 'PRIVMSG #ghost :x', 'MODE #ghost +o bob', 'INVITE eve #ghost');
  assert.not.ok((await bob.ask('LIST')).some((line) => line.includes('ghost')));
});
deaths.run();

const fuzz = suite('irc fuzz');

const WORDS = [
  'NICK', 'USER', 'JOIN', 'PART', 'PRIVMSG', 'NOTICE', 'TAGMSG', 'TOPIC', 'MODE', 'KICK', 'INVITE', 'WHO', 'WHOIS', 'WHOWAS', 'NAMES', 'LIST', 'CAP',
  'BATCH', 'REDACT', 'CHATHISTORY', 'MARKREAD', 'MONITOR', 'AUTHENTICATE', 'AWAY', 'SETNAME', 'OPER', 'KILL', 'HELP', 'STATS', 'USERHOST', 'ISON',
  '#c', '#c,#d', '#', 'bob', 'eve', 'bob,eve,#c', '*', '0', '+o', '-o', '+beIklovimnstC', '+', '-', ':', '::', ': ', '\x01ACTION', 'LATEST', 'BEFORE', 'BETWEEN', 'TARGETS',
  'timestamp=2023-01-01T00:00:00.000Z', 'msgid=x', '100', '-1', '99999999999999999999', 'LS', '302', 'REQ', ':batch message-tags labeled-response draft/multiline echo-message',
  '-batch', 'END', 'draft/multiline', '+1', '-1', '@label=1', '@batch=1', '@batch=1;draft/multiline-concat', '@+a=b', '@', '=', ';', '\\', '%tcnuhsar,1', '😃', '\ud800',
  '__proto__', 'constructor', 'nick!user@host', '*!*@*', '!', '@#c', '+#c', '[]\\', '~', 'bob~00a1', 'bob@fc00::a1', 'PLAIN', '+', 'AAAA', 'QUIT?',
];

fuzz('20,000 random and mutated lines neither throw nor hurt others', async () => {
  const { world, node, eve } = await pair();
  const random = seeded(99);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  let client = await node.user('fuzz', 'batch message-tags labeled-response draft/multiline echo-message draft/chathistory draft/read-marker');
  for (let i = 0; i < 20_000; i++) {
    if (client.closed) client = await node.user(`fuzz${i}`);
    const words = Array.from({ length: 1 + Math.floor(random() * 6) }, () => pick(WORDS));
    let line = words.join(random() < 0.95 ? ' ' : '');
    if (random() < 0.2) {
      const at = Math.floor(random() * line.length);
      line = line.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + line.slice(at + (random() < 0.5 ? 1 : 0));
    }
    if (random() < 0.01) line += 'x'.repeat(Math.floor(random() * 6000));
    const bytes = new TextEncoder().encode(`${line}${random() < 0.5 ? '\r\n' : '\n'}`);
    const cut = random() < 0.3 ? Math.floor(random() * bytes.length) : bytes.length;
    client.bytes(bytes.subarray(0, cut));
    client.bytes(bytes.subarray(cut));
    if (i % 200 === 0) await world.run(5);
    if (i % 2000 === 0) {
      client.all.length = eve.all.length = 0;
      client.take();
      eve.take();
    }
  }
  await world.run(100);
  const { counters } = node.server.status() as { counters: { errors: number } };
  assert.equal(world.logged, []);
  assert.is(counters.errors, 0);
  assert.ok((await eve.ask('PING :still')).some((line) => line.endsWith('PONG irc.mesh still')));
});
fuzz('no line that goes out is longer than it may be, or two', async () => {
  const { world, node } = await pair();
  const long = 'n'.repeat(30);
  const client = await node.user(long);
  for (let i = 0; i < 30; i++) await client.ask(`JOIN #${'c'.repeat(50)}${i}`);
  await client.ask(`TOPIC #${'c'.repeat(50)}0 :${'t'.repeat(390)}`, `AWAY :${'a'.repeat(200)}`, `SETNAME :${'r'.repeat(150)}`);
  await client.ask(`WHOIS ${long}`, 'LIST', `WHO ${long}`, `MONITOR + ${Array.from({ length: 60 }, (_, i) => `nick${i}`).join(',')}`, 'MONITOR S', 'HELP', 'CAP LS 302');
  await world.run(100);
  const encoder = new TextEncoder();
  for (const line of client.all) assert.ok(encoder.encode(line).length <= 510, `${encoder.encode(line).length}: ${line}`);
});
fuzz.run();

const limits = suite('irc connections');

limits('an address has so many connections, all together have so many, and who goes makes room', async () => {
  const world = new World();
  const node = await world.node('fc00::a1', { clientsPerAddressMax: 2, clientsMax: 3 });
  const refused = async (address: string): Promise<boolean> => {
    const client = node.connect(0, address);
    await world.run();
    return client.closed && client.take()[0] === 'ERROR :Too many connections';
  };
  const first = node.connect(0, '10.0.0.1');
  assert.not(await refused('10.0.0.1'));
  assert.ok(await refused('10.0.0.1'));
  assert.not(await refused('10.0.0.2'));
  assert.ok(await refused('10.0.0.3'), 'three are all');
  first.disconnect();
  await world.run();
  assert.not(await refused('10.0.0.1'));
  assert.ok(await refused('10.0.0.1'));
});
limits.run();

// --- WebSocket ------------------------------------------------------------------------------------------------------

const websocket = suite('irc over WebSocket');

const HEAD = 'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

function masked(opcode: number, payload: Uint8Array, final = true): Uint8Array {
  const frame = encodeFrame(opcode, payload);
  const head = payload.length > 125 ? 4 : 2;
  const out = new Uint8Array(frame.length + 4);
  out.set(frame.subarray(0, head));
  out[0] = (final ? 0x80 : 0) | opcode;
  out[1] = (out[1] as number) | 0x80;
  out.set([1, 2, 3, 4], head);
  for (let i = 0; i < payload.length; i++) out[head + 4 + i] = (payload[i] as number) ^ (i % 4 + 1);
  return out;
}
const text = (line: string): Uint8Array => new TextEncoder().encode(line);

websocket('the handshake of the specification gives its answer', () => {
  const answer = answerHandshake(`${HEAD}Sec-WebSocket-Protocol: foo, text.ircv3.net`);
  assert.ok(answer?.response.includes('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n'));
  assert.ok(answer?.response.includes('Sec-WebSocket-Protocol: text.ircv3.net\r\n'));
  assert.is(answerHandshake('GET / HTTP/1.1\r\nHost: x'), undefined);
});
websocket('frames at any cut, fragments, pings and a close', async () => {
  const { world, node } = await pair();
  const bytes = [text(`${HEAD}\r\n`), masked(1, text('NICK web')), masked(1, text('USER web 0 '), false), masked(0, text('* :Web\r\n')), masked(9, text('hi')), masked(1, text('PING x'))];
  const all = new Uint8Array(bytes.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of bytes) {
    all.set(part, at);
    at += part.length;
  }
  for (const step of [1, 7, 1000]) {
    const client = node.connect(1);
    for (let i = 0; i < all.length; i += step) client.bytes(all.subarray(i, i + step));
    await world.run(100);
    client.bytes(masked(8, Uint8Array.of(3, 232)));
    await world.run(100);
    assert.ok(client.closed, `step ${step}`);
    assert.is(client.all[0], 'HTTP/1.1 101 Switching Protocols');
  }
});
websocket('each of several lines that come together is a message of its own', async () => {
  const { world, node, bob } = await pair();
  const web = node.connect(1);
  web.bytes(text(`${HEAD}\r\n`));
  for (const line of ['NICK web', 'USER web 0 * :Web', 'JOIN #c']) web.bytes(masked(1, text(line)));
  await world.run();
  bob.send('PRIVMSG #c :one', 'PRIVMSG #c :and two');
  await world.run();
  // Each with a head of two bytes, of which the first is no UTF-8.
  assert.match(web.unfinished, /\ufffd.:bob![^ ]+ PRIVMSG #c one\ufffd.:bob![^ ]+ PRIVMSG #c :and two$/s);
});
websocket('fragments that are too long together, and a head without an end, end the connection', async () => {
  const { world, node } = await pair();
  const client = node.connect(1);
  client.bytes(text(`${HEAD}\r\n`));
  client.bytes(masked(1, text('x'.repeat(3000)), false));
  for (let i = 0; i < 3; i++) client.bytes(masked(0, text('x'.repeat(3000)), false));
  await world.run(50);
  assert.is(client.sent.at(-1), 0xf1);
  assert.ok(client.closed);
  const endless = node.connect(1);
  endless.bytes(text(`GET / HTTP/1.1\r\nX: ${'x'.repeat(9000)}`));
  await world.run(50);
  assert.ok(endless.closed);
});
websocket('a message that is no UTF-8 is refused with a word, in text and binary; nobody else sees it', async () => {
  const { world, node, bob } = await pair();
  for (const opcode of [1, 2]) {
    const web = node.connect(1);
    web.bytes(text(`${HEAD}\r\n`));
    for (const line of [`NICK web${opcode}`, 'USER web 0 * :Web', 'JOIN #c']) web.bytes(masked(opcode, text(line)));
    await world.run();
    bob.take();
    web.bytes(masked(opcode, Uint8Array.of(...text('PRIVMSG #c :caf'), 0xe9)));
    web.bytes(masked(opcode, text('PRIVMSG #c :well')));
    await world.run();
    assert.match(web.unfinished, /FAIL \* INVALID_UTF8/);
    assert.is(bob.take().length, 1);
  }
});
websocket('an unmasked, a huge or an unknown frame closes the connection', async () => {
  const { world, node } = await pair();
  for (const bad of [encodeFrame(1, text('NICK x')), Uint8Array.of(0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4), masked(5, text('x')), masked(1, text('x'.repeat(5000)))]) {
    const client = node.connect(1);
    client.bytes(text(`${HEAD}\r\n`));
    client.bytes(bad);
    await world.run(50);
    assert.ok(client.closed);
    // A close frame with two bytes of code: 1002, or 1009 for what is too big.
    const code = client.sent.at(-1) as number;
    assert.is(client.sent.at(-4), 0x88);
    assert.is(code, bad.length > 1000 || bad[1] === 0xff ? 0xf1 : 0xea);
  }
  const plain = node.connect(1);
  plain.bytes(text('NICK bob\r\nUSER b 0 * :b\r\n\r\n'));
  await world.run(50);
  assert.match(plain.all[0] as string, /^HTTP\/1\.1 400/);
});
websocket('frames out of their order and control frames in pieces close the connection', async () => {
  const { world, node } = await pair();
  const long = new Uint8Array(126);
  for (const bad of [[masked(0, text('x'))], [masked(1, text('a'), false), masked(1, text('b'))], [masked(9, text('x'), false)], [masked(9, long)]]) {
    const client = node.connect(1);
    client.bytes(text(`${HEAD}\r\n`));
    for (const frame of bad) client.bytes(frame);
    await world.run(50);
    assert.ok(client.closed);
    assert.equal(client.sent.slice(-4), [0x88, 2, 1002 >> 8, 1002 & 255]);
  }
});
websocket.run();
