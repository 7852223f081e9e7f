/**
 * Sockets of txiki.js 24.12, which fails hard: a connection that arrives while no accept() waits kills the listener for
 * good; recv(), send(), read() or write() after close() abort the process; recv() twice throws. It takes one datagram
 * per socket and turn. (A datagram with a wrong checksum kills every txiki before 26.3: nothing here can prevent that.)
 */
import type { Loop } from './guard.ts';
import { GuardedDatagram } from './guarded-datagram.ts';
import { openListener, QueuedStream } from './queued-stream.ts';
import type { Transport } from './queued-stream.ts';
import type { DatagramOptions, DatagramSocket, Listener, ListenOptions } from './runtime.ts';
import { systemError } from './socket-path.ts';
import { refuseScope, streamPorts } from './txiki-stream.ts';
import type { TxikiSockets } from './txiki.ts';
import type { Txiki, TxikiAddress } from './txiki-types.ts';

const DATAGRAM_BYTES_MAX = 65536;
const ACCEPT_RETRY_MS = 100;

interface Endpoint {
  readonly localAddress: TxikiAddress;
  recv(buffer: Uint8Array): Promise<{ nread: number | null; addr: TxikiAddress }>;
  send(bytes: Uint8Array, to: TxikiAddress): Promise<unknown>;
  close(): void;
}

export interface Connection {
  readonly localAddress: TxikiAddress | string;
  readonly remoteAddress: TxikiAddress | string;
  read(buffer: Uint8Array): Promise<number | null | undefined>;
  write(bytes: Uint8Array): Promise<number>;
  shutdown(): void;
  close(): void;
  setNoDelay?(on: boolean): void;
}

interface Accepting {
  readonly localAddress: TxikiAddress | string;
  accept(): Promise<Connection | undefined>;
  close(): void;
}

export async function sockets24(tjs: Txiki, loop: Loop): Promise<TxikiSockets> {
  return {
    openDatagram: (options) => openDatagram24(tjs, loop, options),
    ...streamPorts(tjs, loop, {
      dial: async (at) => {
        const connecting: Promise<Connection> = 'path' in at
          ? tjs.connect('pipe', at.path) : tjs.connect('tcp', at.address, at.port);
        return new Transport24(await connecting);
      },
      listen: (options) => listen24(tjs, loop, options),
    }),
  };
}

async function openDatagram24(tjs: Txiki, loop: Loop, options: DatagramOptions): Promise<DatagramSocket> {
  refuseScope(options);
  const guarded = new GuardedDatagram(loop, options);
  let endpoint: Endpoint;
  try {
    endpoint = await tjs.listen('udp', options.address, options.port, { ipv6Only: options.address.includes(':') });
  } catch (error) {
    throw systemError(error);
  }
  const buffer = new Uint8Array(DATAGRAM_BYTES_MAX);
  const onReceived = ({ nread, addr }: { nread: number | null; addr: TxikiAddress }): void => {
    if (nread === null) return;
    guarded.onReceived(buffer.subarray(0, nread), addr.ip, addr.port);
    if (!guarded.closed) receive(); // the handler may have closed it
  };
  const receive = (): void => void endpoint.recv(buffer).then(onReceived, guarded.fail);
  const destination: TxikiAddress = { ip: '', port: 0 }; // read by send() before it returns, so one is enough
  receive();
  return guarded.open({
    send(bytes, address, port) {
      destination.ip = address;
      destination.port = port;
      endpoint.send(bytes.slice(), destination).then(guarded.onSent, guarded.onSendError);
      return true; // whether it has left already cannot be told
    },
    close: () => endpoint.close(),
  }, endpoint.localAddress.port);
}

/** A client that has reset already has no address any more: ENOTCONN. */
function addressOf(read: () => TxikiAddress | string): string {
  try {
    return ipOf(read());
  } catch {
    return '';
  }
}

class Transport24 implements Transport {
  readonly remoteAddress: string;
  readonly #connection: Connection;
  stream?: QueuedStream;
  #buffer: Uint8Array | undefined;
  #reading = false;
  #wanted = false;
  #closed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.remoteAddress = addressOf(() => connection.remoteAddress);
    if (addressOf(() => connection.localAddress) !== '') connection.setNoDelay?.(true);
  }
  write(bytes: Uint8Array): void {
    this.#connection.write(bytes).then((count) => {
      if (this.#closed) return;
      if (count < bytes.length) this.write(bytes.subarray(count));
      else this.stream?.onWritten();
    }).catch(this.#onError);
  }

  startReading(bytesMax: number): void {
    this.#wanted = true;
    if (this.#reading || this.#closed) return;
    this.#reading = true;
    this.#buffer ??= new Uint8Array(bytesMax);
    this.#connection.read(this.#buffer).then(this.#onRead, this.#onError);
  }
  stopReading(): void {
    this.#wanted = false;
  }
  shutdown(): void {
    this.#connection.shutdown();
  }
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }

  readonly #onRead = (count: number | null | undefined): void => {
    this.#reading = false;
    if (this.#closed || this.stream === undefined) return;
    if (typeof count !== 'number') return this.stream.onEnd();
    const buffer = this.#buffer as Uint8Array;
    if (count > 0) this.stream.onData(buffer.subarray(0, count));
    if (this.#wanted) this.startReading(buffer.length);
  };

  readonly #onError = (error: unknown): void => {
    this.#reading = false;
    if (!this.#closed) this.stream?.fail(systemError(error));
  };
}

function ipOf(address: TxikiAddress | string): string {
  return typeof address === 'string' ? '' : (address?.ip ?? '');
}

async function listen24(tjs: Txiki, loop: Loop, { at, ...options }: ListenOptions): Promise<Listener> {
  const listening: Promise<Accepting> = 'path' in at
    ? tjs.listen('pipe', at.path) : tjs.listen('tcp', at.address, at.port, { ipv6Only: at.address.includes(':') });
  const accepting = await listening;
  let closed = false;
  const retry = loop.timer(() => accept());
  const onConnection = (connection: Connection | undefined): void => {
    if (closed || connection === undefined) return connection?.close();
    accept(); // before anything else: a connection without an accept() that waits would end the listener
    new QueuedStream(new Transport24(connection), loop, options).accept(options.onStream);
  };
  const onError = (): void => {
    if (!closed) retry.set(loop.now() + ACCEPT_RETRY_MS); // EMFILE: until others have closed
  };
  function accept(): void {
    accepting.accept().then(onConnection, onError);
  }
  accept();
  const { localAddress } = accepting;
  return openListener(loop, typeof localAddress === 'string' ? 0 : (localAddress?.port ?? 0), () => {
    closed = true;
    retry.cancel();
    accepting.close();
  });
}
