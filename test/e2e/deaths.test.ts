/**
 * What killed or fooled the meshchat of 2014, each as a test at living daemons: datagrams and clients that broke its memory,
 * and what it told the wrong people. After each one all daemons must answer, as the same processes.
 */
import { createSocket } from 'node:dgram';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChatClient, hears, pause, until } from './chat-client.ts';
import { MESH_PORT, sees, TestMesh } from './first-light-nodes.ts';

const QUIET_MS = 300;

let mesh: TestMesh;
let ann: ChatClient, bob: ChatClient, cleo: ChatClient;

const deaths = suite('deaths');
deaths.before(async () => {
  mesh = await TestMesh.start({ count: 3 });
  [ann, bob, cleo] = await mesh.chatters(['ann', 'bob', 'cleo']);
});
deaths.after(async () => {
  const exits = await mesh.stop();
  assert.equal(exits, Array(3).fill({ status: 0, signal: null }));
});
deaths.after.each(async () => {
  for (const client of [ann, bob, cleo]) await client.answers();
  for (const { child, name } of mesh.nodes) assert.is(child.exitCode ?? child.signalCode, null, `${name} lives`);
});

/** Sends datagrams to node 1 from an address that no node has. */
async function datagrams(list: readonly Uint8Array[]): Promise<void> {
  const { address } = mesh.node(0);
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, address.replace(/\d+$/, '99'), resolve));
  for (const bytes of list) {
    await new Promise<void>((resolve, reject) => {
      socket.send(bytes, MESH_PORT, address, (error) => (error === null ? resolve() : reject(error)));
    });
  }
  await pause(50);
  socket.close();
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

