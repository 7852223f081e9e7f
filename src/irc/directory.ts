/**
 * Who is where on the mesh: the group "irc", which every IRC node joins. Each node owns the facts about its own users,
 * numbers every change (version v) and publishes it; to a node that comes or asks it sends all of them (a snapshot). A
 * digest every 20 s tells the version, so that whoever missed something asks. So the views of all nodes agree again
 * after losses, partitions and restarts, and nobody speaks for another's users.
 *
 *   unknown --snapshot--> known(v) --event v+1--> known(v+1)      event > v+1 or digest != v: ask, keep it aside
 *   gone | left | new run: all its users QUIT; unknown again
 */
import type { Group, MemberEvent, Message } from '../client/client.ts';
import {
  isFields, readChannel, readCount, readFacts, readReason, readTopic, readUid, readWord,
} from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import { CHANNELS_PER_USER_MAX, fold } from './names.ts';
import type { Network } from './network.ts';
import { OwnFacts } from './own-facts.ts';
import { User } from './user.ts';

const NODES_MAX = 1000;
/** As many clients as a node serves unless its owner wants more. */
const USERS_PER_NODE_MAX = 1000;
const USERS_MAX = 10_000;
const EARLY_EVENTS_MAX = 256;
const HELD_MAX = 2000;
const HOLD_MS = 3000;
const ASK_MS = 1500;
const SNAPSHOT_PARTS_MAX = 64;
const CLOCK_MAX = 2 ** 48;

interface Node {
  readonly address: string;
  /** Incarnation of its daemon, then of its IRC server. */
  epoch: number;
  run: number;
  /** Version of its facts that we hold; -1: none yet. */
  version: number;
  readonly users: Map<string, User>;
  /** Events that came before the ones they follow. */
  early: Fields[];
  parts: (Fields | undefined)[];
  partsVersion: number;
  askedMs: number;
  /** Lines that came before the facts they need. */
  held: { version: number; untilMs: number; task: () => void }[];
  /** Digest rounds in which it was no member of the group. */
  missingCount: number;
}

export interface DirectoryCounters {
  malformed: number;
  asked: number;
  snapshotsRead: number;
  refused: number;
  heldOver: number;
}

export class Directory {
  readonly #network: Network;
  readonly #nodes = new Map<string, Node>();
  readonly counters: DirectoryCounters = { malformed: 0, asked: 0, snapshotsRead: 0, refused: 0, heldOver: 0 };
  readonly own: OwnFacts;
  group: Group | undefined;
  readonly #publish: (fields: Fields, to?: string) => void;

  constructor(network: Network, run: number, publish: (fields: Fields, to?: string) => void) {
    this.#network = network;
    this.own = new OwnFacts(network, run, publish);
    this.#publish = publish;
  }

  get nodes(): { address: string; userCount: number }[] {
    const found: { address: string; userCount: number }[] = [];
    for (const { address, version, users } of this.#nodes.values()) {
      if (version >= 0) found.push({ address, userCount: users.size });
    }
    return found;
  }

  // --- others' facts ----------------------------------------------------------------------------------------------

