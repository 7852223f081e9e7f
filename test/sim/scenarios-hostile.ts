/** Well-formed lies of a member, and floods of strangers: nothing throws, spins or grows, and the others' streams stay whole. */
import { Attacker, type GroupNumbers } from './attacker.ts';
import {
  FRAME_DATA, FRAME_GAP, FRAME_HELLO, FRAME_PEERS, FRAME_POLL, FRAME_STATUS, FRAME_SUBS_ACK, FRAME_SUBS_REQ,
} from '../../src/wire/frame.ts';
import { encodeHeader } from '../../src/wire/header.ts';
import { encodeHello, Hello } from '../../src/wire/hello.ts';
import { encodeStatus, Status } from '../../src/wire/status.ts';
import type { Prng } from './prng.ts';
import { burst, judged, type Scenario, warmed } from './scenario.ts';
import type { Simulation } from './simulation.ts';

const EXTREMES = [0, 1, 2, 100, 127, 128, 129, 65_535, 65_536, 0x3fffffff, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff];
const HOSTILE_FRAMES = 4000;

/** One lie of every kind that has numbers in it, the numbers drawn from the extremes. */
function lie(attacker: Attacker, random: Prng, groups: readonly GroupNumbers[]): void {
  const group = random.pick(groups);
  const number = (): number => random.pick(EXTREMES);
  const body = (view: DataView, at: number, numbers: readonly number[]): number => {
    view.setUint32(at, group.high);
    view.setUint32(at + 4, group.low);
    for (const [index, value] of numbers.entries()) view.setUint32(at + 8 + 4 * index, value);
    return at + 8 + 4 * numbers.length;
  };
  const flags = random.below(64);
  attacker.begin();
  switch (random.below(8)) {
    case 0: attacker.frame(FRAME_DATA, flags, (view, at) => body(view, at, [number(), number(), number(), number()])); break;
    case 1: attacker.frame(FRAME_STATUS, flags, (view, at) => writeStatus(view, at, group, attacker.victimEpoch, number, random)); break;
    case 2: attacker.frame(FRAME_POLL, flags, (view, at) => body(view, at, [number(), number(), number()])); break;
    case 3: attacker.frame(FRAME_GAP, flags, (view, at) => body(view, at, [number()])); break;
    case 4: attacker.frame(FRAME_SUBS_ACK, 0, (view, at) => (view.setUint32(at, number()), at + 4)); break;
    case 5: attacker.frame(FRAME_SUBS_REQ, 0, (view, at) => (view.setUint32(at, number()), at + 4)); break;
    case 6: attacker.frame(FRAME_PEERS, 0, (view, at) => writePeers(view, at, random)); break;
    default: attacker.frame(random.below(16), flags, (view, at) => body(view, at, [number(), number()]));
  }
  attacker.send();
}

function writeStatus(
  view: DataView, at: number, group: GroupNumbers, epoch: number, number: () => number, random: Prng,
): number {
  const status = new Status();
  Object.assign(status, {
    groupHigh: group.high, groupLow: group.low, epochLow: epoch & 0xffff, cumulative: number(), nackHigh: number(),
    high: number(), window: number() & 0xffff, tries: random.below(256), echoTimestamp: number(),
  });
  const end = encodeStatus(view, at, status);
  const bitmap = random.below(200);
  for (let i = 0; i < bitmap; i++) view.setUint8(end + i, random.below(256));
  return end + bitmap;
}

/** 32 made-up addresses on the same mesh. */
function writePeers(view: DataView, at: number, random: Prng): number {
  view.setUint8(at, 32);
  let entry = at + 1;
  for (let i = 0; i < 32; i++, entry += 20) {
    view.setUint32(entry, 0xfc660000);
    view.setUint32(entry + 4, random.u32());
    view.setUint32(entry + 8, random.u32());
    view.setUint32(entry + 12, random.u32());
    view.setUint16(entry + 16, random.pick([0, 14_627, 9]));
    view.setUint16(entry + 18, 0);
  }
  return entry;
}

function known(sim: Simulation, index: number): number {
  return sim.hosts[index]!.node!.counters['knownNodes']!;
}

function lyingMember(): string[] {
  const sim = warmed({ seed: 51, nodes: 4, network: { loss: 0.05 } });
  const attacker = new Attacker(sim, 0, 'fc00::bad');
  attacker.greet();
  sim.run(sim.now + 3000);
  const random = sim.random.fork(6);
  const problems: string[] = [];
  if (attacker.groups.length === 0) problems.push('the attacker was not let in: the scenario tests nothing');
  for (let i = 0; i < HOSTILE_FRAMES && attacker.groups.length > 0; i++) {
    lie(attacker, random, attacker.groups);
    if (i % 40 === 0) sim.publish(random.below(4), 0, 200);
    sim.run(sim.now + random.below(4));
  }
  burst(sim, 0, 10);
  if (known(sim, 0) > 8192) problems.push(`${known(sim, 0)} nodes are known`);
  return [...problems, ...judged(sim, sim.now, 60_000)];
}

function manyClaims(): string[] {
  const sim = warmed({ seed: 52, nodes: 3, network: {} });
  const attacker = new Attacker(sim, 0, 'fc00::bad');
  attacker.greet();
  sim.run(sim.now + 3000);
  const random = sim.random.fork(7);
  for (let i = 0; i < 500; i++) {
    const claims = Array.from({ length: 112 }, () => ({ high: random.u32(), low: random.u32() }));
    attacker.claim(3 + i, claims, random.below(256));
    if (i % 50 === 0) attacker.epoch++; // epochs from the future, one after the other
    sim.run(sim.now + 5);
  }
  burst(sim, 0, 10);
  return judged(sim);
}

/** HELLOs from 10,000 addresses in 10 s; what they cost is rationed, the table is bounded, the members go on. */
function flood(): string[] {
  const sim = warmed({ seed: 53, nodes: 3, network: { loss: 0.02 } });
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  const hello = new Hello();
  hello.flags = 1;
  hello.nonce = 5;
  const before = sim.noRouteCount;
  for (let i = 0; i < 10_000; i++) {
    view.setUint8(12, FRAME_HELLO);
    view.setUint8(13, 1);
    encodeHeader(view, 0, 1 + i, sim.now);
    const end = encodeHello(view, 16, hello);
    view.setUint16(14, end - 16);
    sim.hosts[0]!.inject(`fc66::${(i + 1).toString(16)}`, bytes.slice(0, end));
    if (i % 500 === 0) sim.publish(i % 3, 0, 100);
    if (i % 10 === 0) sim.run(sim.now + 10);
  }
  const answers = sim.noRouteCount - before;
  const problems: string[] = [];
  if (answers > 4000) problems.push(`${answers} answers to strangers in 10 s`);
  if (known(sim, 0) > 8192) problems.push(`${known(sim, 0)} nodes are known`);
  return [...problems, ...judged(sim)];
}

export function hostileScenarios(): Scenario[] {
  return [
    { name: 'a lying member harms nobody else', run: lyingMember },
    { name: 'a peer that claims every group and jumps epochs costs no memory', run: manyClaims },
    { name: 'a flood of HELLOs from 10,000 addresses is rationed', run: flood },
  ];
}
