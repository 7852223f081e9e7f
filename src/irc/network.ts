/**
 * Everybody and every channel that this node knows, and what each change looks like to this node's clients. Changes
 * come from two sides, commands of our clients and facts from the mesh, and go through the same functions here.
 */
import {
  CAP_ACCOUNT_NOTIFY, CAP_AWAY_NOTIFY, CAP_CHGHOST, CAP_EXTENDED_JOIN, CAP_EXTENDED_MONITOR, CAP_SETNAME,
} from './capabilities.ts';
import { Channel } from './channel.ts';
import type { Topic } from './channel.ts';
import type { Entry, HistoryLimits, Origin } from './history.ts';
import { History } from './history.ts';
import { addressSuffix, fold, suffixed } from './names.ts';
import * as numeric from './numerics.ts';
import type { IrcOptions } from './options.ts';
import { Outgoing, withReason } from './outgoing.ts';
import { SessionBatches } from './session-batches.ts';
import type { Session } from './session.ts';
import type { User } from './user.ts';
import { Watchers } from './watchers.ts';

export interface Clock {
  now(): number;
  wallMs(): number;
}

export interface Past {
  shown: string;
  user: string;
  host: string;
  real: string;
  account: string | undefined;
  goneMs: number;
}

const WHOWAS_MAX = 200;
export const CHANNELS_MAX = 2000;

export class Network {
  #options: IrcOptions;
  /** Of every history: one object, which a reload changes. */
  readonly #historyLimits: HistoryLimits = { lines: 0, bytes: 0, ageMs: 0 };
  readonly clock: Clock;
  /** By folded shown nick. */
  readonly users = new Map<string, User>();
  readonly channels = new Map<string, Channel>();
  readonly sessions = new Set<Session>();
  readonly watchers = new Watchers();
  readonly past: Past[] = [];
  /** Of the node that is going or coming. */
  #batches: SessionBatches | undefined;
  /** The address that users of this node have. */
  host = 'local';
  localUsersMax = 0;
  usersMax = 0;
  /** Folded claimed nick -> who claims it. */
  readonly #claims = new Map<string, User[]>();

  constructor(options: IrcOptions, clock: Clock) {
    this.#options = options;
    this.clock = clock;
    this.configure(options);
  }

  get options(): IrcOptions {
    return this.#options;
  }
  configure(options: IrcOptions): void {
    this.#options = options;
    this.#historyLimits.lines = options.historyLines;
    this.#historyLimits.bytes = options.historyBytes;
    this.#historyLimits.ageMs = options.historyMs;
  }

  // --- who is who -------------------------------------------------------------------------------------------------

  /** Takes `nick`, `nick~ab12` and `nick@address`. */
  findUser(text: string): User | undefined {
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

  add(user: User): void {
    const key = fold(user.nick);
    const claimed = this.#claims.get(key);
    if (claimed === undefined) this.#claims.set(key, [user]);
    else claimed.push(user);
    this.#resolve(key, user);
    this.usersMax = Math.max(this.usersMax, this.users.size);
    if (user.local) this.localUsersMax = Math.max(this.localUsersMax, this.localUserCount);
  }

  /** Shows QUIT to everybody who shares a channel with him, and forgets him. */
  remove(user: User, reason: string): void {
    const out = this.outgoing(user, 'QUIT', [reason]);
    for (const session of this.neighbours(user, false)) this.#show(session, out);
    for (const channel of [...user.channels.values()]) {
      this.#record(channel, user, 'QUIT', [reason]);
      this.#unlink(user, channel);
    }
    this.#remember(user);
    for (const channel of this.channels.values()) channel.kicked.delete(user);
    this.users.delete(fold(user.shown));
    this.#offline(user.shown);
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
    this.past.unshift({ shown, user, host, real, account, goneMs: this.clock.wallMs() });
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
      if (user === added || fold(before) !== fold(user.shown)) this.#online(user);
    }
  }

