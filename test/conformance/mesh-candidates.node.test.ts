/**
 * Finding the few among the many, and leaving the others alone: the shipping core and cjdns source on a virtual clock,
 * against an admin port with a large routing table. Nodes that run meshchat answer after 50 ms, all others never.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Candidate } from '../../src/broadcast/mesh-source.ts';
import { cjdnsMesh } from '../../src/mesh/cjdns/cjdns-mesh.ts';
import { addressOfKey } from '../../src/mesh/cjdns/node-name.ts';
import type { NodeOutput } from '../../src/multicast/node-output.ts';
import { MeshNode } from '../../src/multicast/node.ts';
import { LineLog } from '../../src/runtime/log.ts';
import { FakeAdmin } from '../unit/mesh/cjdns/fake-admin.ts';
import { FakeRuntime } from '../unit/mesh/fake-runtime.ts';

const test = suite('conformance/mesh-candidates');
const LATENCY_MS = 50;
const PORT = 14627;
const ALPHABET = '0123456789bcdfghjklmnpqrstuvwxyz';
const PAGE = 4;

/** Keys are numbered; their addresses are fc00::/8 by a hash that the test makes up: a real one fits 1 key in 256. */
function keyOf(index: number): string {
  let text = '';
  for (let rest = index, i = 0; i < 51; i++, rest = Math.floor(rest / 32)) text += ALPHABET[rest % 32]!;
  return `${text}0`;
}
const fakeSha512 = (bytes: Uint8Array): Uint8Array => {
  const hash = new Uint8Array(64);
  hash.set(bytes.length === 64 ? bytes : new Uint8Array([0xfc, 1, ...bytes.subarray(0, 14)]));
  return hash;
};
const addressAt = (index: number): string => addressOfKey(keyOf(index), fakeSha512)!;
/** Routes of 1 … 15 hops, most of them long. */
function labelAt(index: number): string {
  const digits = (16 ** (1 + (index % 12)) + 3).toString(16).padStart(16, '0');
  return digits.match(/.{4}/g)!.join('.');
}

class World {
  readonly runtime = new FakeRuntime();
  readonly nodes = new Map<string, MeshNode>();
  /** Datagrams of node 0 to nodes that never answer, by address. */
  readonly toSilent = new Map<string, number>();
  readonly #random: () => number;
  #packets: { at: number; from: string; to: string; bytes: Uint8Array }[] = [];

  constructor(seed: number) {
    let state = seed;
    this.#random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    this.runtime.sha512 = fakeSha512;
  }

