/**
 * Lines to all clients of a channel. What is said in one channel without anything else being sent between is a run: its
 * lines are joined to one piece of bytes per variant (see capabilities.ts), and each client gets the piece, so that a
 * busy channel costs per client and turn, not per client and line. Whatever else is sent to anybody ends the run first
 * (Session.send calls settle()): so every client's lines stay in order, and who comes or changes his capabilities
 * meanwhile gets what was his at the time.
 */
import { joinChunks } from '../encoding/bytes.ts';
import { CAP_VARIANTS } from './capabilities.ts';
import type { Channel } from './channel.ts';
import type { Delivery } from './delivery.ts';
import type { Session } from './session.ts';

const RUN_MAX = 256;

export class FanOut {
  #channel: Channel | undefined;
  /** The clients of the run, from its beginning. */
  #sessions: Session[] = [];
  #run: { delivery: Delivery; except: Session | undefined }[] = [];
  readonly #onRun: () => void;

  /** `onRun`: a run has begun; call settle() at the end of the turn. */
  constructor(onRun: () => void) {
    this.#onRun = onRun;
  }

  /** @param except a client that does not see it */
  toChannel(channel: Channel, delivery: Delivery, except: Session | undefined): void {
    if (!delivery.uniform) {
      for (const session of channel.sessions) if (session !== except) delivery.to(session);
      return;
    }
    if (channel !== this.#channel || this.#run.length >= RUN_MAX) this.settle();
    if (this.#run.length === 0) {
      this.#channel = channel;
      this.#sessions = channel.sessions;
      this.#onRun();
    }
    this.#run.push({ delivery, except });
  }

  /** Hands out what is collected. */
  settle(): void {
    if (this.#run.length === 0) return;
    const run = this.#run;
    this.#run = [];
    this.#channel = undefined;
    const excepted = new Set<Session | undefined>();
    for (const { except } of run) excepted.add(except);
    const pieces: (Uint8Array | undefined)[] = [];
    for (const session of this.#sessions) {
      if (session.closed) continue;
      if (session.shownEarly !== undefined || excepted.has(session)) {
        for (const { delivery, except } of run) if (except !== session) delivery.to(session);
        continue;
      }
      const variant = session.caps & CAP_VARIANTS;
      session.sendBytes((pieces[variant] ??= piece(run, variant)));
    }
    this.#sessions = [];
  }
}

function piece(run: readonly { delivery: Delivery }[], variant: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (const { delivery } of run) {
    const bytes = delivery.bytes(variant);
    if (bytes !== undefined) chunks.push(bytes);
  }
  return joinChunks(chunks);
}
