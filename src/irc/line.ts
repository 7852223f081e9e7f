/** IRC lines: `@tags :source COMMAND params :last` (modern.ircdocs.horse, IRCv3 message-tags). No state. */
import { byteLength } from './text.ts';

export interface Line {
  tags: Map<string, string>;
  source: string;
  /** Upper case. */
  command: string;
  params: string[];
}

export const PARAMS_MAX = 100;
const TAGS_MAX = 200;
const CLIENT_TAG_BYTES_MAX = 4096;

const ESCAPES = new Map([['\\:', ';'], ['\\s', ' '], ['\\\\', '\\'], ['\\r', '\r'], ['\\n', '\n']]);
const UNESCAPES = new Map([[';', '\\:'], [' ', '\\s'], ['\\', '\\\\'], ['\r', '\\r'], ['\n', '\\n']]);

function unescapeTag(value: string): string {
  if (!value.includes('\\')) return value;
  return value.replace(/\\.?/gs, (pair) => ESCAPES.get(pair) ?? pair.slice(1));
}

export function escapeTag(value: string): string {
  return value.replace(/[; \\\r\n]/g, (char) => UNESCAPES.get(char) as string);
}

function parseTags(text: string): Map<string, string> {
  const tags = new Map<string, string>();
  for (const pair of text.split(';', TAGS_MAX)) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    if (equals < 0) tags.set(pair, '');
    else tags.set(pair.slice(0, equals), unescapeTag(pair.slice(equals + 1)));
  }
  return tags;
}

/** Takes a line without its line end; `undefined` when there is no command in it. */
export function parseLine(text: string): Line | undefined {
  let at = 0;
  const skipSpaces = (): void => {
    while (text[at] === ' ') at++;
  };
  const word = (): string => {
    let end = text.indexOf(' ', at);
    if (end < 0) end = text.length;
    const found = text.slice(at, end);
    at = end;
    skipSpaces();
    return found;
  };
  const tags = text[0] === '@' ? parseTags(word().slice(1)) : new Map<string, string>();
  skipSpaces();
  const source = text[at] === ':' ? word().slice(1) : '';
  const command = word().toUpperCase();
  if (command === '') return undefined;
  const params: string[] = [];
  while (at < text.length && params.length < PARAMS_MAX) {
    if (text[at] === ':') {
      params.push(text.slice(at + 1));
      break;
    }
    params.push(word());
  }
  return { tags, source, command, params };
}

/** The line without tags and line end. Only the last parameter may be empty, hold spaces or begin with ':'. */
export function formatLine(source: string, command: string, params: readonly string[]): string {
  let text = source === '' ? command : `:${source} ${command}`;
  const last = params.length - 1;
  for (let i = 0; i <= last; i++) {
    const param = params[i] as string;
    text += i === last && (param === '' || param[0] === ':' || param.includes(' ')) ? ` :${param}` : ` ${param}`;
  }
  return text;
}

/** @returns `@a=b;c ` or '' when there are none. */
export function formatTags(tags: Iterable<readonly [string, string]>): string {
  let text = '';
  for (const [key, value] of tags) {
    text += `${text === '' ? '@' : ';'}${key}${value === '' ? '' : `=${escapeTag(value)}`}`;
  }
  return text === '' ? '' : `${text} `;
}

/** The tags that a client passes to others. */
export function clientTags(tags: ReadonlyMap<string, string>): Map<string, string> | undefined {
  const found = new Map<string, string>();
  let bytes = 0;
  for (const [key, value] of tags) {
    bytes += key.length + byteLength(value);
    if (/^\+[A-Za-z0-9./-]{1,64}$/.test(key) && bytes <= CLIENT_TAG_BYTES_MAX) found.set(key, value);
  }
  return found.size === 0 ? undefined : found;
}

/** Whether it asks the other's client for something (/me is none of these). */
export function isCtcp([first = '']: readonly string[]): boolean {
  return first.startsWith('\x01') && !first.startsWith('\x01ACTION');
}
