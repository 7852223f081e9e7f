/**
 * The facts about this node's users as the other nodes get them: every change raises the version and is published;
 * whoever comes or asks gets all of them, in parts.
 */
import { makeRoom } from '../encoding/tables.ts';
import type { Channel, Topic } from './channel.ts';
import { encodeFacts, packItems } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import type { Network } from './network.ts';
import type { User } from './user.ts';

const SNAPSHOT_PART_BYTES = 40_000;
/** A question is short and its answer is long: so often one node is answered, which asks at most every 1.5 s. */
const ANSWER_EVERY_MS = 1000;
const ANSWERED_MAX = 1000;

export class OwnFacts {
  readonly #network: Network;
  readonly #publish: (fields: Fields, to?: string) => void;
  /** This run of the server. */
  readonly run: number;
  version = 0;
  /** Logical clock of topics: above all that we have seen. */
  clock = 0;
  snapshotsSent = 0;
  readonly #answeredMs = new Map<string, number>();

  constructor(network: Network, run: number, publish: (fields: Fields, to?: string) => void) {
    this.#network = network;
    this.run = run;
    this.#publish = publish;
  }

  #announce(kind: string, fields: Fields): void {
    this.version++;
    this.#publish({ t: kind, e: this.run, v: this.version, ...fields });
  }

  changed(user: User): void {
    this.#announce('u', { u: user.uid, ...encodeFacts(user) });
  }
  gone(user: User, reason: string): void {
    this.#announce('q', { u: user.uid, x: reason });
  }
  joined(user: User, channel: Channel, joinedMs: number): void {
    this.#announce('j', { u: user.uid, c: channel.name, w: joinedMs });
  }
  parted(user: User, channel: Channel, reason: string): void {
    this.#announce('p', { u: user.uid, c: channel.name, x: reason });
  }

  /** Sets a topic of our own: newer than every topic we know. */
  topic(user: User, channel: Channel, text: string): void {
    const topic: Topic = {
      text, by: user.prefix, setMs: this.#network.clock.wallMs(), clock: ++this.clock, address: this.#network.host,
    };
    this.#network.setTopic(channel, topic, user);
    this.#announce('t', this.#topicFields(channel));
  }

  #topicFields(channel: Channel): Fields {
    const topic = channel.topic as Topic;
    return { c: channel.name, x: topic.text, by: topic.by, w: topic.setMs, k: topic.clock, o: topic.address };
  }

  /** To a node that asks. */
  answer(to: string): void {
    const now = this.#network.clock.now();
    if (now < (this.#answeredMs.get(to) ?? -Infinity) + ANSWER_EVERY_MS) return;
    this.#answeredMs.delete(to);
    makeRoom(this.#answeredMs, ANSWERED_MAX);
    this.#answeredMs.set(to, now);
    this.sendSnapshot(to);
  }

  sendSnapshot(to: string): void {
    const parts = packItems(this.#facts(), SNAPSHOT_PART_BYTES);
    this.snapshotsSent++;
    for (const [i, list] of parts.entries()) {
      this.#publish({ t: 's', e: this.run, v: this.version, i, m: parts.length, l: list }, to);
    }
  }

  /** The users of this node, then the topics of their channels. */
  *#facts(): Iterable<Fields> {
    const topics = new Set<Channel>();
    for (const user of this.#network.nicks.users.values()) {
      if (!user.local) continue;
      const channels: [string, number][] = [];
      for (const channel of user.channels.values()) {
        channels.push([channel.name, channel.members.get(user)?.joinedMs ?? 0]);
        if (channel.topic !== undefined) topics.add(channel);
      }
      yield { u: user.uid, ...encodeFacts(user), j: channels };
    }
    for (const channel of topics) yield this.#topicFields(channel);
  }
}
