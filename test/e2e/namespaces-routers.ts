/** Real mesh routers for a TestNet: cjdns (CJDROUTE=path) and Yggdrasil (YGGDRASIL=path, or as installed). */
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestNet, TestNode } from './namespaces.ts';
import { sleep, stopChild, until, writeNodeFile } from './namespaces.ts';

export interface RouterSet {
  readonly kind: 'cjdns' | 'yggdrasil';
  readonly version: string;
  /** The mesh address of each node. */
  readonly addresses: string[];
  /** Resolves once it listens for its links: who dials before that may not try again for a minute. */
  start(index: number): Promise<void>;
  /** `hard`: killed, as in a crash. */
  stop(index: number, hard?: boolean): Promise<void>;
  /** The node gets another key at its next start. @returns its new address. */
  newKey(index: number): string;
  /** Name of its network device. */
  readonly device: string;
  running(index: number): boolean;
}

const PORT = 5000;

/** What a router is told of the net: another set of links than all of them makes a mesh of a part of the nodes. */
export type RouterNet = Pick<TestNet, 'nodes' | 'address' | 'neighbours'>;

/** Starts the routers of all nodes, listeners before those who dial them. */
export async function startAll(net: TestNet, routers: RouterSet): Promise<void> {
  for (const node of net.nodes) await routers.start(node.index);
}

interface CjdnsConf {
  publicKey: string; privateKey: string; ipv6: string; authorizedPasswords: { password: string }[]; pipe: string;
  noBackground: number; interfaces: Record<string, unknown>; admin: { bind: string; password: string };
}

/** Which router the environment asks for. @returns undefined, with a word, when there is none. */
export function chooseRouters(net: TestNet): RouterSet | undefined {
  if (process.env['CJDROUTE'] !== undefined) return new CjdnsRouters(net, process.env['CJDROUTE']);
  const path = process.env['YGGDRASIL'] ?? 'yggdrasil';
  if (spawnSync(path, ['-version']).status === 0) return new YggdrasilRouters(net, path);
  console.log('skipped: neither CJDROUTE=path nor an installed yggdrasil (or YGGDRASIL=path)');
  return undefined;
}


export class CjdnsRouters implements RouterSet {
  readonly kind = 'cjdns';
  readonly version: string;
  readonly addresses: string[] = [];
  readonly device = 'tun0';
  readonly #net: RouterNet;
  readonly #path: string;
  readonly #confs: CjdnsConf[] = [];
  readonly #ports: number[] = [];
  readonly #children: (ChildProcess | undefined)[] = [];

