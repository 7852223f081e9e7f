/**
 * One connected client: what it negotiated, its inbox, and its output, collected and written once per turn. While a
 * labelled command runs its replies are held back, to be labelled as one line, one batch or an ACK (IRCv3
 * labeled-response).
 */
import { CAP_BATCH } from './capabilities.ts';
import { formatLine, formatTags } from './line.ts';
import type { Entry } from './history.ts';
import type { Inbox } from './inbox.ts';
import type { Outgoing } from './outgoing.ts';
import type { Stream } from '../runtime/runtime.ts';
import type { User } from './user.ts';

/** How lines are written on a stream: as they are, or as WebSocket frames. */
export interface Transport {
  readonly stream: Stream;
  /** Takes whole lines with their CR LF, one or more in each item. @returns false when the stream's queue is full. */
  write(lines: readonly (string | Uint8Array)[]): boolean;
  end(): void;
}

interface Captured {
  out: Outgoing | string;
  batch: string;
  closesBatch: boolean;
}

/** A client's multiline message that is still being sent. */
interface OpenBatch {
  id: string;
  target: string;
  command: string;
  label: string;
  tags: Map<string, string> | undefined;
  lines: string[];
  concat: number[];
  bytes: number;
}

export interface SessionHost {
  readonly serverName: string;
  /** The session has output: call flush() at the end of the turn. */
  wakeFlush(session: Session): void;
  /** Hands out what was said in a channel before: called before anything else is sent. */
  settle(): void;
}

export class Session {
  readonly transport: Transport;
  caps = 0;
  /** 302 or more: values in CAP LS, cap-notify. */
  capVersion = 0;
  negotiating = false;
  nick = '';
  userName = '';
  real = '';
  password: string | undefined;
  account: string | undefined;
  /** What AUTHENTICATE has collected; undefined: none under way. */
  sasl: string | undefined;
  user: User | undefined;
  /** Monotonic. */
  readonly openedMs: number;
  heardMs: number;
  pingSent = false;
  closed = false;
  readonly inbox: Inbox;
  readonly monitored = new Map<string, string>();
  openBatch: OpenBatch | undefined;
  /** Of a multiline message that was refused: its lines are dropped. */
  refusedBatch: string | undefined;
  /** Channels whose history is on its way, and what is shown meanwhile: not to be played again with it. */
  awaitedCount = 0;
  shownEarly: Set<Entry> | undefined;
  readonly #host: SessionHost;
  #out: (string | Uint8Array)[] = [];
  #outBytes = 0;
  #capture: Captured[] | undefined;
  /** Of the command that is being handled, '' none. */
  #label = '';
  #aside: Captured[] = [];
  #batchCount = 0;

  constructor(host: SessionHost, transport: Transport, nowMs: number, inbox: Inbox) {
    this.#host = host;
    this.transport = transport;
    this.openedMs = nowMs;
    this.heardMs = nowMs;
    this.inbox = inbox;
  }

  has(capability: number): boolean {
    return (this.caps & capability) !== 0;
  }
  /** Its name in replies. */
  get name(): string {
    return this.user?.shown ?? (this.nick === '' ? '*' : this.nick);
  }
  get queuedBytes(): number {
    return this.transport.stream.queuedBytes + this.#outBytes;
  }

