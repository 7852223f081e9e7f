/**
 * What the sources that ask a mesh router on this machine have in common: when to ask, and when an address is ours.
 *
 * An address is ours while the router has said so and an interface carries it: then it can be bound. So an interface
 * that goes down or comes up is noticed by looking at the interfaces, whatever the router is doing. The router is
 * asked every second at first (its own tables take seconds to fill), then rarer and rarer; when it does not answer it
 * is asked again after half a second, twice that, and so on. An address of the mesh's range that appears or vanishes
 * starts this anew: boot order never matters.
 */
import {
  type Candidate, CONFIGURED, type MeshListener, type MeshSource, type MeshStatus,
} from '../broadcast/mesh-source.ts';
import type { Log } from '../runtime/log.ts';
import type { Runtime, Timer } from '../runtime/runtime.ts';
import { parseEndpoint } from '../wire/address.ts';
import { addressRange } from './address-range.ts';
import type { AddressRange } from './address-range.ts';
import { interfaceAddresses, sameList } from './interfaces.ts';

export type Problem = NonNullable<MeshStatus['problem']>;

export type Tell = (candidates: Candidate[]) => void;

export interface RouterReport {
  /** Our address as the router tells and its key proves; undefined: it did not answer. */
  own?: string;
  version?: string;
  problem?: Problem | undefined;
}

/** The dialogue with one kind of router. */
export interface Router {
  readonly name: string;
  readonly range: AddressRange;
  /** Asks the router for our address and for what it knows of nodes, which go to `tell` as they come. Never rejects. */
  ask(tell: Tell): Promise<RouterReport>;
  /**
   * Asks for nodes what other nodes must answer: it may take long and is done seldom. Never at the same time as
   * itself, but beside ask(). Never rejects.
   */
  explore(tell: Tell): Promise<Problem | undefined>;
  /** Ends what is under way; ask() and explore() resolve soon. */
  close(): void;
}

/** How often interfaces are looked at: while an address that we had is away, while the mesh is young, and else. */
const WATCH_AWAY_MS = 500;
const WATCH_YOUNG_MS = 1000;
const WATCH_MS = 2000;
const YOUNG_MS = 60_000;
/** Without an answer, the router is asked again after this, then twice as long, … */
const RETRY_MS = 500;
const RETRY_MS_MAX = 30_000;
/** Addresses told apart, to count them. More are told uncounted. */
export const COUNTED_NODES_MAX = 8192;
const SEEDS_MAX = 256;
/** A round that took long is followed by a pause of so many times that: slow devices keep their time for the rest. */
const PAUSE_PER_ROUND = 9;

/** [age of the mesh in ms, time between two rounds of questions and between two explorations from then on]. */
const ROUND_MS: readonly (readonly [number, number, number])[] = [
  [300_000, 60_000, 300_000], [90_000, 20_000, 60_000], [20_000, 5000, 5000], [0, 1000, 2000]];

export class RouterMesh implements MeshSource {
  readonly authenticated = true;
  readonly #router: Router;
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #timer: Timer;
  readonly #seeds: readonly Candidate[];
  #listener: MeshListener | undefined;
  /** Addresses of the range on our interfaces. */
  #present: string[] = [];
  /** Addresses that the router, while it answered, called ours. */
  #proven = '';
  #own: string[] = [];
  #version = '';
  #problem: Problem | undefined;
  #exploreProblem: Problem | undefined;
  #asking = false;
  #exploring = false;
  #exploreAt = 0;
  #again = false;
  #failureCount = 0;
  #askAt = 0;
  #youngSince = 0;
  readonly #counted = new Set<string>();

  /** @param peers endpoints of nodes known to run meshchat (wire/address.ts); others than numeric ones are left out. */
  constructor(router: Router, runtime: Runtime, peers: readonly string[], log: Log) {
    this.#router = router;
    this.#seeds = peers.slice(0, SEEDS_MAX).flatMap((text) => parseEndpoint(text) ?? [])
      .map((endpoint) => ({ ...endpoint, hops: 0, advertised: true, origin: CONFIGURED }));
    this.#runtime = runtime;
    this.#log = log;
    this.#timer = runtime.timer(() => this.#watch());
  }

  get name(): string {
    return this.#router.name;
  }

  accepts(address: string): boolean {
    return addressRange(address) === this.#router.range;
  }

  start(listener: MeshListener): void {
    this.#listener = listener;
    this.#startAnew(this.#runtime.now());
    this.#timer.set(this.#runtime.now());
  }

  stop(): void {
    this.#listener = undefined;
    this.#timer.cancel();
    this.#router.close();
  }

