/** A runtime of which the daemon uses clock, timers, later() and datagram sockets; time passes when a test says so. */
import type {
  ConnectOptions, DatagramOptions, DatagramSocket, Listener, ListenOptions, Runtime, Stream, StreamHandler, Timer,
} from '../../../src/runtime/runtime.ts';
import { SystemError } from '../../../src/runtime/runtime.ts';

class FakeTimer implements Timer {
  deadlineMs = Infinity;
  readonly onTimeout: () => void;
  constructor(onTimeout: () => void) {
    this.onTimeout = onTimeout;
  }
  set(deadlineMs: number): void {
    this.deadlineMs = deadlineMs;
  }
  cancel(): void {
    this.deadlineMs = Infinity;
  }
}

export interface FakeSocket extends DatagramSocket {
  options: DatagramOptions;
  closed: boolean;
  sent: string[];
}

/** Two ends of a Unix stream; bytes arrive on a later turn. */
export class FakeStream implements Stream {
  readonly remoteAddress = '';
  handler!: StreamHandler;
  other!: FakeStream;
  paused = false;
  closed = false;
  queue: Uint8Array[] = [];
  readonly #runtime: FakeRuntime;
  readonly #queueBytesMax: number;
  #waited = false;

  constructor(runtime: FakeRuntime, queueBytesMax = 1024 * 1024) {
    this.#runtime = runtime;
    this.#queueBytesMax = queueBytesMax;
  }
  get queuedBytes(): number {
    return this.queue.reduce((sum, bytes) => sum + bytes.length, 0);
  }
  write(bytes: Uint8Array): boolean {
    if (this.closed) return false;
    if (this.queuedBytes + bytes.length > this.#queueBytesMax) return false;
    this.#waited ||= this.queue.length > 0;
    this.queue.push(bytes.slice());
    this.#runtime.later(() => this.flush());
    return true;
  }
  flush(): void {
    if (this.other.closed) return;
    if (this.other.paused) {
      this.#waited ||= this.queue.length > 0;
      return;
    }
    for (const bytes of this.queue.splice(0)) this.other.handler.onData(bytes);
    if (!this.#waited) return;
    this.#waited = false;
    this.handler.onDrain?.();
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
    this.#runtime.later(() => this.other.flush());
  }
  end(): void {
    this.flush();
    this.close();
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#runtime.later(() => this.handler.onClose());
    this.#runtime.later(() => this.other.close());
  }
}

export class FakeRuntime {
  clock = 1000;
  readonly timers: FakeTimer[] = [];
  readonly sockets: FakeSocket[] = [];
  readonly listeners = new Map<string, ListenOptions>();
  /** errno name by address: the next openings fail with it. */
  readonly refuse = new Map<string, string>();
  #tasks: (() => void)[] = [];
  readonly name = 'node';
  version = '20.0.0';
  #ids = 0;

  get runtime(): Runtime {
    return this as unknown as Runtime;
  }
  now(): number {
    return this.clock;
  }
  wallMs(): number {
    return 1_700_000_000_000 + this.clock;
  }
  random(): number {
    return (++this.#ids * 0.618) % 1;
  }
  randomBytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = (++this.#ids * 37 + i * 11) & 255;
    return bytes;
  }
  residentBytes(): number {
    return 8_000_000;
  }
  readonly handlerErrorCount = 0;
  timer(onTimeout: () => void): Timer {
    const timer = new FakeTimer(onTimeout);
    this.timers.push(timer);
    return timer;
  }
  later(task: () => void): void {
    this.#tasks.push(task);
  }
  async openDatagram(options: DatagramOptions): Promise<DatagramSocket> {
    const code = this.refuse.get(options.address);
    if (code !== undefined) throw new SystemError(code, `${code} ${options.address}`);
    const socket: FakeSocket = {
      options, closed: false, sent: [], address: options.address, port: options.port, sendErrorCount: 0, sendDropCount: 0,
      send: (bytes, address, port) => void socket.sent.push(`${address} ${port} ${bytes.length}`),
      joinMulticast: () => false,
      close: () => void (socket.closed = true),
    };
    this.sockets.push(socket);
    return socket;
  }
  async listen(options: ListenOptions): Promise<Listener> {
    const path = (options.at as { path: string }).path;
    this.listeners.set(path, options);
    return { port: 0, close: () => void this.listeners.delete(path) };
  }
  async connect(options: ConnectOptions, handler: StreamHandler): Promise<Stream> {
    const listener = this.listeners.get((options.at as { path: string }).path);
    if (listener === undefined) throw new SystemError('ENOENT', 'no such socket');
    const ours = new FakeStream(this, options.writeQueueBytesMax);
    const theirs = new FakeStream(this, listener.writeQueueBytesMax);
    ours.other = theirs;
    theirs.other = ours;
    ours.handler = handler;
    theirs.handler = listener.onStream(theirs);
    return ours;
  }

  /** Runs what is due and what that brings, at the time it is now. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 1000; turn++) {
      for (let i = 0; i < 10; i++) await Promise.resolve();
      const tasks = this.#tasks.splice(0);
      const due = this.timers.filter(({ deadlineMs }) => deadlineMs <= this.clock);
      if (tasks.length === 0 && due.length === 0) return;
      for (const task of tasks) task();
      for (const timer of due) {
        if (timer.deadlineMs > this.clock) continue;
        timer.cancel();
        timer.onTimeout();
      }
    }
    throw new Error('never idle');
  }
  async advance(ms: number): Promise<void> {
    const end = this.clock + ms;
    for (;;) {
      await this.settle();
      const next = Math.min(...this.timers.map(({ deadlineMs }) => deadlineMs));
      if (next > end) break;
      this.clock = Math.max(this.clock, next);
    }
    this.clock = end;
    await this.settle();
  }
}
