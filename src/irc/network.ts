/**
 * Everybody and every channel that this node knows, and what each change looks like to this node's clients. Changes
 * come from two sides, commands of our clients and facts from the mesh, and go through the same functions here. Who is
 * meant by a nick: nicks.ts. Which clients see a change: audience.ts.
 */
import { Audience } from './audience.ts';
import { CAP_ACCOUNT_NOTIFY, CAP_AWAY_NOTIFY, CAP_CHGHOST, CAP_EXTENDED_JOIN, CAP_SETNAME } from './capabilities.ts';
import { Channel } from './channel.ts';
import type { Topic } from './channel.ts';
import type { Entry, HistoryLimits } from './history.ts';
import { History } from './history.ts';
import { fold } from './names.ts';
import { Nicks } from './nicks.ts';
import type { IrcOptions } from './options.ts';
import { Outgoing, withReason } from './outgoing.ts';
import type { Session } from './session.ts';
import type { User } from './user.ts';
import { Watchers } from './watchers.ts';

export interface Clock {
  now(): number;
  wallMs(): number;
}

export const CHANNELS_MAX = 2000;

export class Network {
  #options: IrcOptions;
  /** Of every history: one object, which a reload changes. */
  readonly #historyLimits: HistoryLimits = { lines: 0, bytes: 0, ageMs: 0 };
  readonly clock: Clock;
  readonly nicks: Nicks;
  readonly audience: Audience;
  readonly channels = new Map<string, Channel>();
  readonly sessions = new Set<Session>();
  readonly watchers = new Watchers();
  /** The address that users of this node have. */
  host = 'local';

  constructor(options: IrcOptions, clock: Clock) {
    this.#options = options;
    this.clock = clock;
    this.audience = new Audience(options.serverName, this.watchers);
    this.nicks = new Nicks(clock, this.watchers, (user, prefix) => this.#showNick(user, prefix));
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

  // --- people -----------------------------------------------------------------------------------------------------

  /** Shows QUIT to everybody who shares a channel with him, and forgets him. */
  remove(user: User, reason: string): void {
    const out = this.outgoing(user, 'QUIT', [reason]);
    this.audience.showAll(this.audience.neighbours(user, false), out);
    for (const channel of [...user.channels.values()]) {
      this.#record(channel, user, 'QUIT', [reason]);
      this.#unlink(user, channel);
    }
    for (const channel of this.channels.values()) channel.kicked.delete(user);
    this.nicks.remove(user);
  }

  #showNick(user: User, prefix: string): void {
    const out = new Outgoing(prefix, 'NICK', [user.shown], this.#tags(user));
    this.audience.showAll(this.audience.neighbours(user, true), out);
  }

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
    this.audience.showAll(this.audience.interested(user), out, CAP_CHGHOST);
  }

  #notify(user: User, capability: number, command: string, params: string[]): void {
    const out = this.outgoing(user, command, params);
    for (const session of this.audience.interested(user)) {
      // Who goes away knows it from the reply.
      const own = session.user === user && capability === CAP_AWAY_NOTIFY;
      if (session.has(capability) && !own) this.audience.show(session, out);
    }
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
    const audience = this.audience;
    const targets = only === undefined ? channel.sessions : [only];
    for (const session of targets) {
      audience.show(session, session.has(CAP_EXTENDED_JOIN) ? extended : plain);
      if (away !== undefined && session.user !== user && session.has(CAP_AWAY_NOTIFY)) audience.show(session, away);
    }
  }

  part(user: User, channel: Channel, reason: string): void {
    this.audience.showAll(channel.sessions, this.outgoing(user, 'PART', withReason([channel.name], reason)));
    this.#record(channel, user, 'PART', withReason([], reason));
    this.#unlink(user, channel);
  }

  kick(by: User, channel: Channel, user: User, reason: string): void {
    this.audience.showAll(channel.sessions, this.outgoing(by, 'KICK', [channel.name, user.shown, reason]));
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
    this.audience.showAll(channel.sessions, new Outgoing(source, 'TOPIC', [channel.name, topic.text], tags));
    this.record(channel, source, 'TOPIC', [topic.text], tags);
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
}
