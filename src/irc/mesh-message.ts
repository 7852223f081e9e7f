/**
 * What IRC nodes say to each other: JSON in the groups "irc" (who is where: the directory) and "irc/#channel" (lines).
 * Every message is about the sender's own users; the sender is the mesh address that the group delivers with it, never
 * a field.
 *
 *   all     t kind, e run of the sender's IRC server (unique number per start), v version of the facts about its users
 *   irc     u user's facts · q quit · j join · p part · t topic      each raises v by one
 *           s snapshot of all facts at v, in m parts · ? ask for one · d digest (datagram) · m private line
 *           i invitation · r redaction of a private line
 *   irc/#c  m line · r redaction · h ask for history (what I have) · H history
 *
 * Nothing here is trusted: readers below give undefined for what breaks a rule, and the caller drops and counts it.
 */
import type { Entry } from './history.ts';
import { clientTags } from './line.ts';
import {
  AWAY_BYTES_MAX, cleanReal, cleanUser, isChannel, isNick, REASON_BYTES_MAX, TOPIC_BYTES_MAX,
} from './names.ts';
import { cleanText, decodeText, encodeText as encodeUtf8, splitText } from './text.ts';
import type { UserFacts } from './user.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const MESSAGE_BYTES_MAX = 60_000;
export const LINES_MAX = 32;
/** As much as a client may send in one line. */
const LINE_BYTES_MAX = 500;
const JSON_DEPTH_MAX = 8;

export function encodeMessage(fields: Fields): Uint8Array {
  return encodeUtf8(JSON.stringify(fields));
}

/** What is too much for one message, in parts of about `bytesMax` bytes: one at least, which may be empty. */
export function packItems(items: Iterable<Fields>, bytesMax: number): Fields[][] {
  let part: Fields[] = [];
  const parts = [part];
  let bytes = 0;
  for (const item of items) {
    const size = JSON.stringify(item).length * 1.5; // in characters, of which some are two or three bytes
    if (part.length > 0 && bytes + size > bytesMax) {
      parts.push((part = []));
      bytes = 0;
    }
    part.push(item);
    bytes += size;
  }
  return parts;
}

/** The deepest message nests six levels; a deeper one is an attack on the parser's stack. */
function tooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (quoted) {
      if (char === 0x5c) i++;
      else if (char === 0x22) quoted = false;
    } else if (char === 0x22) quoted = true;
    else if (char === 0x5b || char === 0x7b) {
      if (++depth > JSON_DEPTH_MAX) return true;
    } else if (char === 0x5d || char === 0x7d) depth--;
  }
  return false;
}

export function decodeMessage(bytes: Uint8Array): Fields | undefined {
  if (bytes.length > MESSAGE_BYTES_MAX * 1.1) return undefined;
  const text = decodeText(bytes);
  if (text === undefined || tooDeep(text)) return undefined;
  try {
    const value = JSON.parse(text) as unknown;
    return isFields(value) && typeof value['t'] === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns a whole number >= 0, or -1. */
export function readCount(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : -1;
}

export function readUid(value: unknown): string | undefined {
  return typeof value === 'string' && /^[0-9a-z]{1,8}$/.test(value) ? value : undefined;
}

export function readChannel(value: unknown): string | undefined {
  return isChannel(value) ? value : undefined;
}

export function readReason(value: unknown): string {
  return cleanText(value, REASON_BYTES_MAX);
}

export function readTopic(value: unknown): string | undefined {
  return typeof value === 'string' ? cleanText(value, TOPIC_BYTES_MAX) : undefined;
}

/** @returns a word as it may stand in a source or a middle parameter: `nick!user@host`. */
export function readWord(value: unknown, bytesMax: number): string {
  return cleanText(value, bytesMax).replace(/[^!-~]/g, '').replace(/^:+/, '');
}

export function encodeFacts(facts: UserFacts): Fields {
  const { nick, user, real, account, away, bot, hidden, signonMs } = facts;
  return {
    k: nick, n: user, r: real, a: account, y: away, b: bot ? 1 : undefined, h: hidden ? 1 : undefined, s: signonMs,
  };
}

export function readFacts(fields: Fields): UserFacts | undefined {
  const nick = fields['k'];
  if (!isNick(nick)) return undefined;
  return {
    nick, user: cleanUser(fields['n']), real: cleanReal(fields['r']), account: readWord(fields['a'], 32) || undefined,
    away: cleanText(fields['y'], AWAY_BYTES_MAX) || undefined, bot: fields['b'] === 1, hidden: fields['h'] === 1,
    signonMs: Math.max(0, readCount(fields['s'])),
  };
}

const COMMANDS = ['PRIVMSG', 'NOTICE', 'TAGMSG'];

/**
 * The text of a line, the same in live messages and in history: c command, x text or lines, k continued lines, g tags.
 */
export function encodeText(entry: Entry): Fields {
  const { command, lines, concat, tags, timeMs, bot } = entry;
  return {
    c: COMMANDS.indexOf(command), x: lines.length === 1 ? lines[0] : lines, k: concat.length > 0 ? concat : undefined,
    g: tags === undefined ? undefined : Object.fromEntries(tags), w: timeMs, a: entry.account, b: bot ? 1 : undefined,
  };
}

export interface TextFields {
  command: string;
  lines: string[];
  concat: number[];
  tags: Map<string, string> | undefined;
  timeMs: number;
  account: string | undefined;
  bot: boolean;
}

/** What comes from its source and says that it is older comes from a clock that is wrong: routers start with one. */
export const LIVE_MS_MAX = 24 * 3_600_000;

/**
 * @param wallMs our clock: a line can not be from the future
 * @param ageMsMax what says that it is older is taken to be of now
 */
export function readText(fields: Fields, wallMs: number, ageMsMax = Infinity): TextFields | undefined {
  const command = typeof fields['c'] === 'number' ? COMMANDS[fields['c']] : undefined;
  const raw = typeof fields['x'] === 'string' ? [fields['x']] : fields['x'];
  const timeMs = readCount(fields['w']);
  if (command === undefined || !Array.isArray(raw) || raw.length > LINES_MAX || timeMs < 0) return undefined;
  const continued: unknown[] = Array.isArray(fields['k']) ? fields['k'] : [];
  const lines: string[] = [];
  const concat: number[] = [];
  for (const [i, value] of (raw as unknown[]).entries()) {
    // What does not fit a line of IRC becomes several, at character borders.
    for (const [j, part] of splitText(cleanText(value, LINE_BYTES_MAX * 10), LINE_BYTES_MAX).entries()) {
      if (i > 0 && (j > 0 || continued.includes(i)) || j > 0) concat.push(lines.length);
      lines.push(part);
    }
  }
  const tags = new Map<string, string>();
  if (isFields(fields['g'])) {
    for (const [key, value] of Object.entries(fields['g'])) tags.set(key, cleanText(value, 4096));
  }
  if (command !== 'TAGMSG' && !lines.some((line) => line !== '')) return undefined;
  return {
    command, lines: command === 'TAGMSG' ? [] : lines, concat, tags: clientTags(tags),
    timeMs: timeMs < wallMs - ageMsMax ? wallMs : Math.min(timeMs, wallMs),
    account: readWord(fields['a'], 32) || undefined, bot: fields['b'] === 1,
  };
}
