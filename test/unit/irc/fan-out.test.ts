/** What is said in a channel reaches its clients together, in order, and each as he is at the time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Channel } from '../../../src/irc/channel.ts';
import type { Delivery } from '../../../src/irc/delivery.ts';
import { FanOut } from '../../../src/irc/fan-out.ts';
import { encodeText } from '../../../src/irc/text.ts';
import { joinLines } from '../../../src/irc/tcp-transport.ts';
import { brief, World } from './world.ts';
import type { TestClient, TestNode } from './world.ts';

async function channel(...people: [nick: string, caps?: string][]): Promise<{ world: World; node: TestNode; clients: TestClient[] }> {
  const world = new World();
  const node = await world.node('fc00::a1');
  const clients: TestClient[] = [];
  for (const [nick, caps] of people) {
    const client = await node.user(nick, caps);
    await client.ask('JOIN #c');
    clients.push(client);
  }
  for (const client of clients) client.take();
  return { world, node, clients };
}

const fanOut = suite('irc fan-out');

fanOut('lines of one turn come in one write, in order, to each in his variant', async () => {
  const { world, clients: [ann, bob, cyn, dan] } = await channel(['ann'], ['bob'], ['cyn'], ['dan', 'server-time message-tags']);
  const before = cyn.writeCount;
  ann.send('PRIVMSG #c :1');
  bob.send('PRIVMSG #c :2', 'PRIVMSG #c :3');
  ann.send('NOTICE #c :4');
  await world.run();
  const all = ['ann PRIVMSG #c 1', 'bob PRIVMSG #c 2', 'bob PRIVMSG #c 3', 'ann NOTICE #c 4'];
  assert.is(cyn.writeCount, before + 1);
  const tagged = dan.take();
  assert.ok(tagged.every((line) => /^@time=[^ ;]+;msgid=/.test(line)));
  assert.equal(brief(tagged), all);
  const plain = cyn.take();
  assert.ok(plain.every((line) => line.startsWith(':')));
  assert.equal(brief(plain), all);
  assert.equal(brief(ann.take()), [all[1], all[2]]);
  assert.equal(brief(bob.take()), [all[0], all[3]]);
});
fanOut('a sender with echo-message sees his own lines among the others', async () => {
  const { world, clients: [ann, bob] } = await channel(['ann', 'echo-message'], ['bob']);
  ann.send('PRIVMSG #c :1');
  bob.send('PRIVMSG #c :2');
  ann.send('PRIVMSG #c :3');
  await world.run();
  assert.equal(brief(ann.take()), ['ann PRIVMSG #c 1', 'bob PRIVMSG #c 2', 'ann PRIVMSG #c 3']);
});
fanOut('the echo of a labelled line has the label, and comes once', async () => {
  const { world, clients: [ann, bob] } = await channel(['ann', 'echo-message labeled-response batch'], ['bob']);
  bob.send('PRIVMSG #c :1');
  ann.send('@label=x PRIVMSG #c :2');
  await world.run();
  const got = ann.take();
  assert.equal(brief(got), ['bob PRIVMSG #c 1', 'ann PRIVMSG #c 2']);
  assert.match(got[1] as string, /^@label=x /);
  assert.equal(brief(bob.take()), ['ann PRIVMSG #c 2']);
});
fanOut('what else a client is sent stands where it belongs', async () => {
  const { world, clients: [ann, bob] } = await channel(['ann'], ['bob']);
  ann.send('PRIVMSG #c :1');
  bob.send('PING x');
  ann.send('PRIVMSG #c :2', 'TOPIC #c :new', 'PRIVMSG #c :3');
  await world.run();
  assert.equal(brief(bob.take()), [
    'ann PRIVMSG #c 1', 'irc.mesh PONG irc.mesh x', 'ann PRIVMSG #c 2', 'ann TOPIC #c new', 'ann PRIVMSG #c 3',
  ]);
});
fanOut('lines to two channels keep their order', async () => {
  const { world, clients: [ann, bob, cyn] } = await channel(['ann'], ['bob'], ['cyn']);
  for (const one of [ann, bob]) await one.ask('JOIN #d');
  for (const one of [bob, cyn]) one.take();
  ann.send('PRIVMSG #c :1', 'PRIVMSG #d :2', 'PRIVMSG #c :3', 'PRIVMSG bob :4', 'PRIVMSG #d :5');
  await world.run();
  assert.equal(brief(bob.take()), [
    'ann PRIVMSG #c 1', 'ann PRIVMSG #d 2', 'ann PRIVMSG #c 3', 'ann PRIVMSG bob 4', 'ann PRIVMSG #d 5',
  ]);
  assert.equal(brief(cyn.take()), ['ann PRIVMSG #c 1', 'ann PRIVMSG #c 3']);
});
fanOut('who comes sees what is said after, who goes what was said before', async () => {
  const { world, node, clients: [ann, bob] } = await channel(['ann'], ['bob']);
  const cyn = await node.user('cyn');
  ann.send('PRIVMSG #c :1');
  cyn.send('JOIN #c');
  ann.send('PRIVMSG #c :2');
  bob.send('PART #c');
  ann.send('PRIVMSG #c :3');
  await world.run();
  const said = (client: TestClient): string[] => brief(client.take()).filter((line) => line.includes('PRIVMSG'));
  assert.equal(said(bob), ['ann PRIVMSG #c 1', 'ann PRIVMSG #c 2']);
  assert.equal(said(cyn), ['ann PRIVMSG #c 2', 'ann PRIVMSG #c 3']);
});
fanOut('capabilities count from when they are confirmed', async () => {
  const { world, clients: [ann, bob] } = await channel(['ann'], ['bob', 'labeled-response batch']);
  ann.send('PRIVMSG #c :1');
  bob.send('@label=x CAP REQ :server-time');
  ann.send('PRIVMSG #c :2');
  await world.run();
  const [one, ack, two] = bob.take() as [string, string, string];
  assert.match(one, /^:ann!/);
  assert.match(ack, /ACK server-time/);
  assert.match(two, /^@time=[^ ]+ :ann!/);
});
fanOut('who says something and quits is heard', async () => {
  const { world, clients: [ann, bob] } = await channel(['ann'], ['bob']);
  ann.send('PRIVMSG #c :1', 'QUIT :bye');
  await world.run();
  assert.equal(brief(bob.take()), ['ann PRIVMSG #c 1', 'ann QUIT Quit: bye']);
});
fanOut('a line of another node has the same way', async () => {
  const { world, clients: [ann] } = await channel(['ann']);
  const far = await (await world.node('fc00::b2')).user('far');
  await far.ask('JOIN #c');
  await world.run(3000);
  ann.take();
  far.send('PRIVMSG #c :1', 'PRIVMSG #c :2');
  await world.run(3000);
  assert.equal(brief(ann.take()), ['far PRIVMSG #c 1', 'far PRIVMSG #c 2']);
});
fanOut('what is said while the history of others is on its way is not played again with it', async () => {
  const world = new World();
  const [here, there] = [await world.node('fc00::a1', { playbackLines: 50 }), await world.node('fc00::b2')];
  const far = await there.user('far');
  await far.ask('JOIN #c', 'PRIVMSG #c :old');
  await world.run(3000);
  const [ann, bob] = [await here.user('ann'), await here.user('bob')];
  ann.send('JOIN #c');
  bob.send('JOIN #c', 'PRIVMSG #c :new');
  await world.run(5000);
  const said = brief(ann.take()).filter((line) => line.includes('PRIVMSG'));
  assert.equal(said.filter((line) => line.includes('new')).length, 1);
  assert.equal(said.filter((line) => line.includes('old')).length, 1);
});
fanOut('a long turn loses nothing, and several lines in one message stay together', async () => {
  const { world, clients: [ann, bob, cyn] } = await channel(['ann', 'draft/multiline batch'], ['bob'], ['cyn', 'draft/multiline batch']);
  for (let n = 1; n <= 600; n++) bob.send(`PRIVMSG #c :${n}`);
  await world.run(1000);
  assert.equal(brief(ann.take()), Array.from({ length: 600 }, (_, i) => `bob PRIVMSG #c ${i + 1}`));
  cyn.take();
  bob.send('PRIVMSG #c :before');
  ann.send('BATCH +1 draft/multiline #c', '@batch=1 PRIVMSG #c :a', '@batch=1 PRIVMSG #c :b', 'BATCH -1');
  bob.send('PRIVMSG #c :after');
  await world.run();
  assert.equal(brief(bob.take()), ['ann PRIVMSG #c a', 'ann PRIVMSG #c b']);
  const got = brief(cyn.take());
  assert.is(got[0], 'bob PRIVMSG #c before');
  assert.match(got[1] as string, /^ann BATCH \+\S+ draft\/multiline #c$/);
  assert.is(got.at(-1), 'bob PRIVMSG #c after');
});
fanOut('what is collected is bounded', () => {
  const pieces: number[] = [];
  const session = { closed: false, caps: 0, shownEarly: undefined, sendBytes: (bytes: Uint8Array) => pieces.push(bytes.length) };
  const room = { sessions: [session] } as unknown as Channel;
  const collected = new FanOut(() => undefined);
  const line = { uniform: true, bytes: () => new Uint8Array(2) } as unknown as Delivery;
  for (let i = 0; i < 300; i++) collected.toChannel(room, line, undefined);
  assert.equal(pieces, [512]);
  collected.settle();
  assert.equal(pieces, [512, 88]);
});
fanOut('the names of a full channel come in lines that fit, each once', async () => {
  const { node, clients } = await channel(...Array.from({ length: 40 }, (_, i): [string] => [`member-with-a-long-nick-${i}`]));
  const eve = await node.user('eve', 'userhost-in-names multi-prefix');
  const lines = await eve.ask('JOIN #c');
  const names = lines.filter((line) => line.includes(' 353 '));
  assert.ok(names.length > 3 && names.every((line) => line.length < 420));
  const all = names.flatMap((line) => line.slice(line.lastIndexOf(':') > 20 ? line.indexOf('#c') + 3 : 0).replace(':', '').split(' '));
  assert.is(new Set(all).size, clients.length + 1);
  assert.ok(all[0]?.startsWith('@member-with-a-long-nick-0!member-with-a-long'));
  await clients[0]?.ask('MODE #c +v member-with-a-long-nick-0');
  assert.ok((await eve.ask('NAMES #c'))[0]?.includes(':@+member-with'));
  assert.ok((await (clients[1] as TestClient).ask('NAMES #c'))[0]?.includes(':@member-with'));
});
fanOut('typing is not for clients without tags', async () => {
  const { world, clients: [ann, bob, cyn] } = await channel(['ann', 'message-tags'], ['bob'], ['cyn', 'message-tags']);
  ann.send('@+typing=active TAGMSG #c');
  await world.run();
  assert.equal(bob.take(), []);
  assert.equal(brief(cyn.take()), ['ann TAGMSG #c']);
});
fanOut('text and bytes are joined in order', () => {
  const bytes = joinLines(['a\r\n', 'b\r\n', encodeText('c\r\n'), 'd\r\n', encodeText('e\r\nf\r\n')]);
  assert.is(new TextDecoder().decode(bytes), 'a\r\nb\r\nc\r\nd\r\ne\r\nf\r\n');
  const only = encodeText('a\r\n');
  assert.is(joinLines([only]), only);
});
fanOut.run();
