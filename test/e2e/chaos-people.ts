/** People of the chaos test: clients that come, go and come back, and what all nodes must agree on about them. */
import { ChatClient, pause } from './chat-client.ts';
import { IRC_PORT, type TestMesh } from './first-light-nodes.ts';

export interface Said {
  text: string;
  node: number;
  at: number;
  mayBeLost: boolean;
}

const CAPABILITIES = 'server-time message-tags batch draft/chathistory draft/event-playback';
const PAGES_MAX = 50;
/** A line that was said this close to his coming may have been shown before or with it. */
const JOIN_MARGIN_MS = 1000;

export class Person {
  readonly node: number;
  /** His user name: whatever his nick is, he is known by it. */
  readonly user: string;
  client: ChatClient | undefined;
  present = false;
  /** Since when he is in the channel without a break, and the first line of his client from then on. */
  since = 0;
  mark = 0;
  readonly #mesh: TestMesh;
  readonly #capable: boolean;
  /** Shown to his earlier clients. */
  #before: string[] = [];

  constructor(mesh: TestMesh, node: number, user: string, capable: boolean) {
    this.#mesh = mesh;
    this.node = node;
    this.user = user;
    this.#capable = capable;
  }

  async connect(): Promise<void> {
    this.present = false;
    const client = await ChatClient.open(this.#mesh.node(this.node).address, IRC_PORT, this.user);
    this.client = client;
    if (this.#capable) client.send('CAP LS 302', `CAP REQ :${CAPABILITIES}`, 'CAP END');
    client.send(`NICK ${this.user}`, `USER ${this.user} 0 * :${this.user}`);
    await client.wait(/^\S+ 001 /);
    await this.#join();
  }

  async #join(): Promise<void> {
    const { client } = this;
    if (client === undefined || client.closed) return;
    this.mark = client.lines.length;
    client.send('JOIN #mesh');
    try {
      await client.wait(/ 366 /, 20_000, this.mark);
    } catch (error) {
      if (client.closed) return; // his daemon has been killed
      throw error;
    }
    this.since = performance.now();
    this.present = true;
  }

  leaveOrReturn(): void {
    if (!this.present) return void this.#join();
    this.present = false;
    this.client?.send('PART #mesh');
  }
  async comeBack(): Promise<void> {
    if (this.client?.closed === true) await this.connect();
    else await this.#join();
  }

  async reconnect(): Promise<void> {
    if (this.client === undefined || this.client.closed) return;
    this.present = false;
    this.#before = this.everShown();
    if (this.node % 2 === 0) this.client.send('QUIT :bye');
    else this.client.drop();
    await pause(50);
    await this.connect().catch(() => undefined); // his daemon may have been killed
  }

  /** What his daemon has shown him since it runs. */
  everShown(): string[] {
    return [...this.#before, ...this.shown(0).keys()];
  }
  /** His daemon is killed. */
  forget(): void {
    this.present = false;
    this.client?.close();
    this.#before = [];
  }

  /** What he was shown since he is here, how often. */
  shown(from = this.mark): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { text } of this.client?.lines.slice(from) ?? []) {
      const line = / PRIVMSG #mesh :?.*?(L\d+ by \w+)$/.exec(text)?.[1];
      if (line !== undefined) counts.set(line, (counts.get(line) ?? 0) + 1);
    }
    return counts;
  }
}

interface View {
  /** user@host -> shown nick */
  members: Map<string, string>;
  topic: string;
  lines: string[];
}

async function readHistory(reader: ChatClient): Promise<string[]> {
  const found = new Map<string, string>();
  let before = '';
  for (let page = 0; page < PAGES_MAX; page++) {
    const from = reader.lines.length;
    reader.send(before === '' ? 'CHATHISTORY LATEST #mesh * 200' : `CHATHISTORY BEFORE #mesh timestamp=${before} 200`);
    await reader.answers();
    let oldest = '';
    for (const { text } of reader.lines.slice(from)) {
      const match = /^@(\S+) :\S+ PRIVMSG #mesh :?(L\d+ by \w+)$/.exec(text);
      const tag = (name: string): string => new RegExp(`(?:^|;)${name}=([^;]+)`).exec(match?.[1] ?? text.slice(1).split(' ')[0] ?? '')?.[1] ?? '';
      if (/^@\S*batch=/.test(text) && (oldest === '' || tag('time') < oldest)) oldest = tag('time');
      if (match !== null) found.set(tag('msgid'), `${tag('time')} ${tag('msgid')} ${match[2] as string}`);
    }
    if (oldest === '' || oldest === before) break;
    before = oldest;
  }
  return [...found.values()].sort();
}

