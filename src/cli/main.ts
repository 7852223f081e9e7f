/**
 * `meshchat`: the daemon from a shell. Each command is a function in a file beside this one; it prints and returns the exit
 * status. Documented in docs/meshchat.1.
 */
import { ClientError } from '../client/client.ts';
import { connect, DEFAULT_SOCKET_PATH, type SocketClient } from '../client/socket-client.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import { callMethod, listen, monitor } from './bus-commands.ts';
import { genpasswd } from './genpasswd-command.ts';
import { datagram, history, join, leave, members, publish, subscribe } from './group-commands.ts';
import { doctor, groups, log, metrics, noDaemon, peers, status } from './show-commands.ts';

export const EXIT_OK = 0;
/** The daemon refused it, or it failed. */
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** No daemon on the socket, or it went away. */
export const EXIT_NO_DAEMON = 3;
/** `doctor` found something to mend. */
export const EXIT_SICK = 4;

export interface Context {
  runtime: Runtime;
  client: SocketClient;
  words: string[];
  options: Arguments['options'];
  json: boolean;
}
export type Command = (context: Context) => Promise<number>;

/** `alone`: needs no daemon. */
type Entry = { wordsMin: number; usage: string } & ({ run: Command } | { alone: (runtime: Runtime) => Promise<number> });

const COMMANDS = new Map<string, Entry>([
  ['status', { run: status, wordsMin: 0, usage: 'status                     addresses, meshes, peers, groups, memory' }],
  ['peers', { run: peers, wordsMin: 0, usage: 'peers                      nodes of the mesh, how far and how well heard' }],
  ['groups', { run: groups, wordsMin: 0, usage: 'groups                     groups joined here' }],
  ['members', { run: members, wordsMin: 1, usage: 'members GROUP              who is in it' }],
  ['join', { run: join, wordsMin: 1, usage: 'join GROUP                 stay in it, with no program running' }],
  ['leave', { run: leave, wordsMin: 1, usage: 'leave GROUP                end what join began' }],
  ['pub', { run: publish, wordsMin: 1, usage: 'pub GROUP [TEXT...]        publish the text, or each line of the input' }],
  ['sub', { run: subscribe, wordsMin: 1, usage: 'sub GROUP [--last N]       print messages as lines' }],
  ['datagram', { run: datagram, wordsMin: 2, usage: 'datagram GROUP TEXT...     once, unrepaired' }],
  ['history', { run: history, wordsMin: 1, usage: 'history GROUP [--last N]   messages this daemon still keeps' }],
  ['call', { run: callMethod, wordsMin: 2, usage: 'call OBJECT METHOD [JSON]  any method of the control socket' }],
  ['listen', { run: listen, wordsMin: 0, usage: 'listen [PATTERN...]        events' }],
  ['monitor', { run: monitor, wordsMin: 0, usage: 'monitor                    every message on the control socket' }],
  ['metrics', { run: metrics, wordsMin: 0, usage: 'metrics                    all counters' }],
  ['doctor', { run: doctor, wordsMin: 0, usage: 'doctor                     what is wrong, and what mends it' }],
  ['log', { run: log, wordsMin: 0, usage: 'log [--level LEVEL]        recent lines' }],
  ['genpasswd', { alone: genpasswd, wordsMin: 0, usage: 'genpasswd                  hash of a password, for the configuration' }],
]);

function usage(): string {
  const lines = [...COMMANDS.values()].map((entry) => `  ${entry.usage}`);
  return `usage: meshchat [-s SOCKET] [--json] COMMAND\n${lines.join('\n')}\nmeshchat(1) has the options and exit codes.`;
}

declare const MESHCHAT_VERSION: string | undefined;

/** Runs one command. @returns the exit status. */
export async function runCli(runtime: Runtime, args: readonly string[]): Promise<number> {
  const { command, words, options, problem } = parseArguments(args);
  if (options.has('version')) {
    const version = typeof MESHCHAT_VERSION === 'string' ? MESHCHAT_VERSION : '0';
    runtime.print(`meshchat ${version}, ${runtime.name} ${runtime.version}`);
    return EXIT_OK;
  }
  if (options.has('help') || command === 'help') {
    runtime.print(usage());
    return EXIT_OK;
  }
  const entry = COMMANDS.get(command);
  if (problem !== '' || entry === undefined || words.length < entry.wordsMin) {
    runtime.printError(problem !== '' ? `meshchat: ${problem}` : entry === undefined ? usage() : `usage: meshchat ${entry.usage}`);
    return EXIT_USAGE;
  }
  if ('alone' in entry) return await entry.alone(runtime);
  let client: SocketClient;
  try {
    const path = options.get('socket');
    client = await connect({ runtime, ...(path === undefined ? {} : { path }) });
  } catch (error) {
    const path = options.get('socket') ?? runtime.env('MESHCHAT_SOCKET') ?? DEFAULT_SOCKET_PATH;
    noDaemon(runtime, path, (error as Error).message, command === 'doctor', options.has('json'));
    return EXIT_NO_DAEMON;
  }
  try {
    return await entry.run({ runtime, client, words, options, json: options.has('json') });
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    runtime.printError(`meshchat: ${error.message}`);
    return error.status === 'CONNECTION_FAILED' ? EXIT_NO_DAEMON : EXIT_FAILED;
  } finally {
    client.close();
  }
}
