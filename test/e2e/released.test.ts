/** The released script with its shortened names answers, field by field, what the readable one answers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle, ENGINE, folder, Program, run, until } from './ubus-harness.ts';

const released = suite('the released script');
const READABLE = join(folder, 'readable.mjs');
const network = `127.${64 + ((process.pid >> 8) & 127)}.${process.pid & 255}`;

class Node {
  readonly #script: string;
  readonly #socket: string;
  readonly #program: Program;

  constructor(script: string, host: number, peer: number) {
    this.#script = script;
    this.#socket = join(folder, `${host}.sock`);
    const address = `${network}.${host}`;
    const sets = [
      `meshchat.socket=${this.#socket}`, `meshchat.state_dir=${join(folder, String(host))}`, 'meshchat.system_bus=off',
      'one=mesh', 'one.type=static', `one.address=${address}`, `one.peer=${network}.${peer}`, `irc.listen=${address}:6667`,
      'two=group', 'two.name=town',
    ].flatMap((set) => ['--set', set]);
    this.#program = new Program([...ENGINE.command, script, 'daemon', '--config', '/dev/null', ...sets]);
  }
  async cli(...words: string[]): Promise<string> {
    const { stdout, stderr } = await run([process.execPath, this.#script, '-s', this.#socket, ...words]);
    return stdout + stderr;
  }
  get lines(): string[] {
    return this.#program.lines;
  }
  stop(): Promise<number> {
    return this.#program.stop();
  }
}

/** What a JSON text has, without what it says: names stay, values become their type, lists their first item. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shape);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shape(item)]));
}

released('is built', () => assert.ok(existsSync('dist/meshchat.js'), 'make build'));

released('answers what the readable one answers', async () => {
  bundle('src/main.ts', READABLE);
  const nodes = [new Node(READABLE, 1, 2), new Node('dist/meshchat.js', 2, 1)];
  const both = async (...words: string[]): Promise<string[]> => await Promise.all(nodes.map((node) => node.cli(...words)));
  await until('two members', async () => (await both('members', 'town')).every((text) => text.includes(`${network}.1`) && text.includes(`${network}.2`)));
  for (const node of nodes) assert.is(await node.cli('pub', 'town', 'hello'), '');
  await until('both lines', async () => (await both('history', 'town')).every((text) => text.split('\n').length > 2));
  const commands = [
    'status', 'peers', 'groups', 'members town', 'history town', 'metrics', 'doctor', 'log', 'call meshchat.groups list',
    'call meshchat.groups join {"name":"city"}', 'call meshchat.group.town status', 'call meshchat.group.none status',
    'call meshchat status {"bad":1}',
  ];
  for (const command of commands) {
    const [readable, short] = (await both('--json', ...command.split(' '))).map((text) => {
      return text.trim().split('\n').slice(0, 1).map((line) => (line.startsWith('{') ? shape(JSON.parse(line)) : line));
    });
    assert.equal(short, readable, command);
  }
  for (const words of [['--help'], ['--version'], ['nonsense']]) {
    const [readable, short] = await both(...words);
    assert.is(short?.replace(/ 0\.1\.0/, ''), readable?.replace(/ 0\.0\.0/, ''));
  }
  for (const node of nodes) assert.is(await node.stop(), 0, node.lines.join('\n'));
});

released.run();
