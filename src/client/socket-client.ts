/**
 * The client over the daemon's control socket, for Node and txiki.js. When the daemon goes away it is connected again, and all
 * groups are joined again: each handler is told by onRejoin, and by onGap (reason 'client') what it missed as far as that can
 * be known.
 *
 *   const client = await connect();
 *   const group = await client.join('weather', { onMessage: ({ source, data }) => … });
 *   await group.publish('22 degrees');
 */
import { createRuntime } from '../runtime/detect.ts';
import type { Runtime, SystemError, Timer } from '../runtime/runtime.ts';
import type { Table } from '../ubus/blob.ts';
import type { Answer } from '../ubus/connection.ts';
import { UbusConnection } from '../ubus/connection.ts';
import { STATUS_OK, statusName } from '../ubus/status.ts';
import type { Client, GroupHandler, GroupSummary, JoinOptions, Peer } from './client.ts';
import { ClientError } from './client.ts';
import { SocketGroup } from './socket-group.ts';

export * from './client.ts';

export const DEFAULT_SOCKET_PATH = '/var/run/meshchat/meshchat.sock';
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 5000;
/** A publish that waits for room is answered when there is some. */
const CALL_MS_MAX = 3_600_000;

export interface ConnectOptions {
  /** Default: the environment's MESHCHAT_SOCKET, else /var/run/meshchat/meshchat.sock. */
  path?: string | undefined;
  /** Default: the one of this process. */
  runtime?: Runtime;
  /** False: close for good when the daemon goes away. Default true. */
  reconnect?: boolean;
}

/** @throws ClientError CONNECTION_FAILED when no daemon listens on the socket. */
export async function connect(options: ConnectOptions = {}): Promise<SocketClient> {
  const runtime = options.runtime ?? (await createRuntime({ guest: true }));
  const path = options.path ?? runtime.env('MESHCHAT_SOCKET') ?? DEFAULT_SOCKET_PATH;
  const client = new SocketClient(runtime, path, options.reconnect !== false, options.runtime === undefined);
  try {
    await client.open();
  } catch (error) {
    client.close();
    const { message, code } = error as SystemError;
    throw new ClientError('CONNECTION_FAILED', `${code === 'EACCES' ? 'no right to open' : 'no daemon on'} ${path}: ${message}`);
  }
  return client;
}

export class SocketClient implements Client {
  onSelf?: (addresses: string[]) => void;
  /** The connection is lost (false) or back (true). */
  onConnected?: (connected: boolean) => void;
  readonly runtime: Runtime;
  readonly path: string;
  readonly #reconnect: boolean;
  readonly #ownRuntime: boolean;
  readonly #retry: Timer;
  readonly #groups = new Map<string, SocketGroup>();
  #connection: UbusConnection | undefined;
  #retryMs = RETRY_MS_MIN;
  #closed = false;

  /** Use connect(). */
  constructor(runtime: Runtime, path: string, reconnect: boolean, ownRuntime: boolean) {
    this.runtime = runtime;
    this.path = path;
    this.#reconnect = reconnect;
    this.#ownRuntime = ownRuntime;
    this.#retry = runtime.timer(() => void this.#openAgain());
  }

  /** The connection; undefined while the daemon is away. For calls that this library has no method for. */
  get connection(): UbusConnection | undefined {
    return this.#connection;
  }

  /** @throws SystemError when nobody listens. */
  async open(): Promise<void> {
    const connection = await UbusConnection.connect(this.runtime, this.path);
    if (this.#closed) return connection.close();
    connection.onClosed = () => this.#onClosed();
    this.#connection = connection;
    await connection.listen('meshchat.self', (_name, { addresses }) => this.onSelf?.(addresses as string[]));
  }

  async self(): Promise<string[]> {
    return (await this.call('meshchat', 'status'))['addresses'] as string[];
  }

  async join(name: string, handler: GroupHandler, options: JoinOptions = {}): Promise<SocketGroup> {
    if (this.#groups.has(name)) throw new ClientError('INVALID_ARGUMENT', `this program is in ${name} already`);
    const group = new SocketGroup(this, name, handler, options, () => void this.#groups.delete(name));
    this.#groups.set(name, group);
    try {
      await group.join(false);
    } catch (error) {
      this.#groups.delete(name);
      throw error;
    }
    return group;
  }

  async peers(): Promise<Peer[]> {
    const { peers } = await this.call('meshchat', 'peers');
    return (peers as Table[]).map(({ address, mesh, state, rtt_ms, loss, heard_ms_ago, groups }) => (
      { address, mesh, state, rttMs: rtt_ms, loss, heardMsAgo: heard_ms_ago, groups } as Peer
    ));
  }

  /** Groups joined here. Others' groups are known only by hash until they are joined. */
  async groups(): Promise<GroupSummary[]> {
    const { groups } = await this.call('meshchat.groups', 'list');
    return (groups as Table[]).map(({ name, members }) => (
      { name: name as string, memberCount: members as number, joined: this.#groups.has(name as string) }
    ));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#retry.cancel();
    for (const group of [...this.#groups.values()]) group.end();
    this.#connection?.close();
    if (this.#ownRuntime) this.runtime.stop();
  }

  /** Calls any method of any object on the socket. @returns its answer. @throws ClientError when refused. */
  async call(object: string, method: string, args: Table = {}, timeoutMs?: number): Promise<Table> {
    return answerOf(await this.#connected().call(object, method, args, timeoutMs), `${object} ${method}`);
  }

  /** As call(), by the object's id. */
  async invoke(object: number, method: string, args: Table): Promise<Table> {
    return answerOf(await this.#connected().invoke(object, method, args, CALL_MS_MAX), method);
  }

  #connected(): UbusConnection {
    if (this.#connection === undefined) throw new ClientError('CONNECTION_FAILED', `the daemon on ${this.path} is away`);
    return this.#connection;
  }

  #onClosed(): void {
    this.#connection = undefined;
    if (this.#closed) return;
    this.onConnected?.(false);
    if (this.#reconnect) this.#retry.set(this.runtime.now() + RETRY_MS_MIN);
    else this.close();
  }

  async #openAgain(): Promise<void> {
    try {
      await this.open();
      for (const group of [...this.#groups.values()]) await this.#joinAgain(group);
    } catch {
      if (this.#closed) return;
      this.#connection?.close();
      this.#retry.set(this.runtime.now() + this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
      return;
    }
    this.#retryMs = RETRY_MS_MIN;
    this.onConnected?.(true);
  }

  async #joinAgain(group: SocketGroup): Promise<void> {
    try {
      await group.join(true);
    } catch (error) {
      if (this.#connection === undefined) throw error;
      group.end(error as ClientError);
    }
  }
}

function answerOf({ status, data }: Answer, what: string): Table {
  const [answer = {}] = data;
  if (status === STATUS_OK) return answer;
  throw new ClientError(statusName(status), typeof answer['error'] === 'string' ? answer['error'] : `${what}: ${statusName(status)}`);
}

