/**
 * Nodes that were away: one with its link cut, one whose daemon was stopped. When they are back each of their clients must
 * be shown every line it has missed: in order, once, with its original time, and soon. Real daemons, a link that drops
 * everything; not part of `make test`, as it takes as long as one is away.
 *   make away SECONDS=600        (TJS=… or MESHCHAT_RUNTIME=node as ever)
 */
import { ChatClient, pause, until } from './chat-client.ts';
import { MESH_PORT, RUNTIME, type TestMesh, endNode, withMesh } from './first-light-nodes.ts';
import { enterOwnNetwork } from './relay.ts';

const [seconds = 20] = process.argv.slice(2).filter((word) => word.startsWith('seconds=')).map((word) => Number(word.slice(8)));
/** Together they stay below history_lines. */
const LINES_MAX = 400;
const SETTLE_MS = 4000;
const BACK_MS_MAX = 3000;
const TIME_OFF_MS_MAX = 2000;
const CAPABILITIES = 'server-time message-tags batch echo-message draft/chathistory draft/event-playback';

interface Said {
  text: string;
  wallMs: number;
}

/** A line as a client was shown it. */
interface Shown {
  text: string;
  /** From the tag, or from the time of day in front of the text; NaN without. */
  wallMs: number;
  at: number;
  id: string;
}

async function capable(mesh: TestMesh, index: number, nick: string): Promise<ChatClient> {
  const client = await mesh.stranger(index, nick);
  client.send('CAP LS 302', `NICK ${nick}`, `USER ${nick} 0 * :${nick}`, `CAP REQ :${CAPABILITIES}`, 'CAP END');
  await client.wait(/^\S+ 001 /);
  client.send('JOIN #mesh');
  await client.wait(/ 366 /);
  await history(client);
  return client;
}

function shown(client: ChatClient, from = 0): Shown[] {
  const found = [];
  for (const { text: line, at } of client.lines.slice(from)) {
    const match = /^(?:@(\S+) )?:\S+ PRIVMSG #mesh :?(?:\[(\d\d):(\d\d)\] )?(.*)$/.exec(line);
    if (match === null) continue;
    const [, tags = '', hour, minute, text = ''] = match;
    const time = /(?:^|;)time=([^;]+)/.exec(tags)?.[1];
    const today = new Date().toISOString().slice(0, 10);
    const clock = hour === undefined ? Number.NaN : Date.parse(`${today}T${hour}:${minute}:00Z`);
    const id = /(?:^|;)msgid=([^;]+)/.exec(tags)?.[1] ?? '';
    found.push({ text, at, id, wallMs: time === undefined ? clock : Date.parse(time) });
  }
  return found;
}

