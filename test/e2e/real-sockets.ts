/**
 * Many daemons as processes, real sockets, loss and delay between them: one publishes over its control socket, a program at
 * each of the others receives. Prints what came, how often it was sent, and how late it was.
 *   node scripts/bundle-run.mjs test/e2e/real-sockets.ts [nodes=20] [seconds=30] [rate=50] [bytes=1000] [loss=0.1] [delay=50]
 *   MESHCHAT_RUNTIME=node or TJS=… as for the daemon; mixed=1: every other one on Node
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { connect } from '../../src/client/socket-client.ts';
import type { SocketClient } from '../../src/client/socket-client.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { pause, until } from './chat-client.ts';
import { MESH_PORT, percentile, residentKb, RUNTIME, TestMesh } from './first-light-nodes.ts';
import { enterOwnNetwork, Relay, seededRandom } from './relay.ts';

const SETTLE_MS_MAX = 60_000;
const DRAIN_MS_MAX = 30_000;
const GROUP = 'real-sockets';
/** Of the publisher, twice a second with VERBOSE=1. */
const SAMPLED = ['windowBytes', 'windowReductions', 'inFlightBytes', 'queueMs', 'holdDowns', 'requestsIn', 'repairsSent'];
/** Shorter ones carry no message of ours. */
const HEADER_BYTES = 12;

const options = { nodes: 20, seconds: 30, rate: 50, bytes: 1000, loss: 0.1, delay: 50, seed: 1, mixed: 0 };
for (const word of process.argv.slice(2)) {
  const [name, value] = word.split('=') as [keyof typeof options, string];
  if (name in options) options[name] = Number(value);
}

/** What went through the relay: datagrams of the publisher with a message in them, and all others. */
interface Traffic {
  data: number;
  other: number;
}

async function relayProcess(addresses: string[]): Promise<void> {
  const traffic: Traffic = { data: 0, other: 0 };
  const relay = await Relay.start({
    nodes: addresses, port: MESH_PORT, loss: options.loss, delayMs: options.delay, random: seededRandom(options.seed),
  });
  relay.onTake = (from, _to, bytes) => {
    if (from === 0 && bytes.length >= options.bytes + HEADER_BYTES) traffic.data++;
    else traffic.other++;
  };
  process.on('message', () => process.send?.({ ...traffic }));
  process.on('disconnect', () => process.exit());
  process.send?.('ready');
}

