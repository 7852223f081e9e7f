/** Two nodes on two meshes at once, with a clock and a network of their own. */
import type { NodeOutput } from '../../../src/multicast/node-output.ts';
import { MeshNode } from '../../../src/multicast/node.ts';
import { FRAME_HEADER_LENGTH, FRAME_SUBS } from '../../../src/wire/frame.ts';
import { HEADER_LENGTH } from '../../../src/wire/header.ts';
import { SUBS_ENTRY_LENGTH, SUBS_LENGTH } from '../../../src/wire/subs.ts';

interface Packet { at: number; to: string; from: string; bytes: Uint8Array }

function meshOf(address: string): number {
  return address.startsWith('fc') ? 0 : 1;
}

/** Where each frame begins. */
function frames(bytes: Uint8Array): number[] {
  const found: number[] = [];
  for (let at = HEADER_LENGTH; at < bytes.length; at += FRAME_HEADER_LENGTH + ((bytes[at + 2]! << 8) | bytes[at + 3]!)) found.push(at);
  return found;
}

/** SUBS without the further addresses. */
function withoutNames(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  for (const at of frames(bytes)) {
    const body = at + FRAME_HEADER_LENGTH;
    const end = SUBS_LENGTH + ((bytes[body + 4]! << 8) | bytes[body + 5]!) * SUBS_ENTRY_LENGTH;
    if (bytes[at] === FRAME_SUBS && ((bytes[at + 2]! << 8) | bytes[at + 3]!) > end) copy[body + end] = 0;
  }
  return copy;
}

/** Two nodes, each with an address on two meshes; cut.has(address): datagrams to or from it are lost. */
export class Pair {
  now = 1000;
  readonly cut = new Set<string>();
  readonly events: string[][] = [[], []];
  readonly heard: string[][] = [[], []];
  readonly nodes: MeshNode[];
  readonly addresses = [['fc00::a', '200::a'], ['fc00::b', '200::b']];
  loss = 0;
  /** ms from one end to the other, by mesh. */
  readonly delays = [20, 20];
  /** Types of frames that node 1 never gets, with all that is in the datagram, from addresses that begin so. */
  readonly hidden = new Set<number>();
  hiddenFrom = '';
  /** Node 1 is not told of further addresses. */
  nameless = false;
  sentCount = 0;
  /** Datagrams from an address of one mesh to one of the other. */
  strayCount = 0;
  /** Number of the mesh whose addresses are bound to no key. */
  keyless = -1;
  /** By the number that the node has given them. */
  readonly #locals: string[][] = [[], []];
  #queue: Packet[] = [];
  #random = 7;

  constructor() {
    this.nodes = [0, 1].map((index) => this.#create(index, 100 + index));
  }

  #create(index: number, epoch: number): MeshNode {
    return new MeshNode(
      { epoch, port: 14627, sha256: (bytes) => new Uint8Array(32).fill(bytes.length) }, () => this.#draw(), this.output(index),
    );
  }

  seed(seed: number): void {
    this.#random = seed;
  }

  #draw(): number {
    this.#random = (Math.imul(this.#random, 1103515245) + 12345) >>> 0;
    return this.#random / 0x100000000;
  }

  /** Loses a node without a word, and starts it anew on both meshes. */
  restart(index: number, epoch: number, meshes = [0, 1]): void {
    this.nodes[index] = this.#create(index, epoch);
    for (const mesh of meshes) this.bringUp(mesh, [index]);
  }

  put(from: string, to: string, bytes: Uint8Array): void {
    const mesh = meshOf(to);
    this.sentCount++;
    if (meshOf(from) !== mesh) this.strayCount++;
    const isHidden = from.startsWith(this.hiddenFrom) && frames(bytes).some((at) => this.hidden.has(bytes[at]!));
    if (this.addresses[1]!.includes(to) && isHidden) return;
    if (this.cut.has(from) || this.cut.has(to) || this.#draw() < this.loss) return;
    this.#queue.push({ at: this.now + this.delays[mesh]!, to, from, bytes: this.nameless && this.addresses[1]!.includes(to) ? withoutNames(bytes) : bytes.slice() });
  }

  /** A further node with one address, which greets node 1. */
  join(node: MeshNode, address: string): void {
    this.nodes.push(node);
    this.addresses.push([address]);
    this.#locals.push([address]);
    const local = node.addLocal(this.now, address, 'other', true, (other) => other.startsWith(address.slice(0, 3)));
    node.onCandidates(this.now, local, [{ address: this.addresses[1]![1]!, port: 0, hops: 1, advertised: true }]);
  }

  output(index: number): NodeOutput {
    return {
      send: (local, to, _port, bytes) => this.put(this.#locals[index]![local]!, to, bytes),
      peer: () => undefined,
      message: (_group, source, _epoch, _seq, data) => this.heard[index]!.push(`${source} ${(data[0]! << 8) | data[1]!}`),
      datagram: () => undefined,
      gap: (_group, source) => this.heard[index]!.push(`gap ${source}`),
      member: (_group, id, state) => this.events[index]!.push(`${id} ${state}`),
      room: () => undefined,
    };
  }

  /** Brings up mesh 0 (fc00) or 1 (200) on both. */
  bringUp(mesh: number, nodes = [0, 1], candidates = true): void {
    for (const index of nodes) {
      const node = this.nodes[index]!;
      const prefix = mesh === 0 ? 'fc00' : '200';
      const own = this.addresses[index]![mesh]!;
      const bound = mesh !== this.keyless;
      const local = node.addLocal(this.now, own, prefix, bound, (address) => address.startsWith(prefix));
      this.#locals[index]![local] = own;
      const other = this.addresses[1 - index]![mesh]!;
      if (candidates) node.onCandidates(this.now, local, [{ address: other, port: 0, hops: 1, advertised: true }]);
    }
  }

  run(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const next = Math.min(...this.nodes.map((node) => node.deadline), ...this.#queue.map(({ at }) => at));
      if (next > until) break;
      this.now = Math.max(this.now, next);
      const due = this.#queue.filter(({ at }) => at <= this.now);
      this.#queue = this.#queue.filter(({ at }) => at > this.now);
      for (const { to, from, bytes } of due) {
        const index = this.addresses.findIndex((own) => own.includes(to));
        const local = this.#locals[index]?.indexOf(to) ?? -1;
        if (local >= 0) this.nodes[index]!.onDatagram(this.now, local, from, 14627, bytes);
      }
      for (const node of this.nodes) if (node.deadline <= this.now) node.onTimeout(this.now);
    }
    this.now = until;
  }

  members(index: number): string[] {
    return [...this.nodes[index]!.groups][0]!.members().map(({ id }) => id);
  }
}

/** Both nodes in the group, on these meshes. */
export function met(meshes: readonly number[], ms = 4000, nameless = false): Pair {
  const pair = new Pair();
  pair.nameless = nameless;
  for (const node of pair.nodes) node.join(pair.now, 'g');
  for (const mesh of meshes) pair.bringUp(mesh);
  pair.run(ms);
  return pair;
}

/** A numbered message of node 0 every 20 ms for so long; @returns the next number. */
export function talk(pair: Pair, first: number, ms: number): number {
  let number = first;
  for (let at = 0; at < ms; at += 20, number++) {
    [...pair.nodes[0]!.groups][0]!.publish(pair.now, Uint8Array.of(number >> 8, number));
    pair.run(20);
  }
  return number;
}

/** What a node has heard when these numbers of node 0 have come once each and in order. */
export function heardAll(address: string, first: number, next: number): string[] {
  return Array.from({ length: next - first }, (_, index) => `${address} ${first + index}`);
}
