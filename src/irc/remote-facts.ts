/**
 * The facts of one other node: who its users are, in which channels they are, which topics it knows. They are applied
 * to the network event after event, or all of them from a snapshot. What breaks a rule is counted and left out.
 */
import {
  isFields, readChannel, readCount, readFacts, readReason, readTopic, readUid, readWord,
} from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import { CHANNELS_PER_USER_MAX, fold } from './names.ts';
import type { Network } from './network.ts';
import type { OwnFacts } from './own-facts.ts';
import { User } from './user.ts';

/** As many clients as a node serves unless its owner wants more. */
const USERS_PER_NODE_MAX = 1000;
const USERS_MAX = 10_000;
const CLOCK_MAX = 2 ** 48;

interface Counters {
  malformed: number;
  refused: number;
}

export class RemoteFacts {
  /** Its users, by what names them within its run. */
  readonly users = new Map<string, User>();
  readonly #address: string;
  readonly #network: Network;
  readonly #own: OwnFacts;
  readonly #counters: Counters;

  /** @param address of the node */
  constructor(address: string, network: Network, own: OwnFacts, counters: Counters) {
    this.#address = address;
    this.#network = network;
    this.#own = own;
    this.#counters = counters;
  }

  /** One event: u facts about a user, q he quits, j p he joins or parts a channel, t a topic. */
  apply(fields: Fields): void {
    const kind = fields['t'];
    if (kind === 't') return this.#applyTopic(fields);
    const uid = readUid(fields['u']);
    if (uid === undefined) return void this.#counters.malformed++;
    if (kind === 'u') return this.#applyFacts(uid, fields);
    const user = this.users.get(uid);
    if (user === undefined) return void this.#counters.malformed++;
    if (kind === 'q') return this.#remove(user, readReason(fields['x']));
    const name = readChannel(fields['c']);
    if (name === undefined) return void this.#counters.malformed++;
    if (kind === 'j') this.#join(user, name, readCount(fields['w']), false);
    else if (kind === 'p') {
      const channel = this.#network.channels.get(fold(name));
      if (channel?.members.has(user) === true) this.#network.part(user, channel, readReason(fields['x']));
      else channel?.kicked.delete(user);
    }
  }

  /** Makes our view of the node's users what the snapshot says; in one batch for clients that know it. */
  applySnapshot(items: readonly Fields[]): void {
    this.#network.audience.inBatch('netjoin', this.#address, () => this.#applyAll(items));
  }

  /** The topics alone of a snapshot whose other facts we have. */
  applyTopics(items: readonly unknown[]): void {
    for (const item of items) if (isFields(item) && item['u'] === undefined) this.#applyTopic(item);
  }

  /** All its users quit; in one batch for clients that know it. */
  quit(reason: string): void {
    this.#network.audience.inBatch('netsplit', this.#address, () => {
      for (const user of this.users.values()) this.#network.remove(user, reason);
    });
  }

  // --- applying ---------------------------------------------------------------------------------------------------

  #applyAll(items: readonly Fields[]): void {
    const listed = new Set<string>();
    for (const item of items) {
      const uid = readUid(item['u']);
      if (uid !== undefined) listed.add(uid);
    }
    for (const [uid, user] of [...this.users]) if (!listed.has(uid)) this.#remove(user, 'Quit');
    for (const item of items) {
      const uid = readUid(item['u']);
      if (uid === undefined) continue;
      this.#applyFacts(uid, item);
      const user = this.users.get(uid);
      if (user !== undefined) this.#applyChannels(user, item['j']);
    }
    this.applyTopics(items);
  }

  #applyFacts(uid: string, fields: Fields): void {
    const facts = readFacts(fields);
    if (facts === undefined) return void this.#counters.malformed++;
    const known = this.users.get(uid);
    if (known === undefined) {
      if (this.users.size >= USERS_PER_NODE_MAX || this.#network.nicks.users.size >= USERS_MAX) {
        return void this.#counters.refused++;
      }
      const user = new User(this.#address, uid, this.#address, facts);
      this.users.set(uid, user);
      return this.#network.nicks.add(user);
    }
    known.user = facts.user;
    known.mark(facts);
    this.#network.nicks.rename(known, facts.nick);
    this.#network.setReal(known, facts.real);
    this.#network.setAccount(known, facts.account);
    this.#network.setAway(known, facts.away);
  }

  #join(user: User, name: string, joinedMs: number, again: boolean): void {
    if (user.channels.size >= CHANNELS_PER_USER_MAX) return void this.#counters.refused++;
    const channel = this.#network.openChannel(name);
    if (channel === undefined || channel.members.has(user)) return;
    // Kicked here: he is shown again when he joins again, not when his node repeats its facts.
    if (again && channel.kicked.has(user)) return;
    this.#network.join(user, channel, Math.max(0, joinedMs));
  }

  #applyTopic(fields: Fields): void {
    const text = readTopic(fields['x']);
    const name = readChannel(fields['c']);
    const clock = readCount(fields['k']);
    const address = readWord(fields['o'], 64);
    if (text === undefined || name === undefined || clock < 0 || clock > CLOCK_MAX) {
      return void this.#counters.malformed++;
    }
    this.#own.clock = Math.max(this.#own.clock, clock);
    const channel = this.#network.channels.get(fold(name));
    if (channel === undefined) return;
    const now = channel.topic;
    const setMs = Math.max(0, readCount(fields['w']));
    if (now !== undefined && clock < now.clock) return;
    if (now !== undefined && clock === now.clock) {
      // A node that was killed may use a clock twice: then the time decides.
      if (address < now.address || (address === now.address && setMs <= now.setMs)) return;
    }
    const by = readWord(fields['by'], 150) || this.#address;
    this.#network.setTopic(channel, { text, by, setMs, clock, address }, undefined);
  }

  #applyChannels(user: User, list: unknown): void {
    const joined = new Map<string, [name: string, joinedMs: number]>();
    for (const item of Array.isArray(list) ? (list as unknown[]) : []) {
      const name = Array.isArray(item) ? readChannel(item[0]) : undefined;
      if (name !== undefined) joined.set(fold(name), [name, readCount((item as unknown[])[1])]);
    }
    for (const channel of [...user.channels.values()]) {
      if (!joined.has(channel.key)) this.#network.part(user, channel, '');
    }
    for (const [name, joinedMs] of joined.values()) this.#join(user, name, joinedMs, true);
  }

  #remove(user: User, reason: string): void {
    this.users.delete(user.uid);
    this.#network.remove(user, reason);
  }
}
