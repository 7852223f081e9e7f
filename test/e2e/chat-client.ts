/** An IRC client for tests: every line that comes in is kept with its time, and every wait has an end. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';

const WAIT_MS = 20_000;

export interface Received {
  text: string;
  /** performance.now() */
  at: number;
}

interface Waiter {
  match(line: string): boolean;
  resolve(line: Received): void;
}

export class ChatClient {
  readonly nick: string;
  readonly lines: Received[] = [];
  closed = false;
  readonly #socket: Socket;
  #rest = '';
  #waiters: Waiter[] = [];

  private constructor(nick: string, socket: Socket) {
    this.nick = nick;
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1'); // bytes stay apart: tests send what is no UTF-8
    socket.on('data', (chunk) => this.#take(String(chunk)));
    socket.on('close', () => { this.closed = true; });
    socket.on('error', () => {});
  }

  /** Connects without saying anything. */
  static async open(host: string, port: number, nick = ''): Promise<ChatClient> {
    const socket = connect(port, host);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new ChatClient(nick, socket);
  }

  /** Registers and joins. */
  static async join(host: string, port: number, nick: string, channel = '#mesh'): Promise<ChatClient> {
    const client = await ChatClient.open(host, port, nick);
    client.send(`NICK ${nick}`, `USER ${nick} 0 * :${nick} of the tests`);
    await client.wait(/^\S+ 001 /);
    client.send(`JOIN ${channel}`);
    await client.wait(/^\S+ 366 /);
    return client;
  }

  send(...lines: string[]): void {
    this.#socket.write(lines.map((line) => `${line}\r\n`).join(''), 'latin1');
  }

  /** The bytes as they are. */
  write(bytes: string | Uint8Array): void {
    if (typeof bytes === 'string') this.#socket.write(bytes, 'latin1');
    else this.#socket.write(bytes);
  }

  say(text: string, channel = '#mesh'): void {
    this.send(`PRIVMSG ${channel} :${text}`);
  }

  /** Texts said in the channel by others, in the order in which they came. */
  said(channel = '#mesh'): { from: string; text: string; at: number }[] {
    const found = [];
    for (const { text, at } of this.lines) {
      const match = /^(?:@\S+ )?:([^! ]+)!\S+ PRIVMSG (\S+) :?(.*)$/s.exec(text);
      if (match?.[2] === channel) found.push({ from: match[1] as string, text: match[3] as string, at });
    }
    return found;
  }

  /** The first line from index `from` on that matches, come or to come. @throws Error after `ms`. */
  async wait(pattern: RegExp, ms = WAIT_MS, from = 0): Promise<Received> {
    const found = this.lines.slice(from).find(({ text }) => pattern.test(text));
    if (found !== undefined) return found;
    return await new Promise((resolve, reject) => {
      const waiter = { match: (line: string) => pattern.test(line), resolve };
      this.#waiters.push(waiter);
      const limit = setTimeout(() => {
        this.#waiters = this.#waiters.filter((one) => one !== waiter);
        const last = this.lines.slice(-5).map(({ text }) => `  ${text}`).join('\n');
        reject(new Error(`${this.nick} waits in vain for ${pattern} for ${ms} ms; the last of ${this.lines.length} lines:\n${last}`));
      }, ms);
      waiter.resolve = (line) => {
        clearTimeout(limit);
        resolve(line);
      };
    });
  }

  /** Asks the server something that it must answer: true when it lives. */
  async answers(ms = WAIT_MS): Promise<void> {
    const token = `alive${this.lines.length}x${Math.round(performance.now())}`;
    this.send(`PING :${token}`);
    await this.wait(new RegExp(`PONG .*${token}`), ms);
  }

  /** Stops reading: the server's queue for us grows. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends the connection without a word. */
  drop(): void {
    this.#socket.resetAndDestroy();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    const at = performance.now();
    const lines = (this.#rest + chunk).split('\r\n');
    this.#rest = lines.pop() as string;
    for (const text of lines) this.#line({ text, at });
  }

  #line(line: Received): void {
    this.lines.push(line);
    if (line.text.startsWith('PING ')) this.send(`PONG ${line.text.slice(5)}`);
    const { text } = line;
    const met = this.#waiters.filter((waiter) => waiter.match(text));
    if (met.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const waiter of met) waiter.resolve(line);
  }
}

/** Waits until `done` is true, asking often. @throws Error with `what` after `ms`. */
export async function until(what: string, done: () => boolean, ms = WAIT_MS): Promise<void> {
  const end = performance.now() + ms;
  while (!done()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(10);
  }
}

/** Waits until `client` has heard `count` lines in #mesh; else tells which. */
export async function hears(client: ChatClient, count: number, ms = WAIT_MS): Promise<void> {
  await until(`${client.nick} hears ${count} lines`, () => client.said().length >= count, ms).catch((error: unknown) => {
    const texts = client.said().map(({ text }) => text);
    const last = client.lines.slice(-3).map(({ text }) => text);
    throw new Error(`${String(error)}: ${texts.length} have come: ${JSON.stringify(texts.slice(-25))}, last lines ${JSON.stringify(last)}`);
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
