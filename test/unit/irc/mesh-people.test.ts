/** What clients see of other nodes' people: presence and nicks. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { A, B, C, brief, joined, names, nodes, World } from './world.ts';
import type { TestClient } from './world.ts';

// --- presence -------------------------------------------------------------------------------------------------------

const presence = suite('irc presence on the mesh');

presence('people of other nodes are nick!user@address and come and go by name', async () => {
  const { world, a, b } = await nodes();
  const ann = await joined(a, 'ann');
  const bob = await joined(b, 'bob');
  assert.equal(ann.take(), [`:bob!bob@${B} JOIN #c`]);
  await bob.ask('NICK rob', 'PART #c :later', 'JOIN #c', 'QUIT :gone');
  await world.run(100);
  assert.equal(brief(ann.take()), ['bob NICK rob', 'rob PART #c later', 'rob JOIN #c', 'rob QUIT Quit: gone']);
  assert.equal(await names(ann, '#c'), ['ann']);
});
presence('WHOIS knows what the other node knows', async () => {
  const { world, a, b } = await nodes();
  const ann = await a.user('ann');
  const bob = await joined(b, 'bob');
  await bob.ask('AWAY :out', 'SETNAME :Robert', 'MODE bob +B');
  await world.run(100);
  const got = brief(await ann.ask('WHOIS bob')).join('\n');
  for (const part of [`311 ann bob bob ${B} * Robert`, '319 ann bob #c', `320 ann bob is on mesh node ${B}`, '301 ann bob out', '335 ann bob is a bot']) {
    assert.ok(got.includes(part), `${part} in ${got}`);
  }
});
presence('a kill and restart shows as QUIT, then JOIN', async () => {
  const { world, a, b } = await nodes();
  const ann = await joined(a, 'ann');
  await joined(b, 'bob');
  ann.take();
  b.crash();
  await world.run(3000);
  await b.start({});
  await joined(b, 'bob');
  await world.run(2000);
  assert.equal(brief(ann.take()), ['bob QUIT Node restarted', 'bob JOIN #c']);
  assert.equal(await names(ann, '#c'), ['ann', 'bob']);
});
presence('a node that stops says so', async () => {
  const { world, a, b } = await nodes();
  const ann = await joined(a, 'ann');
  await joined(b, 'bob');
  ann.take();
  b.server.stop('Reboot');
  await world.run(200);
  assert.equal(brief(ann.take()), ['bob QUIT Node left the mesh']);
});
presence('a split is one batch after the grace, and so is the return', async () => {
  const { world, a, b } = await nodes();
  const ann = await joined(a, 'ann', 'batch');
  const bob = await joined(b, 'bob');
  await joined(b, 'joe');
  ann.take();
  world.mesh.partition([B]);
  await world.run(80_000);
  assert.equal(ann.take(), [], 'nothing is shown while it may be a short silence');
  await world.run(20_000);
  assert.equal(brief(ann.take()), [
    `irc.mesh BATCH +1 netsplit irc.mesh ${B}`, `bob QUIT irc.mesh ${B}`, `joe QUIT irc.mesh ${B}`, 'irc.mesh BATCH -1',
  ]);
  world.mesh.heal();
  await world.run(3000);
  assert.equal(brief(ann.take()), [`irc.mesh BATCH +2 netjoin irc.mesh ${B}`, 'bob JOIN #c', 'joe JOIN #c', 'irc.mesh BATCH -2']);
  assert.equal(await names(bob, '#c'), ['ann', 'bob', 'joe']);
});
presence('a change that was lost is found by the digest', async () => {
  const { world, a, b } = await nodes();
  const ann = await joined(a, 'ann');
  await joined(b, 'bob');
  // What b publishes now does not arrive at all, and the multicast layer does not tell.
  const group = a.client.joined.get('irc') as unknown as { handler: { onMessage?: unknown } };
  const handler = group.handler.onMessage;
  group.handler.onMessage = () => undefined;
  await (b.clients[0] as TestClient).ask('NICK rob');
  await world.run(200);
  group.handler.onMessage = handler;
  assert.equal(await names(ann, '#c'), ['ann', 'bob']);
  await world.run(40_000);
  assert.equal(await names(ann, '#c'), ['ann', 'rob']);
});
presence('how long another node\'s user has been idle is told since his last line here', async () => {
  const { world, a, b } = await nodes();
  const [ann, bob] = [await joined(a, 'ann'), await joined(b, 'bob')];
  const idle = async (): Promise<number> => Number((await ann.ask('WHOIS bob')).find((line) => line.includes(' 317 '))?.split(' ')[4]);
  await world.run(70_000);
  assert.ok(Math.abs(await idle() - 71) < 2, String(await idle()));
  await bob.ask('PRIVMSG #c :x');
  await world.run(5000);
  assert.is(await idle(), 5);
});
presence('a node that is no member any more leaves no ghosts', async () => {
  const { world, a, b } = await nodes();
  const ann = await joined(a, 'ann');
  await joined(b, 'bob');
  const group = a.client.joined.get('irc') as unknown as { handler: { onMember?: unknown } };
  group.handler.onMember = () => undefined; // the event is lost
  b.crash();
  await world.run(180_000);
  assert.equal(await names(ann, '#c'), ['ann']);
});
presence('an address that is banned here is not there, one that is hidden is not heard', async () => {
  const world = new World(3);
  const a = await world.node(A, { ban: [B], hide: [C] });
  const [b, c] = [await world.node(B), await world.node(C)];
  const ann = await joined(a, 'ann');
  const bob = await joined(b, 'bob');
  const cat = await joined(c, 'cat');
  await bob.ask('PRIVMSG #c :x');
  await cat.ask('PRIVMSG #c :y', 'PRIVMSG ann :z');
  await world.run(5000);
  assert.equal(await names(ann, '#c'), ['ann', 'cat']);
  assert.equal(ann.all.filter((line) => line.includes(' PRIVMSG ')), []);
});
presence.run();

// --- nicks ----------------------------------------------------------------------------------------------------------

const nicks = suite('irc nicks on the mesh');

/** ann, bob and bob at three nodes that met after they had chosen. */
async function twins(): Promise<{ world: World; ann: TestClient; bob1: TestClient; bob2: TestClient }> {
  const { world, a, b, c } = await nodes();
  world.mesh.partition([B], [C]);
  const ann = await joined(a, 'ann');
  const [bob1, bob2] = [await joined(b, 'bob'), await joined(c, 'bob')];
  world.mesh.heal();
  await world.run(5000);
  return { world, ann, bob1, bob2 };
}

