/** The command line of `meshchat`: options may stand anywhere; "--" ends them. */

export interface Arguments {
  command: string;
  words: string[];
  options: ReadonlyMap<string, string>;
  /** What is wrong, '' when nothing. */
  problem: string;
}

/** Options that take a value, and those that do not. */
const VALUED = new Set([
  'socket', 'last', 'count', 'level', 'timeout', 'to', 'delivery', 'slow', 'playout', 'repair', 'start',
]);
const FLAGS = new Set(['json', 'verbose', 'all', 'whole', 'progress', 'unordered', 'echo', 'help', 'version']);
const SHORT = new Map([
  ['s', 'socket'], ['v', 'verbose'], ['j', 'json'], ['n', 'last'], ['c', 'count'], ['t', 'timeout'], ['h', 'help'],
]);

export function parseArguments(args: readonly string[]): Arguments {
  const options = new Map<string, string>();
  const words: string[] = [];
  let problem = '';
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--') {
      words.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      words.push(arg);
      continue;
    }
    const joined = /^--([^=]+)(?:=([\s\S]*))?$/.exec(arg);
    const [, long = '', value] = joined ?? ['', SHORT.get(arg.slice(1, 2)), arg.slice(2) || undefined];
    if (FLAGS.has(long) && value === undefined) options.set(long, 'true');
    else if (!VALUED.has(long)) problem ||= `there is no option ${arg}`;
    else if (value !== undefined) options.set(long, value);
    else if (i + 1 < args.length) options.set(long, args[++i] as string);
    else problem ||= `${arg} wants a value`;
  }
  const [command = '', ...rest] = words;
  return { command, words: rest, options, problem };
}

/** @returns undefined when absent, NaN when it is no whole number >= 0. */
export function integerOption(options: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  return /^\d{1,9}$/.test(text) ? Number(text) : NaN;
}
