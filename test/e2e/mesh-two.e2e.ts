/**
 * Several meshes at once: cjdns and Yggdrasil in one daemon.
 *   bridge   0 -cjdns- 1 -yggdrasil- 2: who hears whom (nobody relays)
 *   both     0 and 1 are joined by both: one member, and no line lost, twice or out of order while each mesh dies and
 *            comes back in a conversation of 50 lines a second each way; nobody is said to have left
 *   three    three nodes joined by both: on IRC too everybody hears everybody once, also when one has lost a mesh and
 *            after another has started anew
 *   flap     5,000 lines in bursts of 300 while one mesh or the other fails for 3 s, every 6 s
 *   CJDROUTE=path node test/e2e/run.mjs mesh-two    YGGDRASIL=path; ONLY=bridge,both,three,flap; CUT_MS, LINES
 *   LAN=1 adds a third mesh, whose addresses are bound to no key (not on an older txiki.js)
 */
import { spawnSync } from 'node:child_process';
import { bar, check, finish } from './mesh-daemons.ts';
import { CJDROUTE, Setup, Talk, YGGDRASIL } from './mesh-two-setup.ts';
import { enterNamespaces, sleep, until } from './namespaces.ts';

const CUT_MS = Number(process.env['CUT_MS'] ?? 25_000);
const LINES = Number(process.env['LINES'] ?? 5000);
/** Digests, which show that a history is longer, leave every 15 to 25 s. */
const HISTORY_MS = Number(process.env['HISTORY_MS'] ?? 40_000);
/** Of those, at once; every second or so. */
const BURST = 300;

for (const [program, option, name] of [[CJDROUTE, '--version', 'CJDROUTE'], [YGGDRASIL, '-version', 'YGGDRASIL']] as const) {
  if (spawnSync(program, [option]).error === undefined) continue;
  console.log(`skipped: no ${program} (${name}=path)`);
  process.exit(0);
}
enterNamespaces(900);
const only = process.env['ONLY']?.split(',') ?? ['bridge', 'both', 'three', 'flap'];

async function bridge(): Promise<void> {
  const setup = new Setup(3, '0-1', '1-2');
  console.log(`bridge: 0 -${setup.cjdns.version}- 1 -${setup.yggdrasil.version}- 2`);
  await setup.startRouters();
  await setup.startDaemons();
  const met = await until(() => setup.daemons[0]!.events.length > 0 && setup.daemons[2]!.events.length > 0
    && setup.daemons[1]!.events.length > 1, 60);
  bar('both ends meet the middle', met, 60_000);
  await sleep(3000);
  for (const { node, group } of setup.daemons) await group!.publish(`word ${node.index}`);
  for (const person of setup.people) person.say(`hello of ${person.nick}`);
  await sleep(3000);
  const heard = setup.daemons.map((daemon) => daemon.heard.map(({ text }) => text.slice(5)).sort().join());
  check(`the middle hears both ends, the ends hear the middle alone: [${heard.join('] [')}]`, heard.join(' ') === '1 0,2 1');
  const said = setup.people.map((person) => person.said().map(({ from }) => from).sort().join());
  check(`on IRC too: [${said.join('] [')}]`, said.join(' ') === 'p1 p0,p2 p1');
  console.log(`members beside itself: ${(await setup.others()).join()}`);
  await sleep(HISTORY_MS);
  const late = setup.people.map((person) => person.said().map(({ from }) => from).sort().join());
  check(`later on IRC the ends have from the middle's history what the other said: [${late.join('] [')}]`,
    late.join(' ') === 'p1,p2 p0,p2 p0,p1');
  if (process.env['VERBOSE'] !== undefined) await describe(setup);
  await setup.stop();
}

