/**
 * Peers that answered in the run before: tried first after a restart, before any mesh has told its table. In the state folder,
 * which is in memory on a router: written when the daemon stops and now and then, so that a crash costs little.
 */
import { type Candidate, CONFIGURED } from '../broadcast/mesh-source.ts';
import type { Files } from '../runtime/runtime.ts';
import { canonicalAddress } from '../wire/address.ts';
import type { CorePeer } from './core.ts';

const PEERS_MAX = 128;
const BYTES_MAX = 16_384;

function fileOf(stateDir: string): string {
  return `${stateDir}/peers`;
}

/** One "ADDRESS PORT" a line; lines that are not are left out, and a file that cannot be read is none. */
export async function loadPeers(files: Files, stateDir: string): Promise<Candidate[]> {
  let text: string;
  try {
    text = new TextDecoder().decode(await files.read(fileOf(stateDir), BYTES_MAX));
  } catch {
    return [];
  }
  const candidates: Candidate[] = [];
  for (const line of text.split('\n')) {
    const [, written = '', port = ''] = /^(\S+) (\d{1,5})$/.exec(line) ?? [];
    const address = canonicalAddress(written);
    if (address === undefined || Number(port) > 65535 || candidates.length >= PEERS_MAX) continue;
    candidates.push({ address, port: Number(port), hops: 0, advertised: true, origin: CONFIGURED });
  }
  return candidates;
}

/** Keeps those that are there now; when nobody is, what was known before stays. */
export async function savePeers(files: Files, stateDir: string, peers: readonly CorePeer[]): Promise<void> {
  const here = peers.filter((peer) => peer.state === 'alive' || peer.state === 'stale').slice(0, PEERS_MAX);
  if (here.length === 0) return;
  const text = here.map(({ address, port }) => `${address} ${port}\n`).join('');
  await files.write(fileOf(stateDir), new TextEncoder().encode(text));
}
