/** Every checker that watches a whole run; malformed.ts and same-trace.ts are called by their scenarios. */
import type { Simulation } from '../simulation.ts';
import { AtMostOnce } from './at-most-once.ts';
import type { Checker } from './checker.ts';
import { Completeness } from './completeness.ts';
import { EpochOrder } from './epoch-order.ts';
import { GapReason } from './gap-reason.ts';
import { HoldDown } from './hold-down.ts';
import { InFlight } from './in-flight.ts';
import { KeptBytes } from './kept-bytes.ts';
import { MemoryBounds } from './memory-bounds.ts';
import { Retention } from './retention.ts';
import { Silence } from './silence.ts';
import { Subscriptions } from './subscriptions.ts';
import { Tiling } from './tiling.ts';
import { Ways } from './ways.ts';

export class Checkers {
  readonly atMostOnce: AtMostOnce;
  readonly completeness: Completeness;
  readonly memory: MemoryBounds;
  readonly holdDown: HoldDown;
  readonly silence: Silence;
  readonly subscriptions: Subscriptions;
  readonly all: readonly Checker[];

  constructor(sim: Simulation) {
    this.atMostOnce = new AtMostOnce(sim);
    this.completeness = new Completeness(sim);
    this.memory = new MemoryBounds(sim);
    this.holdDown = new HoldDown(sim);
    this.silence = new Silence(sim);
    this.subscriptions = new Subscriptions(sim);
    this.all = [
      this.atMostOnce, new Tiling(sim), new KeptBytes(sim), this.completeness, new GapReason(sim), new Retention(sim),
      this.memory, new EpochOrder(sim), this.subscriptions, this.holdDown, new Ways(sim),
      new InFlight(sim),
    ];
  }
}
