/**
 * `srm` mode, the source's side. A requested packet waits d·(D1 + D2·U), d being the distance to who asked, then goes
 * to every member that has not acknowledged it: whoever stayed silent because another asked gets it too. After that,
 * requests for it are ignored for 3·d (hold-down). Nobody but the source repairs: a mesh vouches for what comes from an
 * address, no third party can. Session messages tell those who lack the tail that there is one.
 */
import type { Alarm } from '../broadcast/alarms.ts';
import { ALIVE, type Peer } from '../broadcast/peer.ts';
import { makeRoom } from '../encoding/tables.ts';
import { FRAME_SESSION } from '../wire/frame.ts';
import { serialAdd } from '../wire/serial.ts';
import { REQUEST_BITMAP_MAX, type Request, SESSION_LENGTH } from '../wire/srm.ts';
import type { Context } from './context.ts';
import type { Group } from './group.ts';
import type { Session } from './session.ts';
import { asks } from './srm-losses.ts';

const SESSION_MS = 1000;
const REPAIRS_MAX = 1024;

interface Repair {
  dueAt: number;
  holdUntil: number;
  distanceMs: number;
}

export class SrmRepairs implements Alarm {
  alarmAt = Infinity;
  alarmIndex = -1;
  alarmOrder = 0;
  readonly #context: Context;
  readonly #group: Group;
  readonly #repairs = new Map<number, Repair>();
  #sessionAt = Infinity;

  constructor(context: Context, group: Group) {
    this.#context = context;
    this.#group = group;
  }

  /** Somebody asked the group for packets of ours. */
  onRequest(now: number, request: Request, view: DataView, from: Peer): void {
    for (let i = 0; i <= 8 * REQUEST_BITMAP_MAX; i++) {
      const seq = serialAdd(request.first, i);
      if (!asks(request, view, seq) || this.#group.stream.log.at(seq) === undefined) continue;
      const known = this.#repairs.get(seq);
      this.#context.counters.requestsIn++;
      if (known !== undefined && (known.dueAt < Infinity || now < known.holdUntil)) {
        this.#context.counters.holdDowns++;
        continue;
      }
      this.#schedule(now, seq, from.roundTrip.srttMs / 2);
    }
    this.#arm();
  }

  #schedule(now: number, seq: number, distanceMs: number): void {
    const timer = this.#group.repairTimer;
    const groupSize = this.#group.peers.size + 1;
    timer.adapt(groupSize, Math.log10(groupSize));
    const dueAt = now + timer.waitMs(distanceMs, 0, this.#context.random());
    makeRoom(this.#repairs, REPAIRS_MAX);
    this.#repairs.set(seq, { dueAt, holdUntil: Infinity, distanceMs });
  }

  /** Something was published: session messages run until everybody has it. */
  onPublish(now: number): void {
    if (this.#sessionAt === Infinity) this.#sessionAt = now + this.#sessionMs();
    this.#arm();
  }

  #sessionMs(): number {
    return Math.round(SESSION_MS * (0.9 + 0.2 * this.#context.random()));
  }

  onAlarm(now: number): void {
    for (const [seq, repair] of this.#repairs) {
      if (repair.dueAt > now) {
        if (now >= repair.holdUntil) this.#repairs.delete(seq);
        continue;
      }
      repair.dueAt = Infinity;
      repair.holdUntil = now + 3 * repair.distanceMs;
      this.#group.repairTimer.onRound(0, 0);
      for (const cursor of this.#group.stream.cursors.values()) cursor.repairForGroup(now, seq);
    }
    if (this.#sessionAt <= now) this.#sendSession(now);
    this.#arm();
  }

  #sendSession(now: number): void {
    let waiting = false;
    for (const cursor of this.#group.stream.cursors.values()) {
      if (cursor.peer.reach !== ALIVE || cursor.drained) continue;
      waiting = true;
      const body = new Uint8Array(SESSION_LENGTH);
      const view = new DataView(body.buffer);
      view.setUint32(0, this.#group.idHigh);
      view.setUint32(4, this.#group.idLow);
      view.setUint32(8, serialAdd(cursor.next, -1));
      (cursor.peer.session as Session).oweFrame(FRAME_SESSION, 0, body);
    }
    this.#sessionAt = waiting ? now + this.#sessionMs() : Infinity;
  }

  #arm(): void {
    let at = this.#sessionAt;
    for (const { dueAt, holdUntil } of this.#repairs.values()) at = Math.min(at, dueAt < Infinity ? dueAt : holdUntil);
    this.#context.alarms.set(this, at);
  }

  close(): void {
    this.#repairs.clear();
    this.#context.alarms.cancel(this);
  }
}
