/**
 * What the nodes do, as seen from outside: each datagram sent and taken in, each word to an application. It keeps truth and
 * metrics, and hands every event to the checkers.
 */
import type { GapReason, MemberState, PeerState } from '../../src/multicast/node-output.ts';
import { FRAME_DATA, FRAME_STATUS, FRAME_SUBS_ACK } from '../../src/wire/frame.ts';
import type { Delivery, GapReport, ReceiverStream } from './ledger.ts';
import { FATE_NAMES, FATE_SENT } from './network.ts';
import { MESH_PORT, type NodeHost } from './node-host.ts';
import type { Simulation } from './simulation.ts';
import {
  COPY_ARRIVED, COPY_FIRST_LOST, COPY_REPAIRED, COPY_SENT, FATE_DELIVERED, FATE_GAP, FATE_NONE,
} from './truth.ts';

const DATAGRAM_BYTES_MAX = 1200;

export class Observer {
  #sim: Simulation;
  #delivery: Delivery | null = null;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  onSend(host: NodeHost, mesh: number, address: string, port: number, bytes: Uint8Array): void {
    if (bytes.length > DATAGRAM_BYTES_MAX) this.#sim.violate('runtime', `node ${host.index} sent ${bytes.length} bytes`);
    const to = port === MESH_PORT ? this.#sim.indexOf(address) : -1;
    this.#sim.trace.mix(this.#sim.now, 1 + 100 * mesh, host.index, to);
    this.#sim.trace.mixBytes(bytes);
    const network = this.#sim.meshes.networks[mesh];
    if (network === undefined || (to >= 0 && this.#sim.meshes.meshOf(address) !== mesh)) {
      return this.#sim.violate('runtime', `node ${host.index} sent to ${address} from an address on mesh ${mesh}`);
    }
    if (to < 0) {
      this.#sim.noRouteCount++;
      this.#sim.strangers.get(address)?.(host.index, bytes);
      return;
    }
    const fate = network.send(this.#sim.now, host.index, to, bytes);
    this.#count(host, to, mesh, bytes, fate);
    if (this.#sim.trace.listener !== null) {
      this.#sim.log(host.index, `${mesh > 0 ? '=' : '-'}> ${to} ${this.#sim.census.describe()} (${bytes.length} B)${fate ? ` ** ${FATE_NAMES[fate]}` : ''}`);
    }
  }

  #count(host: NodeHost, to: number, mesh: number, bytes: Uint8Array, fate: number): void {
    const census = this.#sim.census;
    const metrics = this.#sim.metrics;
    census.scan(this.#sim.truth, host.index, host.incarnation, to, bytes);
    if (!census.wellFormed) this.#sim.violate('runtime', `node ${host.index} sent a malformed datagram: ${census.describe()}`);
    if (census.strays + census.misnumbered > 0) {
      this.#sim.violate('3 payload', `node ${host.index} sent to ${to}: ${census.strays} packets meant for another, ` +
        `${census.misnumbered} under a second number: ${census.describe()}`);
      census.strays = census.misnumbered = 0;
    }
    if (this.#sim.measuring) {
      metrics.datagrams++;
      metrics.bytes += bytes.length;
      if (census.dataCount === 0) metrics.controlDatagrams++;
      if (!census.upper) metrics.meshDatagrams++;
    }
    for (let i = 0; i < census.frameCount; i++) {
      const type = census.types[i]!;
      if (type === FRAME_SUBS_ACK) for (const names of host.told.get(`${to} ${mesh}`) ?? []) host.named.add(names);
      if (this.#sim.measuring) {
        metrics.frames[type]!++;
        if (type === FRAME_STATUS && census.details[i]! > 0) {
          metrics.requestPackets++;
          metrics.holesNamed += census.details[i]!;
        }
      }
      if (type === FRAME_DATA && census.details[i]! >= 0) this.#countData(host, to, mesh, census.details[i]!, fate);
    }
  }

