/** UCI files from a seed: from nearly right to nearly random, for comparing the parser with the real `uci`. */

/** Mulberry32: uniform in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const WORDS = ['a', 'b', 'main', 'mesh', 'cfg01b606', 'x_1', 'group', 'a-b', 'a.b', '\xe9', '', '0'];
const COMMANDS = ['config', 'option', 'list', 'option', 'list', 'c', 'o', 'l', 'p', 'package', '#', 'conf', ';', '', 'option;'];
const CHARACTERS = [...'ab #;\'"\\\n\t\r=.-@', '\0', '\xc3\xa9', '\x01', '\\\n', 'long'.repeat(10)];
const VALUES = ["'x'", "'a b'", "'\xe9'", "''", "'1'", '"a\\"b"', 'bare', "'a''b'", 'x\\ y', '"two\nlines"', "'it'\\''s'"];

class FileGenerator {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = generator(seed);
  }

  /** One file as bytes in a string. */
  file(): string {
    const kind = this.#random();
    let text = kind < 0.6 ? 'config a\n' : '';
    for (let left = this.#count(12); left > 0; left--) {
      text += kind < 0.75 && this.#random() < 0.9 ? this.#goodLine() : this.#wildLine();
      text += this.#pick(['\n', '\n', '\n', '\r\n', '\n\n', left === 1 ? '' : '\n']);
    }
    if (text === '' || this.#random() >= 0.15) return text;
    const characters = [...text];
    for (let flips = 3; flips > 0; flips--) characters[this.#count(text.length)] = this.#pick([...'\0\n"\'\\;# \xff']);
    return characters.join('');
  }

  #goodLine(): string {
    const command = this.#pick(['config', 'option', 'option', 'list', 'list']);
    if (command === 'config') {
      return `config ${this.#pick(['a', 'b', 'group'])}${this.#pick(['', " 'n1'", ' n2', " ''", ' cfg01b606'])}`;
    }
    return `\t${command} ${this.#pick(['k', 'l', 'm_1'])} ${this.#pick(VALUES)}${this.#pick(['', '', ' # c', ' ;', ''])}`;
  }

  #wildLine(): string {
    let text = this.#pick(['', '\t', ' ', '\v']) + this.#pick(COMMANDS) + (this.#random() < 0.93 ? ' ' : this.#gap());
    text += this.#random() < 0.7 ? this.#pick(WORDS) : this.#value();
    if (this.#random() < 0.85) text += `${this.#gap()} ${this.#value()}`;
    if (this.#random() < 0.1) text += ` ${this.#value()}`;
    if (this.#random() < 0.1) text += this.#pick([' ;', ' ; option k v', "'';list l 'w'", " ''; config b", ' # c']);
    return text;
  }

  #value(): string {
    let text = '';
    for (let parts = 1 + this.#count(4); parts > 0; parts--) {
      const kind = this.#count(9);
      if (kind === 0) text += this.#pick(WORDS);
      else if (kind === 1) text += `'${this.#characters()}'`;
      else if (kind === 2) text += `"${this.#characters()}"`;
      else if (kind === 3) text += `\\${this.#pick([...'"\'#; \nn\r'])}`;
      else if (kind === 4) text += 'v'.repeat(this.#count(70));
      else text += ['#c', ';', '\\\r\n', '\\\n'][kind - 5]!;
    }
    return text;
  }

  #characters(): string {
    let text = '';
    for (let left = this.#count(12); left > 0; left--) text += this.#pick(CHARACTERS);
    return text;
  }

  #gap(): string {
    return this.#pick([' ', ' ', ' ', '\t', '  ', '', '\v', '\\\n']);
  }

  #count(below: number): number {
    return Math.floor(this.#random() * below);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#count(items.length)]!;
  }
}

/** File number `seed`, its bytes as characters 0 … 255. */
export function generateUci(seed: number): string {
  return new FileGenerator(seed * 7919).file();
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
