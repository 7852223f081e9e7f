/**
 * Sockets of txiki.js 26 through its internal callback handles: a fifth of the CPU time per datagram, a seventh of the
 * memory per connection, and what the public API leaves out (TCP_NODELAY on accepted connections, the interface of a
 * multicast group). They are not meant for programs and may change with any version: only used in versions that were
 * tried (detect.ts) or when asked for, and only when the probe finds every call; else the public API.
 */
import type { Loop } from './guard.ts';
import { GuardedDatagram } from './guarded-datagram.ts';
import { openListener, QueuedStream } from './queued-stream.ts';
import type { Transport } from './queued-stream.ts';
import type { DatagramOptions, DatagramSocket, Listener, ListenOptions, StreamAddress } from './runtime.ts';
import { systemError } from './socket-path.ts';
import { importCore } from './txiki-26-core.ts';
import { sockets26 } from './txiki-26.ts';
import { refuseScope, streamPorts } from './txiki-stream.ts';
import type { Txiki, TxikiAddress } from './txiki-types.ts';
import type { TxikiSockets } from './txiki.ts';

const BACKLOG = 128;
const STREAM_CALLS = 'bind listen connect getsockname getpeername startRead stopRead write shutdown';

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
        return openUdp(core, loop, options);
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
  const core = await importCore<Core>(tjs);
  return has(new core.UDP(), 'bind getsockname startRecv send setMembership setMulticastInterface')
    && has(new core.TCP(), `${STREAM_CALLS} setNoDelay`) && has(new core.Pipe(), STREAM_CALLS) ? core : undefined;
}

function has(handle: { close(): void }, names: string): boolean {
  const complete = names.split(' ').every((name) => name in handle);
  handle.close();
  return complete;
}

function openUdp(core: Core, loop: Loop, options: DatagramOptions): DatagramSocket {
  const guarded = new GuardedDatagram(loop, options);
  const handle = new core.UDP();
  const destination: TxikiAddress = { ip: '', port: 0 }; // read by send() before it returns, so one is enough
  handle.onrecv = (message, error) => {
    if (message === undefined) guarded.fail(error ?? new Error('closed'));
    else guarded.onReceived(message.data, message.addr.ip, message.addr.port);
  };
  handle.onsend = (error) => {
    if (error === undefined) guarded.onSent();
    else guarded.onSendError();
  };
  try {
    handle.bind({ ip: options.address, port: options.port }, options.address.includes(':') ? core.UDP_IPV6ONLY : 0);
    handle.startRecv();
  } catch (error) {
    handle.close();
    throw error;
  }
  return guarded.open({
    send(bytes, address, port) {
      destination.ip = address;
      destination.port = port;
      return handle.send(bytes.slice(), destination) === undefined; // one that has to wait keeps the array
    },
    join(group, name) {
      handle.setMembership(group, `::%${name}`, core.JOIN_GROUP);
      handle.setMulticastInterface(`::%${name}`);
    },
    close: () => handle.close(),
  }, handle.getsockname().port);
}

class InternalTransport implements Transport {
  readonly remoteAddress: string;
  readonly #handle: StreamHandle;
  stream?: QueuedStream;
  #closed = false;

  constructor(handle: StreamHandle) {
    this.#handle = handle;
    this.remoteAddress = ipOf(handle.getpeername());
    handle.setNoDelay?.(true);
    handle.onread = (data, error) => {
      const { stream } = this;
      if (this.#closed || stream === undefined) return;
      if (error !== undefined) return stream.fail(systemError(error));
      if (data !== null && data !== undefined) return stream.onData(data);
      handle.stopRead();
      stream.onEnd();
    };
    handle.onwrite = (error) => {
      if (this.#closed) return;
      if (error === undefined) this.stream?.onWritten();
      else this.stream?.fail(systemError(error));
    };
  }
  write(bytes: Uint8Array): void {
    if (this.#handle.write(bytes)) this.stream?.onWritten();
  }
  startReading(): void {
    // A microtask later: on a handle that has just been accepted it is too early now.
    queueMicrotask(() => {
      try {
        if (!this.#closed) this.#handle.startRead();
      } catch (error) {
        this.stream?.fail(systemError(error));
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

function dial(core: Core, at: StreamAddress): Promise<Transport> {
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
    new QueuedStream(new InternalTransport(accepted), loop, options).accept(options.onStream);
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
  return openListener(loop, typeof bound === 'string' ? 0 : bound.port, () => {
    closed = true;
    handle.close();
  });
}