function ask(child: ChildProcess): Promise<Traffic> {
  return new Promise((resolve) => {
    child.once('message', (message) => resolve(message as Traffic));
    child.send('traffic');
  });
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

class Receiver {
  readonly delays: number[] = [];
  expected = 1;
  outOfOrder = 0;
  count = 0;
  /** Messages that will not come, by reason. */
  readonly gaps = new Map<string, number>();

  take(data: Uint8Array): void {
    const view = new DataView(data.buffer, data.byteOffset);
    const number = view.getUint32(0);
    if (number !== this.expected) this.outOfOrder++;
    this.expected = number + 1;
    this.count++;
    this.delays.push(performance.now() - view.getFloat64(4));
  }
}

async function measure(mesh: TestMesh, relay: ChildProcess): Promise<void> {
  const runtime = await createNodeRuntime();
  const clients: SocketClient[] = [];
  for (const { socketPath } of mesh.nodes) clients.push(await connect({ path: socketPath, runtime }));
  const receivers = clients.map(() => new Receiver());
  const groups = [];
  for (const [index, client] of clients.entries()) {
    const receiver = receivers[index] as Receiver;
    groups.push(await client.join(GROUP, {
      onMessage: ({ data }) => receiver.take(data),
      onGap: ({ from, to, reason }) => receiver.gaps.set(reason, (receiver.gaps.get(reason) ?? 0) + Math.max(1, to - from + 1)),
    }));
  }
  const [publisher] = groups;
  if (publisher === undefined) throw new Error('no node');
  const start = performance.now();
  for (const [index, group] of groups.entries()) {
    while ((await group.members()).length < options.nodes) {
      if (performance.now() - start > SETTLE_MS_MAX) throw new Error(`node ${index + 1} does not know all members`);
      await pause(100);
    }
  }
  console.log(`all know all members ${((performance.now() - start) / 1000).toFixed(1)} s after joining`);
  await pause(2000);
  const before = await ask(relay);
  const cpuBefore = mesh.nodes.map(({ child }) => cpuMs(child.pid as number));
  const total = Math.round(options.seconds * options.rate);
  const begin = performance.now();
  let refused = 0;
  const sample = async (): Promise<void> => {
    const metrics = await clients[0]?.call('meshchat', 'metrics') ?? {};
    console.log(Math.round(performance.now() - begin), JSON.stringify(Object.fromEntries(SAMPLED.map((name) => [name, metrics[name]]))));
  };
  const sampling = process.env['VERBOSE'] === undefined ? undefined : setInterval(() => void sample(), 500);
  for (let i = 0; i < total; i++) {
    const at = begin + (i * 1000) / options.rate;
    if (at > performance.now()) await pause(at - performance.now());
    const data = new Uint8Array(options.bytes);
    const view = new DataView(data.buffer);
    view.setUint32(0, i + 1);
    view.setFloat64(4, performance.now());
    void publisher.publish(data).catch((error: unknown) => {
      if (refused++ === 0) console.log(`publish ${i + 1}: ${String(error)}`);
    });
  }
  const others = receivers.slice(1);
  await until('all is delivered', () => others.every(({ count }) => count >= total - refused), DRAIN_MS_MAX)
    .catch((error: unknown) => console.log(String(error)));
  clearInterval(sampling);
  const wallMs = performance.now() - begin;
  await pause(1000);
  const after = await ask(relay);
  report(total, refused, others, { data: after.data - before.data, other: after.other - before.other });
  const cpu = mesh.nodes.map(({ child }, i) => cpuMs(child.pid as number) - (cpuBefore[i] as number));
  const share = (ms: number): string => `${((100 * ms) / wallMs).toFixed(1)} %`;
  const receiverMs = cpu.slice(1).reduce((a, b) => a + b, 0) / others.length;
  const publisherUs = (1000 * (cpu[0] as number)) / total;
  const rss = mesh.nodes.map(({ child }) => residentKb(child.pid as number));
  console.log(`  CPU of one core: publisher ${share(cpu[0] as number)}, receiver ${share(receiverMs)}; `
    + `RSS publisher ${rss[0]} kB, receivers at most ${Math.max(...rss.slice(1))} kB; load ${loadavg()[0]?.toFixed(1)}`);
  console.log(`  CPU µs: ${publisherUs.toFixed(0)} per message sent (${(publisherUs / others.length).toFixed(0)} per copy), `
    + `${((1000 * receiverMs) / total).toFixed(0)} per message delivered`);
  for (const client of clients) client.close();
  runtime.stop();
}

function report(total: number, refused: number, receivers: readonly Receiver[], traffic: Traffic): void {
  const delivered = receivers.reduce((sum, { count }) => sum + count, 0);
  const sum = (pick: (receiver: Receiver) => number): number => receivers.reduce((all, receiver) => all + pick(receiver), 0);
  const delays = receivers.flatMap((receiver) => receiver.delays);
  const ms = (at: number): string => percentile(delays, at).toFixed(0);
  const expected = (total - refused) * receivers.length;
  const reasons = new Map<string, number>();
  for (const [reason, count] of receivers.flatMap((receiver) => [...receiver.gaps])) {
    reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  }
  const gaps = [...reasons].map(([reason, count]) => `${count} ${reason}`).join(', ');
  console.log(`${RUNTIME}${options.mixed ? ' and node' : ''}: ${options.nodes} daemons, ${options.rate}/s x ${options.bytes} B for ${options.seconds} s, `
    + `${options.loss * 100} % loss each way, RTT ${2 * options.delay} ms`);
  console.log(`  delivered ${delivered} of ${expected} = ${((100 * delivered) / expected).toFixed(3)} %, out of order ${sum((one) => one.outOfOrder)}, refused to the publisher ${refused}, reported as gaps: ${gaps || 'none'}`);
  console.log(`  copies ${(traffic.data / delivered).toFixed(3)}, other datagrams per copy ${(traffic.other / delivered).toFixed(3)}`);
  console.log(`  in-order delivery p50 ${ms(0.5)}, p90 ${ms(0.9)}, p99 ${ms(0.99)}, p99.9 ${ms(0.999)}, most ${ms(1)} ms`);
}

async function main(): Promise<void> {
  const why = enterOwnNetwork(MESH_PORT);
  if (why !== '') return void console.log(`skipped: ${why}`);
  const mesh = await TestMesh.create({
    count: options.nodes, args: ['--set', 'irc.enabled=0'],
    envOf: (index) => (options.mixed !== 0 && index % 2 === 1 ? { MESHCHAT_RUNTIME: 'node' } : {}),
  });
  const relay = fork(process.argv[1] as string, ['relay', ...mesh.addresses, ...process.argv.slice(2)]);
  try {
    await new Promise((resolve) => relay.once('message', resolve));
    for (let index = 0; index < options.nodes; index++) mesh.startNode(index);
    await mesh.ready();
    await measure(mesh, relay);
  } finally {
    await mesh.stop();
    relay.disconnect();
  }
}

if (process.argv[2] === 'relay') await relayProcess(process.argv.slice(3).filter((word) => !word.includes('=')));
else await main();
