/**
 * What the people of other nodes say in channels: whose it is, whether it is shown here, what is kept of it, and that
 * they may take it back.
 */
import type { ArrivalsOutput } from './arrivals.ts';
import { CAP_REDACTION } from './capabilities.ts';
import type { Channel } from './channel.ts';
import { playMissed } from './command-history.ts';
import { Delivery } from './delivery.ts';
import type { Directory } from './directory.ts';
import type { Entry, Origin } from './history.ts';
import type { Ircd } from './ircd.ts';
import { suffixed } from './names.ts';
import type { Network } from './network.ts';
import { withReason } from './outgoing.ts';
import type { PeerGate } from './peer-gate.ts';

interface Counters {
  linesIn: number;
  hidden: number;
}

export class ChannelLines implements ArrivalsOutput {
  readonly #network: Network;
  readonly #directory: Directory;
  readonly #gate: PeerGate;
  readonly #ircd: () => Ircd;
  readonly #counters: Counters;

  constructor(network: Network, directory: Directory, gate: PeerGate, ircd: () => Ircd, counters: Counters) {
    this.#network = network;
    this.#directory = directory;
    this.#gate = gate;
    this.#ircd = ircd;
    this.#counters = counters;
  }

  admit(channel: Channel, source: string, uid: string, entry: Entry): boolean {
    this.#counters.linesIn++;
    const user = this.#directory.user(source, uid);
    if (user?.nick !== undefined && entry.origin?.nick === 'someone') entry.origin.nick = user.nick;
    const clock = this.#network.clock;
    const saidMs = clock.now() - Math.max(0, clock.wallMs() - entry.timeMs);
    if (user !== undefined) user.activeMs = Math.max(user.activeMs, saidMs);
    const kicked = user !== undefined && channel.kicked.has(user);
    const admitted = user === undefined || (channel.admits(user) && !kicked);
    if (!admitted || this.#gate.hides(source)) {
      this.#counters.hidden++;
      return false;
    }
    const { nick, user: name } = entry.origin as NonNullable<Entry['origin']>;
    // Somebody whose facts have not come: never under a plain nick, which another may have.
    entry.source = user?.prefix ?? `${suffixed(nick, source)}!${name}@${source}`;
    return true;
  }

  show(channel: Channel, source: string, uid: string, entry: Entry): void {
    if (!this.admit(channel, source, uid, entry)) return;
    if (entry.origin?.n !== 0) channel.history.add(entry, this.#network.clock.wallMs());
    this.#ircd().fanOut.toChannel(channel, new Delivery(entry), undefined);
  }

  showMissed(channel: Channel, entries: Entry[], first: boolean): void {
    const clock = this.#network.clock;
    const nicks = this.#network.nicks;
    const nowMs = clock.wallMs();
    for (const entry of entries) if (entry.source === '') entry.source = nicks.prefixOf(entry.origin as Origin);
    const kept = entries.filter((entry) => !channel.bans(entry.source) && channel.history.add(entry, nowMs));
    kept.sort((a, b) => channel.history.entries.indexOf(a) - channel.history.entries.indexOf(b));
    // Who has just joined gets the last lines of all, when the channel is complete.
    if (first) return;
    for (const session of channel.sessions) playMissed(this.#ircd(), session, channel, kept);
  }

  /** Somebody takes a line back. */
  redact(channel: Channel, source: string, uid: string, msgid: string, reason: string): void {
    const user = this.#directory.user(source, uid);
    // He may call himself by another of his addresses than we do.
    msgid = msgid.replace(/^[^/]*/, source);
    const entry = channel.history.find(msgid);
    // Only the node that brought a line can take it back.
    if (user === undefined || entry?.origin?.address !== source || entry.origin.nick !== user.nick) return;
    channel.history.remove(msgid);
    const out = this.#network.outgoing(user, 'REDACT', withReason([channel.name, msgid], reason));
    this.#network.audience.showAll(channel.sessions, out, CAP_REDACTION);
  }
}
