/**
 * Which lines of a channel are new, and in which order they are shown: what comes from its source and what members give
 * of their history, against each other. Lines of history that may be on their way wait (held-lines.ts), and so do live
 * lines while older ones are asked for (late-lines.ts).
 */
import type { Channel } from './channel.ts';
import type { HeldLine } from './held-lines.ts';
import { HeldLines } from './held-lines.ts';
import type { Entry } from './history.ts';
import { LateLines } from './late-lines.ts';
import type { LateLine } from './late-lines.ts';
import { LineStreams } from './line-streams.ts';
import type { Clock } from './network.ts';

/**
 * Of a node that is here but of which nothing has come yet, history younger than this waits for the node's own word.
 */
const FRESH_MS = 30_000;

export interface ArrivalsOutput {
  /** A live line, in order. */
  show(channel: Channel, source: string, uid: string, entry: Entry): void;
  /** @returns false when it is not to be shown here; else `entry` has its source. */
  admit(channel: Channel, source: string, uid: string, entry: Entry): boolean;
  /**
   * Lines from history, sorted, that were missing here.
   * @param first the members' history is on its way for the first time
   */
  showMissed(channel: Channel, entries: Entry[], first: boolean): void;
}

/** What the link knows of the members. */
export interface ArrivalsView {
  readonly members: ReadonlySet<string>;
  /** While the members' history is on its way for the first time. */
  first(): boolean;
  /** Something of `source` is missing. */
  onHole(source: string): void;
  /** It goes on: what is missing of it may still come. */
  onProgress(source: string): void;
  /** The history of `source` is wanted now. */
  ask(source: string): void;
}

export class Arrivals {
  readonly streams = new LineStreams();
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #output: ArrivalsOutput;
  readonly #view: ArrivalsView;
  /** The stream that a node's present run speaks in; those of earlier runs bring nothing more by themselves. */
  readonly #current = new Map<string, string>();
  readonly #held = new HeldLines();
  readonly #late = new LateLines();
  /** From history, to be shown with the late lines. */
  #missed: Entry[] = [];

  constructor(channel: Channel, clock: Clock, output: ArrivalsOutput, view: ArrivalsView) {
    this.#channel = channel;
    this.#clock = clock;
    this.#output = output;
    this.#view = view;
  }

  // --- from their source ------------------------------------------------------------------------------------------