  #countData(host: NodeHost, to: number, mesh: number, packet: number, fate: number): void {
    const copies = this.#sim.truth.packetCopies[packet]!;
    const again = (copies[to]! & COPY_SENT) !== 0;
    const measured = this.#sim.truth.messages[this.#sim.truth.packetMessage[packet]!]!.measured;
    for (const checker of this.#sim.checkers.all) checker.dataSent?.(host, to, packet, again, mesh);
    this.#sim.truth.packetSentAt[packet]![to] = this.#sim.now;
    if (this.#sim.sendDeadline > 0 && measured) this.#judgeDeadline(host.index, to, packet);
    if (measured) this.#sim.metrics.dataSends++;
    if (again) {
      copies[to]! |= COPY_REPAIRED;
      if (measured) this.#sim.metrics.repairs++;
      return;
    }
    copies[to]! |= COPY_SENT;
    this.#sim.truth.packetFirstAt[packet]![to] = this.#sim.now;
    if (fate === FATE_SENT) return;
    copies[to]! |= COPY_FIRST_LOST;
    if (measured) this.#sim.metrics.lostCopies++;
  }

  #judgeDeadline(from: number, to: number, packet: number): void {
    const { time } = this.#sim.truth.messages[this.#sim.truth.packetMessage[packet]!]!;
    if (this.#sim.now + this.#sim.network.oneWay(from, to) > time + this.#sim.sendDeadline) this.#sim.sentTooLate++;
  }

  onArrival(host: NodeHost, from: number, mesh: number, bytes: Uint8Array): void {
    const census = this.#sim.census;
    const truth = this.#sim.truth;
    this.#sim.trace.mix(this.#sim.now, 2 + 100 * mesh, from, host.index);
    this.#sim.noteHeard(host.index, from, mesh);
    this.#sim.arrivalListener?.(from, host.index);
    census.scan(truth, from, this.#sim.hosts[from]!.incarnation, host.index, bytes);
    if (census.named.length > 0) {
      const key = `${from}/${this.#sim.hosts[from]!.epoch}`;
      host.told.set(`${from} ${mesh}`, census.named.map((address) => `${key} ${mesh}>${this.#sim.meshes.meshOf(address)}`));
    }
    if (this.#sim.trace.listener !== null) this.#sim.log(host.index, `<${mesh > 0 ? '=' : '-'} ${from} ${census.describe()}`);
    for (let i = 0; i < census.frameCount; i++) {
      const packet = census.details[i]!;
      if (census.types[i] !== FRAME_DATA || packet < 0) continue;
      const copies = truth.packetCopies[packet]!;
      if (copies[host.index]! & COPY_ARRIVED) continue;
      const message = truth.messages[truth.packetMessage[packet]!]!;
      if (!this.#isHeard(host, from, mesh, message.group)) continue;
      copies[host.index]! |= COPY_ARRIVED;
      if (!(copies[host.index]! & COPY_FIRST_LOST) || !message.measured) continue;
      const sentAt = truth.packetFirstAt[packet]![host.index]!;
      const delay = this.#sim.now - sentAt - this.#sim.network.oneWay(from, host.index);
      this.#sim.metrics.recovery.push(delay / Math.max(1, this.#sim.network.rtt(from, host.index)));
    }
  }

  /** Of a node on several meshes nothing is taken before it is clear under which name it speaks. */
  #isHeard(host: NodeHost, from: number, mesh: number, group: number): boolean {
    const { hosts, meshes } = this.#sim;
    if (meshes.count === 1) return true;
    const name = meshes.meshOf(host.node?.memberOf(meshes.addressOf(from, mesh)) ?? '');
    return host.known[group]!.has(from + name * hosts.length);
  }

  onMessage(
    host: NodeHost, group: number, sourceId: string, epoch: number, seq: number, data: Uint8Array, addressed: boolean,
  ): void {
    if (this.#sim.strangers.has(sourceId)) return;
    const source = this.#sim.indexOf(sourceId);
    const id = this.#sim.truth.identify(data);
    this.#sim.trace.mix(this.#sim.now, 10, host.index, id);
    this.#sim.log(host.index, `delivers ${sourceId}/${epoch}/${seq}${addressed ? ' (addressed)' : ''}: message ${id}`);
    const message = id < 0 ? undefined : this.#sim.truth.messages[id];
    if (group < 0) return this.#sim.violate('3 payload', `node ${host.index} delivers to a group it is not in`);
    if (message === undefined) return this.#sim.violate('3 payload', `node ${host.index}: ${sourceId} seq ${seq}: bytes nobody sent`);
    const to = addressed ? host.index : -1;
    if (message.source !== source || message.epoch !== epoch || message.seq !== seq || message.group !== group ||
        message.to !== to) {
      return this.#sim.violate('3 payload', `node ${host.index}: ${sourceId}/${epoch}/${seq} group ${group} to ${to} is really ` +
        `${message.source}/${message.epoch}/${message.seq} group ${message.group} to ${message.to}`);
    }
    const serial = host.serials[group]!;
    const delivery = this.#delivery ??= { now: 0, stream: null as never, message, data };
    delivery.now = this.#sim.now;
    delivery.stream = this.#stream(host, group, sourceId, epoch, addressed);
    delivery.message = message;
    delivery.data = data;
    for (const checker of this.#sim.checkers.all) checker.delivered?.(delivery);
    delivery.stream.deliveredCount++;
    message.settledSerial[host.index] = serial;
    message.settled[host.index] = FATE_DELIVERED;
    this.#sim.metrics.lastDeliveryAt = this.#sim.now;
    if (message.measured) {
      this.#sim.metrics.deliveredCopies += message.span;
      this.#sim.metrics.latency.push(this.#sim.now - message.time);
    }
    this.#sim.deliveryListener?.(delivery);
  }

  /** An address that is bound to no key stands in for one that is: each time it is a member anew, whose streams begin. */
  #stream(host: NodeHost, group: number, sourceId: string, epoch: number, addressed: boolean): ReceiverStream {
    const { hosts, ledger, meshes } = this.#sim;
    const [source, name] = [this.#sim.indexOf(sourceId), Math.max(0, meshes.meshOf(sourceId))];
    const since = meshes.bound[name] ? 0 : host.known[group]!.get(source + name * hosts.length)?.at ?? 0;
    return ledger.stream(host.index, host.serials[group]!, group, source, epoch, addressed, name, since);
  }

  onGap(
    host: NodeHost, group: number, sourceId: string, epoch: number, from: number, to: number, reason: GapReason,
    addressed: boolean,
  ): void {
    this.#sim.trace.mix(this.#sim.now, 11, host.index, from);
    this.#sim.log(host.index, `gap ${sourceId}/${epoch}/${from}..${to}${addressed ? ' (addressed)' : ''}: ${reason}`);
    if (this.#sim.strangers.has(sourceId)) return;
    if (group < 0) return this.#sim.violate('2 tiling', `node ${host.index}: a gap in a group it is not in`);
    const source = this.#sim.indexOf(sourceId);
    if (source < 0) return this.#sim.violate('3 payload', `node ${host.index}: a gap of ${sourceId}, which is no node`);
    const serial = host.serials[group]!;
    const stream = this.#stream(host, group, sourceId, epoch, addressed);
    const published = this.#sim.truth.streams.find((one) => one.source === source && one.epoch === epoch &&
      one.group === group && one.to === (addressed ? host.index : -1));
    const report: GapReport = { now: this.#sim.now, stream, from, to, reason, published };
    for (const checker of this.#sim.checkers.all) checker.gapped?.(report);
    stream.gapCount++;
    this.#sim.gapListener?.(report);
    if (published === undefined) return;
    for (let count = (to - from) >>> 0, i = 0; i <= count; i++) {
      const message = this.#sim.truth.at(published, (from + i) >>> 0);
      if (message === undefined) return;
      if (message.measured) this.#sim.metrics.gapCopies++;
      if (message.settledSerial[host.index] === serial && message.settled[host.index] !== FATE_NONE) continue;
      message.settledSerial[host.index] = serial;
      message.settled[host.index] = FATE_GAP;
    }
  }

  onDatagram(host: NodeHost, group: number, sourceId: string, data: Uint8Array): void {
    const id = this.#sim.truth.identify(data);
    this.#sim.trace.mix(this.#sim.now, 12, host.index, id);
    this.#sim.datagramsDelivered++;
    this.#sim.log(host.index, `datagram from ${sourceId}: message ${id}`);
    if (this.#sim.strangers.has(sourceId)) return;
    if (id < 0 || group < 0) this.#sim.violate('3 payload', `node ${host.index}: a datagram nobody sent`);
  }

  onPeer(host: NodeHost, id: string, state: PeerState): void {
    this.#sim.trace.mix(this.#sim.now, 13, host.index, this.#sim.indexOf(id));
    this.#sim.log(host.index, `peer ${id} ${state}`);
  }

  onMember(host: NodeHost, group: number, id: string, state: MemberState, epoch: number): void {
    const index = this.#sim.indexOf(id);
    this.#sim.trace.mix(this.#sim.now, 14, host.index, index);
    this.#sim.log(host.index, `member ${id} ${state}, epoch ${epoch}, of ${this.#sim.groups[group]?.name}`);
    if (group < 0 || this.#sim.strangers.has(id)) return;
    if (index < 0) return this.#sim.violate('3 payload', `node ${host.index}: member ${id} is no node`);
    const known = host.known[group]!;
    const key = index + this.#sim.hosts.length * Math.max(0, this.#sim.meshes.meshOf(id));
    // After `restarted` the new incarnation's own subscription follows as `joined`, if it is a member again.
    if (state === 'left' || state === 'gone' || state === 'restarted') known.delete(key);
    else if (state === 'joined') known.set(key, { epoch, at: this.#sim.now });
    const names = this.#sim.meshes.networks.filter(({ mesh }) => known.has(index + this.#sim.hosts.length * mesh) ||
      key === index + this.#sim.hosts.length * mesh);
    const isThere = this.#sim.hosts[index]!.inGroup[group]!;
    if (names.length > 1 || (this.#sim.meshes.count > 1 && state === 'left' && isThere)) host.renamedAt.set(index, this.#sim.now);
    this.#sim.memberListener?.(host, group, index, state);
  }

  onRoom(host: NodeHost, group: number): void {
    this.#sim.trace.mix(this.#sim.now, 15, host.index, group);
    if (group >= 0) this.#sim.roomListener?.(host, group);
  }
}
