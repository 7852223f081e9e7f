/**
 * The server's side of every client connection: who may connect; lines in, by way of the inbox; output out, once per
 * turn; silence and slow readers. What the lines mean is in commands.ts.
 */
import type { Log } from '../runtime/log.ts';
import type { Accounts } from './accounts.ts';
import type { Channel } from './channel.ts';
import type { ChannelLinks } from './channel-links.ts';
import { handleLine } from './commands.ts';
import { FanOut } from './fan-out.ts';
import { Conversations } from './conversations.ts';
import { Inbox } from './inbox.ts';
import type { InboxHost } from './inbox.ts';
import { ERR_INPUTTOOLONG } from './numerics.ts';
import { formatLine } from './line.ts';
import { LineReader } from './line-reader.ts';
import type { Network } from './network.ts';
import type { Nicks } from './nicks.ts';
import type { IrcOptions } from './options.ts';
import type { OwnFacts } from './own-facts.ts';
import type { PrivateLines } from './private-lines.ts';
import { Session } from './session.ts';
import type { SessionHost, Transport } from './session.ts';

const TICK_MS = 2000;

/** How this node's facts and lines reach the others. */
export interface MeshPort {
  /** What others are told of our people. */
  readonly own: OwnFacts;
  /** What is said to one person of another node. */
  readonly private: PrivateLines;
  /** What is said in channels. */
  readonly channels: ChannelLinks;
  /** Names a new line of the channel, or a private one. */
  stamp(channel: Channel | undefined): { msgid: string; stream: string; n: number; address: string };
  /** The other nodes. */
  readonly nodes: { address: string; userCount: number }[];
}

export interface Environment {
  now(): number;
  wallMs(): number;
  later(task: () => void): void;
}

