/**
 * Network namespaces for end-to-end tests: nodes, veth links between them in any shape, loss, cuts, and real mesh
 * routers (cjdns, Yggdrasil) in each. Everything happens inside namespaces of our own for processes, mounts and
 * networks: when the program ends, however it ends, the kernel takes it all away.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const INSIDE = 'MESHCHAT_E2E_INSIDE';
/** Files of the nodes, in memory: /run is each node's own. */
const FOLDER = '/mnt';
export const NODES_MAX = 64;

/**
 * Runs the calling program again inside namespaces of its own and ends with its status; inside, returns. Where that
 * is not allowed it says so and ends with 0. `secondsMax` bounds the whole run.
 */
export function enterNamespaces(secondsMax: number): void {
  if (process.env[INSIDE] === '1') {
    setTimeout(() => {
      console.log(`FAIL: no end after ${secondsMax} s`);
      process.exit(1);
    }, secondsMax * 1000).unref();
    return;
  }
  const reason = whyNot();
  if (reason !== '') {
    console.log(`skipped: ${reason}`);
    process.exit(0);
  }
  const inner = `mount -t tmpfs t /run && mount -t tmpfs t ${FOLDER} && ip link set lo up && exec "$@"`;
  const args = ['-mnp', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', inner, 'sh', process.execPath,
    ...process.argv.slice(1)];
  const result = spawnSync('unshare', args, { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } });
  process.exit(result.status ?? 1);
}

/** Why namespaces cannot be used here, or ''. */
export function whyNot(): string {
  if (process.platform !== 'linux') return 'network namespaces are a matter of Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  for (const tool of ['ip', 'unshare', 'nft']) {
    if (spawnSync('which', [tool]).status !== 0) return `the program ${tool} is not installed`;
  }
  const trial = spawnSync('unshare', ['-mnp', '--fork', 'sh', '-c', 'mount -t tmpfs t /run && ip netns add x']);
  return trial.status === 0 ? '' : `namespaces are not allowed here: ${String(trial.stderr).trim().slice(0, 100)}`;
}