async function describe(setup: Setup): Promise<void> {
  for (const daemon of setup.daemons) {
    for (const what of ['doctor', 'peers', 'groups', 'members e2e/talk']) {
      const command = `${process.env['MESHCHAT'] ?? './dist/meshchat'} --socket ${daemon.socket} ${what}`;
      const run = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
      console.log(`-- ${daemon.node.name} ${what}\n${run.stdout}${run.stderr}`);
    }
  }
}

async function started(): Promise<{ setup: Setup; talk: Talk }> {
  const setup = new Setup(2, '0-1', '0-1');
  console.log(`0 and 1 joined by ${setup.cjdns.version} and ${setup.yggdrasil.version}`);
  await setup.startRouters();
  await sleep(8000);
  await setup.startDaemons();
  const talk = new Talk(setup);
  // From the first moment: two addresses that are met one after the other must not make two members.
  await until(() => setup.daemons.every(({ events }) => events.length > 0), 30);
  await until(() => setup.people[0]!.lines.some(({ text }) => text.includes(' JOIN ') && text.startsWith(':p1')), 30);
  talk.mark();
  talk.start();
  await sleep(5000);
  await talk.judge('from the first moment');
  return { setup, talk };
}

async function both(): Promise<void> {
  const { setup, talk } = await started();
  const { cjdns, yggdrasil } = setup;
  check(`each lists one other: ${(await setup.others()).join()}`, (await setup.others()).join() === '1,1');
  if (process.env['VERBOSE'] !== undefined) await describe(setup);
  for (const [routers, index, what] of [[cjdns, 1, 'cjdns'], [yggdrasil, 1, 'Yggdrasil'], [yggdrasil, 0, 'Yggdrasil of the other']] as const) {
    await routers.stop(index, true);
    await sleep(12_000);
    await talk.judge(`${what} killed`);
    await routers.start(index);
    await sleep(15_000);
    await talk.judge(`${what} back`);
  }
  for (const mesh of ['yggdrasil', 'cjdns'] as const) {
    setup.cut([mesh]);
    await sleep(CUT_MS);
    await talk.judge(`${mesh} carries nothing for ${CUT_MS / 1000} s`);
    setup.cut([]);
    await sleep(20_000);
    await talk.judge(`${mesh} carries again`);
  }
  check(`each lists one other: ${(await setup.others()).join()}`, (await setup.others()).join() === '1,1');
  for (const [routers, what] of [[cjdns, 'cjdns'], [yggdrasil, 'Yggdrasil']] as const) {
    await routers.stop(1);
    routers.newKey(1);
    await routers.start(1);
    await sleep(CUT_MS);
    await talk.judge(`another key of ${what}`);
    check(`each lists one other: ${(await setup.others()).join()}`, (await setup.others()).join() === '1,1');
  }
  talk.stop();
  await setup.restart(1);
  await until(() => setup.people[1]!.lines.some(({ text }) => text.startsWith(':p0!') || / 353 .*p0/.test(text)), 20);
  await sleep(5000);
  check(`each lists one other after a restart: ${(await setup.others()).join()}`, (await setup.others()).join() === '1,1');
  talk.mark();
  talk.start();
  await sleep(5000);
  await talk.judge('after a restart');
  talk.stop();
  check('every daemon still runs', setup.daemons.every((daemon) => daemon.running()));
  if (process.env['VERBOSE'] !== undefined) await describe(setup);
  await setup.stop();
}

async function three(): Promise<void> {
  const setup = new Setup(3, '0-1 0-2 1-2', '0-1 0-2 1-2');
  console.log(`three joined by ${setup.cjdns.version} and ${setup.yggdrasil.version}`);
  await setup.startRouters();
  await sleep(8000);
  await setup.startDaemons();
  await until(() => setup.daemons.every(({ events }) => events.length >= 2), 30);
  await round(setup, 'all meshes');
  await setup.cjdns.stop(0, true);
  await sleep(5000);
  await round(setup, 'cjdns of 0 killed');
  await setup.cjdns.start(0);
  await setup.restart(2);
  await sleep(15_000);
  await round(setup, 'cjdns of 0 back, 2 started anew');
  await setup.yggdrasil.stop(1, true);
  await sleep(2000);
  await round(setup, 'Yggdrasil of 1 killed');
  await setup.stop();
}

