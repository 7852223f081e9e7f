/**
 * One dialogue with cjdns's admin port: bencoded dictionaries over UDP, a question and its answer matched by `txid`
 * (Admin.c). Functions that need the password are asked with a cookie and a hash of it:
 *   hash1 = hex(sha256(password cookie)), put into the request; hash = hex(sha256(request)), put in its place.
 * An unconnected socket never hears that the port is closed, so silence is the only sign of it and time limits are
 * short.
 */
import type { DatagramSocket, Runtime, Timer } from '../../runtime/runtime.ts';
import { decodeBencode, encodeBencode, textOf } from './bencode.ts';
import type { BencodeDict, Question } from './bencode.ts';

export type FailureKind =
  | 'silent' // no answer in time
  | 'auth' // the password is wrong
  | 'unknown' // no such function in this build
  | 'malformed' // an answer that is no bencode dictionary, or too long
  | 'refused' // any other error that cjdns tells
  | 'closed'; // we gave up ourselves

export interface Failure {
  kind: FailureKind;
  /** A sentence for people. */
  text: string;
}

export type Answer = { failure: undefined; dict: BencodeDict } | { failure: Failure };

export interface CallOptions {
  /** Ask with the password. */
  auth?: boolean;
  timeoutMs?: number;
  /** How often it is sent. Default 3. */
  tries?: number;
}

const TIMEOUT_MS = 500;
const TRIES = 3;
/** Calls waiting at the same time; more are refused. */
export const ADMIN_CALLS_MAX = 16;
/** cjdns drops longer requests (Admin.h; versions 18 … 21). */
const REQUEST_BYTES_MAX = 512;
/** cjdns takes a cookie for 20 s. */
const COOKIE_MS_MAX = 10_000;
const AUTH_FAILED = 'Auth failed.';

interface Call {
  name: string;
  request: Uint8Array;
  timeoutMs: number;
  triesLeft: number;
  deadlineMs: number;
  resolve(answer: Answer): void;
}

export class CjdnsAdmin {
  readonly address: string;
  readonly port: number;
  password: string;
  /** Answers dropped: too late, a second one, or from elsewhere. */
  strayCount = 0;
  readonly #runtime: Runtime;
  readonly #timer: Timer;
  /** By txid. */
  readonly #calls = new Map<string, Call>();
  #socket: DatagramSocket | undefined;
  #closed = false;
  #cookie = '';
  #cookieAt = -Infinity;

  constructor(runtime: Runtime, address: string, port: number, password: string) {
    this.#runtime = runtime;
    this.address = address;
    this.port = port;
    this.password = password;
    this.#timer = runtime.timer(() => this.#onTimeout());
  }

