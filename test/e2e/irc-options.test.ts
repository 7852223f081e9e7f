/** Each option of the IRC server in the configuration file does on a daemon what docs/configuration.md says. */
import { pbkdf2Sync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChatClient, until } from './chat-client.ts';
import { type TestMesh, withMesh } from './first-light-nodes.ts';

const WEB_PORT = 6680;

function hash(password: string): string {
  const salt = Buffer.from('saltsalt');
  return `pbkdf2-sha256$100$${salt.toString('base64')}$${pbkdf2Sync(password, salt, 100, 32, 'sha256').toString('base64')}`;
}

/** Adds lines to the irc section of a node and makes it read them. */
async function configure(mesh: TestMesh, index: number, irc: string, more = ''): Promise<void> {
  const node = mesh.node(index);
  const text = readFileSync(node.configPath, 'utf8').replace(/\t#begin[^]*/, '');
  writeFileSync(node.configPath, `${text}\t#begin\n${irc}\n${more}\n`);
  const before = node.lines.length;
  node.child.kill('SIGHUP');
  await until('it has read its configuration', () => node.lines.slice(before).some((line) => /configuration|reload/.test(line)), 3000)
    .catch(() => undefined);
}

async function ask(client: ChatClient, ...lines: string[]): Promise<string[]> {
  const from = client.lines.length;
  client.send(...lines);
  await client.answers();
  return client.lines.slice(from).map(({ text }) => text);
}

async function register(mesh: TestMesh, nick: string, ...before: string[]): Promise<ChatClient> {
  const client = await mesh.stranger(0, nick);
  client.send(...before, `NICK ${nick}`, `USER ${nick} 0 * :${nick}`);
  return client;
}

async function words(mesh: TestMesh): Promise<void> {
  await configure(mesh, 0, `\toption network_name 'hillnet'
\tlist motd 'first line'
\tlist motd 'second line'
\tlist admin_info 'Up the hill'
\tlist autojoin '#hill'
\toption password 'open sesame'
\toption clients_max '2'`);
  const shut = await register(mesh, 'shut');
  await shut.wait(/ 464 /);
  await until('the connection is closed', () => shut.closed);
  const ann = await register(mesh, 'ann', 'PASS :open sesame');
  await ann.wait(/ 366 ann #hill /);
  await ann.wait(/ 001 ann :Welcome to the hillnet network/);
  await ann.wait(/ 005 .* NETWORK=hillnet /);
  await ann.wait(/ 372 ann :- second line/);
  assert.ok((await ask(ann, 'ADMIN')).some((line) => line.includes('Up the hill')));
  await register(mesh, 'bob', 'PASS :open sesame');
  const third = await mesh.stranger(0, 'third');
  await third.wait(/ERROR .*Too many connections/);
}

async function flood(mesh: TestMesh): Promise<void> {
  const ann = await mesh.chatter(0, 'ann');
  await configure(mesh, 0, "\toption flood '50'");
  const start = performance.now();
  // 200 may come at once.
  ann.send(...Array.from({ length: 300 }, (_, i) => `PING ${i}`));
  await ann.wait(/ PONG .* 299$/);
  assert.ok(performance.now() - start > 1500, `${performance.now() - start} ms for 100 lines too many`);
}

async function history(mesh: TestMesh): Promise<void> {
  await configure(mesh, 0, "\toption history_lines '5'\n\toption playback_lines '3'");
  const ann = await mesh.chatter(0, 'ann');
  await ask(ann, ...Array.from({ length: 20 }, (_, i) => `PRIVMSG #mesh :line ${i}`));
  const bob = await mesh.chatter(0, 'bob');
  await until('bob hears three lines', () => bob.said().length >= 3);
  assert.equal(bob.said().map(({ text }) => text), ['line 17', 'line 18', 'line 19']);
  const eve = await register(mesh, 'eve', 'CAP REQ :draft/chathistory batch', 'CAP END');
  await eve.wait(/ 001 /);
  const lines = await ask(eve, 'JOIN #mesh', 'CHATHISTORY LATEST #mesh * 50');
  assert.equal(lines.filter((line) => line.includes('PRIVMSG')).length, 4, 'and an event');
}

async function accounts(mesh: TestMesh): Promise<void> {
  await configure(mesh, 0, '', `config account\n\toption name 'ann'\n\toption password '${hash('pass')}'\n\toption operator '1'`);
  const ann = await register(mesh, 'ann', 'CAP LS 302', 'CAP REQ sasl', 'AUTHENTICATE PLAIN');
  await ann.wait(/AUTHENTICATE \+/);
  ann.send(`AUTHENTICATE ${Buffer.from('\0ann\0pass').toString('base64')}`, 'CAP END');
  await ann.wait(/ 903 /);
  await ann.wait(/ 001 ann /);
  ann.send('OPER ann wrong', 'OPER ann pass');
  await ann.wait(/ 464 /);
  await ann.wait(/ 381 /);
}

async function lists(mesh: TestMesh): Promise<void> {
  const [ann, bob] = await mesh.chatters(['ann', 'bob']);
  const members = async (): Promise<string> => (await ask(ann, 'NAMES #mesh')).find((line) => / 353 /.test(line)) ?? '';
  await configure(mesh, 0, `\tlist hide '${mesh.node(1).address}'`);
  bob.say('not to be heard');
  await bob.answers();
  await ask(bob, 'TOPIC #mesh :but this');
  await ann.wait(/ TOPIC #mesh :but this/);
  assert.equal(ann.said(), []);
  await configure(mesh, 0, `\tlist ban '${mesh.node(1).address}'`);
  await ann.wait(/^:bob!\S+ QUIT/);
  assert.not.match(await members(), /bob/);
  await configure(mesh, 0, "\tlist allow 'fc00::*'");
  assert.not.match(await members(), /bob/);
}

async function web(mesh: TestMesh): Promise<void> {
  const { address } = mesh.node(0);
  await mesh.chatter(0, 'ann');
  const socket = connect(WEB_PORT, address);
  let got = Buffer.alloc(0);
  socket.on('data', (bytes) => { got = Buffer.concat([got, bytes]); });
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Protocol: text.ircv3.net\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  const frame = (opcode: number, text: string): Buffer => Buffer.concat([
    Buffer.from([0x80 | opcode, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text),
  ]);
  for (const line of ['NICK web', 'USER web 0 * :Web', 'JOIN #mesh', 'PRIVMSG #mesh :\u{1F44B}']) {
    socket.write(frame(1, line).fill(0x80 | Buffer.byteLength(line), 1, 2));
  }
  await until('the web client is in', () => got.includes(' 366 web #mesh '));
  socket.write(frame(9, 'beat'));
  await until('its ping is answered', () => got.includes(Buffer.from([0x8a, 4, ...Buffer.from('beat')])));
  socket.end(frame(8, '\u0003\u0068'));
  await until('the connection ends', () => socket.readableEnded || socket.destroyed);
}

const options = suite('irc options');
options('network_name, motd, admin_info, autojoin, password, clients_max', async () => {
  await withMesh({ count: 1 }, words);
});
options('flood slows a client down', async () => {
  await withMesh({ count: 1 }, flood);
});
options('history_lines, playback_lines', async () => {
  await withMesh({ count: 1 }, history);
});
options('account, and operator in it', async () => {
  await withMesh({ count: 1 }, accounts);
});
options('hide, ban, allow', async () => {
  await withMesh({ count: 2 }, lists);
});
options('websocket, server_name', async () => {
  const mesh = { count: 1, args: ['--set', 'irc.server_name=irc.hill'] };
  await withMesh({ ...mesh, args: [...mesh.args, '--set', `irc.websocket=0.0.0.0:${WEB_PORT}`] }, web);
});
options.run();
