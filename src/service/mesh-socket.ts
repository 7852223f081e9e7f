/**
 * One of our own mesh addresses and its UDP socket: opened when the mesh gives us the address, opened again after a pause
 * that doubles while it cannot be (address not there yet, port taken), closed when the address goes.
 *
 *   opening --ok--> open --system closed it--> waiting --pause over--> opening
 *      +-----refused------------------------------^
 */
import type { MeshSource, MeshStatus } from '../broadcast/mesh-source.ts';
import type { Log } from '../runtime/log.ts';
import type { DatagramSocket, Runtime, SystemError, Timer } from '../runtime/runtime.ts';

const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 30_000;

/** What the daemon does when the socket opens, receives and closes. */
export interface MeshSocketOwner {
  opened(socket: MeshSocket): void;
  received(socket: MeshSocket, bytes: Uint8Array, address: string, port: number): void;
  closed(socket: MeshSocket): void;
}

export class MeshSocket {
  readonly mesh: MeshSource;
  readonly address: string;
  readonly port: number;
  /** The core's number of this address while it is open, else -1. Kept by the owner. */
  local = -1;
  /** Why it is not open, and what to look at; undefined while it is or opens for the first time. */
  problem: MeshStatus['problem'];
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #owner: MeshSocketOwner;
  readonly #retry: Timer;
  #retryMs = RETRY_MS_MIN;
  #socket: DatagramSocket | undefined;
  #ended = false;

  constructor(runtime: Runtime, log: Log, mesh: MeshSource, address: string, port: number, owner: MeshSocketOwner) {
    this.#runtime = runtime;
    this.#log = log;
    this.mesh = mesh;
    this.address = address;
    this.port = port;
    this.#owner = owner;
    this.#retry = runtime.timer(() => void this.open());
  }

  get opened(): boolean {
    return this.#socket !== undefined;
  }
  get sendErrorCount(): number {
    return this.#socket?.sendErrorCount ?? 0;
  }
  get sendDropCount(): number {
    return this.#socket?.sendDropCount ?? 0;
  }

  /** Never rejects. */
  async open(): Promise<void> {
    try {
      const socket = await this.#runtime.openDatagram({
        address: this.address,
        port: this.port,
        onDatagram: (bytes, address, port) => {
          if (this.#socket !== undefined) this.#owner.received(this, bytes, address, port);
        },
        onClose: (error) => this.#onClose(error),
      });
      if (this.#ended) return socket.close();
      this.#socket = socket;
    } catch (error) {
      if (!this.#ended) this.#failed(error);
      return;
    }
    this.problem = undefined;
    this.#retryMs = RETRY_MS_MIN;
    this.#log.info(`${this.mesh.name}: listening on ${this.address} port ${this.port}`);
    this.#owner.opened(this);
  }

  send(bytes: Uint8Array, address: string, port: number): void {
    this.#socket?.send(bytes, address, port);
  }

  /** For good: the address has gone, or the daemon stops. */
  close(): void {
    this.#ended = true;
    this.#retry.cancel();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    if (socket !== undefined) this.#owner.closed(this);
  }

  #onClose(error: Error): void {
    if (this.#ended || this.#socket === undefined) return;
    this.#socket = undefined;
    this.#owner.closed(this);
    this.#failed(error);
  }

  #failed(error: unknown): void {
    const problem = this.#describe(error as SystemError);
    // One line per change, not one per attempt.
    if (problem.text !== this.problem?.text) this.#log.warn(`${this.mesh.name}: ${problem.text}; trying again (${problem.remedy})`);
    this.problem = problem;
    this.#retry.set(this.#runtime.now() + this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  #describe({ code, message }: SystemError): { text: string; remedy: string } {
    const { address, port } = this;
    if (code === 'EADDRINUSE') {
      return { text: `UDP port ${port} on ${address} is in use by another program`, remedy: `netstat -ulpn | grep :${port}` };
    }
    if (code === 'EADDRNOTAVAIL') return { text: `the address ${address} is not on this machine`, remedy: 'ip addr' };
    return { text: `cannot listen on ${address} port ${port}: ${message}`, remedy: 'logread -e meshchat' };
  }
}
