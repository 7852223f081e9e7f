/**
 * Publications of one group that wait for room in its log (slow: block), first come first served over all programs, so that
 * a program's publications keep their order. Nothing here has been accepted yet: its program has not been answered.
 */
import { REFUSED_FULL, REFUSED_LEFT, REFUSED_NO_MEMBER, REFUSED_TOO_LONG } from '../multicast/options.ts';
import {
  STATUS_INVALID_ARGUMENT, STATUS_NO_MEMORY, STATUS_NOT_FOUND, STATUS_OK, STATUS_UNKNOWN_ERROR,
} from '../ubus/status.ts';
import type { CoreGroup } from './core.ts';
import type { Program } from './shared-group.ts';

/** Of one group; a publication beyond is refused as if it had not wanted to wait. */
export const WAITING_MAX = 256;
export const WAITING_BYTES_MAX = 512 * 1024;

export interface PublishResult {
  status: number;
  /** 0 for a refusal. */
  seq: number;
  /** Bytes that the log takes now. */
  room: number;
  /** A sentence when refused, else ''. */
  error: string;
}

export interface Publication {
  owner: Program;
  data: Uint8Array;
  /** '' to all members. */
  to: string;
  done(result: PublishResult): void;
}

const REFUSALS = new Map([
  [REFUSED_FULL, [STATUS_NO_MEMORY, 'no room in this group now: try again when what waits has been answered']],
  [REFUSED_TOO_LONG, [STATUS_INVALID_ARGUMENT, 'a message has at most 64 KiB, a datagram 1,100 bytes']],
  [REFUSED_NO_MEMBER, [STATUS_NOT_FOUND, 'no such member in this group']],
  [REFUSED_LEFT, [STATUS_INVALID_ARGUMENT, 'the group has been left']],
] as const);

/** What the core's number means: a sequence number, 0, or a refusal. */
export function publishResult(answer: number, room: number): PublishResult {
  if (answer >= 0) return { status: STATUS_OK, seq: answer, room, error: '' };
  const [status, error] = REFUSALS.get(answer as typeof REFUSED_FULL) ?? [STATUS_UNKNOWN_ERROR, `refused: ${answer}`];
  return { status, seq: 0, room, error };
}

export class PublishQueue {
  readonly #core: CoreGroup;
  readonly #accepted: (publication: Publication, seq: number) => void;
  #waiting: Publication[] = [];
  #waitingBytes = 0;

  /** `accepted` is told of each publication that the core took, before its `done`. */
  constructor(core: CoreGroup, accepted: (publication: Publication, seq: number) => void) {
    this.#core = core;
    this.#accepted = accepted;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  publish(now: number, publication: Publication, wait: boolean): void {
    const first = this.#waiting.length === 0;
    if (first && this.#try(now, publication)) return;
    const size = publication.data.length;
    if (wait && this.#waiting.length < WAITING_MAX && this.#waitingBytes + size <= WAITING_BYTES_MAX) {
      this.#waiting.push(publication);
      this.#waitingBytes += size;
      return;
    }
    publication.done(publishResult(REFUSED_FULL, first ? this.#core.room : 0));
  }

  onRoom(now: number): void {
    while (this.#waiting.length > 0 && this.#try(now, this.#waiting[0] as Publication)) {
      this.#waitingBytes -= (this.#waiting.shift() as Publication).data.length;
    }
  }

  /** The program has gone: nobody waits for an answer. */
  forget(owner: Program): void {
    this.#waiting = this.#waiting.filter((publication) => publication.owner !== owner);
    this.#waitingBytes = this.#waiting.reduce((sum, publication) => sum + publication.data.length, 0);
  }

  /** The group is left: refuses all that wait. */
  close(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const publication of waiting) publication.done(publishResult(REFUSED_LEFT, 0));
  }

  /** @returns false when it has to wait for room. */
  #try(now: number, publication: Publication): boolean {
    const { data, to } = publication;
    const answer = to === '' ? this.#core.publish(now, data) : this.#core.publishTo(now, to, data);
    if (answer === REFUSED_FULL) return false;
    if (answer >= 0) this.#accepted(publication, answer);
    publication.done(publishResult(answer, this.#core.room));
    return true;
  }
}
