/**
 * Reads a UCI file as libuci does, byte for byte: what `uci show` would print is what the daemon sees, and a file that `uci`
 * refuses is refused here with the same words, line and byte. It works as libuci's reader does, in place in one line buffer
 * that a quote or a backslash at the end of a line extends, because the odd rules follow from that (a ';' glued to a bare
 * word hides the rest of the line; a NUL hides the rest of what one read brought).
 *
 *   line    = package NAME | config TYPE [NAME] | option NAME VALUE | list NAME VALUE      (or p, c, o, l)
 *   value   = bare\ words | 'literal' | "with \" escapes" | any of them joined
 *   comment = # at the start of a word or within a bare one
 *
 * `package` lines have no effect in a file that is loaded by its own name. An empty value sets nothing; in a list it counts.
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
  #offset = 0;
  #ended = false;
  #buffer = new Uint8Array(LINE_BUFFER_BYTES);
  #filled = 0;
  #at = 0;
  #line = 0;
  #section: UciSection | undefined;

  constructor(input: Uint8Array, decode: (bytes: Uint8Array) => string) {
    this.#input = input;
    this.#decode = decode;
  }

  parse(): void {
    while (!this.#ended) {
      this.#at = 0;
      this.#readLine(0);
      if (this.#buffer[0] !== NUL) this.#parseLine();
    }
  }

  /** Commands of one line: a ';' of its own separates them. */
  #parseLine(): void {
    this.#skipSpace();
    for (;;) {
      let start = this.#at;
      while (isBlank(this.#buffer[start]!)) start++;
      let end = start;
      while (this.#buffer[end] !== NUL && !isBlank(this.#buffer[end]!)) end++;
      if (end === start) return;
      this.#buffer[end] = NUL;
      const word = this.#text(start);
      if (word.startsWith('#')) return;
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
    const known = name === '' ? undefined : this.sections.find((section) => section.name === name);
    if (known && known.type !== type) {
      this.#fail('section of different type overwrites prior section with same name');
    }
    this.#section = known ?? this.#addSection(type, name);
  }

  #addSection(type: string, name: string): UciSection {
    const anonymous = name === '';
    const section = {
      type, name: anonymous ? anonymousName(this.sections.length + 1, type) : name, anonymous, options: new Map(),
    };
    this.sections.push(section);
    return section;
  }

  #parseOption(end: number, list: boolean): void {
    if (!this.#section) this.#fail('option/list command found before the first section');
    const options = this.#section!.options;
    this.#passWord(end, 'option');
    const name = this.#argument(true, NAME);
    const value = this.#argument(false);
    this.#endOfCommand();
    const before = options.get(name);
    if (!list) {
      if (value !== '') options.set(name, value);
    } else if (before === undefined) options.set(name, [value]);
    else if (typeof before === 'string') options.set(name, [before, value]);
    else before.push(value);
  }

  /** Steps over a command word and the blank behind it, which the last line of a file without a newline may lack. */
  #passWord(end: number, command: string): void {
    if (end + 1 > this.#filled) this.#fail(`${command} without name`);
    this.#at = end + 1;
  }

  #endOfCommand(): void {
    if (this.#argument(false) !== '') this.#fail('too many arguments');
  }

  #argument(required: boolean, allowed?: RegExp): string {
    this.#skipSpace();
    const start = this.#at;
    if (this.#buffer[start] === SEMICOLON) {
      this.#buffer[start] = NUL;
      this.#at++;
    } else {
      this.#parseWord();
    }
    if (this.#buffer[start] === NUL) {
      if (required) this.#fail('insufficient arguments');
      return '';
    }
    const text = this.#text(start);
    if (allowed && !allowed.test(text)) this.#fail('invalid character in name field');
    return text;
  }

  /** Unquotes a word in place: what it means never takes more room than how it is written. */
  #parseWord(): void {
    let target = this.#at;
    let step = true;
    do {
      const byte = this.#buffer[this.#at]!;
      if (byte === HASH) this.#buffer[this.#at] = NUL;
      if (byte === HASH || byte === NUL) break;
      if (byte === SEMICOLON) {
        step = false;
        break;
      }
      if (byte === SINGLE_QUOTE || byte === DOUBLE_QUOTE) target = this.#parseQuoted(target, byte);
      else if (byte !== BACKSLASH || this.#passBackslash()) this.#buffer[target++] = this.#buffer[this.#at++]!;
    } while (this.#buffer[this.#at] !== NUL && !isSpace(this.#buffer[this.#at]!));
    if (this.#buffer[this.#at] !== NUL && step) this.#at++;
    this.#buffer[target] = NUL;
  }

  #parseQuoted(target: number, quote: number): number {
    this.#at++;
    for (;;) {
      const byte = this.#buffer[this.#at]!;
      if (byte === quote) {
        this.#at++;
        return target;
      }
      if (byte === NUL) {
        this.#readLine(this.#at);
        if (this.#buffer[this.#at] === NUL) this.#fail(`EOF with unterminated ${String.fromCharCode(quote)}`);
      } else if (quote === SINGLE_QUOTE || byte !== BACKSLASH || this.#passBackslash()) {
        this.#buffer[target++] = this.#buffer[this.#at++]!;
      }
    }
  }

  /** @returns false when it was the last of its line: the next line has taken its place and nothing is escaped. */
  #passBackslash(): boolean {
    this.#at++;
    const buffer = this.#buffer;
    const at = this.#at;
    const last = buffer[at] === NUL || buffer[at] === NEWLINE ||
      (buffer[at] === RETURN && buffer[at + 1] === NEWLINE && buffer[at + 2] === NUL);
    if (last) this.#readLine(at);
    return !last;
  }

  #skipSpace(): void {
    while (isSpace(this.#buffer[this.#at]!)) this.#at++;
  }

  /** Brings the next line to `offset` of the buffer, NUL-terminated; nothing but the NUL at the end of the file. */
  #readLine(offset: number): void {
    if (offset >= this.#buffer.length - 1) this.#grow();
    let end = offset;
    for (;;) {
      this.#buffer[end] = NUL;
      const count = this.#read(end);
      if (count === 0 || this.#buffer[end] === NUL) return;
      end = this.#buffer.indexOf(NUL, end);
      this.#filled = end;
      if (this.#buffer[end - 1] === NEWLINE) {
        this.#line++;
        return;
      }
      this.#grow();
    }
  }

  /** As fgets: to the end of the line, of the buffer (less one byte) or of the input, and a NUL behind it. */
  #read(at: number): number {
    const newline = this.#input.indexOf(NEWLINE, this.#offset);
    const wanted = (newline < 0 ? this.#input.length : newline + 1) - this.#offset;
    const count = Math.min(wanted, this.#buffer.length - at - 1);
    this.#buffer.set(this.#input.subarray(this.#offset, this.#offset + count), at);
    if (count > 0) this.#buffer[at + count] = NUL;
    this.#offset += count;
    // The end of the input shows when a read wants more than there is.
    this.#ended = count === wanted && newline < 0 && count < this.#buffer.length - at - 1;
    return count;
  }

  #grow(): void {
    const larger = new Uint8Array(this.#buffer.length * 2);
    larger.set(this.#buffer);
    this.#buffer = larger;
  }

  #text(start: number): string {
    return this.#decode(this.#buffer.subarray(start, this.#buffer.indexOf(NUL, start)));
  }

  #fail(reason: string): void {
    throw new ParseError(`uci: Parse error (${reason}) at line ${this.#line}, byte ${this.#at}`);
  }
}

/** libuci's name for an anonymous section: its number among all sections and the low half of a djb2 hash of its type. */
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
