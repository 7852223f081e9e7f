/**
 * The server on the mesh: its name, the directory's group, and the digests by which nodes see that they miss something.
 * What the mesh brings passes the gate (peer-gate.ts) and goes to the directory, to private-lines.ts or to the links of
 * channels (channel-links.ts); what our users do goes out through the same.
 */
import type { Client, Message } from '../client/client.ts';
import type { Log } from '../runtime/log.ts';
import type { Channel } from './channel.ts';
import { ChannelLines } from './channel-lines.ts';
import { ChannelLinks } from './channel-links.ts';
import { ChannelNotices } from './channel-notices.ts';
import { Directory } from './directory.ts';
import type { Ircd, MeshPort } from './ircd.ts';
import { msgidOf, streamName } from './line-id.ts';
import { encodeMessage, readCount } from './mesh-message.ts';
import type { Fields } from './mesh-message.ts';
import type { Network } from './network.ts';
import type { OwnFacts } from './own-facts.ts';
import { OwnName } from './own-name.ts';
import { PeerGate } from './peer-gate.ts';
import { PrivateLines } from './private-lines.ts';

const DIGEST_MS = 20_000;

export class Mesh implements MeshPort {
  readonly directory: Directory;
  readonly own: OwnFacts;
  readonly private: PrivateLines;
  readonly channels: ChannelLinks;
  readonly counters = {
    malformed: 0, overRate: 0, banned: 0, hidden: 0, gapsTold: 0, linesIn: 0, linesOut: 0, unsent: 0,
  };
  readonly #client: Client;
  readonly #network: Network;
  readonly #log: Log;
  readonly #random: () => number;
  readonly #gate: PeerGate;
  readonly #name = new OwnName();
  #digestMs = 0;
  #stopped = false;

  /** @param parts `ircd` is above us: it comes to be after us */
  constructor(
    client: Client, run: number, parts: { network: Network; ircd: () => Ircd; log: Log; random: () => number },
  ) {
    const { network, ircd, log, random } = parts;
    const { counters } = this;
    this.#client = client;
    this.#network = network;
    this.#log = log;
    this.#random = random;
    const gate = new PeerGate(network, counters);
    const directory = new Directory(network, run, (fields, to) => this.#publish(fields, to));
    this.#gate = gate;
    this.directory = directory;
    this.own = directory.own;
    this.private = new PrivateLines(directory, ircd, counters);
    this.channels = new ChannelLinks({
      client, network, directory, gate, random, counters, name: this.#name,
      lines: new ChannelLines(network, directory, gate, ircd, counters),
      notices: new ChannelNotices(network, log, counters),
    });
  }

  async start(): Promise<void> {
    this.#setAddress(await this.#client.self());
    this.#client.onSelf = (addresses) => this.#setAddress(addresses);
    const group = await this.#client.join('irc', {
      onMessage: (message) => this.#onMessage(message),
      onDatagram: ({ source, data }) => this.#onDatagram(source, data),
      onMember: (event) => {
        if (!this.#gate.excludes(event.address)) this.directory.onMember(event);
      },
    });
    this.directory.group = group;
    for (const member of await group.members()) {
      if (member.address === this.#network.host || member.self) continue;
      this.own.sendSnapshot(member.address);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.channels.leave();
    void this.directory.group?.leave().catch(() => undefined);
  }

  #setAddress(addresses: readonly string[]): void {
    const network = this.#network;
    const address = this.#name.change(addresses, network.clock.now()) ?? network.host;
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

  // --- MeshPort ---------------------------------------------------------------------------------------------------

  stamp(channel: Channel | undefined): { msgid: string; stream: string; n: number; address: string } {
    const address = this.#network.host;
    const link = channel === undefined ? undefined : this.channels.of(channel);
    // Private lines have the number 0 where channels have theirs.
    const stream = link?.outbox.streamName ?? streamName(this.own.run, 0);
    const n = link?.outbox.next() ?? this.private.next();
    return { msgid: msgidOf(address, stream, n), stream, n, address };
  }

  get nodes(): { address: string; userCount: number }[] {
    return this.directory.nodes;
  }

  // --- the directory's group --------------------------------------------------------------------------------------

  #onMessage(message: Message): void {
    const fields = this.#gate.decode(message);
    if (fields === undefined) return;
    const kind = fields['t'];
    if (kind !== 'm' && kind !== 'i' && kind !== 'r') return this.directory.onMessage(message, fields);
    this.directory.after(message, fields, () => this.private.onMessage(message, fields));
  }

  #onDatagram(source: string, data: Uint8Array): void {
    const fields = this.#gate.decode({ source, data });
    if (fields === undefined) return;
    const run = readCount(fields['e']);
    if (fields['t'] === 'm') return this.private.onMessage({ source, addressed: true }, fields);
    if (fields['t'] !== 'd' || run < 0) return;
    this.directory.onDigest(source, run, readCount(fields['v']));
    this.channels.onDigest(source, run, fields['h']);
  }

  // --- time -------------------------------------------------------------------------------------------------------

  /** Call it twice a second. */
  tick(): void {
    const now = this.#network.clock.now();
    this.directory.tick();
    this.channels.tick();
    if (now < this.#digestMs) return;
    this.#digestMs = now + DIGEST_MS * (0.75 + this.#random() / 2);
    this.#digest();
    this.channels.retry();
  }

  #digest(): void {
    const group = this.directory.group;
    if (group === undefined) return;
    group.datagram(this.channels.digest(this.directory.digest)).catch(
      (error: unknown) => this.#log.warn(`irc: no digest: ${String(error)}`),
    );
    const own = this.#network.host;
    group.members().then((members) => {
      const others = members.filter((one) => !one.self && one.address !== own && !this.#gate.excludes(one.address));
      this.directory.checkMembers(new Set(others.map((one) => one.address)));
    }, () => undefined);
  }

  /** The owner changed his lists. */
  applyLists(): void {
    this.directory.banned((address) => this.#gate.excludes(address));
  }
}
