/**
 * `meshchat`: the daemon from a shell. Each command is a function in a file beside this one; it prints and returns the exit
 * status. Documented in docs/meshchat.1.
 */
import { ClientError } from '../client/client.ts';
import { connect, type SocketClient } from '../client/socket-client.ts';
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
type Entry = { usage: string; about: string } & ({ run: Command } | { alone: (runtime: Runtime) => Promise<number> });

/** In `usage`, what stands in brackets may be left out, and what ends in dots be repeated. */
const COMMANDS: readonly Entry[] = [
  { usage: 'status', about: 'addresses, meshes, peers, groups, memory', run: status },
  { usage: 'peers', about: 'nodes of the mesh, how far and how well heard', run: peers },
  { usage: 'groups', about: 'groups joined here', run: groups },
  { usage: 'members GROUP', about: 'who is in it', run: members },
  { usage: 'join GROUP', about: 'stay in it, with no program running', run: join },
  { usage: 'leave GROUP', about: 'end what join began', run: leave },
  { usage: 'pub GROUP [TEXT...]', about: 'publish the text, or each line of the input (--whole: as one message; --to ADDRESS)', run: publish },
  { usage: 'sub GROUP', about: 'print messages as lines (-n N or --all: earlier ones too; -c N: end after N; -t SECONDS; -v: with source)', run: subscribe },
  { usage: 'datagram GROUP TEXT...', about: 'once, unrepaired', run: datagram },
  { usage: 'history GROUP', about: 'messages this daemon still keeps (-n N)', run: history },
  { usage: 'call OBJECT METHOD [JSON]', about: 'any method of the control socket', run: callMethod },
  { usage: 'listen [PATTERN...]', about: 'events (-t SECONDS)', run: listen },
  { usage: 'monitor', about: 'every message on the control socket (-t SECONDS)', run: monitor },
  { usage: 'metrics', about: 'all counters', run: metrics },
  { usage: 'doctor', about: 'what is wrong, and what mends it', run: doctor },
  { usage: 'log', about: 'recent lines (-n N; --level LEVEL sets what is logged)', run: log },
  { usage: 'genpasswd', about: 'hash of a password, for the configuration', alone: genpasswd },
];

function wordsFit(usage: string, count: number): boolean {
  const [, ...words] = usage.split(' ');
  const least = words.filter((word) => !word.startsWith('[')).length;
  return count >= least && (usage.includes('...') || count <= words.length);
}

function help(): string {
  const lines = COMMANDS.map(({ usage, about }) => `  ${usage.padEnd(26)} ${about}`);
  return `usage: meshchat [-s SOCKET] [--json] COMMAND\n${lines.join('\n')}\nmeshchat(1) has all options, and the exit codes.`;
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
    runtime.print(help());
    return EXIT_OK;
  }
  const entry = COMMANDS.find(({ usage }) => usage.split(' ')[0] === command);
  if (problem !== '' || entry === undefined || !wordsFit(entry.usage, words.length)) {
    const unknown = command === '' ? help() : `meshchat: there is no command ${command}; meshchat --help lists them`;
    runtime.printError(problem !== '' ? `meshchat: ${problem}` : entry === undefined ? unknown : `usage: meshchat ${entry.usage}`);
    return EXIT_USAGE;
  }
  if ('alone' in entry) return await entry.alone(runtime);
  let client: SocketClient;
  try {
    client = await connect({ runtime, path: options.get('socket') });
  } catch (error) {
    noDaemon(runtime, (error as Error).message, command === 'doctor', options.has('json'));
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
