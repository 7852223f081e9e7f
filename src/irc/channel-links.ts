/**
 * The channels that somebody of this node is in, each with its link to the other nodes: made when the first comes, left
 * a while after the last has gone, tried again when its group could not be joined. What our users say in channels goes
 * in here.
 */
import type { Channel } from './channel.ts';
import { ChannelLink } from './channel-link.ts';
import type { ChannelLinkParts, ChannelLinkOutput } from './channel-link.ts';
import type { Entry } from './history.ts';
import { encodeMessage } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import type { User } from './user.ts';

/** A digest is one datagram: as many channels as fit, in turn. */
const DIGEST_BYTES_MAX = 1000;
const LINGER_MS = 10_000;

export class ChannelLinks implements ChannelLinkOutput {
  readonly #parts: ChannelLinkParts;
  readonly #links = new Map<string, ChannelLink>();
  /** Channels whose groups could not be joined, and why. */
  readonly #cutOff = new Map<string, string>();
  #count = 0;
  #digestAt = 0;

  constructor(parts: ChannelLinkParts) {
    this.#parts = parts;
  }

  // --- for our users ----------------------------------------------------------------------------------------------

  /** He has come to the channel. */
  joined(user: User, channel: Channel): void {
    const reason = this.#cutOff.get(channel.key);
    if (reason !== undefined) this.#parts.notices.stillCutOff(channel, reason, user.sessions);
    this.of(channel);
  }

  /** @returns a promise when the mesh takes no more at the moment. */
  say(user: User, channel: Channel, entry: Entry): Promise<void> | undefined {
    this.#parts.counters.linesOut++;
    return this.of(channel).outbox.say(user.uid, entry);
  }
  /** A passing sign (typing) that needs no repair. */
  hint(user: User, channel: Channel, entry: Entry): void {
    this.of(channel).outbox.hint(user.uid, entry);
  }
  redact(user: User, channel: Channel, msgid: string, reason: string): void {
    this.of(channel).outbox.redact(user.uid, msgid, reason);
  }

  /** Settles when the channel has what its members could give. */
  synced(channel: Channel): Promise<void> | undefined {
    return this.#links.get(channel.key)?.synced;
  }

  // --- links come and go ------------------------------------------------------------------------------------------

  /** The channel's link, made now if there is none. */
  of(channel: Channel): ChannelLink {
    let link = this.#links.get(channel.key);
    if (link === undefined || link.channel !== channel) {
      link?.leave();
      link = new ChannelLink(this.#parts, channel, ++this.#count, this, this.#cutOff.has(channel.key));
      this.#links.set(channel.key, link);
    }
    return link;
  }

  cutOff(channel: Channel, reason: string): void {
    if (this.#links.get(channel.key)?.channel === channel) this.#links.delete(channel.key);
    // Told once; the others are tried before it again.
    if (!this.#cutOff.delete(channel.key)) this.#parts.notices.cutOff(channel, reason);
    this.#cutOff.set(channel.key, reason);
  }
  connected(channel: Channel): void {
    if (!this.#cutOff.delete(channel.key)) return;
    this.#parts.notices.connected(channel);
    this.retry();
  }
  /** Tries a channel that is cut off; when it can be joined the next follows. So does the next thing said there. */
  retry(): void {
    const { channels } = this.#parts.network;
    for (const key of this.#cutOff.keys()) {
      const channel = channels.get(key);
      if (channel !== undefined && channel.localCount > 0) return void this.of(channel);
      this.#cutOff.delete(key);
    }
  }

  /** Call it twice a second. */
  tick(): void {
    for (const link of this.#links.values()) link.tick();
    this.#drop(this.#parts.network.clock.now());
  }

  /** Leaves groups of channels that nobody of this node is in any more, a while after the last: he may come back. */
  #drop(now: number): void {
    for (const [key, link] of this.#links) {
      if (link.channel.localCount > 0) link.emptyMs = now;
      else if (now >= link.emptyMs + LINGER_MS) {
        link.leave();
        this.#links.delete(key);
      }
    }
  }

  leave(): void {
    for (const link of this.#links.values()) link.leave();
  }

  // --- digests ----------------------------------------------------------------------------------------------------

  /** @param head what stands in the digest beside the channels */
  digest(head: Fields): Uint8Array {
    const links = [...this.#links.values()];
    const h: ChannelLink['digest'][] = [];
    let data = encodeMessage(head);
    for (let count = 0; count < links.length; count++) {
      const link = links[this.#digestAt % links.length] as ChannelLink;
      const longer = encodeMessage({ ...head, h: [...h, link.digest] });
      if (longer.length > DIGEST_BYTES_MAX) break;
      h.push(link.digest);
      data = longer;
      this.#digestAt++;
    }
    return data;
  }

  onDigest(source: string, run: number, items: unknown): void {
    for (const item of Array.isArray(items) ? (items as unknown[]) : []) {
      if (!Array.isArray(item)) continue;
      const [key, ...told] = item as [string, ...unknown[]];
      if (this.#links.get(key)?.onDigest(source, run, told) === true) this.#parts.directory.ask(source);
    }
  }
}
