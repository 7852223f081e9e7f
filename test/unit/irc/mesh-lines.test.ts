/** What clients see of what other nodes' people say: lines, topics, history, gaps, and what is not believed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MESSAGE_BYTES_MAX } from '../../../src/irc/mesh-message.ts';
import type { MemoryClient } from '../../fakes/memory-mesh.ts';
import { A, B, brief, joined, nodes } from './world.ts';

// --- lines ----------------------------------------------------------------------------------------------------------

const lines = suite('irc lines on the mesh');

lines('a paste of 1,000 lines in one write arrives whole, in order, once', async () => {
  const { world, a, b, c } = await nodes({ loss: 0.1 }, { historyLines: 50 });
  const [ann, bob, cat] = [await joined(a, 'ann'), await joined(b, 'bob'), await joined(c, 'cat')];
  const wanted = Array.from({ length: 1000 }, (_, i) => `:ann!ann@${A} PRIVMSG #c :line ${i}`);
  ann.take();
  bob.take();
  cat.take();
  ann.send(...wanted.map((line) => line.slice(line.indexOf('PRIVMSG'))));
  await world.run(60_000);
  assert.equal(bob.take(), wanted);
  assert.equal(cat.take(), wanted);
});
lines('a client that pastes more than the mesh takes is not read until there is room', async () => {
  const { world, a, b } = await nodes({ windowCount: 5, latencyMs: 50 });
  const [ann, bob] = [await joined(a, 'ann'), await joined(b, 'bob')];
  bob.take();
  ann.send(...Array.from({ length: 300 }, (_, i) => `PRIVMSG #c :line ${i}`));
  await world.run(20);
  assert.ok(ann.paused);
  await world.run(60_000);
  assert.not.ok(ann.paused);
  assert.is(bob.take().length, 300);
});
lines('lines sent at once after JOIN wait for the group', async () => {
  const { world, a, b } = await nodes({ latencyMs: 40 });
  const bob = await joined(b, 'bob');
  const ann = await a.user('ann');
  ann.send('JOIN #c', 'PRIVMSG #c :first', 'PRIVMSG #c :second');
  await world.run(10_000);
  const got = brief(bob.take());
  assert.equal(got.filter((line) => line.includes('PRIVMSG')).map((line) => line.replace(/\[\d\d:\d\d\] /, '')), ['ann PRIVMSG #c first', 'ann PRIVMSG #c second']);
  assert.is(got[0], 'ann JOIN #c');
});
lines('a private line goes to one node only', async () => {
  const { world, a, b, c } = await nodes();
  const [ann, bob] = [await joined(a, 'ann'), await joined(b, 'bob')];
  const seen: Uint8Array[] = [];
  for (const group of (c.client as MemoryClient).joined.values()) {
    const handler = group.handler as { onMessage: (message: { data: Uint8Array }) => void };
    const inner = handler.onMessage;
    handler.onMessage = (message) => {
      seen.push(message.data);
      inner(message);
    };
  }
  await ann.ask('PRIVMSG bob :between us');
  await world.run(500);
  assert.equal(brief(bob.take()).slice(-1), ['ann PRIVMSG bob between us']);
  assert.not.ok(seen.some((data) => new TextDecoder().decode(data).includes('between us')));
});
lines('tags, multiline, reactions and typing cross the mesh', async () => {
  const { world, a, b } = await nodes();
  const caps = 'message-tags batch draft/multiline echo-message';
  const [ann, bob] = [await joined(a, 'ann', caps), await joined(b, 'bob', caps)];
  bob.take();
  await ann.ask('@+typing=active TAGMSG #c', '@+draft/reply=x PRIVMSG #c :tagged', 'BATCH +1 draft/multiline #c',
    '@batch=1 PRIVMSG #c :one ', '@batch=1;draft/multiline-concat PRIVMSG #c :two', '@batch=1 PRIVMSG #c :three', 'BATCH -1');
  await world.run(100);
  const got = bob.take();
  assert.match(got[0] as string, /^@\+typing=active :ann![^ ]+ TAGMSG #c$/);
  assert.ok(got.some((line) => line.includes('+draft/reply=x') && line.endsWith('PRIVMSG #c tagged')));
  assert.equal(brief(got.slice(-5)), ['ann BATCH +1 draft/multiline #c', 'ann PRIVMSG #c one ', 'ann PRIVMSG #c two', 'ann PRIVMSG #c three', 'irc.mesh BATCH -1']);
});
lines('what does not cross the mesh as a line of the channel leaves no hole in its numbers', async () => {
  const { world, a, b } = await nodes();
  const [ann, bob] = [await joined(a, 'ann', 'message-tags'), await joined(b, 'bob', 'message-tags')];
  await ann.ask('PRIVMSG #c :one', '@+typing=active TAGMSG #c', 'PRIVMSG @#c :to the operators here');
  bob.take();
  await ann.ask('PRIVMSG #c :two');
  assert.equal(brief(bob.take()), ['ann PRIVMSG #c two'], 'it waits for nothing');
  await world.run(20_000);
  assert.equal(bob.take(), []);
});
lines('an invitation reaches the other node', async () => {
  const { world, a, b } = await nodes();
  const ann = await joined(a, 'ann');
  const bob = await b.user('bob');
  await world.run(100);
  await ann.ask('INVITE bob #c');
  await world.run(100);
  assert.equal(bob.take(), [`:ann!ann@${A} INVITE bob #c`]);
});
lines('a kick of another node\'s user hides him here and nowhere else', async () => {
  const { world, a, b, c } = await nodes();
  const [ann, bob, cat] = [await joined(a, 'ann'), await joined(b, 'bob'), await joined(c, 'cat')];
  assert.ok((await ann.ask('KICK #c bob :noise')).some((line) => line.includes('hidden on this node')));
  cat.take();
  await bob.ask('PRIVMSG #c :still here');
  await world.run(100);
  assert.equal(ann.take(), []);
  assert.equal(brief(cat.take()), ['bob PRIVMSG #c still here']);
  await bob.ask('PART #c', 'JOIN #c', 'PRIVMSG #c :sorry');
  await world.run(200);
  assert.equal(brief(ann.take()), ['bob JOIN #c', 'bob PRIVMSG #c sorry']);
});
lines('a line that comes after its speaker has left is shown', async () => {
  const { world, a, b } = await nodes();
  const [ann, bob] = [await joined(a, 'ann'), await joined(b, 'bob')];
  const { handler } = a.client.joined.get('irc/#c') as unknown as { handler: { onMessage: (message: unknown) => void } };
  const { onMessage } = handler;
  const late: unknown[] = [];
  ann.take();
  handler.onMessage = (message) => late.push(message);
  await bob.ask('PRIVMSG #c :said before', 'PART #c');
  await world.run(200);
  for (const message of late) onMessage(message);
  await world.run(200);
  assert.equal(brief(ann.take()), ['bob PART #c', 'bob PRIVMSG #c said before']);
});
lines.run();

// --- topics ---------------------------------------------------------------------------------------------------------

const topics = suite('irc topics on the mesh');

topics('full text reaches all, also who comes later; the later one wins after a split', async () => {
  const { world, a, b, c } = await nodes();
  const [ann, bob] = [await joined(a, 'ann'), await joined(b, 'bob')];
  await ann.ask('TOPIC #c :many words here');
  await world.run(100);
  assert.equal(brief(bob.take()).slice(-1), ['ann TOPIC #c many words here']);
  const cat = await c.user('cat');
  assert.ok((await cat.ask('JOIN #c')).some((line) => line.includes(' 332 cat #c :many words here')));
  world.mesh.partition([B]);
  await ann.ask('TOPIC #c :from a');
  await bob.ask('TOPIC #c :from b', 'TOPIC #c :from b again');
  await world.run(120_000);
  world.mesh.heal();
  await world.run(5000);
  for (const client of [ann, bob, cat]) assert.match((await client.ask('TOPIC #c'))[0] as string, /:from b again$/);
});
topics('one whose setter has died reaches also who was cut off when it was set', async () => {
  const { world, a, b, c } = await nodes();
  const [ann, bob, cat] = [await joined(a, 'ann'), await joined(b, 'bob'), await joined(c, 'cat')];
  world.mesh.partition([A]);
  await bob.ask('TOPIC #c :last words');
  await world.run(1000);
  b.crash();
  await world.run(2000);
  world.mesh.heal();
  await world.run(60_000);
  for (const client of [cat, ann]) assert.match((await client.ask('TOPIC #c'))[0] as string, /:last words$/);
});
topics('of two that a node has set with one clock, before and after it was killed, the later stays everywhere', async () => {
  const { world, a, b } = await nodes();
  const ann = await joined(a, 'ann');
  await (await joined(b, 'bob')).ask('TOPIC #c :before');
  await world.run(1000);
  world.mesh.partition([B]);
  b.crash();
  await world.run(1000);
  const again = await world.node(B);
  const rob = await joined(again, 'rob');
  await rob.ask('TOPIC #c :after');
  await world.run(1000);
  world.mesh.heal();
  await world.run(60_000);
  for (const client of [ann, rob]) assert.match((await client.ask('TOPIC #c'))[0] as string, / :?after$/);
});
topics.run();

// --- history --------------------------------------------------------------------------------------------------------

const history = suite('irc history on the mesh');

history('a late joiner gets what was said, with its times, once', async () => {
  const { world, a, b, c } = await nodes({}, { playbackLines: 50 });
  const [ann, bob] = [await joined(a, 'ann'), await joined(b, 'bob')];
  for (let i = 0; i < 5; i++) await (i % 2 ? ann : bob).ask(`PRIVMSG #c :line ${i}`);
  await world.run(60_000);
  const cat = await c.user('cat', 'server-time batch message-tags');
  cat.send('JOIN #c');
  await world.run(3000);
  const played = cat.take().filter((line) => line.includes('PRIVMSG'));
  assert.equal(played.map((line) => line.slice(line.indexOf('line'))), ['line 0', 'line 1', 'line 2', 'line 3', 'line 4']);
  assert.ok(played.every((line) => line.startsWith('@batch=')));
  // The plain client gets the time of day instead.
  const dan = await c.user('dan');
  dan.send('JOIN #c');
  await world.run(3000);
  assert.match(dan.take().find((line) => line.includes('PRIVMSG')) as string, /:bob![^ ]+ PRIVMSG #c :\[\d\d:\d\d\] line 0$/);
});
history('who was away ten minutes sees what he missed within three seconds, in order, once', async () => {
  const { world, a, b, c } = await nodes();
  const ann = await joined(a, 'ann', 'server-time batch message-tags');
  const [bob] = [await joined(b, 'bob'), await joined(c, 'cat')];
  world.mesh.partition([A]);
  ann.take();
  const texts: string[] = [];
  for (let i = 0; i < 60; i++) {
    texts.push(`missed ${i}`);
    await bob.ask(`PRIVMSG #c :missed ${i}`);
    await world.run(10_000);
  }
  world.mesh.heal();
  await world.run(3000);
  const got = ann.take().filter((line) => line.includes('PRIVMSG'));
  assert.equal(got.map((line) => line.slice(line.indexOf('missed'))), texts);
  const times = got.map((line) => /time=([^;]+)/.exec(line)?.[1] as string);
  assert.equal(times, [...times].sort());
  assert.ok((times[59] as string) > (times[0] as string));
});
for (const seconds of [60, 150, 600]) {
  history(`what two nodes have said in ${seconds} s away is shown in the order of its time, whatever way each line comes`, async () => {
    const { world, a, b, c } = await nodes({ latencyMs: 20 }, { historyLines: 1000 });
    const ann = await joined(a, 'ann', 'server-time batch message-tags');
    const [bob, cat] = [await joined(b, 'bob'), await joined(c, 'cat')];
    world.mesh.partition([A]);
    ann.take();
    const texts: string[] = [];
    for (let i = 0; i < seconds / 2; i++) {
      texts.push(`missed ${i}`);
      await (i % 2 === 0 ? bob : cat).ask(`PRIVMSG #c :missed ${i}`);
      await world.run(2000);
    }
    world.mesh.heal();
    await world.run(3000);
    const got = ann.take().filter((line) => line.includes('PRIVMSG')).map((line) => line.slice(line.indexOf('missed')));
    assert.equal(got, texts);
  });
}
history('after a line that is missing, the next wait until it has come from history', async () => {
  const { world, a, b, c } = await nodes({ retainMs: 3000 });
  const [ann, bob] = [await joined(a, 'ann'), await joined(b, 'bob')];
  await joined(c, 'cat');
  await bob.ask('PRIVMSG #c :first');
  await world.run(100);
  world.mesh.partition([A]);
  for (let i = 0; i < 10; i++) {
    await bob.ask(`PRIVMSG #c :missed ${i}`);
    await world.run(1000);
  }
  world.mesh.heal();
  await bob.ask('PRIVMSG #c :last');
  await world.run(6000);
  const got = ann.take().filter((line) => line.includes('PRIVMSG')).map((line) => line.replace(/.* PRIVMSG #c :?/, ''));
  assert.equal(got, ['first', ...Array.from({ length: 10 }, (_, i) => `missed ${i}`), 'last']);
});
history('a line that its source gave itself is not marked, another member\'s word for it is', async () => {
  const { world, a, b, c } = await nodes({}, { playbackLines: 50 });
  const [ann] = [await joined(a, 'ann'), await joined(b, 'bob')];
  await ann.ask('PRIVMSG #c :hello');
  await world.run(200);
  a.crash();
  await world.run(100_000);
  const cat = await c.user('cat', 'message-tags batch');
  cat.send('JOIN #c');
  await world.run(3000);
  assert.match(cat.take().find((line) => line.includes('hello')) as string, new RegExp(`meshchat/via=${B}`));
});
history('two members that differ compare again when the first answer does not come', async () => {
  const { world, a, b, c } = await nodes();
  const [ann, bob] = [await joined(a, 'ann'), await joined(b, 'bob')];
  await joined(c, 'cat');
  world.mesh.partition([A]);
  await bob.ask('PRIVMSG #c :to cat alone');
  await world.run(500);
  b.crash();
  type Inner = { handler: { onMessage: (message: { data: Uint8Array }) => void } };
  const { handler } = a.client.joined.get('irc/#c') as unknown as Inner;
  const { onMessage } = handler;
  let dropped = 0;
  handler.onMessage = (message) => {
    if (dropped === 0 && new TextDecoder().decode(message.data).includes('"H"')) dropped++;
    else onMessage(message);
  };
  world.mesh.heal();
  await world.run(90_000);
  assert.is(dropped, 1);
  assert.ok(ann.take().some((line) => line.includes('to cat alone')));
});
history('lines that nobody has any more are told as missing, with their number', async () => {
  const { world, a, b } = await nodes({}, { historyLines: 3 });
  const ann = await joined(a, 'ann');
  const bob = await joined(b, 'bob');
  await bob.ask('PRIVMSG #c :zero');
  await world.run(1000);
  world.mesh.partition([A]);
  for (let i = 0; i < 10; i++) await bob.ask(`PRIVMSG #c :line ${i}`);
  await world.run(130_000);
  world.mesh.heal();
  await world.run(40_000);
  await bob.ask('PRIVMSG #c :back');
  await world.run(20_000);
  assert.ok(brief(ann.take()).includes(`irc.mesh NOTICE #c 7 messages from bob@${B} may be missing`), ann.all.slice(-8).join('\n'));
});
history('a member can not put words into the mouth of somebody whose own words come', async () => {
  const { world, a, b, c } = await nodes();
  const [ann, bob, cat] = [await joined(a, 'ann', 'message-tags'), await joined(b, 'bob'), await joined(c, 'cat')];
  await bob.ask('PRIVMSG #c :one');
  await world.run(100);
  const stream = /msgid=[^/]+\/([^;-]+)-1/.exec(ann.take().at(-1) as string)?.[1] as string;
  // c answers a request of a with a line that b has not said yet.
  const group = c.client.joined.get('irc/#c') as unknown as { publish(data: string, options: object): Promise<unknown>; handler: { onMessage: (m: unknown) => void } };
  const inner = group.handler.onMessage;
  group.handler.onMessage = (message) => {
    const text = new TextDecoder().decode((message as { data: Uint8Array }).data);
    if (!text.includes('"t":"h"')) return inner(message);
    const l = [{ o: B, r: stream, n: 2, K: 'bob', U: 'bob', c: 0, x: 'forged', w: 1_700_000_000_000 }];
    void group.publish(JSON.stringify({ t: 'H', e: 1, v: 0, i: 1, l, m: 0 }), { to: A });
  };
  world.mesh.partition([A]);
  await world.run(40_000);
  world.mesh.heal();
  await world.run(4000);
  ann.take();
  await bob.ask('PRIVMSG #c :genuine');
  await world.run(500);
  assert.ok(ann.take().some((line) => line.endsWith('PRIVMSG #c genuine')));
  void cat;
});
history.run();

// --- what is not believed -------------------------------------------------------------------------------------------

const safety = suite('irc safety on the mesh');

safety('hostile messages change nothing and stop nothing', async () => {
  const { world, a, b } = await nodes();
  const ann = await joined(a, 'ann');
  const bob = await joined(b, 'bob');
  const evil = world.mesh.node('fc00::ee');
  const [directory, channel] = [await (async () => {
    const joining = evil.join('irc', {});
    await world.run(200);
    return joining;
  })(), await (async () => {
    const joining = evil.join('irc/#c', {});
    await world.run(200);
    return joining;
  })()];
  ann.take();
  const bad: unknown[] = [
    null, 1, [], {}, { t: 1 }, { t: 'u' }, { t: 'u', e: 1, v: 1, u: '__proto__', k: 'x\r\nQUIT' }, { t: 'u', e: 1, v: 1, u: 'a', k: 'bob\r\n:root!x@y' },
    { t: 's', e: 1, v: 9, i: 5, m: 2, l: [] }, { t: 's', e: 1, v: 9, i: 0, m: 1e9, l: [] }, { t: 's', e: 1, v: 9, i: 0, m: 1, l: [1, null, { u: 'a', j: 5 }, { u: 'b', k: 'q', j: [[1], 'x', ['#a\r\nb', 1]] }] },
    { t: 'm', e: 1, v: 1, i: 1, n: 1, u: 'a', c: 9, x: 'x', w: 1 }, { t: 'm', e: 1, v: 0, i: 1, n: -1, u: 'a', c: 0, x: 'x', w: 1 },
    { t: 'j', e: 1, v: 10, u: 'zz', c: '#c' }, { t: 'q', e: 1, v: 10, u: '1' }, { t: 't', e: 1, v: 11, c: '#c', x: 'evil\r\nx', k: 2 ** 60 },
    { t: 'h', h: { __proto__: 1 } }, { t: 'H', l: [null, { o: 'x\r\n', n: 1 }] }, { t: 'd', e: 1, v: 1, h: [[1], null, ['#c', 1, 2 ** 60, 'x']] }, { t: '?', e: 1, v: 1 },
  ];
  for (const group of [directory, channel]) {
    for (const message of bad) {
      await group.publish(JSON.stringify(message));
      await group.datagram(JSON.stringify(message));
    }
    for (const text of ['', '{', '[['.repeat(20_000), '{"t":'.repeat(3000), '"\ud800"', 'x'.repeat(MESSAGE_BYTES_MAX)]) await group.publish(text);
    await group.publish(Uint8Array.of(0xff, 0xfe, 0));
  }
  await channel.publish(JSON.stringify({ t: 'm', e: 1, v: 0, i: 1, n: 1, u: 'a', K: 'bob', U: 'bob', c: 0, x: 'hi\r\n:root!x@y KILL ann', w: 1 }));
  await world.run(10_000);
  for (const line of ann.all) assert.not.match(line, /^:root/);
  assert.not.ok(ann.all.some((line) => line.startsWith(':bob!') && line.includes('root')), 'never under another\'s nick');
  await bob.ask('PRIVMSG #c :fine');
  await world.run(100);
  assert.equal(brief(ann.take()).slice(-1), ['bob PRIVMSG #c fine']);
  assert.equal(world.logged, []);
});
safety('one node can not flood the others', async () => {
  const { world, a, b } = await nodes({}, { peerLinesPerSecond: 10, peerBurstLines: 50 });
  const ann = await joined(a, 'ann');
  const bob = await joined(b, 'bob');
  ann.take();
  bob.send(...Array.from({ length: 200 }, (_, i) => `PRIVMSG #c :line ${i}`));
  await world.run(1000);
  const shown = ann.take().filter((line) => line.includes('PRIVMSG')).length;
  assert.ok(shown < 70, `${shown} shown`);
  assert.ok((a.server.status() as { counters: { overRate: number } }).counters.overRate > 100);
});
safety('a reader that is too slow is closed, the others go on', async () => {
  const { world, a } = await nodes({}, { sendQueueBytesMax: 20_000 });
  const [ann, bob] = [await joined(a, 'ann'), await joined(a, 'bob')];
  ann.stuck = true;
  for (let i = 0; i < 60; i++) await bob.ask(`PRIVMSG #c :${'x'.repeat(450)}`);
  await world.run(100);
  assert.ok(ann.closed);
  assert.ok(bob.all.some((line) => line.endsWith('QUIT :SendQ exceeded')));
});
safety.run();
