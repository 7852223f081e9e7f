/** What a client of one node sees: registration, channels, messages, questions. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultIrcOptions } from '../../../src/irc/options.ts';
import { brief, names, World } from './world.ts';
import type { TestClient, TestNode } from './world.ts';

const NODE = 'fc00::a1';

async function node(options = {}): Promise<{ world: World; one: TestNode }> {
  const world = new World();
  return { world, one: await world.node(NODE, options) };
}
function numerics(lines: readonly string[]): string[] {
  return lines.map((line) => line.split(' ')[1] as string);
}

// --- registration ---------------------------------------------------------------------------------------------------

const registration = suite('irc registration');

registration('welcome, support tokens, counts and message of the day, in this order', async () => {
  const { one } = await node({ motd: ['hello', 'there'] });
  const client = one.connect();
  const lines = await client.ask('NICK bob', 'USER bob 0 * :Bob');
  assert.match(lines.join('\n'), / 002 bob :Your host is irc\.mesh, running meshchat-test\n.* 004 bob irc\.mesh meshchat-test /s);
  const got = numerics(lines);
  assert.equal([...new Set(got)], ['001', '002', '003', '004', '005', '251', '252', '253', '254', '255', '265', '266', '375', '372', '376']);
});
registration('commands are known in any case, and with LF alone', async () => {
  const { one, world } = await node();
  const client = one.connect();
  client.bytes(new TextEncoder().encode('nick bob\nUser bob 0 * :Bob\nping :x\n'));
  await world.run();
  assert.ok(client.take().at(-1)?.endsWith('PONG irc.mesh x'));
});
registration('capabilities are negotiated before it completes', async () => {
  const { one } = await node();
  const client = one.connect();
  assert.match((await client.ask('CAP LS 302', 'NICK bob', 'USER bob 0 * :Bob'))[0] as string, /^:irc\.mesh CAP \* LS :.*batch.*draft\/multiline=max-bytes=/);
  assert.equal(brief(await client.ask('CAP REQ :batch nonsense')), ['irc.mesh CAP bob NAK batch nonsense']);
  assert.equal(brief(await client.ask('CAP REQ :batch server-time', 'CAP LIST')), [
    'irc.mesh CAP bob ACK batch server-time', 'irc.mesh CAP bob LIST server-time batch cap-notify',
  ]);
  assert.is(numerics(await client.ask('CAP END'))[0], '001');
});
registration('a client that sends JOIN first is told, not dropped', async () => {
  const { one } = await node();
  const client = one.connect();
  assert.equal(numerics(await client.ask('CAP LS 302', 'JOIN :')), ['CAP', '451']);
  assert.is(numerics(await client.ask('NICK bob', 'USER bob 0 * :Bob', 'CAP END'))[0], '001');
});
registration('a nick in use, a bad one and none have their numerics', async () => {
  const { one } = await node();
  await one.user('bob');
  const client = one.connect();
  assert.equal(numerics(await client.ask('NICK BOB', 'NICK 1x', 'NICK', 'USER u 0 * :')), ['433', '432', '431', '461']);
});
registration('a wrong password closes the connection', async () => {
  const { one } = await node({ password: 'sesame' });
  const client = one.connect();
  assert.equal(numerics(await client.ask('PASS wrong', 'NICK bob', 'USER bob 0 * :Bob'))[0], '464');
  assert.ok(client.closed);
  const right = one.connect();
  assert.is(numerics(await right.ask('PASS sesame', 'NICK bob', 'USER bob 0 * :Bob'))[0], '001');
});
registration('who does not register is let go; who is silent is asked, then let go', async () => {
  const { one, world } = await node();
  const idle = one.connect();
  const bob = await one.user('bob');
  bob.answersPing = false;
  await world.run(40_000);
  assert.ok(idle.closed);
  assert.not.ok(bob.closed);
  await world.run(60_000);
  assert.ok(bob.take().includes('PING irc.mesh'));
  await world.run(70_000);
  assert.ok(bob.closed);
  assert.match(bob.all.at(-1) as string, /^ERROR :Closing Link: \(Ping timeout/);
});
registration('more clients than allowed are refused with a reason', async () => {
  const { one, world } = await node({ clientsMax: 2 });
  await one.user('a');
  await one.user('b');
  const third = one.connect();
  await world.run();
  assert.equal(third.take(), ['ERROR :Too many connections']);
  assert.ok(third.closed);
});
registration('clients of one account share a nick, what is said and what was read', async () => {
  const stored = 'pbkdf2-sha256$1$c2FsdA==$';
  const { hashPassword } = await import('../../../src/encoding/password.ts');
  const { sha256 } = await import('./world.ts');
  const password = await hashPassword(sha256, 'pw', new TextEncoder().encode('salt'), (task) => task(), 1);
  assert.ok(password.startsWith(stored));
  const { one, world } = await node({ accounts: [{ name: 'bob', password }] });
  const login = async (caps: string): Promise<TestClient> => {
    const client = one.connect();
    client.send('CAP LS 302', `CAP REQ :sasl ${caps}`, 'NICK bob', 'USER bob 0 * :Bob', 'AUTHENTICATE PLAIN', 'AUTHENTICATE AGJvYgBwdw==');
    await world.run();
    assert.ok(client.take().some((line) => line.includes(' 903 ')));
    client.send('CAP END');
    await world.run();
    return client;
  };
  const first = await login('echo-message draft/read-marker');
  await first.ask('JOIN #c');
  const second = await login('echo-message draft/read-marker');
  assert.ok(brief(second.take()).includes('bob JOIN #c'));
  assert.equal(brief(await first.ask('PRIVMSG #c :hi')), ['bob PRIVMSG #c hi']);
  assert.equal(brief(second.take()), ['bob PRIVMSG #c hi']);
  await second.ask('MARKREAD #c timestamp=2023-01-01T00:00:00.000Z');
  assert.equal(brief(first.take()), ['irc.mesh MARKREAD #c timestamp=2023-01-01T00:00:00.000Z']);
  const stranger = await one.user('eve');
  assert.equal(await names(stranger, '#c'), ['bob']);
  first.send('QUIT');
  await world.run();
  assert.equal(await names(stranger, '#c'), ['bob'], 'one of his clients is still here');
  // When the last is gone the account comes back to its channels.
  second.send('QUIT');
  await world.run();
  const third = await login('');
  assert.ok(brief(third.take()).includes('bob JOIN #c'));
});
registration('a wrong account password is refused', async () => {
  const { one, world } = await node({ accounts: [{ name: 'bob', password: 'pbkdf2-sha256$1$c2FsdA==$c2FsdA==' }] });
  const client = one.connect();
  client.send('CAP REQ :sasl', 'AUTHENTICATE PLAIN', 'AUTHENTICATE AGJvYgBwdw==', 'AUTHENTICATE PLAIN', 'AUTHENTICATE *');
  await world.run();
  assert.equal(numerics(client.take()).filter((code) => code.startsWith('9')), ['904', '906']);
});
registration.run();

// --- channels -------------------------------------------------------------------------------------------------------

const channels = suite('irc channels');

async function two(caps = ''): Promise<{ world: World; one: TestNode; bob: TestClient; eve: TestClient }> {
  const { world, one } = await node();
  const bob = await one.user('bob', caps);
  const eve = await one.user('eve', caps);
  await bob.ask('JOIN #c');
  await eve.ask('JOIN #c');
  bob.take();
  return { world, one, bob, eve };
}

channels('JOIN shows the topic and the names, PART ends it', async () => {
  const { bob, eve } = await two();
  await bob.ask('TOPIC #c :all of the words');
  eve.take();
  await eve.ask('PART #c :so long');
  assert.equal(brief(bob.take()).slice(-1), ['eve PART #c so long']);
  assert.equal(numerics(await eve.ask('JOIN #c')), ['JOIN', '332', '333', '353', '366']);
  assert.ok(bob.all.some((line) => line.includes('TOPIC #c :all of the words')));
});
channels('a bad name, a channel that is not, one that is not ours', async () => {
  const { bob, one } = await two();
  assert.equal(numerics(await bob.ask('JOIN bad', 'PART #none', 'JOIN 0')), ['403', '403', 'PART']);
  const ann = await one.user('ann');
  assert.equal(numerics(await ann.ask('PART #c', 'TOPIC #c :x', 'KICK #c eve')), ['442', '442', '442']);
});
channels('QUIT is shown once to everybody who shares a channel', async () => {
  const { bob, eve } = await two();
  await bob.ask('JOIN #d');
  await eve.ask('JOIN #d');
  bob.take();
  await eve.ask('QUIT :tired');
  assert.equal(brief(bob.take()), ['eve QUIT Quit: tired']);
  assert.equal(await names(bob, '#c'), ['bob']);
});
channels('removal keeps the others: first, middle and last member', async () => {
  const { one } = await node();
  const people: TestClient[] = [];
  for (const nick of ['a', 'b', 'c', 'd', 'e']) {
    const client = await one.user(nick);
    await client.ask('JOIN #c');
    people.push(client);
  }
  for (const [gone, rest] of [[0, 'b c d e'], [2, 'b d e'], [4, 'b d']] as const) {
    (people[gone] as TestClient).disconnect();
    assert.equal(await names(people[1] as TestClient, '#c'), rest.split(' '));
  }
});
channels('the first of this node is operator here and may set modes', async () => {
  const { bob, eve } = await two();
  assert.equal(numerics(await eve.ask('MODE #c +m')), ['482']);
  assert.equal(brief(await bob.ask('MODE #c +mk-n key')), ['bob MODE #c +mk-n key']);
  assert.equal(numerics(await eve.ask('PRIVMSG #c :x')), ['MODE', '404'].slice(1));
  assert.equal(brief(await bob.ask('MODE #c +v eve', 'MODE #c')).slice(0, 2), ['bob MODE #c +v eve', 'irc.mesh 324 bob #c +mk key']);
  assert.equal(numerics(await eve.ask('PRIVMSG #c :x')), []);
});
channels('bans keep out by address and are listed', async () => {
  const { bob, eve } = await two();
  await bob.ask('MODE #c +b eve', 'KICK #c eve :out');
  assert.ok(brief(eve.take()).includes('bob KICK #c eve out'));
  assert.equal(numerics(await eve.ask('JOIN #c')), ['474']);
  assert.match((await bob.ask('MODE #c b'))[0] as string, / 367 bob #c eve!\*@\* bob!bob@fc00::a1 \d+$/);
  await bob.ask('INVITE eve #c');
  assert.is(numerics(await eve.ask('JOIN #c'))[0], 'JOIN');
});
channels('LIST filters by name, mask, users and topic age', async () => {
  const { bob } = await two();
  await bob.ask('JOIN #other');
  const list = async (filter: string): Promise<string[]> => (await bob.ask(`LIST ${filter}`))
    .filter((line) => line.includes(' 322 ')).map((line) => line.split(' ')[3] as string).sort();
  assert.equal(await list(''), ['#c', '#other']);
  assert.equal(await list('#c'), ['#c']);
  assert.equal(await list('*the*'), ['#other']);
  assert.equal(await list('!*the*'), ['#c']);
  assert.equal(await list('>1'), ['#c']);
  assert.equal(await list('T<5'), []);
  assert.equal(await list('C<5'), ['#c', '#other']);
});
channels('NAMES of a full channel comes in lines of bounded length', async () => {
  const { one } = await node();
  const first = await one.user('first');
  await first.ask('JOIN #c');
  for (let i = 0; i < 40; i++) await (await one.user(`someone-with-a-long-nick-${i}`)).ask('JOIN #c');
  const lines = (await first.ask('NAMES #c')).filter((line) => line.includes(' 353 '));
  assert.ok(lines.length > 1);
  assert.ok(lines.every((line) => line.length <= 510));
  assert.is((await names(first, '#c')).length, 41);
});
channels.run();

// --- messages -------------------------------------------------------------------------------------------------------

const messages = suite('irc messages');

messages('a channel message reaches the others, once, and not the sender', async () => {
  const { bob, eve } = await two();
  assert.equal(await bob.ask('PRIVMSG #c :hello there'), []);
  assert.equal(eve.take(), [':bob!bob@fc00::a1 PRIVMSG #c :hello there']);
});
messages('a private message reaches one client', async () => {
  const { bob, eve, one } = await two();
  const ann = await one.user('ann');
  await ann.ask('JOIN #c');
  eve.take();
  await bob.ask('PRIVMSG eve :psst');
  assert.equal(brief(eve.take()), ['bob PRIVMSG eve psst']);
  assert.equal(ann.take(), []);
});
messages('missing parameters answer a numeric, a NOTICE nothing', async () => {
  const { bob, eve } = await two();
  assert.equal(numerics(await bob.ask('PRIVMSG', 'PRIVMSG #c', 'PRIVMSG #c :', 'PRIVMSG nobody :x', 'PRIVMSG #none :x')), ['411', '412', '412', '401', '403']);
  assert.equal(await bob.ask('NOTICE', 'NOTICE nobody :x', 'NOTICE #none :x'), []);
  assert.equal(eve.take(), []);
});
messages('only what the client sent leaves: no line end gets through', async () => {
  const { bob, eve } = await two('message-tags');
  bob.send('@+x=a\\r\\nb PRIVMSG #c :one\rtwo\0three');
  await bob.world.run();
  const got = eve.take();
  assert.is(got.length, 1);
  assert.match(got[0] as string, /\+x=a\\r\\nb/);
  assert.ok((got[0] as string).endsWith('PRIVMSG #c onetwothree'));
});
messages('echo, labels and acknowledgement', async () => {
  const { bob, eve } = await two('echo-message labeled-response batch message-tags');
  const [echo] = await bob.ask('@label=7 PRIVMSG #c :hi');
  assert.match(echo as string, /^@label=7;msgid=[^ ]+ :bob!bob@fc00::a1 PRIVMSG #c hi$/);
  assert.not.match(eve.take()[0] as string, /label/);
  assert.equal(await bob.ask('@label=8 PONG x'), ['@label=8 :irc.mesh ACK']);
  const whois = await bob.ask('@label=9 WHOIS eve');
  assert.match(whois[0] as string, /^@label=9 :irc\.mesh BATCH \+\w+ labeled-response$/);
  assert.ok(whois.slice(1, -1).every((line) => line.startsWith('@batch=')));
});
messages('a 480-character text passes whole, what can not is refused, never cut', async () => {
  const { bob, eve } = await two();
  await bob.ask(`PRIVMSG #c :${'x'.repeat(480)}`);
  assert.ok(eve.take()[0]?.endsWith(` ${'x'.repeat(480)}`));
  assert.equal(numerics(await bob.ask(`PRIVMSG #c :${'x'.repeat(497)}`)), ['417']);
  assert.equal(eve.take(), []);
});
messages('one write per turn and client, however many lines', async () => {
  const { bob, eve } = await two();
  const before = eve.writeCount;
  bob.send(...Array.from({ length: 50 }, (_, i) => `PRIVMSG #c :line ${i}`));
  await bob.world.run();
  assert.is(eve.take().length, 50);
  assert.ok(eve.writeCount - before <= 2, `${eve.writeCount - before} writes`);
});
messages('a client that pastes has at most 16 lines a turn: others are answered in between', async () => {
  const { bob, eve } = await two();
  bob.send(...Array.from({ length: 500 }, (_, i) => `PRIVMSG #c :line ${i}`));
  eve.send('PING :me');
  await bob.world.run();
  const got = eve.take();
  assert.is(got.length, 501);
  assert.ok(got.findIndex((line) => line.endsWith('PONG irc.mesh me')) <= 16);
});
messages('typing passes by, a reaction stays in the history', async () => {
  const { bob, eve } = await two('message-tags batch draft/chathistory draft/event-playback');
  await bob.ask('@+typing=active TAGMSG #c', '@+draft/react=:) TAGMSG #c');
  assert.is(eve.take().filter((line) => line.includes('TAGMSG')).length, 2);
  const history = await eve.ask('CHATHISTORY LATEST #c * 10');
  assert.is(history.filter((line) => line.includes('TAGMSG')).length, 1);
});
messages('a QUIT is played back with its reason alone, as it was', async () => {
  const { bob, eve } = await two('message-tags batch draft/chathistory draft/event-playback');
  await bob.ask('QUIT :bye');
  const quit = (await eve.ask('CHATHISTORY LATEST #c * 10')).find((line) => line.includes(' QUIT '));
  assert.match(quit as string, / QUIT :Quit: bye$/);
});
messages('a redaction takes the line from everybody and from the history', async () => {
  const { bob, eve } = await two('message-tags batch draft/chathistory draft/message-redaction echo-message');
  const [echo] = await bob.ask('PRIVMSG #c :oops');
  const msgid = /msgid=([^; ]+)/.exec(echo as string)?.[1] as string;
  eve.take();
  assert.match((await eve.ask(`REDACT #c ${msgid}`))[0] as string, /FAIL REDACT REDACT_FORBIDDEN/);
  await bob.ask(`REDACT #c ${msgid} :typo`);
  assert.equal(brief(eve.take()), [`bob REDACT #c ${msgid} typo`]);
  assert.is((await eve.ask('CHATHISTORY LATEST #c * 10')).length, 2);
});
messages('AWAY is told to whoever writes', async () => {
  const { bob, eve } = await two('away-notify');
  await eve.ask('AWAY :lunch');
  assert.equal(brief(bob.take()), ['eve AWAY lunch']);
  assert.equal(brief(await bob.ask('PRIVMSG eve :x')), ['irc.mesh 301 bob eve lunch']);
  assert.equal(numerics(await eve.ask('AWAY')), ['305']);
});
messages.run();

// --- questions ------------------------------------------------------------------------------------------------------

const questions = suite('irc questions');

questions('every command answers, an unknown one with 421', async () => {
  const { bob } = await two();
  for (const command of [
    'NAMES #c', 'MODE #c', 'MODE bob', 'VERSION', 'ISON eve', 'LUSERS', 'WHO #c', 'WHO eve %cuhsnfdaor,7', 'WHOIS eve', 'WHOWAS x', 'ADMIN',
    'INFO', 'TIME', 'STATS u', 'LINKS', 'HELP', 'HELP JOIN', 'USERHOST eve', 'MOTD', 'LIST', 'AWAY', 'METADATA * SUB x', 'BOUNCER LISTNETWORKS', 'MONITOR L',
  ]) assert.ok((await bob.ask(command)).length > 0, command);
  assert.equal(numerics(await bob.ask('NONSENSE', 'TOPIC', 'MODE')), ['421', '461', '461']);
});
questions('WHOX gives the fields asked for, in order', async () => {
  const { bob } = await two();
  assert.equal(await bob.ask('WHO eve %tnuhar,42'), [
    ':irc.mesh 354 bob 42 eve fc00::a1 eve 0 :eve of fc00::a1', ':irc.mesh 315 bob eve :End of WHO list',
  ]);
});
questions('MONITOR tells who comes, goes and renames', async () => {
  const { bob, one } = await two();
  assert.equal(numerics(await bob.ask('MONITOR + ann,eve')), ['730', '731']);
  const ann = await one.user('ann');
  assert.equal(brief(bob.take()), ['irc.mesh 730 bob ann!ann@fc00::a1']);
  await ann.ask('NICK joe');
  assert.equal(brief(bob.take()), ['irc.mesh 731 bob ann']);
  await ann.ask('NICK ann', 'QUIT');
  assert.equal(numerics(bob.take()), ['730', '731']);
});
questions('WHOWAS remembers, newest first', async () => {
  const { bob, one } = await two();
  for (const real of ['one', 'two']) {
    const client = one.connect();
    await client.ask('NICK ann', `USER ann 0 * :${real}`, 'QUIT');
  }
  assert.equal(brief(await bob.ask('WHOWAS ann')).filter((line) => line.includes(' 314 ')), [
    'irc.mesh 314 bob ann ann fc00::a1 * two', 'irc.mesh 314 bob ann ann fc00::a1 * one',
  ]);
});
questions('how much history is kept may be changed while people talk', async () => {
  const { one } = await node();
  const bob = await one.user('bob', 'batch draft/chathistory');
  await bob.ask('JOIN #c', ...[1, 2, 3, 4].map((n) => `PRIVMSG #c :line ${n}`));
  assert.equal(await one.server.reload({ ...defaultIrcOptions(), historyLines: 2 }), []);
  const kept = (await bob.ask('CHATHISTORY LATEST #c * 10')).filter((line) => line.includes('PRIVMSG'));
  assert.equal(kept.map((line) => line.slice(-6)), ['line 3', 'line 4']);
});
questions('a name like a member of objects is only a name', async () => {
  const { bob } = await two();
  for (const name of ['__proto__', 'constructor', 'toString']) {
    assert.equal(numerics(await bob.ask(`WHOIS ${name}`)), ['401', '318']);
    assert.equal(numerics(await bob.ask(name)), ['421']);
    assert.equal(numerics(await bob.ask(`JOIN #${name}`)), ['JOIN', '353', '366']);
  }
});
questions.run();
