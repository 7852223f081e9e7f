/**
 * Invariant 15: the node's window counts only what is on its way to somebody. Where nothing is outstanding to anyone
 * alive, it is empty a few round trips later; and no cursor is ahead of its receiver by more than the receive window.
 */
import { ALIVE } from '../../../src/broadcast/peer.ts';
import { RECEIVE_WINDOW } from '../../../src/multicast/options.ts';
import type { SendStream } from '../../../src/multicast/send-stream.ts';
import { serialDiff } from '../../../src/wire/serial.ts';
import type { NodeHost } from '../node-host.ts';
import type { Simulation } from '../simulation.ts';
import type { Checker } from './checker.ts';

/** Where no word will come, bytes leave the window a hold-down later: a round trip and its variation. */
const LEFT_MS_MAX = 20_000;

export class InFlight implements Checker {
  #sim: Simulation;
  #next = 0;
  /** Since when nothing is outstanding and bytes are counted, by host. */
  #since = new Map<NodeHost, number>();
  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  sampled(now: number): void {
    const { hosts } = this.#sim;
    for (let i = 0; i < Math.min(2, hosts.length); i++) this.#look(now, hosts[this.#next++ % hosts.length]!);
  }

  finished(now: number): void {
    for (const host of this.#sim.hosts) this.#look(now, host);
  }

  #look(now: number, host: NodeHost): void {
    const context = host.groups.find((group) => group)?.stream.context;
    const idle = host.running && context !== undefined && context.window.inFlight > 0
      && ![...context.sendStreams].some((stream) => this.#isOutstanding(host, stream));
    if (!idle) {
      this.#since.delete(host);
      return;
    }
    const since = this.#since.get(host) ?? now;
    this.#since.set(host, since);
    if (now - since < LEFT_MS_MAX) return;
    const { inFlight } = context.window;
    this.#sim.violate('15 in flight', `node ${host.index} counts ${inFlight} bytes on their way to nobody`);
  }

  #isOutstanding(host: NodeHost, stream: SendStream): boolean {
    let outstanding = false;
    for (const cursor of stream.cursors.values()) {
      const ahead = serialDiff(cursor.next, cursor.base);
      if (ahead < 1 || ahead > RECEIVE_WINDOW + 1) {
        this.#sim.violate('15 in flight', `node ${host.index}: next is ${ahead} past base towards ${cursor.peer.id}`);
      }
      outstanding ||= cursor.outstanding && cursor.peer.reach === ALIVE;
    }
    return outstanding;
  }
}
