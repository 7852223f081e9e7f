/**
 * Asks members for their history of a channel, one after the other: each request tells what we have, the answer brings
 * the rest in parts. Whose answer does not go on is given up. While the first round lasts, who has just joined waits
 * for it.
 */
import type { Entry } from './history.ts';

const MEMBERS_MAX = 3;
const QUEUE_MAX = 16;
const TIMEOUT_MS = 3000;
const FIRST_TIMEOUT_MS = 1500;
const PARTS_MAX = 64;

export interface HistoryRequestsOutput {
  now(): number;
  /** Whether there is a group to ask in. */
  ready(): boolean;
  ask(member: string): Promise<void>;
  /** What an answer brought that was missing here. */
  onAnswer(entries: Entry[]): void;
  /** Nobody is left to be asked. */
  onIdle(): void;
}

export interface HistoryRequest {
  readonly member: string;
  /** What has come of it. */
  readonly entries: Entry[];
  untilMs: number;
  partCount: number;
}

export class HistoryRequests {
  readonly #output: HistoryRequestsOutput;
  #queue: string[] = [];
  #current: HistoryRequest | undefined;
  #first: { promise: Promise<void>; resolve: () => void; untilMs: number } | undefined;

  /** @param first whether there is a first round to wait for */
  constructor(output: HistoryRequestsOutput, first: boolean) {
    this.#output = output;
    if (!first) return;
    let resolve = (): void => undefined;
    const promise = new Promise<void>((done) => (resolve = done));
    this.#first = { promise, resolve, untilMs: output.now() + FIRST_TIMEOUT_MS };
  }

  /** While the members' history is on its way for the first time. */
  get synced(): Promise<void> | undefined {
    return this.#first?.promise;
  }
  /** Who is being asked. */
  get member(): string | undefined {
    return this.#current?.member;
  }

  want(member: string): void {
    if (this.#queue.includes(member) || this.#queue.length >= QUEUE_MAX) return;
    this.#queue.push(member);
    this.#next();
  }

  /** A few of the members, drawn by lot. */
  wantSome(members: Iterable<string>, random: () => number): void {
    const order = [...members];
    for (let i = 0; i < MEMBERS_MAX && order.length > 0; i++) {
      this.want(order.splice(Math.floor(random() * order.length), 1)[0] as string);
    }
  }

  /** The source itself when it is here, then others that may have what it said. */
  wantFor(source: string, members: ReadonlySet<string>): void {
    if (members.has(source)) this.want(source);
    for (const member of [...members].slice(0, MEMBERS_MAX - 1)) this.want(member);
  }

  /** @returns the request that a part from `member` answers. */
  answered(member: string): HistoryRequest | undefined {
    const request = this.#current;
    if (request === undefined || request.member !== member) return undefined;
    request.untilMs = this.#output.now() + TIMEOUT_MS;
    return request;
  }

  /** A part has been taken. */
  onPart(request: HistoryRequest, more: boolean): void {
    if (!more || ++request.partCount >= PARTS_MAX) this.#end(request.member);
  }

  endFirst(): void {
    this.#first?.resolve();
    this.#first = undefined;
  }

  onTick(now: number): void {
    if (this.#first !== undefined && now >= this.#first.untilMs) this.endFirst();
    if (this.#current !== undefined && now >= this.#current.untilMs) this.#end(this.#current.member);
  }

  #next(): void {
    if (this.#current !== undefined || !this.#output.ready()) return;
    const member = this.#queue.shift();
    if (member === undefined) {
      this.endFirst();
      return this.#output.onIdle();
    }
    this.#current = { member, untilMs: this.#output.now() + TIMEOUT_MS, entries: [], partCount: 0 };
    this.#output.ask(member).catch(() => this.#end(member));
  }

  #end(member: string): void {
    const request = this.#current;
    if (request === undefined || request.member !== member) return;
    this.#current = undefined;
    this.#output.onAnswer(request.entries);
    this.#next();
  }
}
