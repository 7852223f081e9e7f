/**
 * Which epoch this run has: higher than the last, also when the clock was set back since. The last one is in the state folder,
 * which is in memory on a router (flash is not written), so after a boot the clock alone decides.
 */
import type { Log } from '../runtime/log.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** A router that keeps no time boots at about the same second each time. No boot takes less than this, so the order stays. */
const SPREAD_S = 16;

type System = Pick<Runtime, 'files' | 'random' | 'wallMs'>;

export async function nextEpoch(runtime: System, stateDir: string, log: Pick<Log, 'warn'>): Promise<number> {
  const path = `${stateDir}/epoch`;
  let last = 0;
  try {
    last = Number(new TextDecoder().decode(await runtime.files.read(path, 64))) || 0;
  } catch {
    // The first start since boot.
  }
  const spread = last === 0 ? Math.floor(SPREAD_S * runtime.random()) : 0;
  let epoch = Math.max(Math.floor(runtime.wallMs() / 1000) + spread, last + 1) >>> 0;
  if ((epoch & 0xffff) === 0) epoch++; // in a header it would mean that the epoch is unknown
  try {
    await runtime.files.makeFolder(stateDir, 0o700);
    await runtime.files.write(path, new TextEncoder().encode(String(epoch)));
  } catch (error) {
    // A full /tmp is no reason to be away: the clock alone will do, unless it is set back.
    log.warn(`option state_dir of section meshchat: ${stateDir}: ${(error as Error).message}: nothing is remembered`);
  }
  return epoch;
}
