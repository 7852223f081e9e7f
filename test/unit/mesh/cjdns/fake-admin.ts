/** cjdns's admin port for tests: answers what `answer` says, checks cookies and hashes as Admin.c does. */
import { decodeBencode, textOf } from '../../../../src/mesh/cjdns/bencode.ts';
import type { BencodeDict } from '../../../../src/mesh/cjdns/bencode.ts';
import type { FakeRuntime, SentDatagram } from '../fake-runtime.ts';

export const NO_FUNCTION = 'No functions matched your request, try Admin_availableFunctions()';
export const latin1Bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
export const latin1Text = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

type Plain = string | number | Plain[] | { [key: string]: Plain };
/** Bencode with cjdns's padding: the first key's length gets zeros until the whole is a multiple of 8 bytes. */
export function cjdnsEncode(value: Plain): string {
  const text = encode(value);
  const pad = (8 - (text.length % 8)) % 8;
  return `d${'0'.repeat(pad)}${text.slice(1)}`;
}
export function encode(value: Plain): string {
  if (typeof value === 'number') return `i${value}e`;
  if (typeof value === 'string') return `${value.length}:${value}`;
  if (Array.isArray(value)) return `l${value.map(encode).join('')}e`;
  return `d${Object.keys(value).sort().map((key) => encode(key) + encode(value[key]!)).join('')}e`;
}

export interface AdminRequest { name: string; args: BencodeDict; authed: boolean; text: string; txid: string }

export class FakeAdmin {
  password: string;
  up = true;
  cookie = '1753282517';
  requests: AdminRequest[] = [];
  port: number;
  /** Functions that need the password. */
  needsAuth = (name: string): boolean => /^(SessionManager|RouterModule)_/.test(name);
  /** The answer (without txid) to a function; undefined: it has none; a string: bytes as they are; null: silence. */
  answer: (request: AdminRequest) => { [key: string]: Plain } | string | null | undefined = () => undefined;
  /** Runs before an answer leaves; the test may keep it. */
  readonly #runtime: FakeRuntime;

  constructor(runtime: FakeRuntime, password = 'NONE', port = 11234) {
    this.#runtime = runtime;
    this.password = password;
    this.port = port;
    const before = runtime.onSent;
    runtime.onSent = (sent) => {
      if (sent.address === '127.0.0.1' && sent.port === this.port) this.#onRequest(sent);
      else before(sent);
    };
  }

  #onRequest(sent: SentDatagram): void {
    if (!this.up) return;
    const dict = decodeBencode(sent.bytes);
    if (typeof dict === 'string') return;
    const reply = (text: string): void => {
      this.#runtime.later(() => sent.socket.options.onDatagram(latin1Bytes(text), '127.0.0.1', this.port));
    };
    const text = latin1Text(sent.bytes);
    const txid = textOf(dict, 'txid');
    if (sent.bytes.length > 512) return reply('d5:error16:Request too big.e');
    const q = textOf(dict, 'q');
    if (q === 'cookie') return reply(cjdnsEncode({ cookie: this.cookie, txid }));
    const auth = q === 'auth';
    const name = auth ? textOf(dict, 'aq') : q;
    const args = dict.get('args');
    const authed = auth && this.#hashIsRight(text, textOf(dict, 'hash'), textOf(dict, 'cookie'));
    const request = { name, args: args instanceof Map ? args : new Map(), authed, text, txid };
    this.requests.push(request);
    if (auth && !authed) return reply(cjdnsEncode({ error: 'Auth failed.', txid }));
    const answer = this.needsAuth(name) && !authed ? undefined : this.answer(request);
    if (answer === null) return;
    if (typeof answer === 'string') return reply(answer);
    reply(cjdnsEncode(answer === undefined ? { error: NO_FUNCTION, txid } : { ...answer, txid }));
  }

  #hashIsRight(text: string, hash: string, cookie: string): boolean {
    if (cookie !== this.cookie) return false;
    const sha = (of: string): string =>
      Array.from(this.#runtime.sha256(latin1Bytes(of)), (byte) => byte.toString(16).padStart(2, '0')).join('');
    return sha(text.replace(hash, sha(this.password + cookie))) === hash;
  }

  count(name: string): number {
    return this.requests.filter((request) => request.name === name).length;
  }
}

/** Key texts of nodes and their addresses, as cjdns's own makekeys made them. */
export const NODES = [
  ['bgqwu4rsfwbb1jj26xjnp6k7suv51k4vmlh7nuwjfx1k902t6gj0', 'fc62:c8a1:a542:8b3e:5320:2e9f:ad2d:fb58'],
  ['00657fnu6gjktg9rlm7z5312bksn2yv96nsbn8n4xqw0h5zrmp20', 'fc26:a55f:5f25:7ffa:1390:1f5f:508b:c0d0'],
  ['rjndc8rvg194ddf2j5v679cfjcpmsmhv8p022q3lvpym21cqwyh0', 'fc50:47a8:2ef5:1c82:952e:10fc:dbad:dba9'],
  ['vwxvq7ub38fuz07bujqjc4vcpwqjlwm2ubzdvjsx38ygyutctcf0', 'fc83:195b:884b:88b6:5905:c71b:4a54:5fb5'],
  ['1xxbrfv9fv6jw7m76qttbpbdhfy0qkj8sf1zuuq7st2x19lnf870', 'fcd6:3140:918c:b7f3:59a7:864a:c51f:79e8'],
] as const;

export function nodeName(index: number, label: string, version = 21): string {
  return `v${version}.${label}.${NODES[index]![0]}.k`;
}
