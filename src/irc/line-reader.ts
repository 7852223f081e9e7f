/**
 * Cuts a client's bytes into lines, split at any byte: CR LF, LF alone, or a stray CR before it. A line is at most 512
 * bytes with its end, and its tags 4,096 more; what is longer or not UTF-8 is reported, not delivered
 * (ERR_INPUTTOOLONG, FAIL INVALID_UTF8). Keeps at most one unfinished line.
 */
import { joinChunks } from '../encoding/bytes.ts';
import { decodeText } from './text.ts';

export const BODY_BYTES_MAX = 510;
export const TAG_BYTES_MAX = 4096;
const REST_BYTES_MAX = BODY_BYTES_MAX + TAG_BYTES_MAX + 2;
const LF = 10;
const CR = 13;
const EMPTY = new Uint8Array(0);

export interface LineReaderOutput {
  line(text: string): void;
  tooLong(): void;
  notUtf8(): void;
}

export class LineReader {
  readonly #output: LineReaderOutput;
  #rest: Uint8Array = EMPTY;
  /** The rest of an overlong line is on its way and dropped. */
  #skipping = false;

  constructor(output: LineReaderOutput) {
    this.#output = output;
  }

  /** `bytes` is not kept. */
  push(bytes: Uint8Array): void {
    let from = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, from)) {
      this.#end(bytes.subarray(from, end));
      from = end + 1;
    }
    if (from < bytes.length) this.#keep(bytes.subarray(from));
  }

  /** One whole line, as a WebSocket message brings it. */
  pushLine(bytes: Uint8Array): void {
    this.#end(bytes);
  }

  #keep(bytes: Uint8Array): void {
    if (this.#skipping) return;
    if (this.#rest.length + bytes.length > REST_BYTES_MAX) {
      this.#skipping = true;
      this.#rest = EMPTY;
      return;
    }
    this.#rest = joinChunks([this.#rest, bytes]);
  }

  #end(bytes: Uint8Array): void {
    let line = bytes;
    if (this.#rest.length > 0 && !this.#skipping) {
      this.#keep(bytes);
      line = this.#rest;
    }
    this.#rest = EMPTY;
    if (this.#skipping) {
      this.#skipping = false;
      return this.#output.tooLong();
    }
    let length = line.length;
    while (length > 0 && line[length - 1] === CR) length--;
    if (length === 0) return;
    if (length < line.length) line = line.subarray(0, length);
    const tagsEnd = line[0] === 0x40 ? line.indexOf(0x20) + 1 : 0;
    if (tagsEnd > TAG_BYTES_MAX || line.length - tagsEnd > BODY_BYTES_MAX) return this.#output.tooLong();
    const text = decodeText(line);
    if (text === undefined) this.#output.notUtf8();
    else if (line.includes(0) || line.includes(CR)) this.#output.line(text.replace(/[\0\r]/g, ''));
    else this.#output.line(text);
  }
}
