/**
 * What this node says in a channel's group: our users' lines, numbered, in order, and with back-pressure to who says
 * them. Lines wait while the group is being joined.
 */
import type { Group } from '../client/client.ts';
import type { Channel } from './channel.ts';
import type { ChannelNotices } from './channel-notices.ts';
import type { Entry } from './history.ts';
import { streamName } from './line-id.ts';
import { encodeMessage, encodeText } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import type { OwnFacts } from './own-facts.ts';

const WAITING_MAX = 2000;
const UNSENT_BEFORE_WAITING = 8;

export class ChannelOutbox {
  /** This server's number for the channel. */
  readonly index: number;
  readonly #channel: Channel;
  readonly #own: OwnFacts;
  readonly #notices: ChannelNotices;
  #group: Group | undefined;
  #left = false;
  #n = 0;
  #published = 0;
  /** Lines that wait for the group to be joined. */
  #waiting: { data: Uint8Array; n: number; done: () => void }[] = [];
  #unsentCount = 0;

  constructor(channel: Channel, index: number, own: OwnFacts, notices: ChannelNotices) {
    this.#channel = channel;
    this.index = index;
    this.#own = own;
    this.#notices = notices;
  }

  get streamName(): string {
    return streamName(this.#own.run, this.index);
  }
  /** The number of the next line. */
  next(): number {
    return ++this.#n;
  }
  /** Lines that have been named. */
  get count(): number {
    return this.#n;
  }
  /** Lines up to here are in the group's log: the others get them by themselves. */
  get published(): number {
    return this.#published;
  }
  /** Joined and not left. */
  get group(): Group | undefined {
    return this.#left ? undefined : this.#group;
  }

  /** The group is joined, or again. */
  open(group: Group): void {
    this.#group = group;
    if (this.#left) return void group.leave().catch(() => undefined);
    for (const { data, n, done } of this.#waiting.splice(0)) {
      const sent = this.#send(data, n);
      if (sent === undefined) done();
      else void sent.then(done);
    }
  }

  /** The group can not be joined. */
  giveUp(reason: string): void {
    for (const { done } of this.#waiting.splice(0)) {
      this.#notices.unsent(this.#channel, reason);
      done();
    }
  }

  leave(): void {
    this.#left = true;
    void this.#group?.leave().catch(() => undefined);
  }

  /** @returns a promise when the sender should wait. */
  say(uid: string, entry: Entry): Promise<void> | undefined {
    const { n, nick, user } = entry.origin as NonNullable<Entry['origin']>;
    return this.#send(this.#encode('m', { n, u: uid, K: nick, U: user, ...encodeText(entry) }), n);
  }
  hint(uid: string, entry: Entry): void {
    const data = this.#encode('m', { n: 0, u: uid, K: '', U: '', ...encodeText(entry) });
    void this.#group?.datagram(data).catch(() => undefined);
  }
  redact(uid: string, msgid: string, reason: string): void {
    void this.#send(this.#encode('r', { u: uid, d: msgid, x: reason }), 0);
  }

  /** To one member alone. Rejects when he has gone. */
  async tell(to: string, kind: string, fields: Fields): Promise<void> {
    await this.#group?.publish(this.#encode(kind, fields), { to });
  }

  #encode(kind: string, fields: Fields): Uint8Array {
    const { run, version } = this.#own;
    return encodeMessage({ t: kind, e: run, v: version, i: this.index, ...fields });
  }

  /** @param n of a line, 0 for what is none */
  #send(data: Uint8Array, n: number): Promise<void> | undefined {
    const group = this.#group;
    if (group === undefined) {
      if (this.#waiting.length >= WAITING_MAX) {
        this.#notices.unsent(this.#channel, 'its group is still being joined');
        return undefined;
      }
      return new Promise((done) => this.#waiting.push({ data, n, done }));
    }
    this.#unsentCount++;
    const sent = group.publish(data).then(
      () => {
        this.#unsentCount--;
        this.#published = Math.max(this.#published, n);
      },
      (error: unknown) => {
        this.#unsentCount--;
        if (!this.#left) this.#notices.unsent(this.#channel, (error as Error).message);
      },
    );
    return this.#unsentCount > UNSENT_BEFORE_WAITING ? sent : undefined;
  }
}