  #node(address: string, epoch: number, run: number): Node | undefined {
    let node = this.#nodes.get(address);
    if (node !== undefined && (node.epoch !== epoch || node.run !== run)) {
      const older = epoch < node.epoch || (epoch === node.epoch && run < node.run);
      if (older) return undefined;
      this.gone(address, 'Node restarted');
      node = undefined;
    }
    if (node !== undefined) return node;
    if (this.#nodes.size >= NODES_MAX) {
      this.counters.refused++;
      return undefined;
    }
    node = {
      address, epoch, run, version: -1, users: new Map(), early: [], parts: [], partsVersion: -1, askedMs: -Infinity,
      held: [], missingCount: 0,
    };
    this.#nodes.set(address, node);
    return node;
  }

  onMessage(message: Message, fields: Fields): void {
    const run = readCount(fields['e']);
    const version = readCount(fields['v']);
    const kind = fields['t'] as string;
    if (run < 0 || version < 0) return void this.counters.malformed++;
    if (kind === '?') return this.own.answer(message.source);
    const node = this.#node(message.source, message.epoch, run);
    if (node === undefined) return;
    if (kind === 's') return this.#onPart(node, version, fields);
    if (node.version < 0 || version > node.version + 1) {
      if (node.early.length < EARLY_EVENTS_MAX) node.early.push(fields);
      // A node's first event follows nothing.
      if (node.version < 0 && version === 1) return this.#adopt(node, 0);
      return this.ask(node.address);
    }
    if (version <= node.version) return;
    this.#apply(node, fields);
    node.version = version;
    this.#followUp(node);
  }

  /** The digest of `source` names its version. Datagrams have no epoch: an unknown node or run is asked. */
  onDigest(source: string, run: number, version: number): void {
    const node = this.#nodes.get(source);
    if (node === undefined || node.run !== run || node.version < version) this.ask(source);
  }

  /** Asks the node for its facts, unless it has just been asked. */
  ask(address: string): void {
    const node = this.#nodes.get(address);
    const now = this.#network.clock.now();
    if (node !== undefined) {
      if (now < node.askedMs + ASK_MS) return;
      node.askedMs = now;
    }
    this.counters.asked++;
    this.#publish({ t: '?', e: this.own.run, v: this.own.version }, address);
  }

  #onPart(node: Node, version: number, fields: Fields): void {
    const index = readCount(fields['i']);
    const count = readCount(fields['m']);
    if (index < 0 || count < 1 || count > SNAPSHOT_PARTS_MAX || index >= count || !Array.isArray(fields['l'])) {
      return void this.counters.malformed++;
    }
    if (version === node.version) {
      for (const item of fields['l'] as unknown[]) {
        if (isFields(item) && item['u'] === undefined) this.#applyTopic(node, item);
      }
    }
    if (version <= node.version) return;
    if (node.partsVersion !== version || node.parts.length !== count) {
      node.parts = new Array<Fields | undefined>(count).fill(undefined);
      node.partsVersion = version;
    }
    node.parts[index] = fields;
    if (node.parts.includes(undefined)) return;
    const items = node.parts.flatMap((part) => (part as Fields)['l'] as unknown[]).filter(isFields);
    node.parts = [];
    this.counters.snapshotsRead++;
    this.#network.audience.inBatch('netjoin', node.address, () => this.#applySnapshot(node, items));
    this.#adopt(node, version);
  }

  #adopt(node: Node, version: number): void {
    node.version = version;
    this.#followUp(node);
  }

  /** Applies what waited for the version that we now have. */
  #followUp(node: Node): void {
    if (node.early.length > 0) {
      const early = node.early.sort((a, b) => (a['v'] as number) - (b['v'] as number));
      node.early = [];
      for (const fields of early) {
        const version = fields['v'] as number;
        if (version === node.version + 1) {
          this.#apply(node, fields);
          node.version = version;
        } else if (version > node.version) node.early.push(fields);
      }
    }
    this.#release(node, -Infinity);
  }

  // --- lines that need facts --------------------------------------------------------------------------------------

  /** Runs `task` when we know what `source` had said before, at once if we do; after HOLD_MS in any case. In order. */
  after(source: string, epoch: number, run: number, version: number, task: () => void): void {
    const node = this.#node(source, epoch, run);
    if (node === undefined) return;
    if (node.held.length === 0 && node.version >= version) return task();
    if (node.version < version) this.ask(node.address);
    node.held.push({ version, untilMs: this.#network.clock.now() + HOLD_MS, task });
    if (node.held.length > HELD_MAX) this.#release(node, Infinity);
  }

  #release(node: Node, nowMs: number): void {
    while (node.held.length > 0) {
      const [first] = node.held as [Node['held'][0]];
      if (node.version < first.version && first.untilMs > nowMs) return;
      if (node.version < first.version) this.counters.heldOver++;
      node.held.shift();
      first.task();
    }
  }

  user(source: string, uid: string): User | undefined {
    return this.#nodes.get(source)?.users.get(uid);
  }

  // --- applying ---------------------------------------------------------------------------------------------------

  #apply(node: Node, fields: Fields): void {
    const kind = fields['t'];
    if (kind === 't') return this.#applyTopic(node, fields);
    const uid = readUid(fields['u']);
    if (uid === undefined) return void this.counters.malformed++;
    if (kind === 'u') return this.#applyFacts(node, uid, fields);
    const user = node.users.get(uid);
    if (user === undefined) return void this.counters.malformed++;
    if (kind === 'q') return this.#removeUser(node, user, readReason(fields['x']));
    const name = readChannel(fields['c']);
    if (name === undefined) return void this.counters.malformed++;
    if (kind === 'j') this.#join(user, name, readCount(fields['w']), false);
    else if (kind === 'p') {
      const channel = this.#network.channels.get(fold(name));
      if (channel?.members.has(user) === true) this.#network.part(user, channel, readReason(fields['x']));
      else channel?.kicked.delete(user);
    }
  }

  #applyFacts(node: Node, uid: string, fields: Fields): void {
    const facts = readFacts(fields);
    if (facts === undefined) return void this.counters.malformed++;
    const known = node.users.get(uid);
    if (known === undefined) {
      if (node.users.size >= USERS_PER_NODE_MAX || this.#network.nicks.users.size >= USERS_MAX) {
        return void this.counters.refused++;
      }
      const user = new User(node.address, uid, node.address, facts);
      node.users.set(uid, user);
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
    if (user.channels.size >= CHANNELS_PER_USER_MAX) return void this.counters.refused++;
    const channel = this.#network.openChannel(name);
    if (channel === undefined || channel.members.has(user)) return;
    // Kicked here: he is shown again when he joins again, not when his node repeats its facts.
    if (again && channel.kicked.has(user)) return;
    this.#network.join(user, channel, Math.max(0, joinedMs));
  }

  #applyTopic(node: Node, fields: Fields): void {
    const text = readTopic(fields['x']);
    const name = readChannel(fields['c']);
    const clock = readCount(fields['k']);
    const address = readWord(fields['o'], 64);
    if (text === undefined || name === undefined || clock < 0 || clock > CLOCK_MAX) {
      return void this.counters.malformed++;
    }
    this.own.clock = Math.max(this.own.clock, clock);
    const channel = this.#network.channels.get(fold(name));
    if (channel === undefined) return;
    const now = channel.topic;
    const setMs = Math.max(0, readCount(fields['w']));
    if (now !== undefined && clock < now.clock) return;
    if (now !== undefined && clock === now.clock) {
      // A node that was killed may use a clock twice: then the time decides.
      if (address < now.address || (address === now.address && setMs <= now.setMs)) return;
    }
    const by = readWord(fields['by'], 150) || node.address;
    this.#network.setTopic(channel, { text, by, setMs, clock, address }, undefined);
  }

  /** Makes our view of the node's users what the snapshot says. */
  #applySnapshot(node: Node, items: readonly Fields[]): void {
    const listed = new Set<string>();
    for (const item of items) {
      const uid = readUid(item['u']);
      if (uid !== undefined) listed.add(uid);
    }
    for (const [uid, user] of [...node.users]) if (!listed.has(uid)) this.#removeUser(node, user, 'Quit');
    for (const item of items) {
      const uid = readUid(item['u']);
      if (uid === undefined) continue;
      this.#applyFacts(node, uid, item);
      const user = node.users.get(uid);
      if (user !== undefined) this.#applyChannels(user, item['j']);
    }
    for (const item of items) if (item['u'] === undefined) this.#applyTopic(node, item);
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

  #removeUser(node: Node, user: User, reason: string): void {
    node.users.delete(user.uid);
    this.#network.remove(user, reason);
  }

  // --- nodes come and go ------------------------------------------------------------------------------------------

  onMember(event: MemberEvent): void {
    const node = this.#nodes.get(event.address);
    if (event.state === 'left') this.gone(event.address, 'Node left the mesh');
    else if (event.state === 'gone') this.#vanish(event.address);
    else if (event.state === 'restarted' && node !== undefined && node.epoch < event.epoch) {
      this.gone(event.address, 'Node restarted');
    }
    if (event.state === 'joined' || event.state === 'back' || event.state === 'restarted') {
      this.own.sendSnapshot(event.address);
    }
  }

  /** The reason is what IRC clients know as a netsplit: two server names. */
  #vanish(address: string): void {
    this.gone(address, `${this.#network.options.serverName} ${address}`);
  }

  /** All users of the node quit; in one batch for clients that know it. */
  gone(address: string, reason: string): void {
    const node = this.#nodes.get(address);
    if (node === undefined) return;
    this.#release(node, Infinity);
    this.#nodes.delete(address);
    this.#network.audience.inBatch('netsplit', address, () => {
      for (const user of node.users.values()) this.#network.remove(user, reason);
    });
  }

  /** Call it twice a second. */
  tick(): void {
    const now = this.#network.clock.now();
    for (const node of this.#nodes.values()) {
      this.#release(node, now);
      if (node.version < 0 || node.early.length > 0) this.ask(node.address);
    }
  }

  /** No ghosts: a node that is no member of the group any more is gone, whatever we have missed. */
  checkMembers(addresses: ReadonlySet<string>): void {
    for (const node of [...this.#nodes.values()]) {
      node.missingCount = addresses.has(node.address) ? 0 : node.missingCount + 1;
      if (node.missingCount >= 2) this.#vanish(node.address);
    }
    for (const address of addresses) if (!this.#nodes.has(address)) this.ask(address);
  }

  get digest(): Fields {
    return { t: 'd', e: this.own.run, v: this.own.version };
  }

  banned(addresses: (address: string) => boolean): void {
    for (const address of [...this.#nodes.keys()]) if (addresses(address)) this.gone(address, 'Banned on this node');
  }
}
