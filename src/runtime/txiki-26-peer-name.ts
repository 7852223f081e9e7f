/**
 * txiki.js 26 dies of a client that resets at once: its connection has no peer address any more when it is accepted,
 * and getpeername() throws ENOTCONN inside txiki's own accept callback, where nothing can catch it. With this such a
 * connection has the address 0.0.0.0, and ends with its first read like any other that is gone. The same call is the
 * only sight of an accepted connection's handle: there it gets TCP_NODELAY, which the public API cannot set.
 */
import { importCore } from './txiki-26-core.ts';
import type { Txiki } from './txiki-types.ts';

/** Call it before the first listener. Where the internals are not as known, nothing is changed. */
export async function forgivePeerName(tjs: Txiki): Promise<void> {
  try {
    const { TCP } = await importCore<{ TCP: new () => { close(): void } }>(tjs);
    const probe = new TCP();
    const prototype = Object.getPrototypeOf(probe) as { getpeername(this: unknown): unknown };
    probe.close();
    const { getpeername } = prototype;
    prototype.getpeername = function (this: unknown): unknown {
      try {
        (this as { setNoDelay?(on: boolean): void }).setNoDelay?.(true);
        return getpeername.call(this);
      } catch {
        return { family: 4, ip: '0.0.0.0', port: 0 };
      }
    };
  } catch {
    // Another version: nothing to be done here.
  }
}