const faults: string[] = [];
function check(good: boolean, what: string): void {
  if (!good) faults.push(what);
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what}`);
}

/**
 * Compares what `client` was shown from line `from` on with what was said.
 * @param paged it has asked for the newest page first
 * @returns when the last of it came
 */
function compare(name: string, client: ChatClient, from: number, said: readonly Said[], paged = false): number {
  const lines = shown(client, from);
  const wanted = new Map(said.map((one) => [one.text, one.wallMs]));
  const got = lines.filter(({ text }) => wanted.has(text));
  const texts = got.map(({ text }) => text);
  const expected = said.map(({ text }) => text);
  const missing = expected.filter((text) => !texts.includes(text));
  check(missing.length === 0, `${name}: ${missing.length} of ${expected.length} lines missing ${JSON.stringify(missing.slice(0, 5))}`);
  check(new Set(texts).size === texts.length, `${name}: ${texts.length - new Set(texts).size} lines twice`);
  const inOrder = expected.filter((text) => texts.includes(text));
  const first = inOrder.findIndex((text, i) => texts[i] !== text);
  if (!paged) check(first < 0, `${name}: in order${first < 0 ? '' : `, but at ${first}: ${JSON.stringify(texts.slice(Math.max(0, first - 1), first + 3))}`}`);
  const off = got.map(({ text, wallMs }) => {
    const sent = wanted.get(text) as number;
    const minutes = wallMs % 60_000 === 0;
    return Number.isNaN(wallMs) ? 0 : minutes ? Math.abs(Math.floor(sent / 60_000) * 60_000 - wallMs) : Math.abs(sent - wallMs);
  });
  const most = Math.max(0, ...off);
  check(most <= TIME_OFF_MS_MAX, `${name}: times at most ${most.toFixed(0)} ms off`);
  return Math.max(0, ...got.map(({ at }) => at));
}

async function run(mesh: TestMesh): Promise<void> {
  const [ann, bob] = [await mesh.chatter(0, 'ann'), await capable(mesh, 1, 'bob')];
  const [cleo, cora] = [await mesh.chatter(2, 'cleo'), await capable(mesh, 2, 'cora')];
  const dave = await mesh.chatter(3, 'dave');
  for (const client of [ann, bob, cleo, cora, dave]) {
    for (const nick of ['ann', 'bob', 'cleo', 'cora', 'dave']) await client.wait(new RegExp(`:${nick}!\\S+ JOIN| 353 .*\\b${nick}\\b`));
  }
  const said: Said[] = [];
  const speakers = [ann, bob, cleo, cora];
  const count = Math.min(LINES_MAX, Math.max(20, seconds));
  ann.say('before');
  await until('all hear the first line', () => [bob, cleo, cora, dave].every((one) => shown(one).some(({ text }) => text === 'before')));
  const marks = [ann, bob, cleo, cora].map((client) => client.lines.length);
  mesh.relay?.cut(2);
  await endNode(mesh.node(3));
  for (let i = 0; i < count; i++) {
    const speaker = speakers[i % 4] as ChatClient;
    const text = `away ${i} by ${speaker.nick}`;
    said.push({ text, wallMs: Date.now() });
    speaker.say(text);
    await pause((seconds * 1000) / count);
  }
  await pause(1500);
  console.log(`${RUNTIME}: away for ${seconds} s, ${count} lines, half of them on the other side of the cut`);
  const there = said.filter(({ text }) => /by (ann|bob)/.test(text));
  const here = said.filter(({ text }) => /by (cleo|cora)/.test(text));
  const healedAt = performance.now();
  const firstPass = new Map<string, number>();
  if (mesh.relay !== undefined) {
    mesh.relay.onPass = (from, to) => {
      const pair = `${from + 1} to ${to + 1}`;
      if ((from === 2 || to === 2) && !firstPass.has(pair)) firstPass.set(pair, performance.now() - healedAt);
    };
  }
  mesh.relay?.join(2);
  await pause(SETTLE_MS + 6000);
  console.log(`first datagrams, ms after the link was back: ${[...firstPass].map(([pair, ms]) => `${pair}: ${ms.toFixed(0)}`).join(', ')}`);
  for (const [i, client, missed] of [[2, cleo, there], [3, cora, there], [0, ann, here], [1, bob, here]] as const) {
    const last = compare(`${client.nick}, link cut`, client, marks[i] as number, missed);
    const [ms, contactMs] = [last - healedAt, Math.min(...firstPass.values())];
    const text = `the last missed line came ${ms.toFixed(0)} ms after the link was back, ${(ms - contactMs).toFixed(0)} after the first datagram`;
    check(ms - contactMs <= BACK_MS_MAX, `${client.nick}, link cut: ${text}`);
  }
  await restarted(mesh, said);
  await agree(mesh, said);
}

async function restarted(mesh: TestMesh, said: readonly Said[]): Promise<void> {
  mesh.startNode(3);
  await mesh.listening();
  const backAt = performance.now();
  const clients = [await mesh.chatter(3, 'dave'), await capable(mesh, 3, 'dora')];
  await pause(SETTLE_MS);
  for (const client of clients) {
    const last = compare(`${client.nick}, daemon stopped`, client, 0, said, client.nick === 'dora');
    const ms = last - backAt;
    check(ms <= BACK_MS_MAX, `${client.nick}, daemon stopped: the last missed line came ${ms.toFixed(0)} ms after it listened`);
  }
}

/** Fetches the whole history page by page. @returns its messages, oldest first */
async function history(reader: ChatClient): Promise<Shown[]> {
  const all = new Map<string, Shown>();
  for (let page = 0; page < 20; page++) {
    const from = reader.lines.length;
    const oldest = [...all.values()].sort((a, b) => a.wallMs - b.wallMs)[0];
    if (page > 0 && oldest === undefined) break;
    reader.send(oldest === undefined ? 'CHATHISTORY LATEST #mesh * 200' : `CHATHISTORY BEFORE #mesh msgid=${oldest.id} 200`);
    await reader.answers();
    const before = all.size;
    for (const line of shown(reader, from)) if (line.id !== '' && !all.has(line.id)) all.set(line.id, line);
    if (page > 0 && all.size === before) break;
  }
  return [...all.values()].sort((a, b) => a.wallMs - b.wallMs);
}

/** Every node gives the same history. */
async function agree(mesh: TestMesh, said: readonly Said[]): Promise<void> {
  const histories = [];
  for (let index = 0; index < 4; index++) {
    const reader = await capable(mesh, index, `reader${index}`);
    const ids = (await history(reader)).filter(({ text }) => said.some((one) => one.text === text)).map(({ id }) => id);
    histories.push(ids.join(' '));
    check(new Set(ids).size === said.length, `node ${index + 1}: its history has ${new Set(ids).size} of ${said.length} lines`);
  }
  check(new Set(histories).size === 1, 'the histories of all nodes are the same, in the same order');
}

const why = enterOwnNetwork(MESH_PORT);
if (why !== '') {
  console.log(`skipped: ${why}`);
} else {
  const args = ['--set', 'irc.playback_lines=1000'];
  await withMesh({ count: 4, loss: 0, delayMs: 5, args }, run);
  for (const fault of faults) console.log(`FAULT ${fault}`);
  process.exit(faults.length === 0 ? 0 : 1);
}