deaths('the packet of death: a JOIN from an address that has not greeted', async () => {
  await datagrams([ascii('\x04#a\0'), ascii('\x04#mesh\0')]);
});
deaths('a message of 1,300 bytes, of the longest datagram, and of none', async () => {
  const message = (length: number): Uint8Array => ascii(`\x03#mesh\0${'x'.repeat(length - 7)}`);
  await datagrams([message(600), message(1300), message(9000), message(65_507), new Uint8Array(0), new Uint8Array(1)]);
});
deaths('each first byte, with nothing and with a name behind it: nobody new is seen', async () => {
  const mark = ann.lines.length;
  const list = Array.from({ length: 256 }, (_, first) => [Uint8Array.of(first), ascii(`${String.fromCharCode(first)}#mesh\0ghost\0`)]);
  await datagrams(list.flat());
  ann.send('NAMES #mesh');
  const names = await ann.wait(/ 353 /, 5000, mark);
  assert.not.match(names.text, /ghost/);
});
deaths('a line of 64 KB without an end, and one of 2 KB with an end', async () => {
  const one = await mesh.stranger(0);
  one.write('x'.repeat(65_536));
  await pause(QUIET_MS);
  one.write('\r\n');
  const two = await mesh.stranger(0, 'two');
  two.write(`PRIVMSG #mesh :${'y'.repeat(2000)}\r\n`);
  await two.wait(/ (417|451) |^ERROR/);
  one.close();
  two.close();
});
deaths('a TOPIC longer than a line: the full text where it fits, at every node', async () => {
  const marks = [bob.lines.length, cleo.lines.length] as const;
  const topic = `several words, ${'t'.repeat(300)} end`;
  ann.send(`TOPIC #mesh :${topic}`);
  await ann.wait(/^:ann!\S+ TOPIC #mesh :several words, t+ end$/);
  await bob.wait(/^:ann!\S+ TOPIC #mesh :several words, t+ end$/, 5000, marks[0]);
  await cleo.wait(/^:ann!\S+ TOPIC #mesh :several words, t+ end$/, 5000, marks[1]);
  ann.send(`TOPIC #mesh :${'u'.repeat(600)}`);
  await ann.answers();
});
deaths('PRIVMSG without a text: a numeric, and not a byte to anybody', async () => {
  const mark = ann.lines.length;
  const before = [bob.lines.length, cleo.lines.length];
  ann.send('PRIVMSG #mesh', 'PRIVMSG', 'PRIVMSG #mesh :');
  await ann.wait(/ 412 /, 5000, mark);
  await ann.wait(/ 411 | 461 /, 5000, mark);
  await pause(QUIET_MS);
  assert.equal([bob.lines.length, cleo.lines.length], before);
});
deaths('a text of 490 bytes passes whole, one that fills the line or more is refused, none is cut', async () => {
  const mark = bob.lines.length;
  ann.say('l'.repeat(490));
  await bob.wait(/ PRIVMSG #mesh :?l{490}$/, 5000, mark);
  const own = ann.lines.length;
  ann.say('l'.repeat(512 - 'PRIVMSG #mesh :\r\n'.length));
  await ann.wait(/ 417 /, 5000, own);
  ann.send(`PING :${'p'.repeat(500)}`, `PING :${'p'.repeat(505)}`);
  await ann.wait(/PONG .*p{400}/, 5000, own);
  await pause(QUIET_MS);
  assert.is(bob.lines.slice(mark).filter(({ text }) => / PRIVMSG /.test(text)).length, 1);
});
deaths('nicks of 9, 30 and 400 characters: kept, cut or refused, never half', async () => {
  for (const length of [9, 10, 30, 400]) {
    const client = await mesh.stranger(0);
    client.send(`NICK ${'n'.repeat(length)}`, `USER ${'u'.repeat(length)} 0 * :x`);
    await client.wait(/ 001 n+ | 432 /);
    client.send(`NICK ${'m'.repeat(length)}`);
    await client.wait(/ NICK :?m+$| 432 | 451 /);
    client.close();
  }
});
deaths('clients that close at once, 50 of them, some in the middle of what they are told', async () => {
  for (let i = 0; i < 50; i++) {
    const client = await mesh.stranger(i % 3);
    if (i % 2 === 0) client.send('NICK hasty', 'USER hasty 0 * :x', 'JOIN #mesh', 'MOTD', 'LIST', 'NAMES');
    if (i % 5 === 0) await pause(5);
    client.drop();
  }
  await pause(QUIET_MS);
});
deaths('a client that does not read is given up, the others do not wait for it', async () => {
  const deaf = await mesh.chatter(1, 'deaf');
  deaf.pause();
  for (let i = 0; i < 200; i++) deaf.send(...Array(20).fill('LUSERS'));
  const count = bob.said().length;
  ann.say('the deaf one must not hold this up');
  await hears(bob, count + 1);
  deaf.close();
});
deaths('two clients of one node do not become one: the second nick is refused', async () => {
  const second = await mesh.stranger(0, 'ann');
  second.send('NICK ann', 'USER second 0 * :x');
  await second.wait(/ 433 /);
  const mark = ann.lines.length;
  await ann.answers();
  assert.not.ok(ann.lines.slice(mark).some(({ text }) => / NICK /.test(text)), 'ann keeps her nick');
  second.close();
});
deaths('the same nick on two nodes: two people, told apart, at every node', async () => {
  const mark = cleo.lines.length;
  const here = await mesh.chatter(0, 'twin');
  await sees(cleo, 'twin', 5000);
  const there = await mesh.stranger(1, 'twin');
  there.send('NICK twin', 'USER twin 0 * :x', 'JOIN #mesh');
  await there.wait(/ 366 | 433 /);
  there.say('which twin');
  here.say('this twin');
  await pause(QUIET_MS);
  const from = (text: string): string => / PRIVMSG /.test(text) ? (/^(?:@\S+ )?:(\S+) /.exec(text)?.[1] ?? '') : '';
  const speakers = new Set(cleo.lines.slice(mark).map(({ text }) => from(text)).filter((one) => one.includes('twin')));
  assert.is(new Set([...speakers].map((one) => one.split('!')[0])).size, speakers.size, [...speakers].join(' '));
  here.close();
  there.close();
});
deaths('a private message reaches one node and one client', async () => {
  const other = await mesh.chatter(1, 'other');
  const before = [ann.lines.length, cleo.lines.length, other.lines.length];
  ann.send('PRIVMSG bob :for bob alone');
  await bob.wait(/^:ann!\S+ PRIVMSG bob :for bob alone$/);
  await pause(QUIET_MS);
  const said = [ann, cleo, other].map((client, i) => client.lines.slice(before[i]).filter(({ text }) => text.includes('for bob alone')).length);
  assert.equal(said, [0, 0, 0]);
  other.close();
});
deaths('PART with a reason: everybody sees it, and the name leaves the lists', async () => {
  const parting = await mesh.chatter(1, 'parting');
  await sees(ann, 'parting', 5000);
  parting.send('PART #mesh :I have my reasons');
  await ann.wait(/^:parting!\S+ PART #mesh :I have my reasons$/);
  const mark = ann.lines.length;
  ann.send('NAMES #mesh');
  assert.not.match((await ann.wait(/ 353 /, 5000, mark)).text, /parting/);
  parting.close();
});
deaths('QUIT from no, one and several channels: first, middle and last member; others see it once', async () => {
  const people = [];
  for (const nick of ['p1', 'p2', 'p3']) people.push(await mesh.chatter(0, nick));
  people[0]?.send('JOIN #second,#third');
  people[1]?.send('JOIN #second', 'PART #mesh');
  await people[0]?.wait(/ 366 \S+ #third/);
  await people[1]?.wait(/ PART #mesh/);
  await sees(bob, 'p3', 5000);
  const mark = bob.lines.length;
  for (const nick of [1, 0, 2]) {
    people[nick]?.send('QUIT :gone now');
    await people[nick]?.wait(/^ERROR /);
  }
  await bob.wait(/^:p3!\S+ QUIT/, 5000, mark);
  await bob.wait(/^:p1!\S+ QUIT/, 5000, mark);
  await pause(QUIET_MS);
  assert.is(bob.lines.slice(mark).filter(({ text }) => / QUIT /.test(text)).length, 2, 'p2 had left the channel before');
});
deaths('JOIN of 0, of bad names, PART and WHO of channels that are not there: numerics, no phantoms', async () => {
  const odd = await mesh.chatter(0, 'odd');
  const mark = odd.lines.length;
  odd.send('JOIN nochannel', 'JOIN #a\x07b', 'PART #none', 'WHO #none', 'JOIN');
  await odd.wait(/ (403|476) \S+ nochannel/, 5000, mark);
  await odd.wait(/ (403|442) \S+ #none/, 5000, mark);
  await odd.wait(/ 315 /, 5000, mark);
  await odd.wait(/ 461 /, 5000, mark);
  odd.send('LIST');
  await odd.wait(/ 323 /, 5000, mark);
  assert.equal(odd.lines.slice(mark).filter(({ text }) => / 322 \S+ (?!#mesh |#third |#second )/.test(text)).map(({ text }) => text), []);
  odd.close();
});
deaths('LF alone, any case, and every command gets an answer', async () => {
  const old = await mesh.stranger(2, 'old');
  old.write('nick old\nuser old 0 * :x\n');
  await old.wait(/ 001 old /);
  old.write('join #mesh\n');
  await old.wait(/ 366 /);
  const expected: [string, RegExp][] = [
    ['names #mesh', / 366 /], ['mode #mesh', / 324 /], ['mode old', / 221 /], ['version', / 351 /], ['kick #mesh nobody', / (441|401|482) /],
    ['away :gone', / 306 /], ['away', / 305 /], ['ison ann', / 303 /], ['lusers', / 251 /], ['whois ann', / 311 /], ['userhost ann', / 302 /],
    ['nonsense', / 421 /], ['time', / 391 /], ['info', / 374 /], ['admin', / (256|423) /], ['stats u', / 219 /], ['links', / (365|421) /], ['cap ls', / CAP /],
  ];
  for (const [line, answer] of expected) {
    const mark = old.lines.length;
    old.write(`${line}\n`);
    await old.wait(answer, 3000, mark);
  }
  old.close();
});
deaths('bytes that are no UTF-8, NUL and control characters in a line', async () => {
  const before = bob.said().length;
  ann.write('PRIVMSG #mesh :\xff\xfe latin \xe9\r\nPRIVMSG #mesh :nul \0 inside\r\nPRIVMSG #mesh :bell \x07 colour \x034red\r\n');
  ann.say('after the odd bytes');
  await until('the last line comes', () => bob.said().slice(before).some(({ text }) => text === 'after the odd bytes'));
});
deaths.run();
