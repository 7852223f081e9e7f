/** TCP and Unix streams of Node. */
import type { Server, Socket } from 'node:net';
import type { Loop } from './guard.ts';
import type { NodeModules } from './node.ts';
import { openListener, QueuedStream } from './queued-stream.ts';
import type { Transport } from './queued-stream.ts';
import { SystemError } from './runtime.ts';
import type { ConnectOptions, Listener, ListenOptions, Stream, StreamAddress, StreamHandler } from './runtime.ts';
import { checkSocketPath, listenOnPath, systemError } from './socket-path.ts';

const CONNECT_MS_MAX = 10_000;
const HANDSHAKE_MS_MAX = 10_000;

class NodeTransport implements Transport {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  stream?: QueuedStream;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress ?? '';
    socket.setNoDelay(true);
    socket.on('error', (error) => this.stream?.fail(systemError(error)));
    socket.on('close', () => this.stream?.close());
    socket.on('end', () => this.stream?.onEnd());
  }
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes, (error) => {
      if (!error) this.stream?.onWritten();
    });
  }
  startReading(): void {
    if (this.#socket.listenerCount('data') === 0) this.#socket.on('data', (bytes) => this.stream?.onData(bytes));
    this.#socket.resume();
  }
  stopReading(): void {
    this.#socket.pause();
  }
  shutdown(): void {
    this.#socket.end();
  }
  close(): void {
    this.#socket.destroy();
  }
}

/** What net.listen and net.connect take. */
function nodeAddress(at: StreamAddress): { path: string } | { host: string; port: number } {
  return 'path' in at ? at : { host: at.address, port: at.port };
}

/** Not yet listening. */
async function createServer(modules: NodeModules, loop: Loop, options: ListenOptions): Promise<Server> {
  const onSocket = (socket: Socket): void => {
    new QueuedStream(new NodeTransport(socket), loop, options).accept(options.onStream);
  };
  if (options.tls === undefined) {
    return modules.net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, onSocket);
  }
  const tls = await modules.tls();
  try {
    return tls.createServer({ ...options.tls, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_MS_MAX }, onSocket);
  } catch (error) {
    throw new SystemError('EINVAL', `TLS: ${(error as Error).message}`);
  }
}

export async function nodeListen(modules: NodeModules, loop: Loop, options: ListenOptions): Promise<Listener> {
  const { at } = options;
  const server = await createServer(modules, loop, options);
  const once = (): Promise<Server> => new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...nodeAddress(at), ipv6Only: true }, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => loop.guard.failed(error));
      resolve(server);
    });
  });
  if ('path' in at) {
    const { path } = at;
    await listenOnPath(path, {
      listen: once,
      probe: async () => (await dial(modules, loop, at, CONNECT_MS_MAX)).destroy() as unknown as void,
      isSocket: async () => (await modules.fs.lstat(path)).isSocket(),
      remove: () => modules.fs.unlink(path),
    });
    if (options.mode !== undefined) await modules.fs.chmod(path, options.mode);
  } else {
    await once().catch((error: unknown) => Promise.reject(systemError(error)));
  }
  const address = server.address();
  return openListener(loop, typeof address === 'object' && address !== null ? address.port : 0, () => server.close());
}

function dial(modules: NodeModules, loop: Loop, at: StreamAddress, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = modules.net.connect({ ...nodeAddress(at), allowHalfOpen: true });
    const timer = loop.timer(() => {
      socket.destroy();
      reject(new SystemError('ETIMEDOUT', `no answer within ${timeoutMs} ms`));
    });
    timer.set(loop.now() + timeoutMs);
    socket.once('error', (error) => {
      timer.cancel();
      reject(systemError(error));
    });
    socket.once('connect', () => {
      timer.cancel();
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

export async function nodeConnect(
  modules: NodeModules, loop: Loop, options: ConnectOptions, handler: StreamHandler,
): Promise<Stream> {
  if ('path' in options.at) checkSocketPath(options.at.path);
  const socket = await dial(modules, loop, options.at, options.timeoutMs ?? CONNECT_MS_MAX);
  const stream = new QueuedStream(new NodeTransport(socket), loop, options);
  loop.later(() => stream.start(handler)); // the caller has the stream first
  return stream;
}
