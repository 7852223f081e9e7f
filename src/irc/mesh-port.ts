/**
 * The server's two kinds of groups put together: the directory and one link per channel that a user of this node is in.
 * What the mesh brings is checked, attributed to the people it is about, and shown; what our users do is sent.
 */
import type { Client, Message } from '../client/client.ts';
import type { Log } from '../runtime/log.ts';
import type { Channel } from './channel.ts';
import { playMissed } from './command-history.ts';
import { CAP_REDACTION } from './capabilities.ts';
import { ChannelLink } from './channel-link.ts';
import type { ChannelLinkPort } from './channel-link.ts';
import { Delivery } from './delivery.ts';
import { Directory } from './directory.ts';
import type { Entry, Origin } from './history.ts';
import type { Ircd, MeshPort } from './ircd.ts';
import { decodeMessage, encodeMessage, readCount } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import { isListed, suffixed } from './names.ts';
import type { Network } from './network.ts';
import { formatLine } from './line.ts';
import { msgidOf, streamName } from './line-id.ts';
import { withReason } from './outgoing.ts';
import type { OwnFacts } from './own-facts.ts';
import { OwnName } from './own-name.ts';
import { PrivateLines } from './private-lines.ts';
import { Rates } from './rate.ts';
import type { User } from './user.ts';

const DIGEST_MS = 20_000;
/** A digest is one datagram: as many channels as fit, in turn. */
const DIGEST_BYTES_MAX = 1000;
const LINGER_MS = 10_000;
const CUT_OFF = 'Cut off from other nodes: ';

export class Mesh implements MeshPort, ChannelLinkPort {
  readonly directory: Directory;
  readonly own: OwnFacts;
  readonly private: PrivateLines;
  readonly counters = {
    malformed: 0, overRate: 0, banned: 0, hidden: 0, gapsTold: 0, linesIn: 0, linesOut: 0, unsent: 0,
  };
  readonly #client: Client;
  readonly #network: Network;
  /** What is above us: it comes to be after us. */
  readonly #ircd: () => Ircd;
  readonly #log: Log;
  readonly #random: () => number;
  readonly #links = new Map<string, ChannelLink>();
  /** Channels whose groups could not be joined, and why. */
  readonly #cutOff = new Map<string, string>();
  readonly #rates = new Rates();
  #channelCount = 0;
  #digestMs = 0;
  #digestAt = 0;
  #stopped = false;

  readonly #name = new OwnName();

  constructor(
    client: Client, run: number, parts: { network: Network; ircd: () => Ircd; log: Log; random: () => number },
  ) {
    this.#client = client;
    this.#network = parts.network;
    this.#ircd = parts.ircd;
    this.#log = parts.log;
    this.#random = parts.random;
    this.directory = new Directory(parts.network, run, (fields, to) => this.#publish(fields, to));
    this.own = this.directory.own;
    this.private = new PrivateLines(this.directory, parts.ircd, this.counters);
  }

  async start(): Promise<void> {
    this.#setAddress(await this.#client.self());
    this.#client.onSelf = (addresses) => this.#setAddress(addresses);
    const group = await this.#client.join('irc', {
      onMessage: (message) => this.#onMessage(message),
      onDatagram: ({ source, data }) => this.#onDatagram(source, data),
      onMember: (event) => {
        if (!this.#excluded(event.address)) this.directory.onMember(event);
      },
    });
    this.directory.group = group;
    for (const member of await group.members()) {
      if (member.address === this.address || member.self) continue;
      this.own.sendSnapshot(member.address);
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const link of this.#links.values()) link.leave();
    void this.directory.group?.leave().catch(() => undefined);
  }

  #setAddress(addresses: readonly string[]): void {
    const network = this.#network;
    const address = this.#name.change(addresses, this.now()) ?? network.host;
    if (address === network.host) return;
    network.host = address;
    for (const user of network.nicks.users.values()) if (user.local) network.setHost(user, address);
  }

  #publish(fields: Fields, to?: string): void {
    const group = this.directory.group;
    if (group === undefined || this.#stopped) return;
    group.publish(encodeMessage(fields), to === undefined ? {} : { to }).catch((error: unknown) => {
      // Who missed it asks: the next digest names the version.
      this.counters.unsent++;
      if (this.#log.debugging) this.#log.debug(`irc: not sent: ${String(error)}`);
    });
  }

  // --- ChannelLinkPort --------------------------------------------------------------------------------------------

  get address(): string {
    return this.#network.host;
  }
  get ownAddresses(): readonly string[] {
    return this.#name.addresses;
  }
  nameOf(address: string): string {
    return this.#client.memberOf?.(address) ?? address;
  }
  now(): number {
    return this.#network.clock.now();
  }
  wallMs(): number {
    return this.#network.clock.wallMs();
  }
  random(): number {
    return this.#random();
  }

  #excluded(address: string): boolean {
    const { ban, allow } = this.#network.options;
    return isListed(ban, address) || (allow.length > 0 && !isListed(allow, address));
  }

