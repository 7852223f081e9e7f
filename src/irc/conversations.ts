/**
 * What belongs to one person across his clients and, when he has an account, across his connections: private
 * conversations and read marks. Without an account it is forgotten when he leaves.
 */
import { makeRoom } from '../encoding/tables.ts';
import type { Entry } from './history.ts';
import { History } from './history.ts';
import { fold } from './names.ts';
import type { User } from './user.ts';

const OWNERS_MAX = 500;
const CONVERSATIONS_MAX = 50;
const MARKERS_MAX = 200;

interface Owned {
  /** By folded nick, with "@address" for people of other nodes. */
  readonly histories: Map<string, { name: string; history: History }>;
  readonly markers: Map<string, number>;
  /** Where an account was when its last client went: it comes back there. */
  channels: string[];
}

export class Conversations {
  readonly #newHistory: () => History;
  readonly #owners = new Map<string, Owned>();

  constructor(newHistory: () => History) {
    this.#newHistory = newHistory;
  }

  #owned(user: User): Owned {
    const key = user.account === undefined ? `user ${user.uid}` : `account ${fold(user.account)}`;
    let owned = this.#owners.get(key);
    if (owned === undefined) {
      makeRoom(this.#owners, OWNERS_MAX);
      this.#owners.set(key, (owned = { histories: new Map(), markers: new Map(), channels: [] }));
    }
    return owned;
  }

  /** The last client of `user` goes; he is still in his channels. */
  leave(user: User): void {
    if (user.account === undefined) this.#owners.delete(`user ${user.uid}`);
    else this.#owned(user).channels = [...user.channels.values()].map((channel) => channel.name);
  }
  channels(user: User): readonly string[] {
    return user.account === undefined ? [] : this.#owned(user).channels;
  }

  #keyOf(other: User): string {
    return other.local ? fold(other.nick) : `${fold(other.nick)}@${other.home}`;
  }

  record(owner: User, other: User, entry: Entry, nowMs: number): void {
    const { histories } = this.#owned(owner);
    const key = this.#keyOf(other);
    let found = histories.get(key);
    if (found === undefined) {
      makeRoom(histories, CONVERSATIONS_MAX);
      histories.set(key, (found = { name: other.shown, history: this.#newHistory() }));
    }
    found.history.add(entry, nowMs);
  }

  /** @param other undefined: nobody has the nick now; what was said with who had it */
  find(owner: User, other: User | undefined, nick: string): History | undefined {
    const { histories } = this.#owned(owner);
    const known = histories.get(other === undefined ? fold(nick) : this.#keyOf(other));
    if (known !== undefined || other !== undefined) return known?.history;
    return [...histories.values()].find(({ name }) => fold(name) === fold(nick))?.history;
  }

  all(owner: User): { name: string; history: History }[] {
    return [...this.#owned(owner).histories.values()];
  }

  marker(owner: User, target: string): number | undefined {
    return this.#owned(owner).markers.get(fold(target));
  }

  /** A mark only moves forward. @returns where it is now. */
  mark(owner: User, target: string, timeMs: number): number {
    const { markers } = this.#owned(owner);
    const key = fold(target);
    const at = Math.max(timeMs, markers.get(key) ?? 0);
    markers.delete(key);
    makeRoom(markers, MARKERS_MAX);
    markers.set(key, at);
    return at;
  }
}
