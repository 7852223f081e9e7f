/** Who watches which nick (MONITOR), and is told when somebody has it and when nobody has it any more. */
import { fold } from './names.ts';
import * as numeric from './numerics.ts';
import type { Session } from './session.ts';
import type { User } from './user.ts';

export class Watchers {
  /** By folded nick. */
  readonly #sessions = new Map<string, Set<Session>>();

  of(nick: string): Iterable<Session> {
    return this.#sessions.get(fold(nick)) ?? [];
  }

  online(user: User): void {
    for (const session of this.of(user.shown)) session.reply(numeric.RPL_MONONLINE, user.prefix);
  }
  offline(nick: string): void {
    for (const session of this.of(nick)) session.reply(numeric.RPL_MONOFFLINE, nick);
  }

  add(session: Session, key: string): void {
    const sessions = this.#sessions.get(key);
    if (sessions === undefined) this.#sessions.set(key, new Set([session]));
    else sessions.add(session);
  }

  remove(session: Session, keys: Iterable<string>): void {
    for (const key of keys) {
      const sessions = this.#sessions.get(key);
      sessions?.delete(session);
      if (sessions?.size === 0) this.#sessions.delete(key);
    }
  }
}
