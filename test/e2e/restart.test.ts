/** A daemon that dies and comes back, one that is told to end, and one that is told to read its configuration again. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ChatClient, hears, pause, until } from './chat-client.ts';
import { IRC_PORT, RUNTIME, sees, type TestMesh, withMesh } from './first-light-nodes.ts';

const CHAT_AGAIN_MS_MAX = 2000;
const BYE_MS_MAX = 2000;

async function killed(mesh: TestMesh): Promise<void> {
  const [ann, bob, cleo] = await mesh.chatters(['ann', 'bob', 'cleo']);
  for (let i = 0; i < 20; i++) ann.say(`before ${i}`);
  bob.say('bob before');
  await hears(bob, 20);
  await hears(cleo, 21);
  mesh.node(1).child.kill('SIGKILL');
  await mesh.node(1).exited;
  ann.say('while bob is away');
  await hears(cleo, 22);
  const marks = new Map([[ann, ann.lines.length], [cleo, cleo.lines.length]]);
  const { startedAt } = mesh.startNode(1);
  await mesh.listening();
  const listeningMs = performance.now() - startedAt;
  const back = await mesh.chatter(1, 'bob');
  for (const [client, mark] of marks) {
    const quit = await client.wait(/^:bob!\S+ QUIT/, 10_000, mark);
    const join = await client.wait(/^:bob!\S+ JOIN/, 10_000, mark);
    assert.ok(client.lines.indexOf(quit) < client.lines.indexOf(join), `${client.nick}: QUIT comes before JOIN`);
  }
  await sees(back, 'ann', 5000);
  back.say('bob again');
  ann.say('welcome');
  await ann.wait(/ PRIVMSG #mesh :bob again/);
  await back.wait(/ PRIVMSG #mesh :?welcome/);
  const againMs = performance.now() - startedAt;
  console.log(`${RUNTIME}: listening ${listeningMs.toFixed(0)} ms, chat both ways ${againMs.toFixed(0)} ms after the new start`);
  assert.ok(againMs < CHAT_AGAIN_MS_MAX, `${againMs} ms`);
  await pause(500); // what came twice would come now
  for (const client of [ann, cleo, back]) {
    // The history that the new bob is played has the time before it.
    const texts = client.said().map(({ text }) => text.replace(/^\[[^\]]*\] /, ''));
    assert.is(new Set(texts).size, texts.length, `${client.nick} hears nothing twice: ${JSON.stringify(texts)}`);
  }
}

async function terminated(mesh: TestMesh): Promise<void> {
  const [ann, bob] = await mesh.chatters(['ann', 'bob']);
  const mark = ann.lines.length;
  const { child, exited, socketPath } = mesh.node(1);
  const start = performance.now();
  child.kill('SIGTERM');
  await ann.wait(/^:bob!\S+ QUIT/, BYE_MS_MAX, mark);
  const byeMs = performance.now() - start;
  assert.equal(await exited, { status: 0, signal: null });
  console.log(`${RUNTIME}: QUIT seen ${byeMs.toFixed(0)} ms, end ${(performance.now() - start).toFixed(0)} ms after SIGTERM`);
  await bob.wait(/^ERROR /);
  assert.not(existsSync(socketPath), 'the control socket is gone');
  mesh.node(0).child.kill('SIGINT');
  assert.equal(await mesh.node(0).exited, { status: 0, signal: null }, 'SIGINT is the same');
}

async function reloaded(mesh: TestMesh): Promise<void> {
  const node = mesh.node(0);
  const ann = await mesh.chatter(0, 'ann');
  const config = readFileSync(node.configPath, 'utf8');
  const reload = (lines: string): void => {
    writeFileSync(node.configPath, config.replace("config irc 'irc'\n", `config irc 'irc'\n${lines}`));
    node.child.kill('SIGHUP');
  };
  const motd = async (): Promise<string> => {
    const mark = ann.lines.length;
    ann.send('MOTD');
    return (await ann.wait(/ (372|422) /, 5000, mark)).text;
  };
  reload("\tlist motd 'the new words'\n");
  const start = performance.now();
  while (!(await motd()).includes('the new words')) {
    if (performance.now() - start > 5000) throw new Error('no new words within 5 s');
    await pause(50);
  }
  const lineCount = node.lines.length;
  reload("\toption clients_max 'many'\n\tlist motd 'worse'\n");
  await until('the daemon complains', () => node.lines.slice(lineCount).some((line) => line.includes('clients_max')), 5000);
  assert.match(await motd(), 'the new words');
}

/** One door is shut, another opened, a third cannot be: who came in by the first stays. */
async function moved(mesh: TestMesh): Promise<void> {
  const node = mesh.node(0);
  const ann = await mesh.chatter(0, 'ann');
  const config = readFileSync(node.configPath, 'utf8');
  const elsewhere = `$1:6669'\n\tlist listen '192.0.2.1:6667'`;
  writeFileSync(node.configPath, config.replace(/(list listen '\S+):\d+'/, elsewhere));
  node.child.kill('SIGHUP');
  await until('it has moved', () => node.lines.some((line) => line.includes('reload: irc.listen changed')), 5000);
  assert.match(node.lines.join('\n'), /^error: irc\.listen: 192\.0\.2\.1 port 6667: .*nobody can connect there$/m);
  const bob = await ChatClient.join(node.address, 6669, 'bob');
  bob.send('PRIVMSG ann :by the other door');
  await ann.wait(/^:bob!\S+ PRIVMSG ann :by the other door/);
  assert.match(await ChatClient.open(node.address, IRC_PORT).then(() => 'open', String), /ECONNREFUSED/);
}

/** One group more than there can be with IRC's own, and the section of IRC's is not for the taking. */
async function groupsRefused(mesh: TestMesh): Promise<void> {
  const { lines } = mesh.node(0);
  const told = (): string[] => lines.filter((line) => line.startsWith('error: config group'));
  await until('the daemon complains', () => told().length === 2, 5000);
  assert.match(told()[0] as string, /'irc': irc is joined here with ordered true/);
  assert.match(told()[1] as string, /'g112': this daemon is in 112 groups/);
  const ann = await mesh.chatter(0, 'ann');
  let errors = '';
  mesh.node(0).child.stderr?.on('data', (chunk) => (errors += chunk));
  mesh.node(0).child.kill('SIGHUP');
  await until('the daemon complains again', () => told().length === 4, 5000);
  assert.is(errors.match(/^error: config group/gm)?.length, 2, 'on the standard error');
  ann.send('MOTD');
  await ann.wait(/ 422 /);
}

const restart = suite('restart');
restart('kill -9 and a new start: QUIT, JOIN, chat again within 2 s, nothing old twice', async () => {
  await withMesh({ count: 3 }, killed);
});
restart('SIGTERM: the others see QUIT at once, clients get ERROR, status 0, no socket file stays', async () => {
  await withMesh({ count: 2 }, terminated);
});
restart('SIGHUP reads the configuration again; a bad one changes nothing; people stay connected', async () => {
  await withMesh({ count: 1 }, reloaded);
});
restart('SIGHUP moves the listeners; people stay connected', async () => {
  await withMesh({ count: 1 }, moved);
});
restart('groups that cannot be joined are told, and are no reason to be without the rest', async () => {
  const groups = Array.from({ length: 112 }, (_, i) => [`g${i + 1}=group`, `g${i + 1}.name=g${i + 1}`]);
  const sets = ['x=group', 'x.name=irc', 'x.ordered=0', ...groups.flat()];
  await withMesh({ count: 1, args: sets.flatMap((set) => ['--set', set]) }, groupsRefused);
});
restart("one of cjdns's admin options counts without the other", async () => {
  const sets = ['c=mesh', 'c.type=cjdns', 'c.admin_port=11399'];
  await withMesh({ count: 1, args: sets.flatMap((set) => ['--set', set]) }, async (mesh) => {
    const { lines } = mesh.node(0);
    await until('cjdns is missed there', () => lines.some((line) => line.includes('at 127.0.0.1 port 11399')), 10_000);
  });
});
restart('a state folder that cannot be written is told, and no reason to be away', async () => {
  await withMesh({ count: 1, args: ['--set', 'main.state_dir=/dev/null/state'] }, async (mesh) => {
    assert.match(mesh.node(0).lines.join('\n'), /^warn: option state_dir of section meshchat: \/dev\/null\/state: .*: nothing is remembered/m);
  });
});
restart.run();
