/** UDP sockets of Node. No allocation of ours per received datagram; one copy per sent one, as Node may keep it. */
import type * as NodeDgram from 'node:dgram';
import type { Loop } from './guard.ts';
import type { DatagramOptions, DatagramSocket } from './runtime.ts';
import { systemError } from './socket-path.ts';

/** Bytes that wait for the network card; further datagrams are dropped: the mesh protocol repairs better than a queue. */
const SEND_QUEUE_BYTES_MAX = 256 * 1024;

export class NodeDatagrams {
  readonly #dgram: typeof NodeDgram;
  readonly #loop: Loop;

  constructor(dgram: typeof NodeDgram, loop: Loop) {
    this.#dgram = dgram;
    this.#loop = loop;
  }

  open(options: DatagramOptions): Promise<DatagramSocket> {
    const ipv6 = options.address.includes(':');
    const address = options.scope === undefined ? options.address : `${options.address}%${options.scope}`;
    const socket = this.#dgram.createSocket({
      type: ipv6 ? 'udp6' : 'udp4', ipv6Only: ipv6,
      // Addresses are numeric: no turn of the loop is spent on looking them up.
      lookup: (name, _options, callback) => callback(null, name, ipv6 ? 6 : 4),
    });
    return new Promise((resolve, reject) => {
      socket.once('error', (error) => reject(systemError(error)));
      socket.bind({ address, port: options.port, exclusive: true }, () => {
        socket.removeAllListeners('error');
        resolve(new NodeDatagramSocket(socket, this.#loop, options));
      });
    });
  }
}

class NodeDatagramSocket implements DatagramSocket {
  readonly address: string;
  readonly port: number;
  sendErrorCount = 0;
  sendDropCount = 0;
  readonly #socket: NodeDgram.Socket;
  readonly #loop: Loop;
  readonly #options: DatagramOptions;
  #closed = false;

  constructor(socket: NodeDgram.Socket, loop: Loop, options: DatagramOptions) {
    this.#socket = socket;
    this.#loop = loop;
    this.#options = options;
    this.address = options.address;
    this.port = socket.address().port;
    loop.open.add(this);
    const { onDatagram, scope } = options;
    socket.on('message', (bytes, from) => {
      if (this.#closed) return;
      try {
        onDatagram(bytes, scope === undefined ? from.address : withoutScope(from.address), from.port);
      } catch (error) {
        loop.guard.failed(error);
      }
    });
    socket.on('error', (error) => this.#fail(error));
  }

  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.sendErrorCount++;
  };

  send(bytes: Uint8Array, address: string, port: number): void {
    if (this.#closed) return;
    if (this.#socket.getSendQueueSize() > SEND_QUEUE_BYTES_MAX) {
      this.sendDropCount++;
      return;
    }
    const { scope } = this.#options;
    const target = scope !== undefined && /^f[ef][89ab0-9]/i.test(address) ? `${address}%${scope}` : address;
    try {
      this.#socket.send(Buffer.from(bytes), port, target, this.#onSent);
    } catch {
      this.sendErrorCount++; // e.g. port 0
    }
  }

  joinMulticast(group: string, interfaceName: string): boolean {
    try {
      this.#socket.addMembership(group, this.address.includes(':') ? `::%${interfaceName}` : interfaceName);
      if (this.address.includes(':')) this.#socket.setMulticastInterface(`::%${interfaceName}`);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#loop.open.delete(this);
    this.#socket.close();
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    this.close();
    this.#loop.guard.run(() => this.#options.onClose?.(error));
  }
}

function withoutScope(address: string): string {
  const at = address.indexOf('%');
  return at < 0 ? address : address.slice(0, at);
}
