/** A net of nodes on two real meshes at once, cjdns and Yggdrasil, each joining a part of them; and a conversation over it. */
import { ChatClient } from './chat-client.ts';
import { bar, check, TestDaemon } from './mesh-daemons.ts';
import { buildNet, sh, sleep, type TestNet, until } from './namespaces.ts';
import { CjdnsRouters, type RouterNet, YggdrasilRouters } from './namespaces-routers.ts';

export const CJDROUTE = process.env['CJDROUTE'] ?? 'cjdroute';
export const YGGDRASIL = process.env['YGGDRASIL'] ?? 'yggdrasil';
const EVERY_MS = 20;
const PAUSE_MS_MAX = 2000;
const IRC_PORT = 6667;

/** Nodes with a daemon on each mesh that joins them. */
export class Setup {
  readonly net: TestNet;
  readonly cjdns: CjdnsRouters;
  readonly yggdrasil: YggdrasilRouters;
  readonly daemons: TestDaemon[];
  readonly people: ChatClient[] = [];

  /** @param cjdnsLinks, yggdrasilLinks the pairs of nodes that each mesh joins */
  constructor(count: number, cjdnsLinks: string, yggdrasilLinks: string) {
    this.net = buildNet('full', count);
    this.cjdns = new CjdnsRouters(this.#part(cjdnsLinks), CJDROUTE);
    this.yggdrasil = new YggdrasilRouters(this.#part(yggdrasilLinks), YGGDRASIL);
    this.daemons = this.net.nodes.map((node) => {
      const has = (links: string): boolean => links.includes(String(node.index));
      const kinds = [...(has(cjdnsLinks) ? ['cjdns'] : []), ...(has(yggdrasilLinks) ? ['yggdrasil'] : [])];
      const daemon = new TestDaemon(node, kinds[0]!);
      if (kinds.length > 1) daemon.meshOptions = `\nconfig mesh '${kinds[1]}'\n\toption type '${kinds[1]}'\n`;
      if (process.env['LAN'] !== undefined) daemon.meshOptions += this.#lan(node.index);
      // A cable of its own for IRC: the clients live outside of the nodes' namespaces.
      sh(`ip link add m${node.index} type veth peer name irc netns ${node.name}
        ip addr add 10.99.${node.index}.1/24 dev m${node.index}; ip link set m${node.index} up
        ip -n ${node.name} addr add ${this.#irc(node.index)}/24 dev irc; ip -n ${node.name} link set irc up`);
      daemon.ircListen = `${this.#irc(node.index)}:${IRC_PORT}`;
      return daemon;
    });
  }

  #lan(index: number): string {
    const interfaces = this.net.neighbours(index).map((other) => `\tlist interface 'v${other}'\n`);
    return `\nconfig mesh 'lan'\n\toption type 'lan'\n${interfaces.join('')}`;
  }

  #irc(index: number): string {
    return `10.99.${index}.2`;
  }

  #part(links: string): RouterNet {
    const { net } = this;
    const linked = (a: number, b: number): boolean => links.split(' ').includes(`${Math.min(a, b)}-${Math.max(a, b)}`);
    return {
      nodes: net.nodes,
      address: (of, towards) => net.address(of, towards),
      neighbours: (of) => net.neighbours(of).filter((other) => linked(of, other)),
    };
  }

  async startRouters(): Promise<void> {
    for (const node of this.net.nodes) {
      for (const routers of [this.cjdns, this.yggdrasil]) {
        const wanted = this.daemons[node.index]!.meshKinds.includes(routers.kind);
        if (wanted) await routers.start(node.index);
      }
    }
  }

  async startDaemons(): Promise<void> {
    for (const daemon of this.daemons) daemon.start();
    await Promise.all(this.daemons.map((daemon) => daemon.join()));
    for (const { node } of this.daemons) await this.connect(node.index);
  }

  async connect(index: number): Promise<void> {
    this.people[index]?.close();
    this.people[index] = await ChatClient.join(this.#irc(index), IRC_PORT, `p${index}`);
  }

  /** Kills a daemon and starts it anew. */
  async restart(index: number): Promise<void> {
    const daemon = this.daemons[index]!;
    await daemon.stop('SIGKILL');
    daemon.start();
    await daemon.join();
    await this.connect(index);
  }

  /** Drops what a mesh sends over the cable, at both ends; the routers and their devices stay. */
  cut(meshes: readonly ('cjdns' | 'yggdrasil')[]): void {
    const drops = { cjdns: 'udp dport { 5000, 5001 } drop', yggdrasil: 'tcp dport 5000 drop; tcp sport 5000 drop' };
    const rules = meshes.map((mesh) => drops[mesh]);
    const table = `table inet cut\ndelete table inet cut\ntable inet cut {
      chain input { type filter hook input priority 0; ${rules.join('; ')}; }
    }\n`;
    for (const node of this.net.nodes) node.nft(rules.length === 0 ? 'table inet cut\ndelete table inet cut\n' : table);
  }

  addresses(index: number): string[] {
    return [this.cjdns.addresses[index]!, this.yggdrasil.addresses[index]!];
  }

  /** How many members each daemon lists, itself not counted; stale ones are. */
  async others(): Promise<number[]> {
    return await Promise.all(this.daemons.map(async ({ group }) =>
      ((await group?.members()) ?? []).filter(({ self }) => !self).length));
  }

  async stop(): Promise<void> {
    for (const person of this.people) person.close();
    for (const daemon of this.daemons) await daemon.stop();
    for (const node of this.net.nodes) {
      await this.cjdns.stop(node.index);
      await this.yggdrasil.stop(node.index);
      sh(`ip netns del ${node.name}; ip link del m${node.index} 2>/dev/null || true`);
    }
  }
}

