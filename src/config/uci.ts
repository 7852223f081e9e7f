/**
 * Reads a UCI file as libuci does, byte for byte: what `uci show` would print is what the daemon sees, and a file
 * that `uci` refuses is refused here with the same words, line and byte. It works as libuci's reader does, in place
 * in one line buffer that a quote or a backslash at the end of a line extends, because the odd rules follow from that
 * (a ';' glued to a bare word hides the rest of the line; a NUL hides the rest of what one read brought).
 *
 *   line    = package NAME | config TYPE [NAME] | option NAME VALUE | list NAME VALUE      (or p, c, o, l)
 *   value   = bare\ words | 'literal' | "with \" escapes" | any of them joined
 *   comment = # at the start of a word or within a bare one
 *
 * `package` lines have no effect in a file that is loaded by its own name. An empty value sets nothing; in a list it
 * counts.
 */

export interface UciSection {
  type: string;
  /** Its name, or for an anonymous section the one that libuci makes: cfg, its number, a hash of its type. */
  name: string;
  anonymous: boolean;
  options: Map<string, string | string[]>;
}

export interface UciFile {
  /** In file order; sections of the same name are one. Empty after an error. */
  sections: UciSection[];
  /** In libuci's words; undefined when the file is good. */
  error?: string;
}

/** Buffer that libuci starts with. It shows only where a file has NUL bytes: they hide the rest of one read. */
const LINE_BUFFER_BYTES = 32;
const NUL = 0;
const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const DOUBLE_QUOTE = 34;
const HASH = 35;
const SINGLE_QUOTE = 39;
const SEMICOLON = 59;
const BACKSLASH = 92;

const NAME = /^\w+$/;
const TYPE = /^[!-~]+$/;
const PACKAGE = /^[\w-]+$/;

class ParseError extends Error {}

/** Parses a whole file. `decode` turns the bytes of a name or value into text (UTF-8 by default). Never throws. */
export function parseUci(bytes: Uint8Array, decode?: (bytes: Uint8Array) => string): UciFile {
  const decoder = new TextDecoder();
  const parser = new Parser(bytes, decode ?? ((part) => decoder.decode(part)));
  try {
    parser.parse();
    return { sections: parser.sections };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return { sections: [], error: error.message };
  }
}

class Parser {
  readonly sections: UciSection[] = [];
  readonly #input: Uint8Array;
  readonly #decode: (bytes: Uint8Array) => string;
  /** Large enough for the whole file on one line; libuci's buffer grows, and #size is how far it has. */
  readonly #buffer: Uint8Array;
  #size = LINE_BUFFER_BYTES;
  #filled = 0;
  #offset = 0;
  #at = 0;
  #line = 0;
  #section: UciSection | undefined;

  constructor(input: Uint8Array, decode: (bytes: Uint8Array) => string) {
    this.#input = input;
    this.#decode = decode;
    this.#buffer = new Uint8Array(2 * input.length + 2 * LINE_BUFFER_BYTES);
  }

  parse(): void {
    while (this.#offset < this.#input.length) {
      this.#at = 0;
      this.#readLine();
      if (this.#buffer[0] !== NUL) this.#parseLine();
    }
  }

  /** Commands of one line: a ';' of its own separates them. */
  #parseLine(): void {
    const buffer = this.#buffer;
    this.#skipSpace();
    for (;;) {
      let start = this.#at;
      while (isBlank(buffer[start]!)) start++;
      let end = start;
      while (buffer[end] !== NUL && !isBlank(buffer[end]!)) end++;
      if (end === start) return;
      buffer[end] = NUL;
      const word = this.#text(start);
      if (word[0] === '#') return;
      if (word === 'p' || word === 'package') this.#parsePackage(end);
      else if (word === 'c' || word === 'config') this.#parseConfig(end);
      else if (word === 'o' || word === 'option') this.#parseOption(end, false);
      else if (word === 'l' || word === 'list') this.#parseOption(end, true);
      else this.#fail('invalid command');
    }
  }