export function sh(command: string): string {
  return execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `ready` is true. @returns milliseconds since `since` (default: the call), or -1 after `secondsMax`. */
export async function until(ready: () => boolean, secondsMax: number, since = performance.now()): Promise<number> {
  const end = performance.now() + secondsMax * 1000;
  while (performance.now() < end) {
    if (ready()) return Math.round(performance.now() - since);
    await sleep(25);
  }
  return -1;
}

/** One machine: a network namespace with its own /run, HOME and folder. */
export class TestNode {
  readonly index: number;
  readonly name: string;
  readonly folder: string;
  readonly children = new Set<ChildProcess>();
  readonly #namespace: string;

  /** @param namespace '': the node has a /run and a folder of its own, but lives in our network. */
  constructor(index: number, folder: string, namespace = `n${index}`) {
    this.index = index;
    this.name = `n${index}`;
    this.folder = join(folder, this.name);
    this.#namespace = namespace;
    mkdirSync(join(this.folder, 'run'), { recursive: true });
    if (namespace !== '') sh(`ip netns add ${namespace}; ip -n ${namespace} link set lo up`);
  }

  /** Starts a program in the namespace; its output goes to `FOLDER/LOG`. */
  spawn(log: string, command: readonly string[], env: Record<string, string> = {}, input?: string): ChildProcess {
    const out = openSync(join(this.folder, log), 'a');
    const setup = `mount --bind ${this.folder}/run /run; exec "$@"`;
    const enter = this.#namespace === '' ? ['unshare', '-m'] : ['ip', 'netns', 'exec', this.#namespace];
    const child = spawn(enter[0]!, [...enter.slice(1), 'sh', '-c', setup, 'sh', ...command], {
      stdio: [input === undefined ? 'ignore' : 'pipe', out, out],
      env: { ...process.env, HOME: this.folder, ...env }, cwd: this.folder,
    });
    if (input !== undefined) child.stdin!.end(input);
    this.children.add(child);
    child.on('exit', () => this.children.delete(child));
    return child;
  }

  ip(args: string): string {
    return sh(`ip -n ${this.name} ${args}`);
  }

  nft(rules: string): void {
    execFileSync('ip', ['netns', 'exec', this.name, 'nft', '-f', '-'], { input: rules });
  }

  log(name: string): string {
    return existsSync(join(this.folder, name)) ? readFileSync(join(this.folder, name), 'utf8') : '';
  }

  /** Drops this share (0 … 1) of the datagrams that arrive for the mesh port. */
  loss(share: number, port = 14627): void {
    const rule = share === 0 ? '' : `udp dport ${port} numgen random mod 1000 < ${Math.round(share * 1000)} drop`;
    this.nft(`table inet e2e\ndelete table inet e2e\ntable inet e2e {
      chain input {
        type filter hook input priority 0;
        ${rule}
      }
    }\n`);
  }
}

export class TestNet {
  readonly folder: string;
  readonly nodes: TestNode[] = [];
  readonly #links = new Set<string>();

  constructor(nodeCount: number) {
    if (nodeCount > NODES_MAX) throw new Error(`at most ${NODES_MAX} nodes`);
    this.folder = mkdtempSync(`${FOLDER}/e2e-`);
    chmodSync(this.folder, 0o755); // Yggdrasil and cjdns may drop to another user
    for (let index = 0; index < nodeCount; index++) this.nodes.push(new TestNode(index, this.folder));
  }

  /** A veth pair between two nodes; each end is named after the other node and has an address of the link. */
  link(a: number, b: number): void {
    const [low, high] = [Math.min(a, b), Math.max(a, b)];
    this.#links.add(`${low}-${high}`);
    sh(`ip link add v${high} netns n${low} type veth peer name v${low} netns n${high}
      ip -n n${low} addr add ${this.address(low, high)}/24 dev v${high}
      ip -n n${high} addr add ${this.address(high, low)}/24 dev v${low}
      ip -n n${low} link set v${high} up; ip -n n${high} link set v${low} up`);
  }

  /** Address of `of` on its link to `towards`. */
  address(of: number, towards: number): string {
    return `10.${100 + Math.min(of, towards)}.${Math.max(of, towards)}.${of < towards ? 1 : 2}`;
  }

  cut(a: number, b: number): void {
    this.nodes[a]!.ip(`link set v${b} down`);
  }

  heal(a: number, b: number): void {
    this.nodes[a]!.ip(`link set v${b} up`);
    this.nodes[b]!.ip(`link set v${a} up`);
    this.nodes[a]!.ip(`addr replace ${this.address(a, b)}/24 dev v${b}`);
    this.nodes[b]!.ip(`addr replace ${this.address(b, a)}/24 dev v${a}`);
  }

  neighbours(of: number): number[] {
    return [...this.#links].map((link) => link.split('-').map(Number)).filter((pair) => pair.includes(of))
      .map(([a, b]) => (a === of ? b! : a!));
  }
}

/** Pairs that make the shape. */
export function shape(kind: 'chain' | 'star' | 'full' | 'tree', count: number): [number, number][] {
  const pairs: [number, number][] = [];
  for (let b = 1; b < count; b++) {
    if (kind === 'full') for (let a = 0; a < b; a++) pairs.push([a, b]);
    else pairs.push([kind === 'chain' ? b - 1 : kind === 'star' ? 0 : (b - 1) >> 1, b]);
  }
  return pairs;
}

export function buildNet(kind: 'chain' | 'star' | 'full' | 'tree', count: number): TestNet {
  const net = new TestNet(count);
  for (const [a, b] of shape(kind, count)) net.link(a, b);
  return net;
}

/** A file of a node, e.g. a configuration. @returns its path. */
export function writeNodeFile(node: TestNode, name: string, text: string): string {
  const path = join(node.folder, name);
  writeFileSync(path, text);
  return path;
}

/** Ends a process and waits for it. */
export async function stopChild(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await Promise.race([ended, sleep(5000).then(() => child.kill('SIGKILL'))]);
  await ended;
}
