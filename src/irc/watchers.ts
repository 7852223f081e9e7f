/** Who watches which nick (MONITOR). */
import { fold } from './names.ts';
import type { Session } from './session.ts';

export class Watchers {
  /** By folded nick. */
  readonly #sessions = new Map<string, Set<Session>>();

  of(nick: string): Iterable<Session> {
    return this.#sessions.get(fold(nick)) ?? [];
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
