/**
 * One connection to Yggdrasil's admin socket (0.4 and 0.5): JSON values back to back on a stream, one answer per
 * question in their order, with no length and no id. So one question at a time; after a time limit or an unreadable
 * answer the connection is closed, as what comes next could be the answer to another question, and opened anew by the
 * next call.
 */
import type { Runtime, Stream, StreamAddress, Timer } from '../../runtime/runtime.ts';
import { SystemError } from '../../runtime/runtime.ts';

export type FailureKind =
  | 'absent' // no socket there, or nobody listens
  | 'denied' // we may not open it
  | 'silent'
  | 'malformed' // what listens there is no Yggdrasil
  | 'refused'; // Yggdrasil answers with an error

export interface Failure {
  kind: FailureKind;
  /** A sentence for people. */
  text: string;
}
export type Answer = { failure: undefined; response: unknown } | { failure: Failure };

/** A node with hundreds of peers answers with some 100 KB. */
export const ANSWER_BYTES_MAX = 512 * 1024;
const TIMEOUT_MS = 2000;

export class YggdrasilAdmin {
  readonly at: StreamAddress;
  readonly #runtime: Runtime;
  readonly #timer: Timer;
  #stream: Stream | undefined;
  /** Bytes of the answer under way, the first #length of them. */
  #buffer = new Uint8Array(0);
  #length = 0;
  #settle: ((answer: Answer) => void) | undefined;
  /** Rises when a connection is given up, so that its late events are known as such. */
  #connection = 0;

  constructor(runtime: Runtime, at: StreamAddress) {
    this.#runtime = runtime;
    this.at = at;
    this.#timer = runtime.timer(() => this.#fail('silent', `Yggdrasil does not answer at ${placeOf(at)}`));
  }

  /** Never rejects. Only one call at a time. */
  async call(request: string, args: Record<string, string> = {}, timeoutMs = TIMEOUT_MS): Promise<Answer> {
    this.#timer.set(this.#runtime.now() + timeoutMs);
    return new Promise((resolve) => {
      this.#settle = resolve;
      const text = `${JSON.stringify({ request, arguments: args, keepalive: true })}\n`;
      void this.#write(new TextEncoder().encode(text), timeoutMs);
    });
  }

  close(): void {
    this.#fail('silent', 'given up');
  }

  async #write(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    const connection = this.#connection;
    try {
      this.#stream ??= await this.#open(connection, timeoutMs);
    } catch (error) {
      if (connection !== this.#connection) return;
      const code = error instanceof SystemError ? error.code : '';
      const denied = code === 'EACCES' || code === 'EPERM';
      this.#fail(denied ? 'denied' : 'absent', denied
        ? `Yggdrasil's admin socket ${placeOf(this.at)} may not be opened by this user`
        : `no Yggdrasil listens at ${placeOf(this.at)}`);
      return;
    }
    if (connection === this.#connection) this.#stream.write(bytes);
  }

  async #open(connection: number, timeoutMs: number): Promise<Stream> {
    const stream = await this.#runtime.connect({ at: this.at, timeoutMs, readBytesMax: 16_384 }, {
      onData: (bytes) => { if (connection === this.#connection) this.#onData(bytes); },
      onClose: () => {
        if (connection === this.#connection) this.#fail('silent', `Yggdrasil closed the socket ${placeOf(this.at)}`);
      },
    });
    if (connection !== this.#connection) stream.close();
    return stream;
  }

  #onData(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
    const unwanted = this.#settle === undefined || length > ANSWER_BYTES_MAX;
    const value = unwanted ? null : objectIn(this.#buffer.subarray(0, length));
    if (value === undefined) return;
    this.#length = 0;
    const status = field(value, 'status');
    if (status === 'success') {
      this.#finish({ failure: undefined, response: field(value, 'response') });
    } else if (status === 'error') {
      const error = String(field(value, 'error')).slice(0, 100).replace(/[^\x20-\x7e]/g, '?');
      this.#finish({ failure: { kind: 'refused', text: `Yggdrasil refuses: ${error}` } });
    } else {
      this.#fail('malformed', `what listens at ${placeOf(this.at)} does not speak as Yggdrasil does`);
    }
  }

  #fail(kind: FailureKind, text: string): void {
    this.#connection++;
    this.#stream?.close();
    this.#stream = undefined;
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
    this.#finish({ failure: { kind, text } });
  }

  #finish(answer: Answer): void {
    this.#timer.cancel();
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(answer);
  }
}

/** The JSON object that fills `bytes`; undefined: not all of it is there yet, null: these bytes begin no object. */
function objectIn(bytes: Uint8Array): unknown {
  const text = new TextDecoder().decode(bytes).trim();
  if (text !== '' && !text.startsWith('{')) return null;
  if (!text.endsWith('}')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a brace inside
  }
}

/** The member `name` of an object from outside, undefined when there is none. */
export function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

/** The list `name`, empty when there is none. */
export function listField(value: unknown, name: string): unknown[] {
  const list = field(value, name);
  return Array.isArray(list) ? list : [];
}

export function placeOf(at: StreamAddress): string {
  return 'path' in at ? at.path : `${at.address} port ${at.port}`;
}
