/** Chooses the adapter by what is there, so that one script runs on Node and on every txiki.js. */
import { createNodeRuntime } from './node.ts';
import type { Runtime } from './runtime.ts';
import { sockets24 } from './txiki-24.ts';
import { sockets26Internal } from './txiki-26-internal.ts';
import { forgivePeerName } from './txiki-26-peer-name.ts';
import { sockets26 } from './txiki-26.ts';
import type { Txiki } from './txiki-types.ts';
import { createTxikiRuntime } from './txiki.ts';

export interface RuntimeChoice {
  /**
   * txiki.js 26: its internal callback sockets, where they are as known. Default: as MESHCHAT_INTERNAL_SOCKETS says,
   * "1" or "0", else in the versions that this has been tried with. A connection costs 2 KiB over them and 15 over the
   * public ones.
   */
  internalSockets?: boolean;
  /** A library in somebody else's program: unhandled rejections and its output are that program's affair. */
  guest?: boolean;
}

export async function createRuntime(choice: RuntimeChoice = {}): Promise<Runtime> {
  const { tjs, UDPSocket } = globalThis as { tjs?: Txiki; UDPSocket?: unknown };
  if (tjs === undefined) return await createNodeRuntime(choice.guest);
  if (UDPSocket === undefined) return await createTxikiRuntime(tjs, sockets24);
  await forgivePeerName(tjs);
  const internal = choice.internalSockets ?? wantsInternal(tjs.version, tjs.env['MESHCHAT_INTERNAL_SOCKETS']);
  return await createTxikiRuntime(tjs, internal ? sockets26Internal : sockets26, choice.guest);
}

/** Whether the internal sockets are to be tried: the next major version may change them without a word. */
export function wantsInternal(version: string, environment: string | undefined): boolean {
  if (environment === '0' || environment === '1') return environment === '1';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major === 26 && minor >= 6;
}

/** What an administrator must know about this runtime, '' when nothing. */
export function runtimeWarning(runtime: Runtime): string {
  if (runtime.name !== 'txiki') return '';
  const [major = 0, minor = 0] = runtime.version.split('.').map(Number);
  if (major > 26 || (major === 26 && minor >= 6)) return '';
  if (major === 26 && minor >= 3) return `txiki.js ${runtime.version} has known defects: use 26.6 or later`;
  const defect = 'can be crashed from the network by a datagram with a wrong checksum';
  return `txiki.js ${runtime.version} ${defect}: use 26.6 or later`;
}
