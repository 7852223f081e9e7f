/**
 * Who is who. Several people of the mesh may claim one nick: here it is decided under which nick each of them is shown,
 * and who is meant by a nick. Who had one lately is kept, for WHOWAS.
 */
import type { Origin } from './history.ts';
import { addressSuffix, fold, suffixed } from './names.ts';
import type { Clock } from './network.ts';
import type { User } from './user.ts';
import type { Watchers } from './watchers.ts';

export interface Past {
  shown: string;
  user: string;
  host: string;
  real: string;
  account: string | undefined;
  goneMs: number;
}

const WHOWAS_MAX = 200;

export class Nicks {
  /** By folded shown nick. */
  readonly users = new Map<string, User>();
  readonly past: Past[] = [];
  localUsersMax = 0;
  usersMax = 0;
  readonly #clock: Clock;
  readonly #watchers: Watchers;
  readonly #onChange: (user: User, prefix: string) => void;
  /** Folded claimed nick -> who claims it. */
  readonly #claims = new Map<string, User[]>();

  /** `onChange`: somebody is shown under another nick; until now he was `prefix`. */
  constructor(clock: Clock, watchers: Watchers, onChange: (user: User, prefix: string) => void) {
    this.#clock = clock;
    this.#watchers = watchers;
    this.#onChange = onChange;
  }

  /** Takes `nick`, `nick~ab12` and `nick@address`. */
  find(text: string): User | undefined {
    const key = fold(text);
    const shown = this.users.get(key);
    if (shown !== undefined) return shown;
    const mark = Math.max(key.lastIndexOf('~'), key.indexOf('@'));
    if (mark <= 0) return undefined;
    const end = key.slice(mark + 1);
    const found = (this.#claims.get(key.slice(0, mark)) ?? []).filter(
      (user) => (key[mark] === '@' ? fold(user.host) === end : addressSuffix(user.host) === end),
    );
    return found.length === 1 ? found[0] : undefined;
  }

  /**
   * Several other nodes' users have this nick and none of ours: a message to it could reach the wrong one.
   * @returns the names that reach one of them each
   */
  ambiguous(nick: string): string[] {
    const claimed = this.#claims.get(fold(nick)) ?? [];
    if (claimed.length < 2 || claimed.some((user) => user.local)) return [];
    return claimed.map((user) => (user.shown === user.nick ? `${user.nick}@${user.host}` : user.shown));
  }

  /** Who said a line of history: not under a nick that somebody else has here now. */
  prefixOf({ nick, user, address }: Origin): string {
    const holder = this.users.get(fold(nick));
    const shown = holder === undefined || holder.host === address ? nick : suffixed(nick, address);
    return `${shown}!${user}@${address}`;
  }

  get localUserCount(): number {
    let count = 0;
    for (const user of this.users.values()) if (user.local) count++;
    return count;
  }

  // --- who comes, goes, and takes another nick --------------------------------------------------------------------

  add(user: User): void {
    const key = fold(user.nick);
    const claimed = this.#claims.get(key);
    if (claimed === undefined) this.#claims.set(key, [user]);
    else claimed.push(user);
    this.#resolve(key, user);
    this.usersMax = Math.max(this.usersMax, this.users.size);
    if (user.local) this.localUsersMax = Math.max(this.localUsersMax, this.localUserCount);
  }

  /** He has gone. */
  remove(user: User): void {
    this.#remember(user);
    this.users.delete(fold(user.shown));
    this.#watchers.offline(user.shown);
    this.#unclaim(user, fold(user.nick));
  }

  rename(user: User, nick: string): void {
    if (nick === user.nick) return;
    if (fold(nick) === fold(user.nick)) {
      user.nick = nick;
      return this.#resolve(fold(nick), undefined);
    }
    this.#remember(user);
    const old = fold(user.nick);
    user.nick = nick;
    const key = fold(nick);
    this.#claims.set(key, [...(this.#claims.get(key) ?? []), user]);
    this.#resolve(key, undefined);
    this.#unclaim(user, old);
  }

  /** For WHOWAS. */
  #remember({ shown, user, host, real, account }: User): void {
    this.past.unshift({ shown, user, host, real, account, goneMs: this.#clock.wallMs() });
    if (this.past.length > WHOWAS_MAX) this.past.pop();
  }

  #unclaim(user: User, key: string): void {
    const claimed = this.#claims.get(key) ?? [];
    claimed.splice(claimed.indexOf(user), 1);
    if (claimed.length === 0) this.#claims.delete(key);
    else this.#resolve(key, undefined);
  }

  /**
   * Decides how the holders of one nick are shown: ours keeps it, else the one with the lowest address; the others get
   * a suffix from their address. Every node computes the same from the same facts.
   */
  #resolve(key: string, added: User | undefined): void {
    const holders = this.#claims.get(key) ?? [];
    holders.sort((a, b) => (a.home < b.home ? -1 : a.home > b.home ? 1 : a.uid < b.uid ? -1 : 1));
    const taken = new Set<string>();
    const changes: [user: User, before: string, prefix: string][] = [];
    for (const [index, user] of holders.entries()) {
      let shown = index === 0 ? user.nick : suffixed(user.nick, user.host);
      if (taken.has(fold(shown))) shown += `~${user.uid}`;
      taken.add(fold(shown));
      if (user.shown === shown && user !== added) continue;
      changes.push([user, user.shown, user.prefix]);
      user.shown = shown;
    }
    // Who gives up a nick is shown before who takes it.
    changes.reverse();
    for (const [user, before] of changes) {
      if (user !== added && this.users.get(fold(before)) === user) this.users.delete(fold(before));
    }
    for (const [user, before, prefix] of changes) {
      this.users.set(fold(user.shown), user);
      if (user !== added) this.#showNick(user, before, prefix);
      if (user === added || fold(before) !== fold(user.shown)) this.#watchers.online(user);
    }
  }

  #showNick(user: User, before: string, prefix: string): void {
    this.#onChange(user, prefix);
    if (fold(before) !== fold(user.shown) && !this.users.has(fold(before))) this.#watchers.offline(before);
  }
}
