/**
 * Who is where on the mesh: the group "irc", which every IRC node joins. Each node owns the facts about its own users,
 * numbers every change (version v) and publishes it; to a node that comes or asks it sends all of them (a snapshot). A
 * digest every 20 s tells the version, so that whoever missed something asks. So the views of all nodes agree again
 * after losses, partitions and restarts, and nobody speaks for another's users.
 *
 *   unknown --snapshot--> known(v) --event v+1--> known(v+1)      event > v+1 or digest != v: ask, keep it aside
 *   gone | left | new run: all its users QUIT; unknown again
 *
 * Which nodes there are is decided here; of each remote-node.ts keeps the version, and remote-facts.ts applies what it
 * tells; own-facts.ts is our own part.
 */
import type { Group, MemberEvent, Message } from '../client/client.ts';
import { readCount } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import type { Network } from './network.ts';
import { OwnFacts } from './own-facts.ts';
import { RemoteFacts } from './remote-facts.ts';
import { RemoteNode } from './remote-node.ts';
import type { User } from './user.ts';

const NODES_MAX = 1000;

export interface DirectoryCounters {
  malformed: number;
  asked: number;
  snapshotsRead: number;
  refused: number;
  heldOver: number;
}

export class Directory {
  readonly #network: Network;
  readonly #nodes = new Map<string, RemoteNode>();
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
    for (const node of this.#nodes.values()) {
      if (node.version >= 0) found.push({ address: node.address, userCount: node.facts.users.size });
    }
    return found;
  }

  // --- others' facts ----------------------------------------------------------------------------------------------

  #node(address: string, epoch: number, run: number): RemoteNode | undefined {
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
    const facts = new RemoteFacts(address, this.#network, this.own, this.counters);
    node = new RemoteNode(address, epoch, run, facts, this.counters);
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
    if (kind === 's') node.onPart(version, fields);
    else if (!node.onEvent(version, fields)) this.ask(node.address);
  }

  /** The digest of `source` names its version. Datagrams have no epoch: an unknown node or run is asked. */
  onDigest(source: string, run: number, version: number): void {
    const node = this.#nodes.get(source);
    if (node === undefined || node.run !== run || node.version < version) this.ask(source);
  }

  /** Asks the node for its facts, unless it has just been asked. */
  ask(address: string): void {
    const node = this.#nodes.get(address);
    if (node?.mayAsk(this.#network.clock.now()) === false) return;
    this.counters.asked++;
    this.#publish({ t: '?', e: this.own.run, v: this.own.version }, address);
  }

  /** Runs `task` when we know the facts that the line follows, at once if we do; soon in any case. In order. */
  after({ source, epoch }: Message, fields: Fields, task: () => void): void {
    // A datagram is of now or of no use.
    if (epoch === 0) return task();
    const node = this.#node(source, epoch, readCount(fields['e']));
    if (node === undefined) return;
    const version = readCount(fields['v']);
    if (node.version < version) this.ask(node.address);
    node.after(version, this.#network.clock.now(), task);
  }

  user(source: string, uid: string): User | undefined {
    return this.#nodes.get(source)?.facts.users.get(uid);
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
    node.release(Infinity);
    this.#nodes.delete(address);
    node.facts.quit(reason);
  }

  /** Call it twice a second. */
  tick(): void {
    const now = this.#network.clock.now();
    for (const node of this.#nodes.values()) {
      node.release(now);
      if (node.behind) this.ask(node.address);
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
