/** Single rules of the mesh messages, with a hand-made node that says exactly what a test wants. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Group } from '../../../src/client/client.ts';
import { decodeMessage } from '../../../src/irc/mesh-message.ts';
import { LineStreams } from '../../../src/irc/line-streams.ts';
import { brief, names, World } from './world.ts';
import type { TestClient } from './world.ts';

const A = 'fc00::aa01';
const HAND = 'fc00::ee05';
const RUN = 77;

interface Hand {
  world: World;
  ann: TestClient;
  directory: Group;
  channel: Group;
  say(group: Group, fields: object, to?: string): Promise<void>;
}

/** A node A with ann in #c, and a hand-made node whose user bob (uid b) is in #c at version 2. */
async function hand(caps = ''): Promise<Hand> {
  const world = new World(11);
  const a = await world.node(A);
  const ann = await a.user('ann', caps);
  await ann.ask('JOIN #c');
  const client = world.mesh.node(HAND);
  const join = async (name: string): Promise<Group> => {
    const joining = client.join(name, {});
    await world.run(100);
    return joining;
  };
  const [directory, channel] = [await join('irc'), await join('irc/#c')];
  const say = async (group: Group, fields: object, to?: string): Promise<void> => {
    await group.publish(JSON.stringify({ e: RUN, ...fields }), to === undefined ? {} : { to });
    await world.run(100);
  };
  await say(directory, { t: 'u', v: 1, u: 'b', k: 'bob', n: 'bob', r: 'Bob', s: 1 });
  await say(directory, { t: 'j', v: 2, u: 'b', c: '#c', w: 1 });
  assert.equal(brief(ann.take()), ['bob JOIN #c']);
  return { world, ann, directory, channel, say };
}
const line = (n: number, text: string, v = 2): object => ({ t: 'm', v, i: 1, n, u: 'b', K: 'bob', U: 'bob', c: 0, x: text, w: 1_700_000_001_000 });

const rules = suite('irc rules of mesh messages');