  /** Never rejects. `args` must hold no negative page: it crashes cjdns (InterfaceController_peerStats, 18 … 21.1). */
  async call(name: string, args: Question = {}, options: CallOptions = {}): Promise<Answer> {
    if (options.auth !== true) return this.#exchange(name, { args, q: name }, '', options);
    for (let attempt = 0; ; attempt++) {
      const cookie = await this.#freshCookie(options);
      if (cookie.failure !== undefined) return cookie;
      const dict = { aq: name, args, cookie: this.#cookie, q: 'auth' };
      const answer = await this.#exchange(name, dict, this.#cookie, options);
      if (answer.failure?.kind !== 'auth' || attempt > 0) return answer;
      this.#cookieAt = -Infinity; // a restarted cjdns may see its clock elsewhere: once more with a new one
    }
  }

  close(): void {
    this.#closed = true;
    this.#timer.cancel();
    this.#socket?.close();
    this.#socket = undefined;
    for (const call of [...this.#calls.values()]) this.#settle(call, { failure: { kind: 'closed', text: 'given up' } });
  }

  async #freshCookie(options: CallOptions): Promise<Answer> {
    const now = this.#runtime.now();
    if (now - this.#cookieAt < COOKIE_MS_MAX) return { failure: undefined, dict: new Map() };
    const answer = await this.#exchange('cookie', { q: 'cookie' }, '', options);
    if (answer.failure !== undefined) return answer;
    this.#cookie = textOf(answer.dict, 'cookie');
    this.#cookieAt = now;
    return answer;
  }

  async #exchange(name: string, dict: Question, cookie: string, options: CallOptions): Promise<Answer> {
    const refusal = (text: string): Answer => ({ failure: { kind: 'closed', text } });
    if (this.#calls.size >= ADMIN_CALLS_MAX) return refusal(`more than ${ADMIN_CALLS_MAX} questions at once`);
    const txid = hexOf(this.#runtime.randomBytes(4));
    const request = cookie === '' ? encodeBencode({ ...dict, txid }) : this.#sign({ ...dict, txid }, cookie);
    if (request.length > REQUEST_BYTES_MAX) return refusal(`the question ${name} is too long`);
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    const triesLeft = options.tries ?? TRIES;
    return new Promise((resolve) => {
      const call: Call = { name, request, timeoutMs, triesLeft, deadlineMs: Infinity, resolve };
      this.#calls.set(txid, call);
      void this.#send(call);
    });
  }

  #sign(dict: Question, cookie: string): Uint8Array {
    const hash = (bytes: Uint8Array): string => hexOf(this.#runtime.sha256(bytes));
    const first = hash(new TextEncoder().encode(this.password + cookie));
    return encodeBencode({ ...dict, hash: hash(encodeBencode({ ...dict, hash: first })) });
  }

  async #send(call: Call): Promise<void> {
    call.triesLeft--;
    call.deadlineMs = this.#runtime.now() + call.timeoutMs;
    if (call.deadlineMs < this.#timer.deadlineMs) this.#timer.set(call.deadlineMs);
    try {
      const socket = this.#socket ?? (await this.#open());
      if (!this.#closed) socket.send(call.request, this.address, this.port);
    } catch {
      // No socket to ask with (e.g. no IPv6 here): like silence, it is tried again.
    }
  }

  async #open(): Promise<DatagramSocket> {
    const loopback = this.address === '::1' || this.address.startsWith('127.');
    const any = this.address.includes(':') ? '::' : '0.0.0.0';
    const here = this.address.includes(':') ? '::1' : '127.0.0.1';
    const socket = await this.#runtime.openDatagram({
      address: loopback ? here : any,
      port: 0,
      onDatagram: (bytes, address, port) => this.#onDatagram(bytes, address, port),
      onClose: () => { if (this.#socket === socket) this.#socket = undefined; },
    });
    if (this.#closed || this.#socket !== undefined) socket.close(); // closed, or opened twice, while this one opened
    else this.#socket = socket;
    return this.#socket ?? socket;
  }

  #onDatagram(bytes: Uint8Array, address: string, port: number): void {
    if (port !== this.port || address !== this.address) {
      this.strayCount++;
      return;
    }
    const dict = decodeBencode(bytes);
    const txid = typeof dict === 'string' ? '' : textOf(dict, 'txid');
    // What cannot be read, or says nothing of its question, belongs to the oldest one.
    const call = txid === '' ? this.#calls.values().next().value : this.#calls.get(txid);
    if (call === undefined) this.strayCount++;
    else if (typeof dict !== 'string') this.#settle(call, answerOf(call.name, dict));
    else this.#settle(call, { failure: { kind: 'malformed', text: `cjdns's answer to ${call.name} is ${dict}` } });
  }

  #onTimeout(): void {
    const now = this.#runtime.now();
    let next = Infinity;
    for (const call of [...this.#calls.values()]) {
      if (call.deadlineMs <= now) {
        if (call.triesLeft > 0) void this.#send(call);
        else this.#settle(call, { failure: { kind: 'silent', text: this.#silence(call.name) } });
      }
      if (call.deadlineMs > now) next = Math.min(next, call.deadlineMs);
    }
    if (next !== Infinity) this.#timer.set(next);
  }

  #silence(name: string): string {
    return `cjdns does not answer ${name} at ${this.address} port ${this.port}`;
  }

  #settle(call: Call, answer: Answer): void {
    for (const [txid, other] of this.#calls) if (other === call) this.#calls.delete(txid);
    call.deadlineMs = -Infinity;
    call.resolve(answer);
  }
}

/** An answer without `error`, or with "none", is a success. */
function answerOf(name: string, dict: BencodeDict): Answer {
  const error = textOf(dict, 'error');
  if (error === '' || error === 'none') return { failure: undefined, dict };
  if (error === AUTH_FAILED) return { failure: { kind: 'auth', text: 'cjdns refuses the admin password' } };
  if (error.startsWith('No functions matched')) return lacking(name);
  return { failure: { kind: 'refused', text: `cjdns refuses ${name}: ${printable(error)}` } };
}

/** What a build without the function answers. */
export function lacking(name: string): Answer {
  return { failure: { kind: 'unknown', text: `this cjdns has no ${name}` } };
}

/** An error text may be anything: a line of at most 100 printable characters goes on to logs and terminals. */
function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');
}

function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += (byte + 256).toString(16).slice(1);
  return text;
}