/** Two daemons that talk to each other, line by line, and what arrived of it. */
export class Talk {
  readonly #setup: Setup;
  readonly #said = [0, 0];
  readonly #saidAt: number[][] = [[], []];
  refused = 0;
  #timer: NodeJS.Timeout | undefined;
  #marks = [0, 0];
  #eventMarks = [0, 0];
  #ircMarks = [0, 0];
  #gapMarks = [0, 0];
  #heardMarks = [0, 0];

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  start(): void {
    let next = performance.now();
    this.#timer = setInterval(() => {
      for (; next <= performance.now(); next += EVERY_MS) for (const index of [0, 1]) this.say(index);
    }, EVERY_MS);
  }

  say(index: number): void {
    const number = this.#said[index]!++;
    this.#saidAt[index]!.push(performance.now());
    const { group } = this.#setup.daemons[index]!;
    void group!.publish(`n${index} ${number}`).catch(() => this.refused++);
    if (number % 10 === 0) this.#setup.people[index]!.say(`n${index} ${number}`);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  mark(): void {
    const { daemons, people } = this.#setup;
    this.#marks = [...this.#said];
    this.#eventMarks = daemons.map(({ events }) => events.length);
    this.#gapMarks = daemons.map(({ gaps }) => gaps.length);
    this.#heardMarks = daemons.map(({ heard }) => heard.length);
    this.#ircMarks = people.map(({ lines }) => lines.length);
  }

  /** Waits until all that was said has come, `secondsMax` at most, and judges what came since the mark. */
  async judge(what: string, secondsMax = 5, pauseMsMax = PAUSE_MS_MAX): Promise<void> {
    const until_ = [...this.#said];
    await until(() => [0, 1].every((to) => this.#numbers(to).includes(until_[1 - to]! - 1)), secondsMax);
    await sleep(300);
    const { daemons, people } = this.#setup;
    for (const to of [0, 1]) {
      const from = 1 - to;
      const [first, end] = [this.#marks[from]!, until_[from]!];
      const numbers = this.#numbers(to).filter((number) => number >= first && number < end);
      const lost = end - first - new Set(numbers).size;
      const doubled = numbers.length - new Set(numbers).size;
      const disorder = numbers.filter((number, i) => i > 0 && number < numbers[i - 1]!).length;
      const gaps = daemons[to]!.gaps.slice(this.#gapMarks[to]).map(({ reason }) => reason);
      const delays = daemons[to]!.heard.slice(this.#heardMarks[to]).filter(({ text }) => text.startsWith(`n${from} `))
        .map(({ text, at }) => at - this.#saidAt[from]![Number(text.slice(3))]!);
      const pause = Math.round(Math.max(0, ...delays));
      const events = daemons[to]!.events.slice(this.#eventMarks[to]).map(({ state }) => state);
      const irc = people[to]!.lines.slice(this.#ircMarks[to]).map(({ text }) => text);
      const parted = irc.filter((text) => / (QUIT|PART|JOIN|NICK) /.test(text));
      const chat = irc.map((text) => / PRIVMSG #mesh :n\d (\d+)$/.exec(text)?.[1]).filter((x) => x !== undefined).map(Number)
        .filter((number) => number >= first && number < end);
      const chatLost = Math.ceil(end / 10) - Math.ceil(first / 10) - new Set(chat).size;
      const chatDoubled = chat.length - new Set(chat).size;
      const text = `${lost} lost, ${doubled} doubled, ${disorder} out of order, gaps [${gaps.join()}], member events`
        + ` [${events.join()}]; IRC ${chatLost} lost, ${chatDoubled} doubled, [${parted.join(' | ').slice(0, 300)}]`;
      const clean = lost + doubled + disorder + gaps.length + chatLost + chatDoubled + parted.length === 0
        && !events.some((state) => state !== 'stale' && state !== 'back');
      check(`${what}, ${from} to ${to}, ${end - first} lines: ${text}`, clean);
      bar(`${what}, ${from} to ${to}: the longest way of a line`, pause, pauseMsMax);
    }
    if (this.refused > 0) console.log(`  ${this.refused} publishes refused`);
    this.refused = 0;
    this.mark();
  }

  #numbers(to: number): number[] {
    const prefix = `n${1 - to} `;
    return this.#setup.daemons[to]!.heard.filter(({ text }) => text.startsWith(prefix)).map(({ text }) => Number(text.slice(3)));
  }
}
