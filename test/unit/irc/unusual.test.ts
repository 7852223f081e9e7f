/** What clients are answered to what is seldom said, and what comes late. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPassword } from '../../../src/encoding/password.ts';
import { A, B, C, brief, joined, names, nodes, sha256, World } from './world.ts';
import type { TestClient, TestNode } from './world.ts';

async function one(caps = '', options = {}): Promise<{ world: World; node: TestNode; bob: TestClient }> {
  const world = new World();
  const node = await world.node(A, options);
  return { world, node, bob: await joined(node, 'bob', caps) };
}
async function account(iterations: number): Promise<{ name: string; password: string }> {
  const salt = new TextEncoder().encode('salt');
  return { name: 'bob', password: await hashPassword(sha256, 'pw', salt, (task) => task(), iterations) };
}
const LOGIN = ['CAP REQ :sasl', 'AUTHENTICATE PLAIN', '@label=x AUTHENTICATE AGJvYgBwdw=='];

// --- labels ---------------------------------------------------------------------------------------------------------

const labels = suite('irc labels');

labels('an answer that comes later has the label, and nothing else has', async () => {
  const { bob } = await one('labeled-response batch', { accounts: [await account(1)], operators: [await account(1)] });
  const login = await bob.ask(...LOGIN);
  assert.equal(login.filter((line) => line.includes('label=')).length, 1);
  assert.match(login.find((line) => line.includes('label=')) as string, /^@label=x :irc\.mesh BATCH \+\w+ labeled-response$/);
  assert.match((await bob.ask('@label=y OPER bob wrong'))[0] as string, /^@label=y :irc\.mesh 464 /);
});
labels('history that is still on its way is labelled when it is there', async () => {
  const { world, a, b } = await nodes();
  const ann = await joined(a, 'ann');
  const bob = await b.user('bob', 'labeled-response batch draft/chathistory');
  await ann.ask('PRIVMSG #c :hi');
  const got = await bob.ask('JOIN #c', '@label=x CHATHISTORY LATEST #c * 10');
  await world.run(5000);
  const labelled = [...got, ...bob.take()].filter((line) => line.includes('label='));
  assert.is(labelled.length, 1, String(labelled));
  assert.match(labelled[0] as string, /^@label=x :irc\.mesh BATCH \+\w+ chathistory #c$/);
});
labels('a labelled QUIT is answered', async () => {
  const { bob } = await one('labeled-response batch');
  assert.match((await bob.ask('@label=x QUIT'))[0] as string, /^@label=x ERROR :Closing Link: /);
});
labels('who has not asked for labels gets none', async () => {
  const { bob } = await one('batch draft/multiline message-tags');
  const got = await bob.ask('@label=x BATCH +1 draft/multiline #c', '@batch=1 PRIVMSG #c :text', 'BATCH -1');
  assert.equal(got, []);
});
labels('who goes while his password is checked has gone', async () => {
  const { world, a, b } = await nodes({}, { accounts: [await account(1)] });
  const ann = await joined(a, 'ann');
  const bob = await joined(b, 'bob');
  bob.send(...LOGIN);
  bob.disconnect();
  await world.run(5000);
  assert.equal(await names(ann, '#c'), ['ann']);
  assert.ok((await ann.ask('WHOIS bob'))[0]?.includes(' 401 '));
});
labels.run();

// --- multiline ------------------------------------------------------------------------------------------------------

const multiline = suite('irc refused multiline messages');

multiline('nothing of it is said, and it is told once', async () => {
  const { node, bob } = await one('batch draft/multiline message-tags labeled-response');
  const eve = await joined(node, 'eve');
  const text = (id: string, count: number): string[] => Array.from({ length: count }, (_, i) => `@batch=${id} PRIVMSG #c :${i}`);
  const long = await bob.ask('@label=x BATCH +1 draft/multiline #c', ...text('1', 36), 'BATCH -1');
  assert.equal(long, ['@label=x :irc.mesh FAIL BATCH MULTILINE_MAX_LINES 32 :Multiline batch has too many lines']);
  const wrong = await bob.ask('BATCH +2 other #c', ...text('2', 3), 'BATCH -2');
  assert.equal(wrong, [':irc.mesh FAIL BATCH MULTILINE_INVALID :Invalid multiline batch']);
  assert.equal(await bob.ask(...text('3', 2)), [':irc.mesh FAIL BATCH MULTILINE_INVALID :Invalid multiline batch']);
  const empty = await bob.ask('@label=y BATCH +4 draft/multiline #c', 'BATCH -4');
  assert.equal(empty, ['@label=y :irc.mesh FAIL BATCH MULTILINE_INVALID :Multiline batch without text']);
  assert.equal(eve.take(), []);
  await bob.ask('BATCH +1 draft/multiline #c', ...text('1', 2), 'BATCH -1');
  assert.equal(brief(eve.take()), ['bob PRIVMSG #c 0', 'bob PRIVMSG #c 1']);
});
multiline.run();

// --- lists ----------------------------------------------------------------------------------------------------------

const lists = suite('irc lists of targets');

lists('all channels of a long JOIN and PART are taken', async () => {
  const { bob } = await one();
  const channels = Array.from({ length: 40 }, (_, i) => `#x${i}`).join(',');
  assert.is((await bob.ask(`JOIN ${channels}`)).filter((line) => line.includes(' JOIN ')).length, 40);
  assert.is((await bob.ask(`PART ${channels}`)).filter((line) => line.includes(' PART ')).length, 40);
});
lists('a channel that is named twice is listed once', async () => {
  const { bob } = await one();
  assert.equal(brief(await bob.ask('NAMES #c,#none,#c')), [
    'irc.mesh 353 bob = #c @bob', 'irc.mesh 366 bob #c,#none,#c End of /NAMES list',
  ]);
});
lists('an empty mask bans nobody', async () => {
  const { bob } = await one();
  for (const mode of ['+b :', '+b :a b', '+l -1', '+l 1e3', '+k a,b']) {
    assert.match((await bob.ask(`MODE #c ${mode}`))[0] as string, / 696 bob #c [bkl] [^ ]+ :Invalid mode parameter$/);
  }
  assert.match((await bob.ask(`MODE #c +k ${'x'.repeat(40)}`))[0] as string, / 696 bob #c k \* :/, 'a key is a secret');
  assert.is((await bob.ask('MODE #c b')).length, 1);
});
lists('who is operator no more is told so', async () => {
  const { bob } = await one('', { operators: [await account(1)] });
  assert.ok((await bob.ask('OPER bob pw')).includes(':irc.mesh MODE bob +o'));
  assert.equal(await bob.ask('MODE bob +o-o'), [`:bob!bob@${A} MODE bob -o`]);
  assert.equal(await bob.ask('MODE bob +o'), []);
});
lists('who makes another node\'s user an operator is told what that means', async () => {
  const { world, a, b } = await nodes();
  const [ann, bob] = [await joined(a, 'ann'), await joined(b, 'bob')];
  assert.equal(brief(await ann.ask('MODE #c +mo bob')), [
    'irc.mesh NOTICE ann bob is of another node: he may speak here as an operator does, and do no more',
    'ann MODE #c +mo bob',
  ]);
  await bob.ask('PRIVMSG #c :thanks');
  await world.run(200);
  assert.equal(brief(ann.take()), ['bob PRIVMSG #c thanks']);
});
lists('who may not speak is told by which mode', async () => {
  const { node, bob } = await one();
  const eve = await node.user('eve');
  const refused = async (): Promise<string | undefined> => (await eve.ask('PRIVMSG #c :\x01VERSION\x01'))[0]?.slice(-6);
  assert.is(await refused(), 'l (+n)');
  await eve.ask('JOIN #c');
  for (const mode of ['C', 'b eve', 'm']) {
    await bob.ask(`MODE #c -C+${mode}`);
    eve.take();
    assert.is(await refused(), `l (+${mode[0] as string})`);
  }
});
lists('a parameter of several words does not take the place of others', async () => {
  const { bob } = await one();
  assert.equal(await bob.ask('CAP :a b'), [':irc.mesh 410 bob * :Invalid CAP command']);
});
lists('a reason is cut like that of another node', async () => {
  const { world, a, b } = await nodes();
  const [ann, eve] = [await joined(a, 'ann'), await joined(b, 'eve')];
  const bob = await joined(a, 'bob');
  eve.take();
  await bob.ask(`QUIT :${'x'.repeat(480)}`);
  await world.run(200);
  const [here, there] = [ann.take().at(-1), eve.take()[0]];
  assert.match(here as string, / QUIT :Quit: x{294}$/);
  assert.is(here, there);
});
lists('WHOWAS tells when in words', async () => {
  const { node, bob } = await one();
  await (await node.user('eve')).ask('QUIT');
  assert.match((await bob.ask('WHOWAS eve'))[1] as string, / 312 bob eve irc\.mesh :2023-11-14 22:13:2\d UTC$/);
});
lists.run();

// --- what was said before -------------------------------------------------------------------------------------------

const past = suite('irc what was said before');

past('what was said with somebody of another node is there when he has gone', async () => {
  const { a, b, world } = await nodes();
  const ann = await a.user('ann', 'batch draft/chathistory');
  const bob = await b.user('bob');
  await world.run(200);
  await bob.ask('PRIVMSG ann :remember');
  await world.run(200);
  await bob.ask('QUIT');
  await world.run(200);
  assert.ok((await ann.ask('CHATHISTORY LATEST bob * 10')).some((line) => line.endsWith('PRIVMSG ann remember')));
});
past('a message of several lines is played within the batch of the history', async () => {
  const { bob } = await one('message-tags batch draft/multiline draft/chathistory');
  await bob.ask('BATCH +1 draft/multiline #c', '@batch=1 PRIVMSG #c :one', '@batch=1 PRIVMSG #c :two', 'BATCH -1');
  const [start, inner, ...rest] = await bob.ask('CHATHISTORY LATEST #c * 10') as [string, string];
  const [, id] = /BATCH \+(\w+) chathistory/.exec(start) as unknown as [string, string];
  assert.match(inner, new RegExp(`^@batch=${id};msgid=[^ ]+ :bob![^ ]+ BATCH \\+\\w+ draft/multiline #c$`));
  assert.is(rest.length, 4);
});
past('what is said while the history of several channels is on its way is shown once', async () => {
  const { world, a, b } = await nodes({}, { playbackLines: 50 });
  const ann = await a.user('ann');
  await ann.ask('JOIN #c,#d', 'PRIVMSG #c :old', 'PRIVMSG #d :old');
  await world.run(500);
  const bob = await b.user('bob');
  bob.send('JOIN #c', 'PRIVMSG #c :own', 'JOIN #d', 'PRIVMSG #d :own');
  ann.send('PRIVMSG #c :new', 'PRIVMSG #d :new');
  await world.run(5000);
  assert.equal(brief(bob.take()).filter((line) => line.includes('PRIVMSG')).sort(), [
    'ann PRIVMSG #c new', 'ann PRIVMSG #c old', 'ann PRIVMSG #d new', 'ann PRIVMSG #d old',
  ]);
});
past('what is said in the moment in which the history has come is shown once', async () => {
  const { world, a, b } = await nodes({}, { playbackLines: 50 });
  const [ann, bob] = [await a.user('ann'), await b.user('bob')];
  const channels = Array.from({ length: 8 }, (_, i) => `#c${i}`).join(',');
  await ann.ask(`JOIN ${channels}`);
  await world.run(500);
  bob.send(`JOIN ${channels}`);
  for (let i = 0; i < 100; i++) {
    ann.send(`PRIVMSG ${channels} :${i}`);
    await world.run(1);
  }
  await world.run(5000);
  const shown = brief(bob.take()).filter((line) => line.includes('PRIVMSG'));
  assert.is(shown.length, 800);
  assert.is(new Set(shown).size, 800);
});
past('what was missed is not shown under a nick that another has here, nor of somebody who is banned', async () => {
  const { world, a, b, c } = await nodes();
  const [ann] = [await joined(a, 'ann'), await joined(b, 'bea'), await joined(c, 'cat')];
  world.mesh.partition([A, B], [C]);
  await world.run(200_000);
  const bob = await joined(a, 'bob');
  const [other, dan] = [await joined(c, 'bob'), await joined(c, 'dan')];
  await other.ask('PRIVMSG #c :by the other');
  await dan.ask('PRIVMSG #c :noise');
  await ann.ask('MODE #c +b dan');
  bob.take();
  world.mesh.heal();
  await world.run(10_000);
  const said = bob.take().filter((line) => line.includes('PRIVMSG'));
  assert.equal(said.map((line) => line.replace(/\[\d\d:\d\d\] /, '')), [`:bob~cc03!bob@${C} PRIVMSG #c :by the other`]);
});
past.run();
