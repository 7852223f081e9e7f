/** Daemons, the command line tool and the stock ubus programs for the tests of the control socket. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { findTxiki } = await import(pathToFileURL('scripts/runtime.mjs').href) as { findTxiki(): { path: string; version: string } };

export const folder = mkdtempSync(join(tmpdir(), 'meshchat-ubus-'));
const script = join(folder, 'node.mjs');
const started = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of started) signal(child, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Bundles a program as readable code. */
export function bundle(entry: string, outfile: string): void {
  const args = [entry, '--bundle', '--format=esm', '--target=es2022', '--platform=neutral', '--external:tjs:*', '--external:node:*',
    '--log-level=warning', '--define:MESHCHAT_VERSION="0.0.0"', '--main-fields=module,main', `--outfile=${outfile}`];
  program('node_modules/.bin/esbuild', args);
}
function program(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}
program(process.execPath, ['scripts/minify.mjs', 'test/e2e/ubus-node.ts', script]); // as what is released

export interface Engine {
  name: string;
  command: string[];
}
export const NODE: Engine = { name: 'node', command: [process.execPath] };
const txiki = findTxiki();
export const engines: Engine[] = txiki.path === '' ? [NODE] : [NODE, { name: `txiki ${txiki.version}`, command: [txiki.path, 'run'] }];
/** What the command line tool runs on: Node starts sooner. CLI_ENGINE=txiki to try the other. */
const CLI_ENGINE = process.env['CLI_ENGINE'] === 'txiki' ? (engines.at(-1) as Engine) : NODE;
/** What the daemon should run on in tests that do it once. */
export const ENGINE = engines.at(-1) as Engine;

/** Path of a program, '' where it is not installed. */
export function find(program: string): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((one) => join(one, program)).find((path) => existsSync(path)) ?? '';
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(what: string, condition: () => boolean | Promise<boolean>, msMax = 15_000): Promise<void> {
  const end = performance.now() + msMax;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${msMax} ms: ${what}`);
    await pause(20);
  }
}

/** To the process and those it has started. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    process.kill(-(child.pid as number), name);
  } catch {
    // It has ended already.
  }
}

/** A process whose output is collected. */
export class Program {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly exited: Promise<number>;

  constructor(command: readonly string[], options: { input?: string; env?: Record<string, string> } = {}) {
    const env = { ...process.env, ...options.env };
    this.child = spawn(command[0] as string, command.slice(1), { env, stdio: 'pipe', detached: true });
    started.add(this.child);
    this.child.stdout?.on('data', (chunk) => (this.stdout += chunk));
    this.child.stderr?.on('data', (chunk) => (this.stderr += chunk));
    this.child.stdin?.on('error', () => {});
    if (options.input !== undefined) this.child.stdin?.end(options.input);
    this.exited = new Promise((resolve) => this.child.on('close', (status, killed) => {
      started.delete(this.child);
      resolve(killed === null ? (status ?? -1) : 128);
    }));
  }

  get lines(): string[] {
    return this.stdout.split('\n').filter((line) => line !== '');
  }
  async stop(name: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    signal(this.child, name);
    return await this.exited;
  }
}

export async function run(command: readonly string[], input?: string): Promise<{ status: number; stdout: string; stderr: string }> {
  const program = new Program(command, input === undefined ? { input: '' } : { input });
  const status = await program.exited;
  return { status, stdout: program.stdout, stderr: program.stderr };
}

/** 127.x.y.*: of this process alone, so that several runs at a time do not meet. */
const network = `127.${64 + ((process.pid >> 8) & 127)}.${process.pid & 255}`;
let next = 1;

export class UbusNode {
  readonly socket: string;
  readonly address: string;
  readonly program: Program;

  constructor(engine: Engine, address: string, peers: readonly string[], systemBus: string) {
    this.address = address;
    this.socket = join(folder, `${address}.sock`);
    const env = { UBUS_NODE_PORT: '14693' };
    this.program = new Program([...engine.command, script, 'daemon', this.socket, [address, ...peers].join(), systemBus], { env });
  }
  async ready(): Promise<this> {
    await until('the daemon is ready', () => {
      if (this.program.child.exitCode !== null) throw new Error(this.program.stdout + this.program.stderr);
      return this.program.stdout.includes('ready');
    });
    return this;
  }
  /** The stock tool on our socket. */
  ubus(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    return run([find('ubus'), '-S', '-s', this.socket, ...args]);
  }
  /** Our tool. */
  cli(args: readonly string[], input?: string): Promise<{ status: number; stdout: string; stderr: string }> {
    return run(this.cliCommand(...args), input);
  }
  cliCommand(...args: string[]): string[] {
    return [...CLI_ENGINE.command, script, 'cli', '-s', this.socket, ...args];
  }
  async stop(): Promise<void> {
    await this.program.stop();
  }
}

/** Daemons that know each other. */
export async function startNodes(count: number, engine = ENGINE, systemBus = ''): Promise<UbusNode[]> {
  const addresses = Array.from({ length: count }, () => `${network}.${next++}`);
  const nodes = addresses.map((own) => new UbusNode(engine, own, addresses.filter((address) => address !== own), systemBus));
  for (const node of nodes) await node.ready();
  return nodes;
}

/** Waits until a node has so many peers. */
export async function peersAlive(node: UbusNode, count: number): Promise<void> {
  await until(`${count} peers`, async () => {
    const { stdout } = await node.cli(['status', '--json']);
    return (JSON.parse(stdout) as { peers: { alive: number } }).peers.alive >= count;
  });
}
