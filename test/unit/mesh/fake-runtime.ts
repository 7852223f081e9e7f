/** A Runtime under the test's hands: the clock is a number, datagrams and streams go to handlers that the test sets. */
import type {
  ConnectOptions, DatagramOptions, DatagramSocket, NetworkInterface, Runtime, Stream, StreamHandler, Timer,
} from '../../../src/runtime/runtime.ts';
import { SystemError } from '../../../src/runtime/runtime.ts';

// txiki's hashes have node:crypto's interface; the name is put together so that the bundler leaves it alone.
const onTxiki = 'tjs' in globalThis;
const hashing = (await import(onTxiki ? ['tjs', 'hashing'].join(':') : ['node', 'crypto'].join(':'))) as {
  createHash(type: string): { update(bytes: Uint8Array): { digest(encoding?: string): unknown } };
};

function digest(type: string, bytes: Uint8Array): Uint8Array {
  const text = hashing.createHash(type).update(bytes).digest('hex') as string;
  return Uint8Array.from(text.match(/../g)!, (pair) => parseInt(pair, 16));
}

export interface SentDatagram { socket: FakeDatagramSocket; bytes: Uint8Array; address: string; port: number }

export class FakeDatagramSocket implements DatagramSocket {
  readonly options: DatagramOptions;
  readonly address: string;
  readonly port: number;
  readonly sendErrorCount = 0;
  readonly sendDropCount = 0;
  readonly groups: string[] = [];
  closed = false;
  readonly #runtime: FakeRuntime;
  constructor(runtime: FakeRuntime, options: DatagramOptions) {
    this.#runtime = runtime;
    this.options = options;
    this.address = options.address;
    this.port = options.port || runtime.nextPort++;
  }
  send(bytes: Uint8Array, address: string, port: number): void {
    if (this.closed) throw new Error('send after close');
    const copy = bytes.slice();
    this.#runtime.later(() => this.#runtime.onSent({ socket: this, bytes: copy, address, port }));
  }
  joinMulticast(group: string): boolean {
    if (this.#runtime.multicast) this.groups.push(group);
    return this.#runtime.multicast;
  }
  close(): void {
    this.closed = true;
    this.#runtime.sockets.delete(this);
  }
}

interface FakeTimer extends Timer { deadlineMs: number; fire(): void }

/** One end of a stream; `toClient` is what the test calls to answer. */
export interface FakeConnection {
  options: ConnectOptions;
  toClient(text: string): void;
  /** The same although it is closed: a runtime may still have had them. */
  deliverLate(text: string): void;
  close(): void;
  /** Closed by either side. */
  closed: boolean;
}

export class FakeRuntime {
  nowMs = 1000;
  nextPort = 40_000;
  multicast = true;
  interfaces: NetworkInterface[] = [];
  readonly fileText = new Map<string, string>();
  readonly environment = new Map<string, string>();
  readonly sockets = new Set<FakeDatagramSocket>();
  /** "address/port" that openDatagram refuses with EADDRINUSE. */
  readonly taken = new Set<string>();
  /** What leaves any datagram socket. */
  onSent: (sent: SentDatagram) => void = () => undefined;
  /** Accepts a connection by returning what takes its bytes, or throws a SystemError. */
  onConnect: (connection: FakeConnection) => (text: string) => void = () => {
    throw new SystemError('ENOENT', 'no such socket');
  };
  readonly #timers = new Set<FakeTimer>();
  readonly #tasks: (() => void)[] = [];

  now(): number { return this.nowMs; }
  random(): number { return 0.5; }
  #bytes = 0;
  randomBytes(count: number): Uint8Array { return Uint8Array.from({ length: count }, () => this.#bytes++ & 255); }
  env(name: string): string | undefined { return this.environment.get(name); }
  sha256(bytes: Uint8Array): Uint8Array { return digest('sha256', bytes); }
  sha512(bytes: Uint8Array): Uint8Array { return digest('sha512', bytes); }
  networkInterfaces(): NetworkInterface[] { return this.interfaces; }
  later(task: () => void): void { this.#tasks.push(task); }

  timer(onTimeout: () => void): Timer {
    const timer: FakeTimer = {
      deadlineMs: Infinity,
      set(deadlineMs) { timer.deadlineMs = deadlineMs; },
      cancel() { timer.deadlineMs = Infinity; },
      fire() { timer.deadlineMs = Infinity; onTimeout(); },
    };
    this.#timers.add(timer);
    return timer;
  }

  async openDatagram(options: DatagramOptions): Promise<DatagramSocket> {
    if (this.taken.has(`${options.address}/${options.port}`)) throw new SystemError('EADDRINUSE', 'taken');
    const socket = new FakeDatagramSocket(this, options);
    this.sockets.add(socket);
    return socket;
  }

  async connect(options: ConnectOptions, handler: StreamHandler): Promise<Stream> {
    const encoder = new TextEncoder();
    const decoder = new TextDecoder();
    let ended = false;
    const close = (): void => {
      if (ended) return;
      ended = connection.closed = true;
      this.later(() => handler.onClose());
    };
    const connection: FakeConnection = {
      options, closed: false, close,
      deliverLate: (text) => handler.onData(encoder.encode(text)),
      toClient: (text) => this.later(() => { if (!ended) handler.onData(encoder.encode(text)); }),
    };
    const onText = this.onConnect(connection);
    return {
      remoteAddress: '', queuedBytes: 0, pause() {}, resume() {}, end: close, close,
      write: (bytes) => {
        const text = decoder.decode(bytes);
        if (!ended) this.later(() => { if (!ended) onText(text); });
        return !ended;
      },
    };
  }

  readonly files = {
    read: async (path: string, bytesMax = 1 << 20): Promise<Uint8Array> => {
      const text = this.fileText.get(path);
      if (text === undefined) throw new SystemError('ENOENT', `${path}: no such file`);
      if (text.length > bytesMax) throw new SystemError('EFBIG', `${path}: too big`);
      return new TextEncoder().encode(text);
    },
    list: async (folder: string): Promise<string[]> => {
      const names = [...this.fileText.keys()].filter((path) => path.startsWith(`${folder}/`));
      if (names.length === 0) throw new SystemError('ENOENT', `${folder}: no such folder`);
      return names.map((path) => path.slice(folder.length + 1));
    },
    exists: async (path: string): Promise<boolean> => this.fileText.has(path),
  };

  /** Runs the turns of `ms` milliseconds; every task and due timer in its order. */
  async run(ms: number): Promise<void> {
    const end = this.nowMs + ms;
    for (;;) {
      await this.settle();
      let next: FakeTimer | undefined;
      for (const timer of this.#timers) if (next === undefined || timer.deadlineMs < next.deadlineMs) next = timer;
      if (next === undefined || next.deadlineMs > end) break;
      this.nowMs = Math.max(this.nowMs, next.deadlineMs);
      next.fire();
    }
    this.nowMs = end;
  }

  /** Lets promises and tasks run until none is left. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 40; idle++) {
      for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
        task();
        idle = 0;
      }
      await null;
    }
  }

  get timerCount(): number {
    return [...this.#timers].filter((timer) => timer.deadlineMs !== Infinity).length;
  }

  asRuntime(): Runtime { return this as unknown as Runtime; }
}

export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