  /**
   * @param batch the open batch it belongs to
   * @param aside not a reply to the command that is being handled: never labelled
   */
  send(out: Outgoing | string, batch = '', aside = false): void {
    if (this.closed) return;
    this.#host.settle();
    if (this.#capture !== undefined) (aside ? this.#aside : this.#capture).push({ out, batch, closesBatch: false });
    else if (batch === '' && typeof out !== 'string') this.#collect(out.bytes(this.caps));
    else this.#write(out, batch === '' ? [] : [['batch', batch]]);
  }

  /** Lines of others that many clients get: they are no reply to anything. */
  sendBytes(lines: Uint8Array): void {
    if (lines.length > 0) this.#collect(lines);
  }

  /** A line from the server. */
  line(command: string, ...params: string[]): void {
    this.send(formatLine(this.#host.serverName, command, params));
  }
  /** A numeric; the client's name is put before `params`. */
  reply(numeric: number, ...params: string[]): void {
    this.line(String(numeric).padStart(3, '0'), this.name, ...params);
  }
  fail(command: string, code: string, ...params: string[]): void {
    this.line('FAIL', command, code, ...params);
  }
  notice(text: string): void {
    this.line('NOTICE', this.name, text);
  }

  newBatchId(): string {
    return (++this.#batchCount).toString(36);
  }
  /** @returns the id for lines of the batch, '' when the client knows no batches. */
  beginBatch(type: string, ...params: string[]): string {
    if (!this.has(CAP_BATCH)) return '';
    const id = this.newBatchId();
    this.line('BATCH', `+${id}`, type, ...params);
    return id;
  }
  endBatch(id: string): void {
    if (id === '' || this.closed) return;
    const out = formatLine(this.#host.serverName, 'BATCH', [`-${id}`]);
    if (this.#capture === undefined) this.#write(out, []);
    else this.#capture.push({ out, batch: '', closesBatch: true });
  }

  get labelling(): boolean {
    return this.#capture !== undefined;
  }
  /** Runs `task`; what it replies gets the label, if there is one. */
  labelled(label: string, task: () => void): void {
    if (label === '') return task();
    this.#capture = [];
    this.#label = label;
    try {
      task();
    } finally {
      this.endLabel();
    }
  }
  /** The command that is being handled is answered later, by labelled() with this label. */
  takeLabel(): string {
    const label = this.#label;
    this.#label = '';
    return label;
  }
  /** Writes what was held back. */
  endLabel(): void {
    const items = this.#capture;
    if (items === undefined) return;
    this.#capture = undefined;
    const label = this.takeLabel();
    const top = items.filter((item) => item.batch === '' && !item.closesBatch);
    const labelTag: [string, string] = ['label', label];
    if (label === '') {
      for (const item of items) this.#writeCaptured(item, []);
    } else if (top.length === 0) {
      this.#write(formatLine(this.#host.serverName, 'ACK', []), [labelTag]);
    } else if (top.length === 1) {
      for (const item of items) this.#writeCaptured(item, item === top[0] ? [labelTag] : []);
    } else {
      const id = this.newBatchId();
      this.#write(formatLine(this.#host.serverName, 'BATCH', [`+${id}`, 'labeled-response']), [labelTag]);
      for (const item of items) this.#writeCaptured(item, item.batch === '' ? [['batch', id]] : []);
      this.#write(formatLine(this.#host.serverName, 'BATCH', [`-${id}`]), []);
    }
    for (const item of this.#aside) this.#writeCaptured(item, []);
    this.#aside = [];
  }

  #writeCaptured(item: Captured, tags: [string, string][]): void {
    this.#write(item.out, item.batch === '' ? tags : [['batch', item.batch], ...tags]);
  }

  #write(out: Outgoing | string, tags: readonly (readonly [string, string])[]): void {
    let line: string | Uint8Array;
    if (typeof out === 'string') line = `${formatTags(tags)}${out}\r\n`;
    else line = tags.length === 0 ? out.bytes(this.caps) : out.text(this.caps, tags);
    this.#collect(line);
  }

  #collect(line: string | Uint8Array): void {
    if (this.#out.length === 0) this.#host.wakeFlush(this);
    this.#out.push(line);
    this.#outBytes += line.length;
  }

  /** Hands the collected output to the transport. @returns false when its queue is full. */
  flush(): boolean {
    if (this.#out.length === 0) return true;
    const lines = this.#out;
    this.#out = [];
    this.#outBytes = 0;
    return this.transport.write(lines);
  }
}