  #showNick(user: User, before: string, prefix: string): void {
    const out = new Outgoing(prefix, 'NICK', [user.shown], this.#tags(user));
    for (const session of this.neighbours(user, true)) this.#show(session, out);
    if (fold(before) !== fold(user.shown) && !this.users.has(fold(before))) this.#offline(before);
  }

  #online(user: User): void {
    for (const session of this.watchers.of(user.shown)) {
      session.reply(numeric.RPL_MONONLINE, user.prefix);
    }
  }
  #offline(shown: string): void {
    for (const session of this.watchers.of(shown)) session.reply(numeric.RPL_MONOFFLINE, shown);
  }

  // --- facts about a user -----------------------------------------------------------------------------------------

  setAway(user: User, away: string | undefined): void {
    if (user.away === away) return;
    user.away = away;
    this.#notify(user, CAP_AWAY_NOTIFY, 'AWAY', away === undefined ? [] : [away]);
  }
  setReal(user: User, real: string): void {
    if (user.real === real) return;
    user.real = real;
    this.#notify(user, CAP_SETNAME, 'SETNAME', [real]);
  }
  setAccount(user: User, account: string | undefined): void {
    if (user.account === account) return;
    user.account = account;
    this.#notify(user, CAP_ACCOUNT_NOTIFY, 'ACCOUNT', [account ?? '*']);
  }
  setHost(user: User, host: string): void {
    if (user.host === host) return;
    const out = new Outgoing(user.prefix, 'CHGHOST', [user.user, host], this.#tags(user));
    user.host = host;
    for (const session of this.#interested(user)) if (session.has(CAP_CHGHOST)) this.#show(session, out);
  }

  #notify(user: User, capability: number, command: string, params: string[]): void {
    const out = this.outgoing(user, command, params);
    for (const session of this.#interested(user)) {
      // Who goes away knows it from the reply.
      const own = session.user === user && capability === CAP_AWAY_NOTIFY;
      if (session.has(capability) && !own) this.#show(session, out);
    }
  }

  /** Sessions that share a channel with him. `self`: his own as well, even without a channel. */
  neighbours(user: User, self: boolean): Set<Session> {
    const sessions = new Set<Session>(self ? user.sessions : []);
    for (const channel of user.channels.values()) {
      for (const member of channel.members.keys()) {
        if (member !== user || self) for (const session of member.sessions) sessions.add(session);
      }
    }
    return sessions;
  }

  #interested(user: User): Set<Session> {
    const sessions = this.neighbours(user, true);
    for (const session of this.watchers.of(user.shown)) {
      if (session.has(CAP_EXTENDED_MONITOR)) sessions.add(session);
    }
    return sessions;
  }

  // --- channels ---------------------------------------------------------------------------------------------------

  /** @returns undefined when there are too many. */
  openChannel(name: string): Channel | undefined {
    const key = fold(name);
    let channel = this.channels.get(key);
    if (channel === undefined && this.channels.size < CHANNELS_MAX) {
      channel = new Channel(name, this.clock.wallMs(), this.newHistory());
      this.channels.set(key, channel);
    }
    return channel;
  }

  /** Shows JOIN to the channel, the user's own sessions included. */
  join(user: User, channel: Channel, joinedMs: number): void {
    // The first user of this node in a channel is its operator for this node's users.
    const op = user.local && channel.localCount === 0;
    channel.members.set(user, { op, voice: false, joinedMs });
    channel.kicked.delete(user);
    user.channels.set(channel.key, channel);
    if (user.local) channel.localCount++;
    this.showJoin(user, channel);
    this.#record(channel, user, 'JOIN', []);
  }

  /** @param only for this session alone (another client of the same account comes in) */
  showJoin(user: User, channel: Channel, only?: Session): void {
    const plain = this.outgoing(user, 'JOIN', [channel.name]);
    const extended = this.outgoing(user, 'JOIN', [channel.name, user.account ?? '*', user.real]);
    const away = user.away === undefined ? undefined : this.outgoing(user, 'AWAY', [user.away]);
    const targets = only === undefined ? channel.sessions : [only];
    for (const session of targets) {
      this.#show(session, session.has(CAP_EXTENDED_JOIN) ? extended : plain);
      if (away !== undefined && session.user !== user && session.has(CAP_AWAY_NOTIFY)) this.#show(session, away);
    }
  }

  part(user: User, channel: Channel, reason: string): void {
    this.toChannel(channel, this.outgoing(user, 'PART', withReason([channel.name], reason)));
    this.#record(channel, user, 'PART', withReason([], reason));
    this.#unlink(user, channel);
  }

  kick(by: User, channel: Channel, user: User, reason: string): void {
    this.toChannel(channel, this.outgoing(by, 'KICK', [channel.name, user.shown, reason]));
    this.#record(channel, by, 'KICK', [user.shown, reason]);
    // Another node's user stays a member there; here he is neither seen nor heard until he joins again.
    if (!user.local) channel.kicked.add(user);
    this.#unlink(user, channel);
  }

  #unlink(user: User, channel: Channel): void {
    if (!channel.members.delete(user)) return;
    user.channels.delete(channel.key);
    if (user.local) channel.localCount--;
    if (channel.members.size === 0) this.channels.delete(channel.key);
  }

  /** @param by shown as the source; undefined: no line (the topic was there before) */
  setTopic(channel: Channel, topic: Topic, by: User | undefined): void {
    const before = channel.topic?.text ?? '';
    channel.topic = topic;
    if (before === topic.text && by === undefined) return;
    const source = by?.prefix ?? topic.by;
    const tags = { timeMs: this.clock.wallMs(), account: by?.account, msgid: this.nextEventId() };
    this.toChannel(channel, new Outgoing(source, 'TOPIC', [channel.name, topic.text], tags));
    this.record(channel, source, 'TOPIC', [topic.text], tags);
  }

  /** @param capability that a client must have to get it */
  toChannel(channel: Channel, out: Outgoing, capability?: number): void {
    for (const session of channel.sessions) {
      if (capability === undefined || session.has(capability)) this.#show(session, out);
    }
  }

  // --- events in history ------------------------------------------------------------------------------------------

  #eventCount = 0;
  /** Ids of events are this node's own. */
  nextEventId(): string {
    return `${this.host}/e${this.clock.wallMs().toString(36)}/${(++this.#eventCount).toString(36)}`;
  }

  #record(channel: Channel, user: User, command: string, params: string[]): void {
    if (channel.localCount > 0) this.record(channel, user.prefix, command, params, this.#tags(user));
  }

  record(
    channel: Channel, source: string, command: string, params: string[],
    tags: { timeMs: number; msgid?: string; account?: string | undefined },
  ): void {
    const entry: Entry = {
      timeMs: tags.timeMs, msgid: tags.msgid ?? this.nextEventId(), source, account: tags.account, bot: false, command,
      target: channel.name, lines: params, concat: [], tags: undefined,
    };
    channel.history.add(entry, this.clock.wallMs());
  }

  newHistory(): History {
    return new History(this.#historyLimits);
  }

  // --- lines ------------------------------------------------------------------------------------------------------

  #tags(user: User): { timeMs: number; account: string | undefined; bot: boolean } {
    return { timeMs: this.clock.wallMs(), account: user.account, bot: user.bot };
  }
  outgoing(user: User, command: string, params: string[]): Outgoing {
    return new Outgoing(user.prefix, command, params, this.#tags(user));
  }
  #show(session: Session, out: Outgoing): void {
    if (this.#batches === undefined) session.send(out);
    else this.#batches.send(session, out);
  }

  /** What `change` does is shown in one batch of that type per client, because a node of the mesh comes or goes. */
  inBatch(type: 'netjoin' | 'netsplit', address: string, change: () => void): void {
    this.#batches = new SessionBatches(type, [this.options.serverName, address]);
    try {
      change();
    } finally {
      this.#batches.end();
      this.#batches = undefined;
    }
  }
}
