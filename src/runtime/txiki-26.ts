/**
 * Sockets of txiki.js 26 through its public API (Direct Sockets, WebStreams). What it hides: one failed datagram ends
 * the writer for good while everything looks well (the socket is opened again on the same port); a write after close()
 * leaks a descriptor; a pending read never settles on close(). About 20 µs per datagram are the streams':
 * txiki-26-internal.ts.
 */
import type { Loop } from './guard.ts';
import { GuardedDatagram } from './guarded-datagram.ts';
import type { DatagramTransport } from './guarded-datagram.ts';
import { openListener, QueuedStream } from './queued-stream.ts';
import type { Transport } from './queued-stream.ts';
import type { Listener, ListenOptions, StreamAddress } from './runtime.ts';
import { systemError } from './socket-path.ts';
import { refuseScope, streamPorts } from './txiki-stream.ts';
import type { Txiki } from './txiki-types.ts';
import type { TxikiSockets } from './txiki.ts';

interface Datagram {
  data: Uint8Array;
  remoteAddress: string;
  remotePort: number;
}
interface UdpSocket {
  readonly opened: Promise<{
    readable: ReadableStream<Datagram>;
    writable: WritableStream<Datagram>;
    localPort: number;
  }>;
  close(): void;
}
interface Socket {
  readonly opened: Promise<{
    readable: ReadableStream<Uint8Array>;
    writable: WritableStream<Uint8Array>;
    remoteAddress: string;
  }>;
  close(): void;
}
interface ServerSocket {
  readonly opened: Promise<{ readable: ReadableStream<Socket>; localPort?: number }>;
  close(): void;
}
type Make<T> = new (address: string, ...rest: unknown[]) => T;
interface Sockets26 {
  UDPSocket: new (options: object) => UdpSocket;
  TCPSocket: Make<Socket>;
  TCPServerSocket: Make<ServerSocket>;
  PipeSocket: Make<Socket>;
  PipeServerSocket: Make<ServerSocket>;
}

export async function sockets26(tjs: Txiki, loop: Loop): Promise<TxikiSockets> {
  const classes = globalThis as unknown as Sockets26;
  return {
    async openDatagram(options) {
      refuseScope(options);
      const guarded = new GuardedDatagram(loop, options);
      try {
        await openUdp(classes, guarded, options.port);
      } catch (error) {
        throw systemError(error);
      }
      return guarded;
    },
    ...streamPorts(tjs, loop, {
      dial: (at) => dial26(classes, at),
      listen: (options) => listen26(classes, loop, options),
    }),
  };
}

async function openUdp(classes: Sockets26, guarded: GuardedDatagram, localPort: number): Promise<void> {
  const { address } = guarded;
  const socket = new classes.UDPSocket({ localAddress: address, localPort, ipv6Only: address.includes(':') });
  const opened = await socket.opened;
  if (guarded.closed) return socket.close(); // while it was being opened again
  const writer = opened.writable.getWriter();
  const reader = opened.readable.getReader();
  const transport: DatagramTransport = {
    send(data, remoteAddress, remotePort) {
      writer.write({ data: data.slice(), remoteAddress, remotePort }).then(guarded.onSent, guarded.onSent);
      return true;
    },
    close: () => socket.close(),
  };
  /** It is mute or deaf from now on. */
  const reopen = (): void => {
    if (guarded.transport !== transport || guarded.closed) return;
    guarded.sendErrorCount++;
    guarded.transport = undefined;
    socket.close();
    openUdp(classes, guarded, guarded.port).catch(guarded.fail); // it fails when our address is gone
  };
  const onRead = ({ value }: { value?: Datagram | undefined }): void => {
    if (guarded.transport !== transport || guarded.closed) return;
    if (value === undefined) return reopen();
    guarded.onReceived(value.data, value.remoteAddress, value.remotePort);
    read();
  };
  const read = (): void => void reader.read().then(onRead, reopen);
  guarded.open(transport, opened.localPort);
  writer.closed.catch(reopen);
  read();
}

class Transport26 implements Transport {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  stream?: QueuedStream;
  #reading = false;
  #wanted = false;
  #closed = false;

  constructor(socket: Socket, opened: Awaited<Socket['opened']>, tcp: boolean) {
    this.#socket = socket;
    this.remoteAddress = tcp ? opened.remoteAddress : '';
    this.#reader = opened.readable.getReader();
    this.#writer = opened.writable.getWriter();
    this.#reader.closed.catch(() => {}); // told by read() and write()
    this.#writer.closed.catch(() => {});
  }
  write(bytes: Uint8Array): void {
    this.#writer.write(bytes).then(() => {
      if (!this.#closed) this.stream?.onWritten();
    }, this.#onError);
  }

  startReading(): void {
    this.#wanted = true;
    if (this.#reading || this.#closed) return;
    this.#reading = true;
    this.#reader.read().then(this.#onRead, this.#onError);
  }
  stopReading(): void {
    this.#wanted = false;
  }
  shutdown(): void {
    this.#writer.close().catch(() => {});
  }
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  readonly #onRead = ({ done, value }: { done: boolean; value?: Uint8Array | undefined }): void => {
    this.#reading = false;
    if (this.#closed || this.stream === undefined) return;
    if (done || value === undefined) return this.stream.onEnd();
    this.stream.onData(value);
    if (this.#wanted) this.startReading();
  };

  readonly #onError = (error: unknown): void => {
    this.#reading = false;
    if (!this.#closed) this.stream?.fail(systemError(error));
  };
}

async function dial26(classes: Sockets26, at: StreamAddress): Promise<Transport> {
  const tcp = 'address' in at;
  const socket = tcp ? new classes.TCPSocket(at.address, at.port, { noDelay: true }) : new classes.PipeSocket(at.path);
  return new Transport26(socket, await socket.opened, tcp);
}

async function listen26(classes: Sockets26, loop: Loop, options: ListenOptions): Promise<Listener> {
  const { at } = options;
  const tcp = 'address' in at;
  const server = tcp
    ? new classes.TCPServerSocket(at.address, { localPort: at.port, ipv6Only: at.address.includes(':') })
    : new classes.PipeServerSocket(at.path);
  const { readable, localPort = 0 } = await server.opened;
  const reader = readable.getReader();
  let closed = false;
  const onRead = ({ done, value }: { done: boolean; value?: Socket | undefined }): void => {
    if (done || value === undefined) return;
    if (closed) return value.close();
    read();
    value.opened.then((opened) => {
      new QueuedStream(new Transport26(value, opened, tcp), loop, options).accept(options.onStream);
    }).catch((error: unknown) => loop.guard.failed(error));
  };
  const read = (): void => void reader.read().then(onRead, (error: unknown) => closed || loop.guard.failed(error));
  read();
  return openListener(loop, localPort, () => {
    closed = true;
    server.close();
  });
}
