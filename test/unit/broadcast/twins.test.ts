import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeOutput } from '../../../src/multicast/node-output.ts';
import { MeshNode } from '../../../src/multicast/node.ts';

const twins = suite('one node on two meshes');

interface Packet { at: number; to: string; from: string; bytes: Uint8Array }

/** Two nodes, each with an address on two meshes; cut.has(address): datagrams to or from it are lost. */
class Pair {
  now = 1000;
  readonly cut = new Set<string>();
  readonly events: string[][] = [[], []];
  readonly heard: string[][] = [[], []];
  readonly nodes: MeshNode[];
  readonly addresses = [['fc00::a', '200::a'], ['fc00::b', '200::b']];
  #queue: Packet[] = [];
  #random = 7;

  constructor() {
    this.nodes = [0, 1].map((index) => new MeshNode(
      { epoch: 100 + index, port: 14627, sha256: (bytes) => new Uint8Array(32).fill(bytes.length) },
      () => (this.#random = (Math.imul(this.#random, 1103515245) + 12345) >>> 0) / 0x100000000,
      this.#output(index),
    ));
  }

  #output(index: number): NodeOutput {
    return {
      send: (local, to, _port, bytes) => {
        const from = this.addresses[index]![local]!;
        if (!this.cut.has(from) && !this.cut.has(to)) this.#queue.push({ at: this.now + 20, to, from, bytes: bytes.slice() });
      },
      peer: () => undefined,
      message: (_group, source, _epoch, _seq, data) => this.heard[index]!.push(`${source} ${data[0]}`),
      datagram: () => undefined,
      gap: (_group, source) => this.heard[index]!.push(`gap ${source}`),
      member: (_group, id, state) => this.events[index]!.push(`${id} ${state}`),
      room: () => undefined,
    };
  }

  /** Brings up mesh 0 (fc00) or 1 (200) on both. */
  bringUp(mesh: number): void {
    for (const [index, node] of this.nodes.entries()) {
      const prefix = mesh === 0 ? 'fc00' : '200';
      const local = node.addLocal(this.now, this.addresses[index]![mesh]!, prefix, true, (address) => address.startsWith(prefix));
      assert.is(local, mesh);
      const other = this.addresses[1 - index]![mesh]!;
      node.onCandidates(this.now, local, [{ address: other, port: 0, hops: 1, advertised: true }]);
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
        this.nodes[index]!.onDatagram(this.now, this.addresses[index]!.indexOf(to), from, 14627, bytes);
      }
      for (const node of this.nodes) if (node.deadline <= this.now) node.onTimeout(this.now);
    }
    this.now = until;
  }

  members(index: number): string[] {
    return [...this.nodes[index]!.groups][0]!.members().map(({ id }) => id);
  }
}

function together(): Pair {
  const pair = new Pair();
  pair.bringUp(0);
  pair.bringUp(1);
  pair.run(3000);
  for (const node of pair.nodes) node.join(pair.now, 'g');
  pair.run(1000);
  return pair;
}

twins('it is one member at either end, by the same way', () => {
  const pair = together();
  assert.equal(pair.members(0), ['200::b'], 'the way whose addresses sort first');
  assert.equal(pair.members(1), ['200::a']);
});

twins('a message comes once', () => {
  const pair = together();
  [...pair.nodes[0]!.groups][0]!.publish(pair.now, Uint8Array.of(1));
  pair.run(1000);
  assert.equal(pair.heard[1], ['200::a 1']);
});

twins('when the way is gone, the other one steps in', () => {
  const pair = together();
  pair.cut.add('200::a');
  pair.run(100_000);
  assert.equal(pair.members(0), ['fc00::b']);
  [...pair.nodes[0]!.groups][0]!.publish(pair.now, Uint8Array.of(2));
  pair.run(1000);
  assert.equal(pair.heard[1], ['fc00::a 2']);
  pair.cut.clear();
  pair.run(30_000);
  assert.equal(pair.members(1), ['200::a'], 'and steps back');
});

twins('a mesh that comes up later changes who is a member at most once', () => {
  const pair = new Pair();
  pair.bringUp(0);
  pair.run(3000);
  for (const node of pair.nodes) node.join(pair.now, 'g');
  pair.run(1000);
  pair.bringUp(1);
  pair.run(5000);
  assert.is(pair.members(0).length, 1);
  assert.is(pair.members(1).length, 1);
});

twins.run();