  constructor(net: RouterNet, path: string) {
    this.#net = net;
    this.#path = path;
    this.version = String(spawnSync(path, ['--version']).stdout).trim().split('\n')[0]!.slice(0, 60);
    for (const node of net.nodes) {
      this.#confs.push(this.#generate());
      this.addresses.push(canonical(this.#confs[node.index]!.ipv6));
    }
  }

  #generate(): CjdnsConf {
    const text = execFileSync(this.#path, ['--genconf'], { encoding: 'utf8' });
    return JSON.parse(execFileSync(this.#path, ['--cleanconf'], { input: text, encoding: 'utf8' })) as CjdnsConf;
  }

  newKey(index: number): string {
    const fresh = this.#generate();
    const conf = this.#confs[index]!;
    this.#confs[index] = { ...fresh, authorizedPasswords: conf.authorizedPasswords };
    // The other end holds the old key under the old address and port for 262 s (cjdns forgets incoming peers so late).
    this.#ports[index] = PORT + 1;
    return (this.addresses[index] = canonical(fresh.ipv6));
  }

  async start(index: number): Promise<void> {
    const node = this.#net.nodes[index]!;
    const conf = this.#confs[index]!;
    const links = this.#net.neighbours(index).map((other) => ({
      bind: `${this.#net.address(index, other)}:${this.#ports[index] ?? PORT}`,
      // The node with the higher number dials.
      connectTo: other > index ? {} : { [`${this.#net.address(other, index)}:${PORT}`]: {
        login: 'default-login', password: this.#confs[other]!.authorizedPasswords[0]!.password,
        publicKey: this.#confs[other]!.publicKey } },
    }));
    const pipe = join(node.folder, 'cjdns.sock'); // the default is one path for all
    const full = { ...conf, interfaces: { UDPInterface: links }, pipe, noBackground: 1 };
    const admin = { addr: '127.0.0.1', port: 11234, password: conf.admin.password };
    writeNodeFile(node, '.cjdnsadmin', JSON.stringify(admin));
    this.#children[index] = node.spawn('cjdns.log', [this.#path, '--nobg'], {}, JSON.stringify(full));
  }

  async stop(index: number, hard = false): Promise<void> {
    const child = this.#children[index];
    if (child === undefined) return;
    await stopChild(child, hard ? 'SIGKILL' : 'SIGTERM');
    killAll(this.#net.nodes[index]!, 'cjdroute'); // the core is a second process
    await sleep(200);
  }

  running(index: number): boolean {
    return this.#children[index]?.exitCode === null;
  }
}

export class YggdrasilRouters implements RouterSet {
  readonly kind = 'yggdrasil';
  readonly version: string;
  readonly addresses: string[] = [];
  readonly device = 'ygg0';
  readonly #net: RouterNet;
  readonly #path: string;
  readonly #keys: string[] = [];
  readonly #children: (ChildProcess | undefined)[] = [];

  constructor(net: RouterNet, path: string) {
    this.#net = net;
    this.#path = path;
    this.version = `yggdrasil ${/(\d+\.\d+\.\d+)/.exec(String(spawnSync(path, ['-version']).stdout))?.[1] ?? '0.4'}`;
    for (const node of net.nodes) this.newKey(node.index);
  }

  newKey(index: number): string {
    const text = execFileSync(this.#path, ['-genconf', '-json'], { encoding: 'utf8' });
    const conf = JSON.parse(text) as Record<string, unknown>;
    this.#keys[index] = String(conf['PrivateKey']);
    const path = writeNodeFile(this.#net.nodes[index]!, 'key.conf', JSON.stringify(conf));
    const address = execFileSync(this.#path, ['-useconffile', path, '-address'], { encoding: 'utf8' }).trim();
    return (this.addresses[index] = address);
  }

  async start(index: number): Promise<void> {
    const node = this.#net.nodes[index]!;
    const others = this.#net.neighbours(index);
    const link = (of: number, towards: number): string => `tcp://${this.#net.address(of, towards)}:${PORT}`;
    const conf = {
      PrivateKey: this.#keys[index], MulticastInterfaces: [], IfName: this.device, IfMTU: 65535, NodeInfoPrivacy: true,
      AdminListen: 'unix:///var/run/yggdrasil.sock',
      Listen: others.filter((other) => other > index).map((other) => link(index, other)),
      Peers: others.filter((other) => other < index).map((other) => link(other, index)),
    };
    const path = writeNodeFile(node, 'yggdrasil.conf', JSON.stringify(conf));
    const before = node.log('yggdrasil.log').length;
    this.#children[index] = node.spawn('yggdrasil.log', [this.#path, '-useconffile', path]);
    const listening = others.some((other) => other > index) ? /TCP listener started/ : /Your public key/;
    await until(() => listening.test(node.log('yggdrasil.log').slice(before)), 5);
  }

  async stop(index: number, hard = false): Promise<void> {
    const child = this.#children[index];
    if (child !== undefined) await stopChild(child, hard ? 'SIGKILL' : 'SIGTERM');
  }

  running(index: number): boolean {
    return this.#children[index]?.exitCode === null;
  }
}

/** Ends the processes of one program in a node's namespace, by their ids. */
function killAll(node: TestNode, program: string): void {
  const pids = execFileSync('ip', ['netns', 'pids', node.name], { encoding: 'utf8' });
  for (const pid of pids.split('\n').filter((line) => line !== '')) {
    const name = spawnSync('cat', [`/proc/${pid}/comm`], { encoding: 'utf8' }).stdout.trim();
    if (name.startsWith(program)) process.kill(Number(pid), 'SIGKILL');
  }
}

/** cjdns writes zero-padded groups. */
function canonical(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
