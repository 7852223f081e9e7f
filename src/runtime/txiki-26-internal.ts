/**
 * Sockets of txiki.js 26 through its internal callback handles: a fifth of the CPU time per datagram, and what the public
 * API leaves out (TCP_NODELAY on accepted connections, the interface of a multicast group). They are not meant for programs and
 * may change with any version: only used when asked for, and only when the probe finds every call; else the public API.
 */
import type { Loop } from './guard.ts';
import { QueuedStream } from './queued-stream.ts';
import type { DatagramOptions, DatagramSocket, Listener, ListenOptions, StreamAddress } from './runtime.ts';
import { systemError } from './socket-path.ts';
import { sockets26 } from './txiki-26.ts';
import { refuseScope, streamPorts } from './txiki-stream.ts';
import type { TxikiTransport } from './txiki-stream.ts';
import type { Txiki, TxikiAddress } from './txiki-types.ts';
import type { TxikiSockets } from './txiki.ts';

const PENDING_SENDS_MAX = 1024;
const BACKLOG = 128;

interface UdpHandle {
  onrecv: (message: { data: Uint8Array; addr: TxikiAddress } | undefined, error?: Error) => void;
  onsend: (error?: Error) => void;
  bind(address: TxikiAddress, flags: number): void;
  getsockname(): TxikiAddress;
  startRecv(): void;
  /** @returns undefined when it has to wait for onsend. */
  send(bytes: Uint8Array, to: TxikiAddress): number | undefined;
  setMembership(group: string, interfaceName: string, what: number): void;
  setMulticastInterface(name: string): void;
  close(): void;
}
interface StreamHandle {
  onread: (data: Uint8Array | null | undefined, error?: Error) => void;
  onwrite: (error?: Error) => void;
  onconnect: (error?: Error) => void;
  onconnection: (error: Error | undefined, handle: StreamHandle | undefined) => void;
  bind(address: TxikiAddress | string, flags?: number): void;
  listen(backlog: number): void;
  connect(to: TxikiAddress | string): void;
  getsockname(): TxikiAddress | string;
  getpeername(): TxikiAddress | string;
  startRead(): void;
  stopRead(): void;
  /** @returns true when all is written, false when onwrite tells. */
  write(bytes: Uint8Array): boolean;
  shutdown(): void;
  setNoDelay?(on: boolean): void;
  close(): void;
}
interface Core {
  UDP: new () => UdpHandle;
  TCP: new () => StreamHandle;
  Pipe: new () => StreamHandle;
  UDP_IPV6ONLY: number;
  TCP_IPV6ONLY: number;
  JOIN_GROUP: number;
}

/** The internal sockets, or the public ones when this version does not have them as we know them. */
export async function sockets26Internal(tjs: Txiki, loop: Loop): Promise<TxikiSockets> {
  const core = await internalCore(tjs).catch(() => undefined);
  if (core === undefined) return await sockets26(tjs, loop);
  return {
    async openDatagram(options) {
      refuseScope(options);
      try {
        return new InternalDatagramSocket(core, loop, options);
      } catch (error) {
        throw systemError(error);
      }
    },
    ...streamPorts(tjs, loop, {
      dial: (at) => dial(core, at),
      listen: async (options) => listen(core, loop, options),
    }),
  };
}

async function internalCore(tjs: Txiki): Promise<Core | undefined> {
  const name = 'meshchat-core'; // in a variable: the bundler must leave it alone
  tjs.setImportMap?.({ imports: { [name]: 'tjs:internal/core' } }, '/');
  const { default: core } = await import(name) as { default: Core };
  const calls: [object, string[]][] = [
    [core.UDP.prototype, ['bind', 'getsockname', 'startRecv', 'send', 'setMembership', 'setMulticastInterface', 'close']],
    [core.TCP.prototype, ['bind', 'listen', 'connect', 'startRead', 'stopRead', 'write', 'shutdown', 'setNoDelay', 'close']],
    [core.Pipe.prototype, ['bind', 'listen', 'connect', 'startRead', 'stopRead', 'write', 'shutdown', 'close']],
  ];
  return calls.every(([prototype, names]) => names.every((call) => call in prototype)) ? core : undefined;
}

class InternalDatagramSocket implements DatagramSocket {
  readonly address: string;
  readonly port: number;
  sendErrorCount = 0;
  sendDropCount = 0;
  readonly #core: Core;
  readonly #handle: UdpHandle;
  readonly #loop: Loop;
  readonly #options: DatagramOptions;
  /** Read by send() before it returns, so one is enough. */
  readonly #to: TxikiAddress = { ip: '', port: 0 };
  #pendingCount = 0;
  #closed = false;

  constructor(core: Core, loop: Loop, options: DatagramOptions) {
    this.#core = core;
    this.#loop = loop;
    this.#options = options;
    this.address = options.address;
    this.#handle = new core.UDP();
    try {
      const flags = options.address.includes(':') ? core.UDP_IPV6ONLY : 0;
      this.#handle.bind({ ip: options.address, port: options.port }, flags);
      this.port = this.#handle.getsockname().port;
      this.#receive();
    } catch (error) {
      this.#handle.close();
      throw error;
    }
    loop.open.add(this);
  }

