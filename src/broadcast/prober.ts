/**
 * When to greet nodes that have not answered. The first datagrams of a new session are lost on both meshes and cjdns
 * buffers one packet for each of 30 unknown destinations, so cold greetings are paced one by one within a budget,
 * repeated after about 3 s, then rarer and rarer: a stranger who stays silent costs two probes an hour after the first
 * ten minutes.
 */
import type { Alarm, Alarms } from './alarms.ts';
import type { Peer } from './peer.ts';

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
export const AWAY_COUNTED_MAX = 8;

export class Prober implements Alarm {
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  readonly #waiting = new Set<Peer>();
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
    return this.#waiting.size;
  }

  /** This peer is due for a probe: it gets one as soon as the budget allows, the most promising first. */
  enqueue(now: number, peer: Peer): void {
    this.#waiting.add(peer);
    this.#alarms.setEarlier(this, Math.max(now, this.#nextAt));
  }

  remove(peer: Peer): void {
    this.#waiting.delete(peer);
  }

  onAlarm(now: number): void {
    let best: Peer | undefined;
    for (const peer of this.#waiting) if (best === undefined || rank(peer) < rank(best)) best = peer;
    if (best === undefined) return;
    this.#waiting.delete(best);
    this.#nextAt = now + this.#spacingMs;
    this.#probe(now, best);
    if (this.#waiting.size > 0) this.#alarms.set(this, this.#nextAt);
  }
}

/** Lower is sooner: known ones, then fewer unanswered probes, then nearer. */
function rank(peer: Peer): number {
  const promising = peer.answered || peer.advertised;
  const last = promising && peer.probeCount < 8 ? 0 : 1_000_000;
  return last + Math.min(peer.probeCount, 999) * 1000 + Math.min(peer.hops || 50, 999);
}

/**
 * ms until a silent peer is probed again; ±12 % so that nodes started together do not stay together.
 * @param awayCount peers that answered before and do not now
 */
export function probeWaitMs(peer: Peer, awayCount: number, random: () => number): number {
  const seconds = peer.answered ? answeredWaitS(peer.probeCount, awayCount) : silentWaitS(peer);
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
