/** listen() and connect() of txiki.js over what its versions differ in. */
import type { Loop } from './guard.ts';
import { QueuedStream } from './queued-stream.ts';
import type { Transport } from './queued-stream.ts';
import { SystemError } from './runtime.ts';
import type {
  ConnectOptions, DatagramOptions, Listener, ListenOptions, StreamAddress, StreamHandler,
} from './runtime.ts';
import { checkSocketPath, listenOnPath, systemError } from './socket-path.ts';
import type { TxikiSockets } from './txiki.ts';
import type { Txiki } from './txiki-types.ts';

const CONNECT_MS_MAX = 10_000;

export interface StreamCalls {
  dial(at: StreamAddress): Promise<Transport>;
  listen(options: ListenOptions): Promise<Listener>;
}

/** txiki.js drops the zone of an address: link-local ones cannot be reached. */
export function refuseScope(options: DatagramOptions): void {
  if (options.scope !== undefined) throw new SystemError('ENOTSUP', 'txiki.js cannot use link-local addresses');
}

export function streamPorts(tjs: Txiki, loop: Loop, calls: StreamCalls): Pick<TxikiSockets, 'listen' | 'connect'> {
  return {
    async listen(options: ListenOptions) {
      const { at } = options;
      // 24 has none; 26.6 keeps back what a client sends with the end of its handshake, or loses it.
      if (options.tls !== undefined) throw new SystemError('ENOTSUP', 'txiki.js has no TLS that loses nothing');
      if (!('path' in at)) {
        try {
          return await calls.listen(options);
        } catch (error) {
          throw systemError(error);
        }
      }
      const listener = await listenOnPath(at.path, {
        listen: () => calls.listen(options),
        probe: async () => (await calls.dial(at)).close(),
        isSocket: async () => (await tjs.lstat(at.path)).isSocket,
        remove: () => tjs.remove(at.path),
      });
      if (options.mode !== undefined) await tjs.chmod(at.path, options.mode);
      return listener;
    },
    async connect(options: ConnectOptions, handler: StreamHandler) {
      if ('path' in options.at) checkSocketPath(options.at.path);
      const transport = await inTime(loop, options.timeoutMs ?? CONNECT_MS_MAX, calls.dial(options.at));
      const stream = new QueuedStream(transport, loop, options);
      loop.later(() => stream.start(handler)); // the caller has the stream first
      return stream;
    },
  };
}

/** Gives up after `timeoutMs`; what arrives later is closed. */
function inTime(loop: Loop, timeoutMs: number, dialing: Promise<Transport>): Promise<Transport> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = loop.timer(() => {
      late = true;
      reject(new SystemError('ETIMEDOUT', `no answer within ${timeoutMs} ms`));
    });
    timer.set(loop.now() + timeoutMs);
    dialing.then((transport) => {
      timer.cancel();
      if (late) transport.close();
      else resolve(transport);
    }, (error: unknown) => {
      timer.cancel();
      reject(systemError(error));
    });
  });
}
