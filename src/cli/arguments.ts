/** The command line of `meshchat`: options may stand anywhere; "--" ends them. */

export interface Arguments {
  command: string;
  words: string[];
  options: ReadonlyMap<string, string>;
  /** What is wrong, '' when nothing. */
  problem: string;
}

/** Options that take a whole number, another value, or none. */
const NUMBERS = new Set(['last', 'count', 'timeout', 'playout']);
const VALUED = new Set([...NUMBERS, 'socket', 'level', 'to', 'delivery', 'slow', 'repair']);
const FLAGS = new Set(['json', 'verbose', 'all', 'whole', 'progress', 'unordered', 'help', 'version']);
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
  for (const [name, value] of options) {
    if (NUMBERS.has(name) && !/^\d{1,9}$/.test(value)) problem ||= `--${name} wants a whole number, not '${value}'`;
  }
  const [command = '', ...rest] = words;
  return { command, words: rest, options, problem };
}

/** @returns undefined when absent. */
export function integerOption(options: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = options.get(name);
  return text === undefined ? undefined : Number(text);
}