export class Ircd implements SessionHost, InboxHost {
  readonly network: Network;
  /** Who is who. */
  readonly nicks: Nicks;
  readonly #environment: Environment;
  readonly accounts: Accounts;
  readonly conversations = new Conversations(() => this.network.newHistory());
  readonly log: Log;
  readonly startedMs: number;
  readonly version: string;
  readonly mesh: MeshPort;
  readonly fanOut = new FanOut(() => this.#planFlush());
  readonly counters = { clients: 0, refused: 0, lines: 0, sendQueueExceeded: 0, timeouts: 0, tooLong: 0, errors: 0 };
  readonly #dirty = new Set<Session>();
  #flushPlanned = false;
  /** Clients by their address. */
  readonly #perAddress = new Map<string, number>();
  #userCount = 0;

  constructor(
    network: Network, environment: Environment, mesh: MeshPort,
    parts: { accounts: Accounts; log: Log; version: string },
  ) {
    this.network = network;
    this.nicks = network.nicks;
    this.#environment = environment;
    this.mesh = mesh;
    this.accounts = parts.accounts;
    this.log = parts.log;
    this.version = parts.version;
    this.startedMs = environment.wallMs();
  }

  get options(): IrcOptions {
    return this.network.options;
  }
  get serverName(): string {
    return this.options.serverName;
  }
  /** Monotonic. */
  now(): number {
    return this.#environment.now();
  }
  /** Unix ms. */
  wallMs(): number {
    return this.#environment.wallMs();
  }
  later(task: () => void): void {
    this.#environment.later(task);
  }
  nextUid(): string {
    return (++this.#userCount).toString(36);
  }

  // --- connections ------------------------------------------------------------------------------------------------

  /** @returns undefined when there are too many clients; the transport has been told and closed. */
  open(transport: Transport): { session: Session; reader: LineReader } | undefined {
    const { clientsMax, clientsPerAddressMax } = this.options;
    const same = this.#perAddress.get(transport.stream.remoteAddress) ?? 0;
    if (this.network.sessions.size >= clientsMax || same >= clientsPerAddressMax) {
      this.counters.refused++;
      transport.write(['ERROR :Too many connections\r\n']);
      transport.end();
      return undefined;
    }
    const inbox = new Inbox(this, transport.stream, (text) => this.#handle(session, text));
    const session: Session = new Session(this, transport, this.now(), inbox);
    this.network.sessions.add(session);
    this.#perAddress.set(transport.stream.remoteAddress, same + 1);
    this.counters.clients++;
    const reader = new LineReader({
      line: (text) => this.#receive(session, text),
      tooLong: () => {
        this.counters.tooLong++;
        session.reply(ERR_INPUTTOOLONG, 'Input line was too long');
      },
      notUtf8: () => session.fail('*', 'INVALID_UTF8', 'Message rejected, it must be UTF-8'),
    });
    return { session, reader };
  }

  #receive(session: Session, text: string): void {
    if (session.closed) return;
    session.heardMs = this.now();
    session.pingSent = false;
    session.inbox.push(text);
  }

  #handle(session: Session, text: string): void {
    this.counters.lines++;
    try {
      handleLine(this, session, text);
    } catch (error) {
      // Our own mistake must not cost more than this line.
      this.counters.errors++;
      this.log.error(`irc: ${String(error)} ${(error as Error).stack ?? ''} in ${text.slice(0, 100)}`);
    }
  }

  /** The client's connection has ended, or is to end: `error` is told to it. */
  close(session: Session, reason: string, error?: string): void {
    if (session.closed) return;
    if (error !== undefined) session.send(formatLine('', 'ERROR', [error]));
    session.endLabel();
    session.flush();
    session.closed = true;
    this.#dirty.delete(session);
    session.inbox.close();
    this.network.sessions.delete(session);
    this.#countDown(session.transport.stream.remoteAddress);
    this.network.watchers.remove(session, session.monitored.keys());
    const user = session.user;
    if (user !== undefined) {
      user.sessions.splice(user.sessions.indexOf(session), 1);
      if (user.sessions.length === 0) {
        this.conversations.leave(user);
        this.network.remove(user, reason);
        this.mesh.own.gone(user, reason);
      }
    }
    if (error === undefined) session.transport.stream.close();
    else session.transport.end();
  }

  #countDown(address: string): void {
    const left = (this.#perAddress.get(address) ?? 0) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }

  // --- output -----------------------------------------------------------------------------------------------------

  settle(): void {
    this.fanOut.settle();
  }

  wakeFlush(session: Session): void {
    this.#dirty.add(session);
    this.#planFlush();
  }

  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    this.later(() => this.#flush());
  }

  #flush(): void {
    this.settle();
    this.#flushPlanned = false;
    const sessions = [...this.#dirty];
    this.#dirty.clear();
    for (const session of sessions) {
      if (session.closed) continue;
      if (session.queuedBytes <= this.options.sendQueueBytesMax && session.flush()) continue;
      this.counters.sendQueueExceeded++;
      session.transport.stream.close();
      this.close(session, 'SendQ exceeded');
    }
  }

  // --- time -------------------------------------------------------------------------------------------------------

  /** Call it every tickMs. */
  tick(): void {
    const now = this.now();
    const { pingMs, pingTimeoutMs, registrationMs } = this.options;
    for (const session of [...this.network.sessions]) {
      const silentMs = now - session.heardMs;
      if (session.user === undefined && now - session.openedMs > registrationMs) {
        this.close(session, 'Registration timeout', 'Closing Link: (Registration timeout)');
      } else if (session.inbox.blocked) {
        session.heardMs = now;
      } else if (session.pingSent && silentMs > pingMs + pingTimeoutMs) {
        this.counters.timeouts++;
        const seconds = Math.round(silentMs / 1000);
        this.close(session, `Ping timeout: ${seconds} seconds`, `Closing Link: (Ping timeout: ${seconds} seconds)`);
      } else if (!session.pingSent && silentMs > pingMs && session.user !== undefined) {
        session.pingSent = true;
        session.send(`PING ${this.serverName}`);
      }
      session.inbox.work();
    }
  }

  get tickMs(): number {
    return this.options.floodLinesPerSecond > 0 ? 250 : TICK_MS;
  }
}
