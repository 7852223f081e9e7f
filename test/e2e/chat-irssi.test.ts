/** A client that people use: irssi on two nodes, each in a tmux of our own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pause } from './chat-client.ts';
import { type TestMesh, withMesh } from './first-light-nodes.ts';

const SCREEN_MS_MAX = 15_000;
/** Without the pauses that spare public servers. */
const IRSSI_CONFIG = 'settings = { "irc/core" = { cmd_queue_speed = "10msec"; cmds_max_at_once = "100"; }; };\n';

/** One terminal with a program in it. */
class Terminal {
  readonly #socket: string;
  readonly #name: string;

  constructor(folder: string, name: string, command: readonly string[]) {
    this.#socket = join(folder, 'tmux');
    this.#name = name;
    const home = join(folder, name);
    mkdirSync(join(home, '.irssi'), { recursive: true });
    writeFileSync(join(home, '.irssi', 'config'), IRSSI_CONFIG);
    const shell = [`HOME=${home}`, 'TERM=screen', 'LC_ALL=C.UTF-8', ...command].join(' ');
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-s', name, '-x', '110', '-y', '40', `env ${shell}`);
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...args], { encoding: 'utf8', timeout: 10_000, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  type(line: string): void {
    this.#tmux('send-keys', '-t', this.#name, '-l', line);
    this.#tmux('send-keys', '-t', this.#name, 'Enter');
  }

  async shows(pattern: RegExp): Promise<void> {
    const end = performance.now() + SCREEN_MS_MAX;
    let screen = '';
    while (performance.now() < end) {
      screen = this.#tmux('capture-pane', '-p', '-t', this.#name);
      if (pattern.test(screen)) return;
      await pause(50);
    }
    throw new Error(`${this.#name} does not show ${pattern} but\n${screen.trimEnd()}`);
  }

  end(): void {
    spawnSync('tmux', ['-S', this.#socket, 'kill-server'], { timeout: 10_000 });
  }
}

async function talk(mesh: TestMesh): Promise<void> {
  const irssi = (index: number, nick: string): Terminal => (
    new Terminal(mesh.folder, nick, ['irssi', '--connect', mesh.node(index).address, '--nick', nick]));
  const ann = irssi(0, 'ann');
  try {
    const bob = irssi(2, 'bob');
    await ann.shows(/Welcome/);
    ann.type('/join #mesh');
    await ann.shows(/ann \[\S+\] has joined #mesh/);
    await bob.shows(/Welcome/);
    bob.type('/join #mesh');
    await ann.shows(/bob \[\S+\] has joined #mesh/);
    ann.type('good evening, grüß dich');
    await bob.shows(/<.?ann> good evening, grüß dich/);
    bob.type('good evening to you');
    await ann.shows(/<.?bob> good evening to you/);
    bob.type('/me waves');
    await ann.shows(/\* bob waves/);
    ann.type('/topic the weather');
    await bob.shows(/ann changed the topic of #mesh to: the weather/);
    bob.type('/nick robert');
    await ann.shows(/bob is now known as robert/);
    bob.type('/quit tired');
    await ann.shows(/robert \[\S+\] has quit \[.*tired.*\]/);
  } finally {
    ann.end();
  }
}

const missing = ['irssi', 'tmux'].filter((program) => spawnSync(program, [program === 'tmux' ? '-V' : '--version']).status !== 0);
const chat = suite('chat with irssi');
if (missing.length > 0) console.log(`skipped: a talk in irssi: ${missing.join(' and ')} not installed`);
else chat('two people on two nodes: text both ways, an action, topic, nick and quit', async () => {
  const exits = await withMesh({ count: 3 }, talk);
  assert.equal(exits.map(({ status }) => status), [0, 0, 0]);
});
chat.run();
