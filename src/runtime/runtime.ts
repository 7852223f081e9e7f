/**
 * The ports of the event loop: all that the rest of the daemon knows of the operating system. An adapter (node.ts,
 * txiki-24.ts, txiki-26.ts) implements them; only main.ts and the tests choose one. It plays the role of libubox's
 * uloop: handlers run one at a time, never inside the call that registered them, a handler's exception is logged and
 * counted and ends nothing, and work is bounded per turn, so that a busy socket cannot starve a timer.
 */

/** A one-shot timer. Setting it again moves it; all timers of a process share one timer of the system. */
export interface Timer {
  /** Fires once `now()` has reached `deadlineMs` (never early). A deadline in the past fires on the next turn. */
  set(deadlineMs: number): void;
  cancel(): void;
  /** Infinity when not set. */
  readonly deadlineMs: number;
}

export interface DatagramOptions {
  /** Numeric IPv4 or IPv6 address to bind. An IPv6 socket is IPv6-only. */
  address: string;
  /** 0: chosen by the system. */
  port: number;
  /** Interface name or index for link-local addresses. */
  scope?: string;
  /** `bytes` belongs to the adapter and is only valid during the call: copy what is kept. */
  onDatagram(bytes: Uint8Array, address: string, port: number): void;
  /** The socket stopped for good (its address is gone); it is closed already. Open another when there is reason to. */
  onClose?(error: Error): void;
}

export interface DatagramSocket {
  readonly address: string;
  readonly port: number;
  /**
   * Fire and forget; the bytes are copied or sent before it returns. Errors and a full queue are counted, never thrown.
   */
  send(bytes: Uint8Array, address: string, port: number): void;
  /** Counters since the socket was opened. */
  readonly sendErrorCount: number;
  readonly sendDropCount: number;
  /** Joins an IPv6 multicast group on an interface. @returns false where the runtime cannot. */
  joinMulticast(group: string, interfaceName: string): boolean;
  close(): void;
}

export interface StreamHandler {
  /** `bytes` is only valid during the call. */
  onData(bytes: Uint8Array): void;
  /** The write queue has become empty after a write that had to wait. */
  onDrain?(): void;
  /** Called exactly once, whoever closed: the stream is gone. No error: an orderly end. */
  onClose(error?: Error): void;
}

export interface Stream {
  /** Address of the other end (TCP), or '' for a Unix socket. */
  readonly remoteAddress: string;
  /**
   * Copies and queues. @returns false, nothing queued, when the queue would pass `writeQueueBytesMax` or it is closed.
   * `shared`: nobody will change `bytes` any more: they are not copied, and leave at once when nothing waits.
   */
  write(bytes: Uint8Array, shared?: boolean): boolean;
  readonly queuedBytes: number;
  /** Stops and restarts reading (back-pressure to the sender). */
  pause(): void;
  resume(): void;
  /** Writes what is queued, then closes; after 5 s at the latest. */
  end(): void;
  /** Closes at once; what is queued is lost. */
  close(): void;
}

export interface StreamOptions {
  /** Default 1 MiB. */
  writeQueueBytesMax?: number;
  /** Default 4 KiB: what one read returns at most, and what an idle connection costs. */
  readBytesMax?: number;
}

export type StreamAddress = { address: string; port: number } | { path: string };

export interface ListenOptions extends StreamOptions {
  /** A path longer than 107 bytes is refused. A stale socket file is removed, a live one is EADDRINUSE. */
  at: StreamAddress;
  /** Unix sockets: file mode, e.g. 0o660. */
  mode?: number;
  /** TCP: TLS 1.2 or later, certificate chain and key in PEM. A client that fails the handshake is dropped. */
  tls?: { cert: string; key: string };
  onStream(stream: Stream): StreamHandler;
}

export interface Listener {
  /** The bound port (TCP), else 0. */
  readonly port: number;
  /** Also removes the socket file. Accepted streams stay open. */
  close(): void;
}

export interface ConnectOptions extends StreamOptions {
  at: StreamAddress;
  /** Default 10,000. */
  timeoutMs?: number;
}

export interface Files {
  /** @throws SystemError with code ENOENT, EACCES, EISDIR, EFBIG (over `bytesMax`, default 1 MiB). */
  read(path: string, bytesMax?: number): Promise<Uint8Array>;
  /** Replaces the file atomically (temporary file in the same folder, then rename). */
  write(path: string, bytes: Uint8Array, mode?: number): Promise<void>;
  remove(path: string): Promise<void>;
  list(folder: string): Promise<string[]>;
  makeFolder(path: string, mode?: number): Promise<void>;
  exists(path: string): Promise<boolean>;
}

export interface NetworkInterface {
  name: string;
  address: string;
  internal: boolean;
}

/** What the system refused, with its errno name in `code`. */
export class SystemError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export type SignalName = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR1';

export interface Runtime {
  readonly name: 'node' | 'txiki';
  /** e.g. "20.20.2", "24.12.0". */
  readonly version: string;
  /** Arguments after the script. */
  readonly args: readonly string[];
  env(name: string): string | undefined;

  /** Monotonic time, whole milliseconds from an arbitrary start. Read once per event. */
  now(): number;
  /** Unix time in milliseconds. It may jump. */
  wallMs(): number;
  /** Uniform in [0, 1), from the system's generator too: nobody can tell the next one. */
  random(): number;
  /** From the system's generator. */
  randomBytes(count: number): Uint8Array;
  sha256(bytes: Uint8Array): Uint8Array;
  sha512(bytes: Uint8Array): Uint8Array;

  timer(onTimeout: () => void): Timer;
  /** Runs `task` on a later turn of the loop, after pending input. */
  later(task: () => void): void;

  /** @throws SystemError EADDRNOTAVAIL, EADDRINUSE, EACCES. */
  openDatagram(options: DatagramOptions): Promise<DatagramSocket>;
  /** @throws SystemError EADDRINUSE, EADDRNOTAVAIL, EACCES, ENAMETOOLONG; ENOTSUP: no TLS here; EINVAL: no such key. */
  listen(options: ListenOptions): Promise<Listener>;
  /** @throws SystemError ECONNREFUSED, ENOENT, ETIMEDOUT, EACCES, ENAMETOOLONG. `handler` gets the stream's events. */
  connect(options: ConnectOptions, handler: StreamHandler): Promise<Stream>;

  onSignal(signal: SignalName, handler: () => void): void;
  networkInterfaces(): NetworkInterface[];
  readonly files: Files;

  /** One line to stdout / stderr, in order, without blocking the loop. */
  print(line: string): void;
  printError(line: string): void;
  /** Bytes to stdout as they are. Resolves once the reader has taken them; rejects with EPIPE when it has gone. */
  writeOut(bytes: Uint8Array): Promise<void>;
  /** Chunks of standard input until its end. */
  readInput(): AsyncIterable<Uint8Array>;

  /** Resident memory in bytes, 0 where it cannot be read. */
  residentBytes(): number;
  /** Handlers that threw, since the start. */
  readonly handlerErrorCount: number;
  /** Closes every socket, listener, stream and timer; the process ends when nothing else is pending. */
  stop(): void;
  /** Flushes output and ends the process. */
  exit(status: number): never;
}