async function view(mesh: TestMesh, node: number): Promise<View> {
  const reader = await ChatClient.open(mesh.node(node).address, IRC_PORT, `r${node}`);
  reader.send(`CAP REQ :${CAPABILITIES}`, `NICK reader${node}`, `USER reader${node} 0 * :r`, 'CAP END');
  await reader.wait(/ 001 /);
  reader.send('JOIN #mesh');
  await reader.wait(/ 366 /);
  await pause(300);
  reader.send('WHO #mesh %nuh', 'TOPIC #mesh');
  await reader.answers();
  const members = new Map<string, string>();
  for (const { text } of reader.lines) {
    const match = / 354 \S+ (\S+) (\S+) (\S+)$/.exec(text);
    if (match !== null && !(match[1] as string).startsWith('reader')) members.set(`${match[1]}@${match[2]}`, match[3] as string);
  }
  const topic = / 332 \S+ #mesh :?(.*)$/.exec(reader.lines.findLast(({ text }) => / 332 /.test(text))?.text ?? '')?.[1] ?? '';
  const lines = await readHistory(reader);
  reader.send('QUIT');
  await pause(50);
  reader.close();
  return { members, topic, lines };
}

function compareLines(views: readonly View[], said: readonly Said[]): string[] {
  const faults: string[] = [];
  for (const [node, { lines }] of views.entries()) {
    const texts = lines.map((line) => line.split(' ').slice(2).join(' '));
    const missing = said.filter(({ text, mayBeLost }) => !mayBeLost && !texts.includes(text)).map(({ text }) => text);
    if (missing.length > 0) faults.push(`node ${node + 1} lacks ${missing.length} lines: ${missing.slice(0, 4).join(', ')}`);
    if (new Set(texts).size < texts.length) faults.push(`node ${node + 1} has ${texts.length - new Set(texts).size} lines twice`);
    const other = views[0]?.lines ?? [];
    const differs = lines.length !== other.length || lines.some((line, i) => line !== other[i]);
    if (differs) faults.push(`nodes 1 and ${node + 1} have different histories (${other.length} and ${lines.length} lines)`);
  }
  return faults;
}

function comparePeople(mesh: TestMesh, views: readonly View[], people: readonly Person[]): string[] {
  const faults: string[] = [];
  const expected = people.map(({ user, node }) => `${user}@${mesh.node(node).address}`).sort();
  for (const [node, { members, topic }] of views.entries()) {
    const seen = [...members.keys()].sort();
    const ghosts = seen.filter((one) => !expected.includes(one));
    const missing = expected.filter((one) => !seen.includes(one));
    if (ghosts.length + missing.length > 0) faults.push(`node ${node + 1} lacks [${missing.join(' ')}] and has ghosts [${ghosts.join(' ')}]`);
    if (topic !== views[0]?.topic) faults.push(`topic of node 1 "${views[0]?.topic}", of node ${node + 1} "${topic}"`);
    if (new Set(members.values()).size < members.size) faults.push(`node ${node + 1} shows two people under one nick`);
    // Of people who are on neither of two nodes both show the same.
    for (const [other, view] of views.entries()) {
      for (const [key, shown] of members) {
        const person = people.find(({ user }) => key.startsWith(`${user}@`));
        const rivals = [...members.values(), ...view.members.values()].filter((one) => one.split('~')[0] === shown.split('~')[0]);
        const home = person?.node;
        const local = people.some(({ node: at, user }) => (at === node || at === other) && rivals.includes(nickOf(views, user)));
        if (home === node || home === other || local || view.members.get(key) === shown) continue;
        faults.push(`${key} is ${shown} on node ${node + 1}, ${view.members.get(key)} on node ${other + 1}`);
      }
    }
  }
  return faults;
}

/** As his own node shows him: his real nick. */
function nickOf(views: readonly View[], user: string): string {
  const home = Number(user[1]) - 1;
  for (const [key, shown] of views[home]?.members ?? []) if (key.startsWith(`${user}@`)) return shown;
  return '';
}

function compareShown(people: readonly Person[], said: readonly Said[]): string[] {
  const faults: string[] = [];
  for (const person of people) {
    const shown = person.shown();
    const twice = [...shown].filter(([, count]) => count > 1).map(([text]) => text);
    if (twice.length > 0) faults.push(`${person.user} was shown ${twice.length} lines twice: ${twice.slice(0, 4).join(', ')}`);
    const missed = said.filter(({ text, at, mayBeLost }) => !mayBeLost && at > person.since + JOIN_MARGIN_MS && !shown.has(text) &&
      !text.endsWith(` ${person.user}`)).map(({ text }) => text);
    if (missed.length > 0) faults.push(`${person.user} was never shown ${missed.length} lines: ${missed.slice(0, 4).join(', ')}`);
  }
  return faults;
}

/** @returns in what the nodes differ from each other or from what was done */
export async function agreement(mesh: TestMesh, people: readonly Person[], said: readonly Said[], nodes: number): Promise<string[]> {
  const views: View[] = [];
  for (let node = 0; node < nodes; node++) views.push(await view(mesh, node));
  return [...comparePeople(mesh, views, people), ...compareLines(views, said), ...compareShown(people, said)];
}