  refresh(): void {
    if (this.#listener === undefined) return;
    this.#startAnew(this.#runtime.now());
    this.#timer.set(this.#runtime.now());
  }

  status(): MeshStatus {
    const status: MeshStatus = {
      name: this.name,
      up: this.#own.length > 0,
      own: [...this.#own],
      candidateCount: this.#counted.size,
      authenticated: true,
      version: this.#version,
    };
    const problem = this.#problem ?? this.#interfaceProblem() ?? this.#exploreProblem;
    if (problem !== undefined) status.problem = problem;
    return status;
  }

  #interfaceProblem(): Problem | undefined {
    if (this.#own.length > 0 || this.#proven === '') return undefined;
    return {
      text: `${this.name} answers, but no interface carries its address ${this.#proven}`,
      remedy: `see whether ${this.name}'s network device is there and up: ip -6 address`,
    };
  }

  #startAnew(now: number): void {
    this.#failureCount = 0;
    this.#youngSince = now;
    this.#askAt = now;
    this.#exploreAt = now;
    this.#again ||= this.#asking;
  }

  #watch(): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    const now = this.#runtime.now();
    const present = interfaceAddresses(this.#runtime)
      .map((entry) => entry.address)
      .filter((address) => this.accepts(address));
    if (!sameList(present, this.#present)) {
      this.#present = present;
      this.#counted.clear();
      this.#startAnew(now);
      this.#updateOwn();
    }
    if (now >= this.#askAt && !this.#asking) void this.#ask();
    const away = this.#own.length === 0 && this.#proven !== '';
    const young = now - this.#youngSince < YOUNG_MS;
    const watchAt = now + (away ? WATCH_AWAY_MS : young ? WATCH_YOUNG_MS : WATCH_MS);
    this.#timer.set(this.#asking ? watchAt : Math.min(watchAt, this.#askAt));
  }

  #updateOwn(): void {
    const own = this.#present.includes(this.#proven) ? [this.#proven] : [];
    if (sameList(own, this.#own)) return;
    this.#own = own;
    this.#log.info(own.length > 0 ? `${this.name}: our address is ${own[0]}` : `${this.name}: our address is gone`);
    this.#listener?.onOwnAddresses([...own]);
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    const askedAt = this.#runtime.now();
    const report = await this.#router.ask(this.#tell);
    this.#asking = false;
    if (this.#listener === undefined) return;
    const now = this.#runtime.now();
    this.#noteProblem(report.problem, this.#problem);
    this.#problem = report.problem;
    if (report.version !== undefined) this.#version = report.version;
    if (report.own === undefined) {
      this.#failureCount++;
      this.#askAt = now + Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(10, this.#failureCount - 1));
    } else {
      this.#failureCount = 0;
      if (report.own !== this.#proven) this.#startAnew(now);
      this.#proven = report.own;
      this.#updateOwn();
      const [, roundMs, exploreMs] = pace(now - this.#youngSince);
      this.#askAt = now + Math.max(roundMs, PAUSE_PER_ROUND * (now - askedAt));
      this.#tell(this.#seeds);
      if (now >= this.#exploreAt && !this.#exploring) void this.#explore(now + exploreMs);
    }
    if (this.#again) this.#askAt = now;
    this.#again = false;
    if (this.#askAt < this.#timer.deadlineMs) this.#timer.set(this.#askAt);
  }

  async #explore(nextAt: number): Promise<void> {
    this.#exploring = true;
    this.#exploreAt = nextAt;
    const problem = await this.#router.explore(this.#tell);
    this.#exploring = false;
    if (this.#listener === undefined) return;
    this.#noteProblem(problem, this.#exploreProblem);
    this.#exploreProblem = problem;
  }

  readonly #tell = (candidates: readonly Candidate[]): void => {
    const wanted = candidates.filter(({ address }) => this.accepts(address) && address !== this.#proven);
    for (const { address } of wanted) if (this.#counted.size < COUNTED_NODES_MAX) this.#counted.add(address);
    if (wanted.length > 0) this.#listener?.onCandidates(wanted);
  };

  #noteProblem(problem: Problem | undefined, before: Problem | undefined): void {
    if (problem === undefined && before !== undefined) this.#log.info(`${this.name}: all is well again`);
    if (problem !== undefined && problem.text !== before?.text) this.#log.warn(`${this.name}: ${problem.text}`);
  }
}

function pace(age: number): readonly [number, number, number] {
  return ROUND_MS.find(([from]) => age >= from) ?? ROUND_MS.at(-1)!;
}