  add(index: number): MeshNode {
    const address = addressAt(index);
    const output: NodeOutput = {
      send: (_local, to, _port, bytes) => {
        const at = this.runtime.nowMs + LATENCY_MS;
        if (this.nodes.has(to)) this.#packets.push({ at, from: address, to, bytes: bytes.slice() });
        else if (index === 0) this.toSilent.set(to, (this.toSilent.get(to) ?? 0) + 1);
      },
      peer() {}, message() {}, datagram() {}, gap() {}, member() {}, room() {},
    };
    const sha256 = (bytes: Uint8Array): Uint8Array => this.runtime.sha256(bytes);
    const node = new MeshNode({ epoch: 1000 + index, port: PORT, sha256 }, this.#random, output);
    this.nodes.set(address, node);
    node.addLocal(this.runtime.nowMs, address, 'cjdns', true);
    node.join(this.runtime.nowMs, 'talk');
    return node;
  }

  async run(ms: number): Promise<void> {
    const end = this.runtime.nowMs + ms;
    while (this.runtime.nowMs < end) {
      const due = this.#packets.filter((packet) => packet.at <= this.runtime.nowMs);
      this.#packets = this.#packets.filter((packet) => packet.at > this.runtime.nowMs);
      for (const { from, to, bytes } of due) this.nodes.get(to)!.onDatagram(this.runtime.nowMs, 0, from, PORT, bytes);
      let next = end;
      for (const node of this.nodes.values()) {
        if (node.deadline <= this.runtime.nowMs) node.onTimeout(this.runtime.nowMs);
        next = Math.min(next, node.deadline);
      }
      for (const packet of this.#packets) next = Math.min(next, packet.at);
      const step = Math.min(Math.max(1, next - this.runtime.nowMs), 50);
      await this.runtime.run(Math.min(step, end - this.runtime.nowMs));
    }
  }
}

/** cjdns with a table of `size` nodes, 1 … size, for node 0. */
function withTable(world: World, size: number, onCandidates: (list: Candidate[]) => void) {
  const { runtime } = world;
  const fake = new FakeAdmin(runtime);
  runtime.interfaces = [{ name: 'tun0', address: addressAt(0), internal: false }];
  const rows = Array.from({ length: size }, (_, i) => ({ addr: `v21.${labelAt(i + 1)}.${keyOf(i + 1)}.k` }));
  fake.answer = ({ name, args }) => {
    if (name === 'Core_nodeInfo') return { myAddr: `v21.0000.0000.0000.0001.${keyOf(0)}.k` };
    const page = args.get('page') as number;
    if (name === 'NodeStore_dumpTable') {
      const end = (page + 1) * PAGE;
      return { routingTable: rows.slice(page * PAGE, end), ...(end < size ? { more: 1 } : {}) };
    }
    return name === 'RouterModule_getPeers' ? { result: 'timeout' } : {};
  };
  const mesh = cjdnsMesh(runtime.asRuntime(), {}, new LineLog('error', () => undefined));
  mesh.start({ onOwnAddresses: () => undefined, onCandidates });
  return { mesh, fake };
}

const aliveOf = (node: MeshNode): number =>
  node.peers().filter((peer) => peer.state === 'alive').length;

async function timeToFind(world: World, node: MeshNode, count: number, secondsMax: number): Promise<number> {
  const start = world.runtime.nowMs;
  while (aliveOf(node) < count && world.runtime.nowMs - start < secondsMax * 1000) await world.run(250);
  return Math.round((world.runtime.nowMs - start) / 100) / 10;
}

for (const knowing of [true, false]) {
  const who = knowing ? 'that know each other' : 'that start as we do and know nobody';
  test(`20 members ${who} are all found among 5,000 nodes within a minute`, async () => {
    const seconds: number[] = [];
    for (let seed = 1; seed <= 2; seed++) {
      const world = new World(seed);
      const node = world.add(0);
      const members = Array.from({ length: 20 }, (_, i) => 1 + ((i * 241 + seed * 37) % 5000));
      const candidate = (index: number): Candidate =>
        ({ address: addressAt(index), port: 0, hops: 0, advertised: knowing });
      const everybody = Array.from({ length: 5000 }, (_, i) => candidate(i + 1));
      const others = members.map((index) => world.add(index));
      for (const other of others) {
        other.onCandidates(world.runtime.nowMs, 0, knowing ? members.map(candidate) : everybody);
      }
      if (knowing) await world.run(10_000);
      const { mesh } = withTable(world, 5000, (list) => node.onCandidates(world.runtime.nowMs, 0, list));
      seconds.push(await timeToFind(world, node, 20, 90));
      assert.is(aliveOf(node), 20, `seed ${seed}`);
      assert.is(mesh.status().candidateCount, 5000);
      mesh.stop();
    }
    console.log(`  found all 20 of 5,000 after ${seconds.join(', ')} s`);
    assert.ok(Math.max(...seconds) <= 60, seconds.join());
  });
}

test('200 nodes that never answer get at most three probes in an hour after the first ten minutes', async () => {
  const world = new World(1);
  const node = world.add(0);
  const { mesh, fake } = withTable(world, 200, (list) => node.onCandidates(world.runtime.nowMs, 0, list));
  await world.run(600_000);
  const first = [...world.toSilent.values()].reduce((sum, count) => sum + count, 0);
  world.toSilent.clear();
  const asked = fake.requests.length;
  await world.run(3_600_000);
  const later = [...world.toSilent.values()];
  mesh.stop();
  const sum = later.reduce((all, count) => all + count, 0);
  console.log(`  ${first} probes to 200 nodes in the first 10 minutes, then ${sum} in an hour,`
    + ` and ${fake.requests.length - asked} questions to cjdns`);
  assert.ok(Math.max(...later) <= 2, `${Math.max(...later)} probes`);
});

test.run();