  decode(message: Pick<Message, 'source' | 'data'>): Fields | undefined {
    const { peerLinesPerSecond, peerBurstLines } = this.#network.options;
    if (this.#excluded(message.source)) return void this.counters.banned++;
    if (!this.#rates.take(message.source, this.now(), peerLinesPerSecond, peerBurstLines)) {
      return void this.counters.overRate++;
    }
    const fields = decodeMessage(message.data);
    if (fields === undefined) this.counters.malformed++;
    return fields;
  }

  after(message: Message, fields: Fields, task: () => void): void {
    // A datagram is of now or of no use.
    if (message.epoch === 0) return task();
    this.directory.after(message.source, message.epoch, readCount(fields['e']), readCount(fields['v']), task);
  }

  hides(address: string): boolean {
    return isListed(this.#network.options.hide, address) || this.#excluded(address);
  }

  admit(channel: Channel, source: string, uid: string, entry: Entry): boolean {
    this.counters.linesIn++;
    const user = this.directory.user(source, uid);
    if (user?.nick !== undefined && entry.origin?.nick === 'someone') entry.origin.nick = user.nick;
    const saidMs = this.now() - Math.max(0, this.wallMs() - entry.timeMs);
    if (user !== undefined) user.activeMs = Math.max(user.activeMs, saidMs);
    const kicked = user !== undefined && channel.kicked.has(user);
    const admitted = user === undefined || (channel.admits(user) && !kicked);
    if (!admitted || this.hides(source)) {
      this.counters.hidden++;
      return false;
    }
    const { nick, user: name } = entry.origin as NonNullable<Entry['origin']>;
    // Somebody whose facts have not come: never under a plain nick, which another may have.
    entry.source = user?.prefix ?? `${suffixed(nick, source)}!${name}@${source}`;
    return true;
  }

  show(channel: Channel, source: string, uid: string, entry: Entry): void {
    if (!this.admit(channel, source, uid, entry)) return;
    if (entry.origin?.n !== 0) channel.history.add(entry, this.wallMs());
    this.#ircd().fanOut.toChannel(channel, new Delivery(entry), undefined);
  }

  showMissed(channel: Channel, entries: Entry[]): void {
    const nowMs = this.wallMs();
    const first = this.#links.get(channel.key)?.synced !== undefined;
    const nicks = this.#network.nicks;
    for (const entry of entries) if (entry.source === '') entry.source = nicks.prefixOf(entry.origin as Origin);
    const kept = entries.filter((entry) => !channel.bans(entry.source) && channel.history.add(entry, nowMs));
    kept.sort((a, b) => channel.history.entries.indexOf(a) - channel.history.entries.indexOf(b));
    // Who has just joined gets the last lines of all, when the channel is complete.
    if (first) return;
    for (const session of channel.sessions) playMissed(this.#ircd(), session, channel, kept);
  }

  onRedaction(channel: Channel, source: string, uid: string, msgid: string, reason: string): void {
    const user = this.directory.user(source, uid);
    // He may call himself by another of his addresses than we do.
    msgid = msgid.replace(/^[^/]*/, source);
    const entry = channel.history.find(msgid);
    // Only the node that brought a line can take it back.
    if (user === undefined || entry?.origin?.address !== source || entry.origin.nick !== user.nick) return;
    channel.history.remove(msgid);
    const out = this.#network.outgoing(user, 'REDACT', withReason([channel.name, msgid], reason));
    this.#network.audience.showAll(channel.sessions, out, CAP_REDACTION);
  }

  tellGap(channel: Channel, source: string, count: number): void {
    this.counters.gapsTold++;
    const names = [...channel.members.keys()].filter((user) => user.home === source).map((user) => user.shown);
    const who = names.length === 1 ? `${names[0] as string}@${source}` : source;
    this.#notice(channel, `${count} message${count === 1 ? '' : 's'} from ${who} may be missing`);
  }

  cutOff(channel: Channel, reason: string): void {
    if (this.#links.get(channel.key)?.channel === channel) this.#links.delete(channel.key);
    // Told once; the others are tried before it again.
    if (!this.#cutOff.delete(channel.key)) this.#warn(channel, CUT_OFF + reason);
    this.#cutOff.set(channel.key, reason);
  }
  connected(channel: Channel): void {
    if (!this.#cutOff.delete(channel.key)) return;
    this.#notice(channel, 'Connected to other nodes again');
    this.#retry();
  }
  /** Tries a channel that is cut off; when it can be joined the next follows. So does the next thing said there. */
  #retry(): void {
    for (const key of this.#cutOff.keys()) {
      const channel = this.#network.channels.get(key);
      if (channel !== undefined && channel.localCount > 0) return void this.#link(channel);
      this.#cutOff.delete(key);
    }
  }
  unsent(channel: Channel, reason: string): void {
    this.counters.unsent++;
    this.#warn(channel, `Not sent to other nodes: ${reason}`);
  }
  #warn(channel: Channel, text: string): void {
    this.#log.warn(`irc: ${channel.name}: ${text}`);
    this.#notice(channel, text);
  }
  #notice(channel: Channel, text: string, sessions = channel.sessions): void {
    const line = formatLine(this.#network.options.serverName, 'NOTICE', [channel.name, text]);
    for (const session of sessions) session.send(line);
  }

  countMalformed(): void {
    this.counters.malformed++;
  }

  // --- MeshPort ---------------------------------------------------------------------------------------------------

  stamp(channel: Channel | undefined): { msgid: string; stream: string; n: number; address: string } {
    const address = this.address;
    const link = channel === undefined ? undefined : this.#link(channel);
    // Private lines have the number 0 where channels have theirs.
    const stream = link?.outbox.streamName ?? streamName(this.own.run, 0);
    const n = link?.outbox.next() ?? this.private.next();
    return { msgid: msgidOf(address, stream, n), stream, n, address };
  }

  joined(user: User, channel: Channel, joinedMs: number): void {
    const reason = this.#cutOff.get(channel.key);
    if (reason !== undefined) this.#notice(channel, CUT_OFF + reason, user.sessions);
    this.#link(channel);
    this.own.joined(user, channel, joinedMs);
  }

  #link(channel: Channel): ChannelLink {
    let link = this.#links.get(channel.key);
    if (link === undefined || link.channel !== channel) {
      link?.leave();
      link = new ChannelLink(this.#client, channel, ++this.#channelCount, this, this.#cutOff.has(channel.key));
      this.#links.set(channel.key, link);
    }
    return link;
  }

  /**
   * Leaves the groups of channels that nobody of this node is in any more, a while after the last: he may come back.
   */
  #dropLinks(now: number): void {
    for (const [key, link] of this.#links) {
      if (link.channel.localCount > 0) link.emptyMs = now;
      else if (now >= link.emptyMs + LINGER_MS) {
        link.leave();
        this.#links.delete(key);
      }
    }
  }

  say(user: User, channel: Channel, entry: Entry): Promise<void> | undefined {
    this.counters.linesOut++;
    return this.#link(channel).outbox.say(user.uid, entry);
  }

  hint(user: User, channel: Channel, entry: Entry): void {
    this.#link(channel).outbox.hint(user.uid, entry);
  }
  redact(user: User, channel: Channel, msgid: string, reason: string): void {
    this.#link(channel).outbox.redact(user.uid, msgid, reason);
  }

  synced(channel: Channel): Promise<void> | undefined {
    return this.#links.get(channel.key)?.synced;
  }

  get nodes(): { address: string; userCount: number }[] {
    return this.directory.nodes;
  }

  // --- the directory's group --------------------------------------------------------------------------------------

  #onMessage(message: Message): void {
    const fields = this.decode(message);
    if (fields === undefined) return;
    const kind = fields['t'];
    if (kind !== 'm' && kind !== 'i' && kind !== 'r') return this.directory.onMessage(message, fields);
    this.after(message, fields, () => this.private.onMessage(message, fields));
  }

  #onDatagram(source: string, data: Uint8Array): void {
    const fields = this.decode({ source, data });
    if (fields === undefined) return;
    const run = readCount(fields['e']);
    if (fields['t'] === 'm') return this.private.onMessage({ source, addressed: true }, fields);
    if (fields['t'] !== 'd' || run < 0) return;
    this.directory.onDigest(source, run, readCount(fields['v']));
    for (const item of Array.isArray(fields['h']) ? (fields['h'] as unknown[]) : []) {
      if (!Array.isArray(item)) continue;
      const [key, ...told] = item as [string, ...unknown[]];
      if (this.#links.get(key)?.onDigest(source, run, told) === true) this.directory.ask(source);
    }
  }

  // --- time -------------------------------------------------------------------------------------------------------

  /** Call it twice a second. */
  tick(): void {
    const now = this.now();
    this.directory.tick();
    for (const link of this.#links.values()) link.tick();
    this.#dropLinks(now);
    if (now < this.#digestMs) return;
    this.#digestMs = now + DIGEST_MS * (0.75 + this.#random() / 2);
    this.#digest();
    this.#retry();
  }

  #digest(): void {
    const group = this.directory.group;
    if (group === undefined) return;
    const links = [...this.#links.values()];
    const h: ChannelLink['digest'][] = [];
    let data = encodeMessage(this.directory.digest);
    for (let count = 0; count < links.length; count++) {
      const link = links[this.#digestAt % links.length] as ChannelLink;
      const longer = encodeMessage({ ...this.directory.digest, h: [...h, link.digest] });
      if (longer.length > DIGEST_BYTES_MAX) break;
      h.push(link.digest);
      data = longer;
      this.#digestAt++;
    }
    group.datagram(data).catch((error: unknown) => this.#log.warn(`irc: no digest: ${String(error)}`));
    const own = this.address;
    group.members().then((members) => {
      const others = members.filter((one) => !one.self && one.address !== own && !this.#excluded(one.address));
      this.directory.checkMembers(new Set(others.map((one) => one.address)));
    }, () => undefined);
  }

  /** The owner changed his lists. */
  applyLists(): void {
    this.directory.banned((address) => this.#excluded(address));
  }
}
