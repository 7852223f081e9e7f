/** Text as IRC counts it: bytes of UTF-8, and no byte of it may end or split a line. */

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * txiki.js 26 and Node have them in machine code, which is ten times as fast as a loop in QuickJS. On txiki.js 24 they
 * are themselves written in JavaScript and take microseconds per byte: there ASCII, which is most of IRC, is done by
 * hand.
 */
const NATIVE = 'encodeInto' in TextEncoder.prototype;

export function encodeText(text: string): Uint8Array {
  if (NATIVE) return encoder.encode(text);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return encoder.encode(text);
    bytes[i] = code;
  }
  return bytes;
}

const CHUNK = 4096;

/** @returns undefined when the bytes are not UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  if (!NATIVE && isAscii(bytes)) {
    let text = '';
    for (let at = 0; at < bytes.length; at += CHUNK) {
      text += String.fromCharCode.apply(undefined, bytes.subarray(at, at + CHUNK) as unknown as number[]);
    }
    return text;
  }
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] as number) > 0x7f) return false;
  return true;
}

/** Bytes of the character at `index` in UTF-8; a lone surrogate counts as U+FFFD, which it will become. */
function charBytes(text: string, index: number): number {
  const code = text.charCodeAt(index);
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return (text.codePointAt(index) as number) > 0xffff ? 4 : 3;
}

export function byteLength(text: string): number {
  return encodeText(text).length;
}

/** @returns the longest head of `text` of at most `bytesMax` bytes that ends at a character border. */
export function cutText(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax) return text;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const size = charBytes(text, i);
    bytes += size;
    if (bytes > bytesMax) return text.slice(0, i);
    if (size === 4) i++;
  }
  return text;
}

/** Splits at character borders into parts of at most `bytesMax` bytes, at a space where one is near the end. */
export function splitText(text: string, bytesMax: number): string[] {
  const parts: string[] = [];
  let rest = text;
  for (;;) {
    let part = cutText(rest, bytesMax);
    if (part.length < rest.length) {
      const space = part.lastIndexOf(' ');
      if (space > part.length * 0.75) part = part.slice(0, space + 1);
    }
    parts.push(part);
    if (part.length === rest.length || part.length === 0) return parts;
    rest = rest.slice(part.length);
  }
}

/** Joins words to lines of at most `bytesMax` bytes; a longer word has a line of its own. */
export function packWords(words: Iterable<string>, bytesMax: number, separator = ' '): string[] {
  const lines: string[] = [];
  let line = '';
  let bytes = 0;
  for (const word of words) {
    const more = byteLength(word) + separator.length;
    if (line === '') {
      line = word;
      bytes = more - separator.length;
    } else if (bytes + more <= bytesMax) {
      line += separator + word;
      bytes += more;
    } else {
      lines.push(line);
      line = word;
      bytes = more - separator.length;
    }
  }
  if (line !== '') lines.push(line);
  return lines;
}

/**
 * The control characters that mean something in IRC: CTCP, bold, colour, hex colour, reset, mono, reverse, italics,
 * strike, underline, tab.
 */
const CONTROLS = /[\x00\x05-\x08\x0a-\x0e\x10\x12-\x15\x17-\x1c\x7f\x80-\x9f\u2028\u2029]/g;

/**
 * @returns text from the mesh made safe to show: no line ends, no NUL, no terminal controls, at most `bytesMax` bytes.
 */
export function cleanText(text: unknown, bytesMax: number): string {
  return typeof text === 'string' ? cutText(text.slice(0, bytesMax).replace(CONTROLS, ''), bytesMax) : '';
}