nicks('a nick of another node is in use', async () => {
  const { a, b } = await nodes();
  await a.user('bob');
  await b.world.run(100);
  const late = b.connect();
  assert.match((await late.ask('NICK bob'))[0] as string, / 433 /);
});
nicks('two of one nick: the lower address is plain, everybody keeps his own at home', async () => {
  const { ann, bob1, bob2 } = await twins();
  assert.equal(await names(ann, '#c'), ['ann', 'bob', 'bob~cc03']);
  assert.equal(await names(bob1, '#c'), ['ann', 'bob', 'bob~cc03']);
  assert.equal(await names(bob2, '#c'), ['ann', 'bob', 'bob~bb02']);
});
nicks('a message to an ambiguous nick is refused and says whom it may mean; the marked nick reaches one', async () => {
  const { world, ann, bob1, bob2 } = await twins();
  bob1.take();
  bob2.take();
  assert.equal(brief(await ann.ask('PRIVMSG bob :x')), ['irc.mesh 407 ann bob Several people have this nick: say bob@fc00::bb02 or bob~cc03']);
  await ann.ask('PRIVMSG bob~bb02 :one', 'PRIVMSG bob~cc03 :two', `PRIVMSG bob@${B} :three`);
  await world.run(100);
  assert.equal(brief(bob1.take()), ['ann PRIVMSG bob one', 'ann PRIVMSG bob three']);
  assert.equal(brief(bob2.take()), ['ann PRIVMSG bob two']);
});
nicks('when the other leaves or renames, NICK shows the plain one again', async () => {
  const { world, ann, bob1 } = await twins();
  ann.take();
  await bob1.ask('NICK robert');
  await world.run(100);
  assert.equal(brief(ann.take()), ['bob NICK robert', 'bob~cc03 NICK bob']);
});
nicks('nobody can take a marked nick', async () => {
  const { a } = await nodes();
  const client = a.connect();
  assert.match((await client.ask('NICK bob~bb02'))[0] as string, / 432 /);
});
nicks.run();
