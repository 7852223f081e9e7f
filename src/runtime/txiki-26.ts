/**
 * Sockets of txiki.js 26 through its public API (Direct Sockets, WebStreams). What it hides: one failed datagram ends the
 * writer for good while everything looks well (the socket is opened again on the same port); a write after close() leaks a
 * descriptor; a pending read never settles on close(). About 20 µs per datagram are the streams': txiki-26-internal.ts.
 */
import type { Loop } from './guard.ts';
import { QueuedStream } from './queued-stream.ts';
import type { DatagramOptions, DatagramSocket, Listener, ListenOptions, StreamAddress } from './runtime.ts';
import { systemError } from './socket-path.ts';
import { refuseScope, streamPorts } from './txiki-stream.ts';
import type { TxikiTransport } from './txiki-stream.ts';
import type { Txiki } from './txiki-types.ts';
import type { TxikiSockets } from './txiki.ts';

/** Datagrams handed to the stream and not yet sent. */
const PENDING_SENDS_MAX = 1024;

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
    localAddress: string;
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
      const socket = new DatagramSocket26(classes, loop, options);
      try {
        await socket.open(options.port);
      } catch (error) {
        throw systemError(error);
      }
      return socket;
    },
    ...streamPorts(tjs, loop, {
      dial: (at) => dial26(classes, at),
      listen: (options) => listen26(classes, loop, options),
    }),
  };
}

class DatagramSocket26 implements DatagramSocket {
  readonly address: string;
  port = 0;
  sendErrorCount = 0;
  sendDropCount = 0;
  readonly #classes: Sockets26;
  readonly #loop: Loop;
  readonly #options: DatagramOptions;
  #socket: UdpSocket | undefined;
  #writer: WritableStreamDefaultWriter<Datagram> | undefined;
  #pendingCount = 0;
  #closed = false;

  constructor(classes: Sockets26, loop: Loop, options: DatagramOptions) {
    this.#classes = classes;
    this.#loop = loop;
    this.#options = options;
    this.address = options.address;
  }

  async open(port: number): Promise<void> {
    const { address } = this;
    const socket = new this.#classes.UDPSocket({
      localAddress: address, localPort: port, ipv6Only: address.includes(':'),
    });
    const { readable, writable, localPort } = await socket.opened;
    if (this.#closed) return socket.close(); // while it was being opened again
    this.#socket = socket;
    this.#loop.open.add(this);
    this.port = localPort;
    this.#pendingCount = 0;
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => this.#reopen(socket));
    this.#receive(socket, readable.getReader());
  }

  #receive(socket: UdpSocket, reader: ReadableStreamDefaultReader<Datagram>): void {
    const { onDatagram } = this.#options;
    const onRead = ({ done, value }: { done: boolean; value?: Datagram | undefined }): void => {
      if (socket !== this.#socket) return;
      if (done || value === undefined) return this.#reopen(socket);
      try {
        onDatagram(value.data, value.remoteAddress, value.remotePort);
      } catch (error) {
        this.#loop.guard.failed(error);
      }
      read();
    };
    const onError = (): void => this.#reopen(socket);
    const read = (): void => void reader.read().then(onRead, onError);
    read();
  }

  /** `socket` is mute or deaf from now on. */
  #reopen(socket: UdpSocket): void {
    if (socket !== this.#socket) return;
    this.sendErrorCount++;
    this.#socket = undefined;
    this.#writer = undefined;
    socket.close();
    this.open(this.port).catch((error: unknown) => {
      if (this.#closed) return;
      this.close(); // its address is gone
      this.#loop.guard.run(() => this.#options.onClose?.(systemError(error)));
    });
  }

  readonly #onSettled = (): void => {
    this.#pendingCount--;
  };

  send(bytes: Uint8Array, address: string, port: number): void {
    if (this.#closed) return;
    if (this.#writer === undefined || this.#pendingCount >= PENDING_SENDS_MAX) {
      this.sendDropCount++;
      return;
    }
    this.#pendingCount++;
    const datagram = { data: bytes.slice(), remoteAddress: address, remotePort: port };
    this.#writer.write(datagram).then(this.#onSettled, this.#onSettled);
  }

  joinMulticast(): boolean {
    return false; // it joins on an interface of the system's choice
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#loop.open.delete(this);
    this.#socket?.close();
    this.#socket = undefined;
    this.#writer = undefined;
  }
}

class Transport26 implements TxikiTransport {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly #socket: Socket;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #stream: QueuedStream | undefined;
  #reading = false;
  #wanted = false;
  #closed = false;

  constructor(socket: Socket, opened: Awaited<Socket['opened']>, tcp: boolean) {
    this.#socket = socket;
    this.remoteAddress = tcp ? opened.remoteAddress : '';
    this.localAddress = tcp ? opened.localAddress : '';
    this.#reader = opened.readable.getReader();
    this.#writer = opened.writable.getWriter();
    this.#reader.closed.catch(() => {}); // told by read() and write()
    this.#writer.closed.catch(() => {});
  }
  attach(stream: QueuedStream): void {
    this.#stream = stream;
  }

  write(bytes: Uint8Array): void {
    this.#writer.write(bytes).then(() => {
      if (!this.#closed) this.#stream?.onWritten();
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
    if (this.#closed || this.#stream === undefined) return;
    if (done || value === undefined) return this.#stream.onEnd();
    this.#stream.onData(value);
    if (this.#wanted) this.startReading();
  };

  readonly #onError = (error: unknown): void => {
    this.#reading = false;
    if (!this.#closed) this.#stream?.fail(systemError(error));
  };
}

async function dial26(classes: Sockets26, at: StreamAddress): Promise<TxikiTransport> {
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
      const transport = new Transport26(value, opened, tcp);
      const stream = new QueuedStream(transport, loop, options);
      transport.attach(stream);
      stream.accept(options.onStream);
    }).catch((error: unknown) => loop.guard.failed(error));
  };
  const read = (): void => void reader.read().then(onRead, (error: unknown) => closed || loop.guard.failed(error));
  read();
  const listener: Listener = {
    port: localPort,
    close() {
      if (closed) return;
      closed = true;
      loop.open.delete(listener);
      server.close();
    },
  };
  loop.open.add(listener);
  return listener;
}