/** Everybody says 20 lines in the group and on IRC; everybody else hears them once, and nobody comes or goes. */
async function round(setup: Setup, what: string): Promise<void> {
  await sleep(3000);
  const { daemons, people } = setup;
  const marks = daemons.map(({ heard }) => heard.length);
  const ircMarks = people.map(({ lines }) => lines.length);
  for (let number = 0; number < 20; number++) {
    for (const [index, { group }] of daemons.entries()) {
      await group!.publish(`${what} ${index} ${number}`);
      people[index]!.say(`${what} ${index} ${number}`);
    }
    await sleep(100);
  }
  await sleep(25_000); // digests: what members believe to be missing is given again
  const count = (texts: string[]): string => `${texts.length}/${new Set(texts).size}`;
  const heard = daemons.map((daemon, i) => count(daemon.heard.slice(marks[i]).map(({ text }) => text)));
  const lines = people.map((person, i) => person.lines.slice(ircMarks[i]).map(({ text }) => text));
  const saidIn = (texts: string[]): string[] => texts.filter((text) => text.includes(' PRIVMSG '));
  const said = lines.map((texts) => count(saidIn(texts).map((text) => text.slice(text.indexOf(' :')))));
  const moved = lines.flat().filter((text) => / (QUIT|PART|JOIN|NICK) /.test(text));
  const others = (await setup.others()).join();
  const good = [...heard, ...said].every((one) => one === '40/40') && moved.length === 0 && others === '2,2,2';
  check(`${what}: heard ${heard.join()}, on IRC ${said.join()}, others ${others} [${moved.join(' | ').slice(0, 300)}]`, good);
}

async function flap(): Promise<void> {
  const { setup, talk } = await started();
  talk.stop();
  let on = true;
  let flaps = 0;
  const flapping = setInterval(() => {
    on = !on;
    flaps++;
    setup.cut(on ? [] : [flaps % 4 === 1 ? 'yggdrasil' : 'cjdns']);
  }, 3000);
  await sleep(3500);
  talk.mark();
  const start = performance.now();
  for (const [index, daemon] of setup.daemons.entries()) {
    let next = 0;
    const publishing = async (end: number): Promise<void> => {
      while (next < end) await daemon.group!.publish(`b${index} ${next++} ${'x'.repeat(100)}`);
    };
    void (async () => {
      for (let end = BURST; next < LINES; end += BURST, await sleep(1000)) {
        await Promise.all(Array.from({ length: 50 }, () => publishing(Math.min(end, LINES))));
      }
    })();
  }
  const got = (to: number): number[] => setup.daemons[to]!.heard.filter(({ text }) => text.startsWith(`b${1 - to} `))
    .map(({ text }) => Number(text.split(' ')[1]));
  const all = await until(() => [0, 1].every((to) => got(to).length >= LINES), 90, start);
  clearInterval(flapping);
  setup.cut([]);
  for (const to of [0, 1]) {
    const numbers = got(to);
    const disorder = numbers.filter((number, i) => i > 0 && number < numbers[i - 1]!).length;
    const distinct = new Set(numbers).size;
    check(`burst of ${LINES} over ${flaps} cuts and heals, to ${to}: ${LINES - distinct} lost, ${numbers.length - distinct} doubled,`
      + ` ${disorder} out of order, ${setup.daemons[to]!.gaps.length} gaps`,
    distinct === LINES && numbers.length === LINES && disorder === 0);
  }
  bar('the burst is everywhere', all, 90_000);
  await talk.judge('and the members');
  await setup.stop();
}

if (only.includes('bridge')) await bridge();
if (only.includes('both')) await both();
if (only.includes('three')) await three();
if (only.includes('flap')) await flap();
finish();