rules('a line from a node whose clock is years behind is of now, and is kept', async () => {
  const { ann, channel, say } = await hand('server-time batch draft/chathistory');
  await say(channel, { ...line(1, 'no battery'), w: 1000 });
  assert.match(ann.take()[0] as string, /^@time=2023-11-14T22:1.* PRIVMSG #c :no battery$/);
  assert.ok((await ann.ask('CHATHISTORY LATEST #c * 10')).some((text) => text.endsWith(':no battery')));
});
rules('a node that asks and asks is answered once a second', async () => {
  const { world, directory } = await hand();
  const { server } = world.nodes.get(A) as { server: { status(): object } };
  const sent = (): number => (server.status() as { counters: { snapshotsSent: number } }).counters.snapshotsSent;
  const before = sent();
  for (let i = 0; i < 50; i++) await directory.publish(JSON.stringify({ t: '?', e: RUN, v: 2 }), { to: A });
  await world.run(900);
  assert.is(sent() - before, 1);
  await world.run(200);
  await directory.publish(JSON.stringify({ t: '?', e: RUN, v: 2 }), { to: A });
  await world.run(100);
  assert.is(sent() - before, 2);
});
rules('an event that is older than what is known changes nothing', async () => {
  const { ann, directory, say } = await hand();
  await say(directory, { t: 'p', v: 3, u: 'b', c: '#c' });
  await say(directory, { t: 'j', v: 2, u: 'b', c: '#c', w: 1 });
  assert.equal(await names(ann, '#c'), ['ann']);
});
rules('an event that is too new waits for the one before it', async () => {
  const { ann, directory, say } = await hand();
  await say(directory, { t: 'p', v: 4, u: 'b', c: '#c', x: 'late' });
  assert.equal(ann.take(), []);
  await say(directory, { t: 'u', v: 3, u: 'b', k: 'rob', n: 'bob', r: 'Bob', s: 1 });
  assert.equal(brief(ann.take()), ['bob NICK rob', 'rob PART #c late']);
});
rules('a channel that is cut off is tried again, and what was missed is shown', async () => {
  const world = new World(12);
  const [a, b] = [await world.node(A), await world.node(HAND)];
  const [ann, bob] = [await a.user('ann'), await b.user('bob')];
  await bob.ask('JOIN #c,#d');
  const join = a.client.join.bind(a.client);
  a.client.join = () => Promise.reject(new Error('no room'));
  await ann.ask('JOIN #c,#d');
  await bob.ask('PRIVMSG #c :while you were away');
  await world.run(60_000);
  assert.equal(brief(ann.take()), [], 'it is told once');
  const cat = await a.user('cat');
  assert.ok(brief(await cat.ask('JOIN #c')).includes('irc.mesh NOTICE #c Cut off from other nodes: no room'));
  await cat.ask('QUIT');
  ann.take();
  a.client.join = join;
  await world.run(40_000);
  const got = brief(ann.take()).map((line) => line.replace(/\[\d\d:\d\d\] /, ''));
  assert.equal(got.sort(), [
    'bob PRIVMSG #c while you were away', 'irc.mesh NOTICE #c Connected to other nodes again',
    'irc.mesh NOTICE #d Connected to other nodes again',
  ]);
});
rules('who speaks where the group cannot be joined is told, and it is tried again', async () => {
  const world = new World(12);
  const a = await world.node(A);
  const b = await world.node(HAND);
  const [ann, bob] = [await a.user('ann'), await b.user('bob')];
  await bob.ask('JOIN #c');
  const join = a.client.join.bind(a.client);
  a.client.join = () => Promise.reject(new Error('this daemon is in 112 groups, its limit'));
  const cutOff = 'irc.mesh NOTICE #c Cut off from other nodes: this daemon is in 112 groups, its limit';
  assert.ok(brief(await ann.ask('JOIN #c')).includes(cutOff));
  assert.equal(brief(await ann.ask('PRIVMSG #c :one', 'PING x')), [
    'irc.mesh NOTICE #c Not sent to other nodes: this daemon is in 112 groups, its limit',
    'irc.mesh PONG irc.mesh x',
  ]);
  a.client.join = join;
  await ann.ask('PRIVMSG #c :two');
  await world.run(2000);
  const heard = brief(bob.take()).filter((text) => text.includes('PRIVMSG'));
  assert.equal(heard, ['ann PRIVMSG #c one', 'ann PRIVMSG #c two']);
});
rules('a line that the group does not take is told to those who saw it', async () => {
  const world = new World(13);
  const a = await world.node(A);
  const ann = await a.user('ann');
  await ann.ask('JOIN #c');
  const group = a.client.joined.get('irc/#c') as unknown as Group;
  group.publish = () => Promise.reject(new Error('the daemon stops'));
  assert.equal(brief(await ann.ask('PRIVMSG #c :one')), ['irc.mesh NOTICE #c Not sent to other nodes: the daemon stops']);
});
rules('a line waits for the facts that it follows, three seconds at most', async () => {
  const { world, ann, directory, channel, say } = await hand();
  await say(channel, line(1, 'as rob', 3));
  assert.equal(ann.take(), []);
  await say(directory, { t: 'u', v: 3, u: 'b', k: 'rob', n: 'bob', r: 'Bob', s: 1 });
  assert.equal(brief(ann.take()), ['bob NICK rob', 'rob PRIVMSG #c as rob']);
  await say(channel, line(2, 'ahead', 9));
  await world.run(4000);
  assert.equal(brief(ann.take()), ['rob PRIVMSG #c ahead']);
});
rules('a node brings a thousand people, all nodes together ten thousand', async () => {
  const world = new World(14);
  const a = await world.node(A);
  const ann = await a.user('ann');
  const bring = async (address: string, count: number): Promise<string> => {
    const joining = world.mesh.node(address).join('irc', {});
    await world.run(100);
    const group = await joining;
    for (let m = Math.ceil(count / 500), i = 0; i < m; i++) {
      const l = Array.from({ length: Math.min(500, count - i * 500) }, (_, at) => {
        const u = (i * 500 + at).toString(36);
        return { u, k: `${address.slice(-1)}${u}`, n: 'x', r: 'x', s: 1, j: [] };
      });
      await group.publish(JSON.stringify({ t: 's', e: RUN, v: 1, i, m, l }), {});
    }
    await world.run(1000);
    return (await ann.ask('LUSERS')).find((text) => text.includes(' 266 '))?.split(' ')[3] as string;
  };
  assert.is(await bring('fc00::a', 1001), '1001', 'with ann');
  for (const last of 'bcdefghi') await bring(`fc00::${last}`, 1000);
  assert.is(await bring('fc00::j', 999), '10000');
  assert.is(await bring('fc00::k', 1), '10000');
});
rules('a line that comes twice is shown once', async () => {
  const { ann, channel, say } = await hand();
  for (const n of [1, 1, 2, 1]) await say(channel, line(n, `line ${n}`));
  assert.equal(brief(ann.take()), ['bob PRIVMSG #c line 1', 'bob PRIVMSG #c line 2']);
});
rules('a private line that comes twice is shown once, one that was sent to all not at all', async () => {
  const { ann, directory, say } = await hand();
  const uid = '1';
  const secret = { t: 'm', v: 2, n: 1, u: 'b', d: uid, c: 0, x: 'psst', w: 1_700_000_001_000 };
  await say(directory, secret, A);
  await say(directory, secret, A);
  assert.equal(brief(ann.take()), ['bob PRIVMSG ann psst']);
  await say(directory, { ...secret, n: 2 });
  assert.equal(ann.take(), []);
});
rules('only the author\'s node takes a line back', async () => {
  const { ann, channel, say } = await hand('message-tags draft/message-redaction batch draft/chathistory echo-message');
  const msgid = /msgid=([^; ]+)/.exec((await ann.ask('PRIVMSG #c :mine'))[0] as string)?.[1] as string;
  await say(channel, { t: 'r', v: 2, i: 1, u: 'b', d: msgid });
  assert.equal(ann.take(), []);
  await say(channel, line(1, 'his'));
  const his = /msgid=([^; ]+)/.exec(ann.take()[0] as string)?.[1] as string;
  await say(channel, { t: 'r', v: 2, i: 1, u: 'b', d: his, x: 'typo' });
  assert.equal(brief(ann.take()), [`bob REDACT #c ${his} typo`]);
  assert.is((await ann.ask('CHATHISTORY LATEST #c * 10')).filter((text) => text.includes('PRIVMSG')).length, 1);
});
const OTHER = '200::aa01';
type Inner = { memberOf?(address: string): string; onSelf(addresses: string[]): void; joined: Map<string, { handler: { onMember(event: object): void } }> };

rules('what we have said is ours under each of our addresses', async () => {
  const { world, ann, channel, say } = await hand('message-tags batch echo-message');
  const node = world.mesh.nodes.get(A) as unknown as Inner;
  node.onSelf([A, OTHER]);
  const msgid = /msgid=([^; ]+)/.exec((await ann.ask('PRIVMSG #c :one'))[0] as string)?.[1] as string;
  const stream = (/\/(.+)-1$/.exec(msgid) as RegExpExecArray)[1] as string;
  node.onSelf([OTHER]);
  await world.run(5000);
  node.joined.get('irc/#c')?.handler.onMember({ address: HAND, state: 'back', epoch: 1 });
  await world.run(50);
  const item = (o: string, n: number): object => ({ o, r: stream, n, K: 'ann', U: 'ann', c: 0, x: 'one', w: 1_700_000_001_000 });
  await say(channel, { t: 'H', v: 2, i: 1, m: 0, l: [item(A, 1), item(OTHER, 1), item(OTHER, 5)] }, A);
  await world.run(4000);
  assert.is(ann.all.filter((text) => text.includes('PRIVMSG #c')).length, 1);
});
rules('while one of our addresses goes on, our people keep theirs; a new one is a new name', async () => {
  const { world, ann } = await hand();
  const node = world.mesh.nodes.get(A) as unknown as Inner;
  const host = async (): Promise<string> => / 311 ann ann \S+ (\S+)/.exec((await ann.ask('WHOIS ann')).join(' '))?.[1] ?? '';
  await world.run(5000);
  node.onSelf([A, OTHER]);
  assert.is(await host(), A);
  node.onSelf([OTHER]);
  node.onSelf([OTHER, 'fd00::1']);
  assert.is(await host(), A, 'others call it so still');
  node.onSelf(['fc00::aa02']);
  assert.is(await host(), 'fc00::aa02');
});
rules('who asks gets our lines under the address by which he knows us', async () => {
  const { world, ann, channel, say } = await hand('message-tags echo-message');
  const node = world.mesh.nodes.get(A) as unknown as Inner;
  node.onSelf([A, OTHER]);
  const got: string[] = [];
  (channel as unknown as { handler: { onMessage(message: { data: Uint8Array }): void } }).handler.onMessage = ({ data }) => {
    got.push(new TextDecoder().decode(data));
  };
  await ann.ask('PRIVMSG #c :one');
  await ann.ask('PRIVMSG #c :two');
  let stream = '';
  const lines = async (have: object, name: string): Promise<string[]> => {
    got.length = 0;
    await world.run(400);
    node.joined.get('irc/#c')?.handler.onMember({ address: HAND, state: 'joined', epoch: 1 });
    await say(channel, { t: 'h', v: 2, i: 1, h: have, w: 1, y: name }, A);
    const found = got.map((text) => JSON.parse(text) as { t: string; l: { o: string; r: string; n: number }[] })
      .filter(({ t }) => t === 'H').flatMap(({ l }) => l);
    stream = found[0]?.r ?? stream;
    return found.map(({ o: address, n }) => `${address} ${n}`);
  };
  assert.equal(await lines({}, OTHER), [`${OTHER} 1`, `${OTHER} 2`]);
  assert.equal(await lines({ [`${OTHER} ${stream}`]: [1, 1] }, OTHER), [`${OTHER} 2`]);
  assert.equal(await lines({}, 'fc00::bb'), [`${A} 1`, `${A} 2`], 'which must be ours');
});
rules('lines that others know under another address of their source are not shown again, nor given to them', async () => {
  const { world, ann, channel, say } = await hand('message-tags');
  const node = world.mesh.nodes.get(A) as unknown as Inner;
  const [member, alias] = ['fc00::dd04', '200::dd04'];
  node.memberOf = (address) => (address === alias ? member : address);
  const got: string[] = [];
  (channel as unknown as { handler: { onMessage(message: { data: Uint8Array }): void } }).handler.onMessage = ({ data }) => {
    got.push(new TextDecoder().decode(data));
  };
  const give = async (...names: string[]): Promise<void> => {
    node.joined.get('irc/#c')?.handler.onMember({ address: HAND, state: 'back', epoch: 1 });
    await world.run(50);
    const l = names.map((o) => ({ o, r: '9/1', n: 1, K: 'dan', U: 'dan', c: 0, x: 'one', w: 1_700_000_001_000 }));
    await say(channel, { t: 'H', v: 2, i: 1, m: 0, l }, A);
    await world.run(4000);
  };
  await give(member, alias);
  await give(alias);
  assert.is(ann.all.filter((text) => text.includes('PRIVMSG #c')).length, 1);
  got.length = 0;
  for (const have of [{ [`${alias} 9/1`]: [1, 1] }, { [`${member} 9/1`]: [1, 1] }, {}]) {
    await say(channel, { t: 'h', v: 2, i: 1, h: have, w: 1, y: A }, A);
    await world.run(400);
  }
  const answers = got.map((text) => JSON.parse(text) as { t: string; l: unknown[] }).filter(({ t }) => t === 'H');
  assert.equal(answers.map(({ l }) => l.length), [0, 0, 1]);
});
rules('a line is taken back though its node calls itself by another address', async () => {
  const { ann, channel, say } = await hand('message-tags draft/message-redaction');
  await say(channel, line(1, 'oops'));
  await say(channel, { t: 'r', v: 2, i: 1, u: 'b', d: `200::ee05/${RUN.toString(36)}/1-1`, x: '' });
  assert.match(ann.take().at(-1) as string, / REDACT #c fc00::ee05\//);
});
rules('nobody tells us what we have said in this run', async () => {
  const { world, ann, channel, say } = await hand('message-tags batch echo-message');
  const msgid = /msgid=([^; ]+)/.exec((await ann.ask('PRIVMSG #c :one'))[0] as string)?.[1] as string;
  const stream = (/\/(.+)-1$/.exec(msgid) as RegExpExecArray)[1] as string;
  // The digest makes A ask for our history.
  await channel.datagram('{}');
  await (await Promise.resolve(channel)).publish(JSON.stringify({ t: 'x' }));
  const group = (world.mesh.nodes.get(A) as unknown as { joined: Map<string, { handler: { onMember(event: object): void } }> }).joined.get('irc/#c');
  group?.handler.onMember({ address: HAND, state: 'back', epoch: 1 });
  await world.run(50);
  await say(channel, { t: 'H', v: 2, i: 1, m: 0, l: [{ o: A, r: stream, n: 5, K: 'ann', U: 'ann', c: 0, x: 'never said', w: 1_700_000_001_000 }] }, A);
  await world.run(4000);
  assert.not.ok(ann.all.some((text) => text.includes('never said')));
});
rules('a message nested too deep is no message, on any runtime', () => {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  assert.ok(decodeMessage(encode('{"t":"x","l":[[[[[[1]]]]]]}')));
  assert.is(decodeMessage(encode(`{"t":"x","l":${'['.repeat(9)}${']'.repeat(9)}}`)), undefined);
  assert.ok(decodeMessage(encode(`{"t":"x","l":"${'['.repeat(50)}\\"${'{'.repeat(50)}"}`)));
});
rules.run();

const streams = suite('irc line streams');
streams('holes are counted once, whoever fills them', () => {
  const have = new LineStreams();
  assert.equal(have.takeLive('x', 's', 1), { fresh: true, given: false, hole: false });
  assert.equal(have.takeLive('x', 's', 5), { fresh: true, given: false, hole: true });
  assert.is(have.missing('x'), 3);
  assert.ok(have.takeGiven('x', 's', 3, false));
  assert.not.ok(have.takeGiven('x', 's', 3, false));
  assert.not.ok(have.takeGiven('x', 's', 5, false));
  assert.is(have.missing('x'), 2);
  assert.is(have.missing('y'), 0);
  have.tell('x');
  assert.is(have.missing('x'), 0);
  assert.ok(have.raise('x', 's', 7));
  assert.is(have.missing('x'), 2, 'what was told is not told again');
  assert.equal(have.have(), { 'x s': [1, 1, 3, 3, 5, 5] });
});
streams.run();
