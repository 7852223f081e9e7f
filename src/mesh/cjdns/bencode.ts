/**
 * Bencode as cjdns's admin port speaks it: one dictionary per datagram. Reading is strict (no recursion, no signs, no
 * bytes beyond the end, nothing behind it) but for one habit of cjdns: it pads every answer to a multiple of 8 bytes
 * with zeros before a string's length (`d000001:q4:ponge`). Own code and not the npm package, which is four times as
 * long, needs most of this check before it (it never returns from `l-3:e`), and is slower than this on QuickJS.
 */

/** Strings are bytes read as Latin-1: all that we use of cjdns's answers is ASCII. */
export type BencodeValue = number | string | BencodeValue[] | BencodeDict;
export type BencodeDict = Map<string, BencodeValue>;

/** Longer answers are refused unread. The longest ever seen from cjdns is 2,072 bytes; it could send 65,536. */
export const BENCODE_BYTES_MAX = 16_384;
/** The deepest answer of cjdns nests 5 levels. */
export const BENCODE_DEPTH_MAX = 16;

const CHAR_COLON = 0x3a;
const CHAR_MINUS = 0x2d;
const CHAR_D = 0x64;
const CHAR_E = 0x65;
const CHAR_I = 0x69;
const CHAR_L = 0x6c;
/** More digits than this are no length that fits, and no number that stays exact. */
const DIGITS_MAX = 20;

/** What can be asked: ASCII text, whole numbers and dictionaries of them. */
export interface Question {
  [key: string]: string | number | Question;
}

/** Canonical bencode: keys sorted. @param value our own, never from outside. */
export function encodeBencode(value: Question): Uint8Array {
  return Uint8Array.from(encodeText(value), (char) => char.charCodeAt(0));
}

function encodeText(value: string | number | Question): string {
  if (typeof value === 'number') return `i${value}e`;
  if (typeof value === 'string') return `${value.length}:${value}`;
  return `d${Object.keys(value).sort().map((key) => encodeText(key) + encodeText(value[key]!)).join('')}e`;
}

/** Reads the dictionary that fills `bytes`. @returns why there is none, as the end of a sentence, when malformed. */
export function decodeBencode(bytes: Uint8Array): BencodeDict | string {
  if (bytes.length > BENCODE_BYTES_MAX) return `${bytes.length} bytes long, more than ${BENCODE_BYTES_MAX}`;
  if (bytes[0] !== CHAR_D) return 'no bencode dictionary';
  const root: BencodeDict = new Map();
  const open: (BencodeDict | BencodeValue[])[] = [root];
  /** Per open container: the key that waits for its value. */
  const keys: (string | undefined)[] = [undefined];
  let at = 1;
  while (open.length > 0) {
    const char = bytes[at];
    const container = open.at(-1)!;
    const isMap = container instanceof Map;
    const key = keys.at(-1);
    let value: BencodeValue;
    if (char === undefined) return `truncated after ${at} bytes`;
    if (char === CHAR_E && key === undefined) {
      open.pop();
      keys.pop();
      at++;
      continue;
    } else if (isDigit(char)) {
      const colon = endOfDigits(bytes, at);
      const start = colon + 1;
      const length = Number(latin1(bytes, at, colon));
      if (colon === bytes.length || length > bytes.length - start) return `truncated after ${bytes.length} bytes`;
      if (bytes[colon] !== CHAR_COLON) return `not bencode at byte ${colon}`;
      at = start + length;
      value = latin1(bytes, start, at);
      const isKey = isMap && key === undefined;
      keys[keys.length - 1] = isKey ? value : undefined;
      if (isKey) continue;
    } else if (isMap && key === undefined) {
      return `not bencode at byte ${at}`; // a key that is no string
    } else if (char === CHAR_I) {
      const end = endOfDigits(bytes, bytes[at + 1] === CHAR_MINUS ? at + 2 : at + 1);
      value = Number(latin1(bytes, at + 1, end));
      if (!isDigit(bytes[end - 1]) || bytes[end] !== CHAR_E) return `not bencode at byte ${at}`;
      keys[keys.length - 1] = undefined;
      at = end + 1;
    } else if (char === CHAR_L || char === CHAR_D) {
      if (open.length === BENCODE_DEPTH_MAX) return `nested deeper than ${BENCODE_DEPTH_MAX} levels`;
      value = char === CHAR_L ? [] : new Map();
      keys[keys.length - 1] = undefined;
      open.push(value);
      keys.push(undefined);
      at++;
    } else {
      return `not bencode at byte ${at}`;
    }
    if (isMap) container.set(key!, value);
    else container.push(value);
  }
  return at === bytes.length ? root : `followed by ${bytes.length - at} bytes of something else`;
}

function isDigit(char: number | undefined): boolean {
  return char !== undefined && char >= 0x30 && char <= 0x39;
}

function endOfDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isDigit(bytes[at]) && at - from < DIGITS_MAX) at++;
  return at;
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

/** The string `dict[key]`, '' when there is none. */
export function textOf(dict: BencodeDict, key: string): string {
  const value = dict.get(key);
  return typeof value === 'string' ? value : '';
}

/** The list `dict[key]`, empty when there is none. */
export function listOf(dict: BencodeDict, key: string): BencodeValue[] {
  const value = dict.get(key);
  return Array.isArray(value) ? value : [];
}
