/**
 * When to greet nodes that have not answered. The first datagrams of a new session are lost on both meshes and cjdns
 * buffers one packet for each of 30 unknown destinations, so cold greetings are paced one by one within a budget,
 * repeated after about 3 s, then rarer and rarer: a stranger who stays silent costs two probes an hour after the first
 * ten minutes. Queues of the more and the less promising take turns: no flood of one keeps another waiting.
 */
import type { Alarm, Alarms } from './alarms.ts';
import { CONFIGURED, FROM_MESH, HEARSAY } from './mesh-source.ts';
import { ANSWERED, type Peer } from './peer.ts';

/** Seconds from one probe to the next, by how many went unanswered. The last repeats. */
const STRANGER_WAITS_S = [3, 20, 90, 360, 1900];
/** A direct neighbour: there are few, and the way to one is there in seconds where the mesh is only coming up. */
const NEIGHBOUR_WAITS_S = [1, 2, 3, 5, 10, 20, 90, 360, 1900];
/** Somebody says that it runs meshchat: several at once, then patiently. */
const ADVERTISED_WAITS_S = [0.4, 0.8, 1.2, 3, 5, 10, 20, 30, 60, 60, 60, 60, 60, 60, 300, 300, 300, 300, 300, 900];
/** It answered before: whoever comes back from a partition is met within seconds. [wait, how often] */
const answeredWaitsS = (nearS: number): readonly [number, number][] =>
  [[0.4, 1], [1, 2], [3, 3], [nearS, NEAR_S / nearS], [30, 150], [120, Infinity]];
/** For ten minutes: a second for each of those who are away, but 2 to 8. Few are asked often, many cost no more. */
const NEAR_S = 600;
const NEAR_WAIT_S_MIN = 2;
const AWAY_COUNTED_MAX = 8;
/** In a mesh's table, and a direct neighbour or said to run meshchat: of thousands the first to be asked. */
const PROMISING = 3;
const TURNS = [CONFIGURED, PROMISING, FROM_MESH, CONFIGURED, PROMISING, HEARSAY] as const;

/** Where it waits; those who have answered with the configured ones. */
function queueOf(peer: Peer): number {
  if (peer.rank === FROM_MESH && (peer.advertised || peer.hops === 1)) return PROMISING;
  return Math.min(peer.rank, CONFIGURED);
}

export class Prober implements Alarm {
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  readonly #waiting = [new Set<Peer>(), new Set<Peer>(), new Set<Peer>(), new Set<Peer>()];
  #turn = 0;
  readonly #alarms: Alarms;
  readonly #probe: (now: number, peer: Peer) => void;
  readonly #spacingMs: number;
  #nextAt = -Infinity;

  constructor(alarms: Alarms, perMinute: number, probe: (now: number, peer: Peer) => void) {
    this.#alarms = alarms;
    this.#spacingMs = Math.max(1, Math.round(60_000 / perMinute));
    this.#probe = probe;
  }

  /** Peers that wait for their turn. */
  get waitingCount(): number {
    return this.#waiting.reduce((sum, queue) => sum + queue.size, 0);
  }

  /** This peer is due for a probe: it gets one as soon as the budget and the turn of its queue allow. */
  enqueue(now: number, peer: Peer): void {
    const own = queueOf(peer);
    this.#waiting.forEach((queue, index) => {
      if (index === own) queue.add(peer);
      else queue.delete(peer); // it has risen
    });
    this.#alarms.setEarlier(this, Math.max(now, this.#nextAt));
  }

  remove(peer: Peer): void {
    for (const queue of this.#waiting) queue.delete(peer);
  }

  onAlarm(now: number): void {
    if (this.waitingCount === 0) return;
    let first: Peer | undefined;
    while (first === undefined) [first] = this.#waiting[TURNS[this.#turn++ % TURNS.length]!]!;
    this.remove(first);
    this.#nextAt = now + this.#spacingMs;
    this.#probe(now, first);
    if (this.waitingCount > 0) this.#alarms.set(this, this.#nextAt);
  }
}

/**
 * ms until a silent peer is probed again; ±12 % so that nodes started together do not stay together.
 * @param awayCount peers that answered before and do not now
 */
export function probeWaitMs(peer: Peer, awayCount: number, random: () => number): number {
  const seconds = peer.rank === ANSWERED ? answeredWaitS(peer.probeCount, awayCount) : silentWaitS(peer);
  return Math.round(seconds * 1000 * (0.88 + 0.24 * random()));
}

function silentWaitS(peer: Peer): number {
  const waits = peer.advertised ? ADVERTISED_WAITS_S : peer.hops === 1 ? NEIGHBOUR_WAITS_S : STRANGER_WAITS_S;
  return waits[Math.min(Math.max(peer.probeCount, 1), waits.length) - 1]!;
}

function answeredWaitS(probeCount: number, awayCount: number): number {
  const waits = answeredWaitsS(Math.min(AWAY_COUNTED_MAX, Math.max(NEAR_WAIT_S_MIN, awayCount)));
  let left = probeCount;
  return waits.find(([, times]) => (left -= times) < 0)![0];
}
