/** Daemons on the nodes of a TestNet, their control sockets, and a group that shows who hears whom. */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Gap, Group, MemberEvent } from '../../src/client/client.ts';
import type { SocketClient } from '../../src/client/socket-client.ts';
import { connect } from '../../src/client/socket-client.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import type { TestNet, TestNode } from './namespaces.ts';
import { sleep, stopChild, until, writeNodeFile } from './namespaces.ts';
import type { RouterSet } from './namespaces-routers.ts';

const runtime = await createNodeRuntime();
const decoder = new TextDecoder();
/** The daemon under test; TJS=path chooses its txiki.js, MESHCHAT_RUNTIME=node Node. */
const MESHCHATD = process.env['MESHCHATD'] ?? join(process.cwd(), 'dist', 'meshchatd');
export const GROUP = 'e2e/talk';

export interface Heard { source: string; epoch: number; seq: number; text: string; at: number }

export class TestDaemon {
  readonly node: TestNode;
  readonly #kind: string;
  /** Lines of UCI for the mesh's section; it may begin further sections. */
  meshOptions = '';
  /** Where IRC listens; '': nowhere. */
  ircListen = '';
  child: ChildProcess | undefined;
  client: SocketClient | undefined;
  group: Group | undefined;
  heard: Heard[] = [];
  gaps: Gap[] = [];
  events: (MemberEvent & { at: number })[] = [];
  /** Members as of the last refresh. */
  members: string[] = [];

  constructor(node: TestNode, kind: string) {
    this.node = node;
    this.#kind = kind;
  }

  /** The meshes that it is configured for. */
  get meshKinds(): string[] {
    return [this.#kind, ...[...this.meshOptions.matchAll(/option type '(\w+)'/g)].map((match) => match[1]!)];
  }

  get socket(): string {
    return join(this.node.folder, 'run', 'meshchat.sock');
  }

  start(): void {
    const path = writeNodeFile(this.node, 'meshchat.conf', `config meshchat 'main'
\toption socket '/run/meshchat.sock'
\toption state_dir '/run/meshchat'
\toption system_bus 'off'
\toption log 'debug'

config mesh '${this.#kind}'
\toption type '${this.#kind}'
${this.meshOptions}
config irc 'irc'
${this.ircListen === '' ? "\toption enabled '0'" : `\tlist listen '${this.ircListen}'`}
`);
    this.child = this.node.spawn('meshchat.log', [MESHCHATD, '--config', path]);
  }

  /** Connects to the control socket and joins the group. */
  async join(secondsMax = 10): Promise<void> {
    const end = performance.now() + secondsMax * 1000;
    for (;;) {
      await until(() => existsSync(this.socket), secondsMax);
      try {
        this.client = await connect({ path: this.socket, runtime });
        break;
      } catch (error) {
        if (performance.now() < end) await sleep(50);
        else throw new Error(`${this.node.name}: ${String(error)}\n${this.node.log('meshchat.log').slice(-1000)}`);
      }
    }
    this.group = await this.client.join(GROUP, {
      onMessage: ({ source, epoch, seq, data }) => {
        this.heard.push({ source, epoch, seq, text: decoder.decode(data), at: performance.now() });
      },
      onGap: (gap) => { this.gaps.push(gap); },
      onMember: (event) => { this.events.push({ ...event, at: performance.now() }); },
    });
  }

  async refresh(): Promise<void> {
    try {
      this.members = ((await this.group?.members()) ?? []).filter(({ self, stale }) => !self && !stale)
        .map(({ address }) => address);
    } catch {
      this.members = [];
    }
  }

  async call(method: string): Promise<Record<string, unknown>> {
    const answer = await this.client?.connection?.call('meshchat', method);
    return answer?.data[0] ?? {};
  }

  running(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.client?.close();
    if (this.child !== undefined) await stopChild(this.child, signal);
  }
}

export function createDaemons(net: TestNet, kind: string): TestDaemon[] {
  return net.nodes.map((node) => new TestDaemon(node, kind));
}

/** Who lists whom: the number of ordered pairs that do, and those that do not. */
export async function pairs(daemons: TestDaemon[], routers: RouterSet): Promise<{ count: number; missing: string[] }> {
  await Promise.all(daemons.map((daemon) => daemon.refresh()));
  const missing: string[] = [];
  let count = 0;
  for (const a of daemons) {
    for (const b of daemons) {
      if (a === b) continue;
      if (a.members.includes(routers.addresses[b.node.index]!)) count++;
      else missing.push(`${a.node.index}>${b.node.index}`);
    }
  }
  return { count, missing };
}

/** Waits until every daemon lists every other. @returns ms since `since`, -1: not within `secondsMax`. */
export async function allPairs(
  daemons: TestDaemon[], routers: RouterSet, secondsMax: number, since: number,
): Promise<number> {
  const end = performance.now() + secondsMax * 1000;
  let missing: string[] = [];
  while (performance.now() < end) {
    ({ missing } = await pairs(daemons, routers));
    if (missing.length === 0) return Math.round(performance.now() - since);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  console.log(`missing pairs: ${missing.slice(0, 40).join(' ')}${missing.length > 40 ? ' …' : ''}`);
  return -1;
}

/** Every daemon says something. @returns ms until every other has heard it, -1: not all within 5 s. */
export async function everybodyTalks(daemons: TestDaemon[], word: string): Promise<number> {
  const start = performance.now();
  for (const daemon of daemons) await daemon.group!.publish(`${word} ${daemon.node.index}`);
  return await until(() => daemons.every((daemon) => daemons.every((other) =>
    other === daemon || daemon.heard.some(({ text }) => text === `${word} ${other.node.index}`))), 5, start);
}

let pingRound = 0;
/** Pings from a node until one gets through. The process must be killed by the caller. */
export function startPinging(node: TestNode, address: string): { child: ChildProcess; through(): boolean } {
  const log = `ping-${++pingRound}.log`;
  const loop = `while :; do ping -6 -n -c 1 -W 1 ${address} >/dev/null 2>&1 && echo through; sleep 0.1; done`;
  const child = node.spawn(log, ['sh', '-c', loop]);
  return { child, through: () => node.log(log) !== '' };
}

let failures = 0;
/** Prints a bar and notes whether it is met. `limitMs` in ms; a value of -1 is a failure. */
export function bar(what: string, ms: number, limitMs: number): void {
  const met = ms >= 0 && ms <= limitMs;
  if (!met) failures++;
  console.log(`${met ? 'ok  ' : 'FAIL'}  ${what}: ${ms < 0 ? 'never' : `${ms} ms`} (limit ${limitMs} ms)`);
}
export function check(what: string, met: boolean): void {
  if (!met) failures++;
  console.log(`${met ? 'ok  ' : 'FAIL'}  ${what}`);
}
export function finish(): never {
  console.log(failures === 0 ? 'all bars met' : `${failures} not met`);
  process.exit(failures === 0 ? 0 : 1);
}