  onLive(line: LateLine): void {
    const { source, uid, n, entry } = line;
    if (n > 0 && (this.#holdBack(line) || !this.#takeLive(line))) return;
    this.#output.show(this.#channel, source, uid, entry);
  }

  #holdBack(line: LateLine): boolean {
    if (this.#view.first()) return false;
    const { source, stream, n } = line;
    const last = this.streams.liveLast(source, stream);
    const hole = last > 0 && n > last + 1;
    const held = this.#late.hold(line, hole, this.#clock.now(), this.#clock.wallMs());
    if (held && hole) this.#view.ask(source);
    return held;
  }

  /** @returns false when the line has been shown. */
  #takeLive({ source, stream, n, entry }: LateLine): boolean {
    this.#showHeld(this.#held.takeOf(source, stream), n);
    const { fresh, given: known, hole } = this.streams.takeLive(source, stream, n);
    this.#current.set(source, stream);
    if (fresh) this.#view.onProgress(source);
    if (hole && !this.#view.first()) this.#view.onHole(source);
    if (!fresh || !known) return fresh;
    const { history } = this.#channel;
    const given = history.find(entry.msgid);
    // Another member gave it before: the same text is now vouched for by its source; another text was a forgery.
    if (given === undefined || given.lines.join('\n') === entry.lines.join('\n')) {
      if (given !== undefined) given.via = undefined;
      return false;
    }
    history.remove(entry.msgid);
    return true;
  }

  /** What was missed, in the order of its time; then what is new. */
  #showLate(): void {
    const missed = this.#missed.splice(0);
    const fresh = [];
    for (const line of this.#late.release()) {
      const { source, uid, entry } = line;
      if (!this.#takeLive(line)) continue;
      if (!this.#late.isOld(line, this.#clock.wallMs())) fresh.push(line);
      else if (this.#output.admit(this.#channel, source, uid, entry)) missed.push(entry);
    }
    if (missed.length > 0) this.#showMissed(missed);
    fresh.sort((one, other) => one.entry.timeMs - other.entry.timeMs);
    for (const { source, uid, entry } of fresh) this.#output.show(this.#channel, source, uid, entry);
  }

  #showMissed(entries: Entry[]): void {
    this.#output.showMissed(this.#channel, entries, this.#view.first());
  }

  // --- from history -----------------------------------------------------------------------------------------------

  /** @returns true when the line was missing here and is to be shown with the rest of the answer. */
  onGiven(from: string, entry: Entry): boolean {
    const { address, stream, n } = entry.origin as NonNullable<Entry['origin']>;
    if (address !== from && this.#comesByItself(address, stream, n)) return false;
    if (!this.#mayOvertake(from, entry)) return this.#take(from, entry);
    this.#held.hold(entry, from, this.#clock.now());
    return false;
  }

  /** An answer is complete. */
  onAnswer(entries: readonly Entry[]): void {
    if (this.#late.waits) this.#missed.push(...entries);
    else if (entries.length > 0) this.#showMissed([...entries]);
    for (const source of new Set(entries.map((entry) => entry.origin?.address as string))) {
      if (this.streams.missing(source) > 0) this.#view.onHole(source);
    }
  }

  /** What we have, by stream, as a member is told who is asked for the rest. */
  have(): Record<string, number[]> {
    const have = this.streams.have();
    // Their source sees by these that what is before them does not come by itself.
    for (const { source, stream, n } of this.#late.lines) (have[`${source} ${stream}`] ??= []).push(n, n);
    return have;
  }

  /** Newer than what its source, who is here, has sent us in order. */
  #comesByItself(address: string, stream: string, n: number): boolean {
    if (!this.#view.members.has(address) || this.#current.get(address) !== stream) return false;
    return n > this.streams.liveLast(address, stream) && !this.streams.isOpen(address, stream);
  }

  /** It has been said lately by somebody else who is here, and of whom nothing has come yet: it may be on its way. */
  #mayOvertake(from: string, entry: Entry): boolean {
    const { address, stream } = entry.origin as NonNullable<Entry['origin']>;
    const { members } = this.#view;
    if (address === from || !members.has(address) || this.streams.liveLast(address, stream) > 0) return false;
    return this.#clock.wallMs() - entry.timeMs < FRESH_MS;
  }

  /** Shows held lines below `before` of their stream. What is above comes by itself. */
  #showHeld(due: readonly HeldLine[], before: number): void {
    const entries: Entry[] = [];
    for (const { entry, from } of due) {
      if ((entry.origin?.n as number) < before && this.#take(from, entry)) entries.push(entry);
    }
    if (entries.length > 0) this.#showMissed(entries);
  }

  /** @returns false when we have it. */
  #take(from: string, entry: Entry): boolean {
    const { address, stream, n } = entry.origin as NonNullable<Entry['origin']>;
    return this.streams.takeGiven(address, stream, n, address === from);
  }

  // --- members and time -------------------------------------------------------------------------------------------

  /** The node has gone, or runs anew: its stream is another. */
  onRun(address: string): void {
    this.#current.delete(address);
  }
  /** A node is back, and its history is asked for. */
  onReturn(): void {
    if (!this.#view.first()) this.#late.begin(this.#clock.now());
  }
  /** All who were asked have answered. */
  onIdle(): void {
    this.#late.settle(this.#clock.now());
  }

  onTick(nowMs: number): void {
    this.#showHeld(this.#held.takeDue(nowMs), Infinity);
    if (this.#late.isOver(nowMs)) this.#showLate();
  }
}