  #parsePackage(end: number): void {
    this.#passWord(end, 'package');
    this.#argument(true, PACKAGE);
    this.#endOfCommand();
  }

  #parseConfig(end: number): void {
    this.#passWord(end, 'config');
    const type = this.#argument(true);
    if (!TYPE.test(type)) this.#fail('invalid character in type field');
    const name = this.#argument(false, NAME);
    this.#endOfCommand();
    const { sections } = this;
    let section = name === '' ? undefined : sections.find((other) => other.name === name);
    if (!section) {
      const anonymous = name === '';
      section = { type, name: name || anonymousName(sections.length + 1, type), anonymous, options: new Map() };
      sections.push(section);
    } else if (section.type !== type) {
      this.#fail('section of different type overwrites prior section with same name');
    }
    this.#section = section;
  }

  #parseOption(end: number, list: boolean): void {
    if (!this.#section) this.#fail('option/list command found before the first section');
    const { options } = this.#section;
    this.#passWord(end, 'option');
    const name = this.#argument(true, NAME);
    const value = this.#argument(false);
    this.#endOfCommand();
    if (list) options.set(name, [options.get(name) ?? [], value].flat());
    else if (value !== '') options.set(name, value);
  }

  /** Steps over a command word and the blank behind it, which the last line of a file without a newline may lack. */
  #passWord(end: number, command: string): void {
    if (end >= this.#filled) this.#fail(`${command} without name`);
    this.#at = end + 1;
  }

  #endOfCommand(): void {
    if (this.#argument(false) !== '') this.#fail('too many arguments');
  }

  #argument(required: boolean, allowed?: RegExp): string {
    this.#skipSpace();
    const start = this.#at;
    if (this.#buffer[start] === SEMICOLON) this.#buffer[this.#at++] = NUL;
    else this.#parseWord();
    const text = this.#text(start);
    if (text === '') {
      if (required) this.#fail('insufficient arguments');
    } else if (allowed && !allowed.test(text)) this.#fail('invalid character in name field');
    return text;
  }

  /** Unquotes a word in place: what it means never takes more room than how it is written. */
  #parseWord(): void {
    const buffer = this.#buffer;
    let target = this.#at;
    let quote = NUL;
    for (;;) {
      const byte = buffer[this.#at]!;
      if (byte === NUL && quote !== NUL) {
        this.#readLine();
        if (buffer[this.#at] === NUL) this.#fail(`EOF with unterminated ${String.fromCharCode(quote)}`);
        continue;
      }
      if (quote === NUL && (byte === HASH || byte === SEMICOLON || byte === NUL)) break;
      if (quote === NUL ? byte === SINGLE_QUOTE || byte === DOUBLE_QUOTE : byte === quote) {
        quote = quote === NUL ? byte : NUL;
        this.#at++;
      } else if (quote === SINGLE_QUOTE || byte !== BACKSLASH || this.#passBackslash()) {
        buffer[target++] = buffer[this.#at++]!;
      }
      if (quote === NUL && isSpace(buffer[this.#at]!)) {
        this.#at++;
        break;
      }
    }
    buffer[target] = NUL;
  }

  /** @returns false when it was the last of its line: the next line has taken its place and nothing is escaped. */
  #passBackslash(): boolean {
    const at = ++this.#at;
    const [byte, next, last] = this.#buffer.subarray(at);
    if (byte !== NUL && byte !== NEWLINE && (byte !== RETURN || next !== NEWLINE || last !== NUL)) return true;
    this.#readLine();
    return false;
  }

  #skipSpace(): void {
    while (isSpace(this.#buffer[this.#at]!)) this.#at++;
  }

  /** Brings the next line to where we are in the buffer, NUL-terminated; nothing but the NUL at the end of the file. */
  #readLine(): void {
    const buffer = this.#buffer;
    const input = this.#input;
    let end = this.#at;
    if (end >= this.#size - 1) this.#size *= 2;
    for (;;) {
      // As fgets: to the end of the line, of the buffer (less one byte) or of the input, and a NUL behind it.
      const newline = input.indexOf(NEWLINE, this.#offset);
      const wanted = newline < 0 ? input.length : newline + 1;
      const part = input.subarray(this.#offset, Math.min(wanted, this.#offset + this.#size - end - 1));
      this.#offset += part.length;
      buffer.set(part, end);
      buffer[end + part.length] = NUL;
      if (buffer[end] === NUL) return;
      end = this.#filled = buffer.indexOf(NUL, end);
      if (buffer[end - 1] === NEWLINE) {
        this.#line++;
        return;
      }
      this.#size *= 2;
    }
  }

  #text(start: number): string {
    return this.#decode(this.#buffer.subarray(start, this.#buffer.indexOf(NUL, start)));
  }

  #fail(reason: string): never {
    throw new ParseError(`uci: Parse error (${reason}) at line ${this.#line}, byte ${this.#at}`);
  }
}

/**
 * libuci's name for an anonymous section: its number among all sections and the low half of a djb2 hash of its type.
 */
function anonymousName(number: number, type: string): string {
  let hash = 5381;
  for (let i = 0; i < type.length; i++) hash = (hash * 33 + type.charCodeAt(i)) & 0xffff;
  return `cfg${number.toString(16).padStart(2, '0')}${hash.toString(16).padStart(4, '0')}`;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function isSpace(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= RETURN);
}