  #receive(): void {
    const { onDatagram } = this.#options;
    this.#handle.onrecv = (message, error) => {
      if (this.#closed) return;
      if (message === undefined) return this.#fail(error);
      try {
        onDatagram(message.data, message.addr.ip, message.addr.port);
      } catch (thrown) {
        this.#loop.guard.failed(thrown);
      }
    };
    this.#handle.onsend = (error) => {
      this.#pendingCount--;
      if (error !== undefined) this.sendErrorCount++;
    };
    this.#handle.startRecv();
  }

  send(bytes: Uint8Array, address: string, port: number): void {
    if (this.#closed) return;
    if (this.#pendingCount >= PENDING_SENDS_MAX) {
      this.sendDropCount++;
      return;
    }
    this.#to.ip = address;
    this.#to.port = port;
    try {
      // A datagram that has to wait keeps the caller's buffer, which may change: once one waits, the others go as copies.
      const data = this.#pendingCount === 0 ? bytes : bytes.slice();
      if (this.#handle.send(data, this.#to) === undefined) this.#pendingCount++;
    } catch {
      this.sendErrorCount++;
    }
  }

  joinMulticast(group: string, interfaceName: string): boolean {
    try {
      this.#handle.setMembership(group, `::%${interfaceName}`, this.#core.JOIN_GROUP);
      this.#handle.setMulticastInterface(`::%${interfaceName}`);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#loop.open.delete(this);
    this.#handle.close();
  }

  #fail(error: Error | undefined): void {
    this.close();
    this.#loop.guard.run(() => this.#options.onClose?.(systemError(error ?? new Error('closed'))));
  }
}

class InternalTransport implements TxikiTransport {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly #handle: StreamHandle;
  #stream: QueuedStream | undefined;
  #closed = false;

  constructor(handle: StreamHandle) {
    this.#handle = handle;
    this.remoteAddress = ipOf(handle.getpeername());
    this.localAddress = ipOf(handle.getsockname());
    handle.setNoDelay?.(true);
    handle.onread = (data, error) => {
      const stream = this.#stream;
      if (this.#closed || stream === undefined) return;
      if (error !== undefined) return stream.fail(systemError(error));
      if (data !== null && data !== undefined) return stream.onData(data);
      handle.stopRead();
      stream.onEnd();
    };
    handle.onwrite = (error) => {
      if (this.#closed) return;
      if (error === undefined) this.#stream?.onWritten();
      else this.#stream?.fail(systemError(error));
    };
  }
  attach(stream: QueuedStream): void {
    this.#stream = stream;
  }
  write(bytes: Uint8Array): void {
    if (this.#handle.write(bytes)) this.#stream?.onWritten();
  }
  startReading(): void {
    // A microtask later: on a handle that has just been accepted it is too early now.
    queueMicrotask(() => {
      try {
        if (!this.#closed) this.#handle.startRead();
      } catch (error) {
        this.#stream?.fail(systemError(error));
      }
    });
  }
  stopReading(): void {
    this.#handle.stopRead();
  }
  shutdown(): void {
    this.#handle.shutdown();
  }
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
  }
}

function ipOf(address: TxikiAddress | string): string {
  return typeof address === 'string' ? '' : address.ip;
}

function dial(core: Core, at: StreamAddress): Promise<TxikiTransport> {
  const handle = 'path' in at ? new core.Pipe() : new core.TCP();
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      handle.close();
      reject(systemError(error));
    };
    handle.onconnect = (error) => {
      if (error !== undefined) fail(error);
      else resolve(new InternalTransport(handle));
    };
    try {
      handle.connect('path' in at ? at.path : { ip: at.address, port: at.port });
    } catch (error) {
      fail(error);
    }
  });
}

function listen(core: Core, loop: Loop, { at, ...options }: ListenOptions): Listener {
  const handle = 'path' in at ? new core.Pipe() : new core.TCP();
  let closed = false;
  handle.onconnection = (_error, accepted) => {
    if (accepted === undefined) return; // closed, or a connection that failed
    if (closed) return accepted.close();
    const transport = new InternalTransport(accepted);
    const stream = new QueuedStream(transport, loop, options);
    transport.attach(stream);
    stream.accept(options.onStream);
  };
  try {
    if ('path' in at) handle.bind(at.path);
    else handle.bind({ ip: at.address, port: at.port }, at.address.includes(':') ? core.TCP_IPV6ONLY : 0);
    handle.listen(BACKLOG);
  } catch (error) {
    handle.close();
    throw error;
  }
  const bound = handle.getsockname();
  const listener: Listener = {
    port: typeof bound === 'string' ? 0 : bound.port,
    close() {
      if (closed) return;
      closed = true;
      loop.open.delete(listener);
      handle.close();
    },
  };
  loop.open.add(listener);
  return listener;
}
