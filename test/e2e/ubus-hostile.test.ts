/** Programs that do not read, do not finish, or send nonsense: the daemon stays up, small and quick for the others. */
import { connect as connectSocket, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, type SocketClient } from '../../src/client/socket-client.ts';
import { createRuntime } from '../../src/runtime/detect.ts';
import { bytesOf, scenarios } from '../conformance/ubus-transcripts.ts';
import { engines, pause, startNodes, type UbusNode, until } from './ubus-harness.ts';

const hostile = suite('hostile clients');
const runtime = await createRuntime();
const FRAMES = 10_000;
const IDLE = 200;
const GROWTH_BYTES_MAX = 24 * 1024 * 1024;
const LATENCY_MS_MAX = 1500;

/** Park and Miller, so that a failure can be repeated. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => (state = (state * 48271) % 2147483647) % below;
}

function openRaw(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(path, () => resolve(socket));
    socket.on('error', reject); // once it is open, an error only closes it
    socket.resume();
  });
}
const residentBytes = ({ program }: UbusNode): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

async function latencyMs(client: SocketClient): Promise<number> {
  const start = performance.now();
  await client.groups();
  return performance.now() - start;
}

const recorded = scenarios.flatMap(({ conns }) => conns.flatMap(({ msgs }) => msgs))
  .filter(({ hex, dir }) => hex !== undefined && dir === 'c2s').map(bytesOf);

function nonsense(random: (below: number) => number): Uint8Array {
  if (random(4) === 0) return Uint8Array.from({ length: 12 + random(60) }, () => random(256));
  const bytes = (recorded[random(recorded.length)] as Uint8Array).slice();
  for (let i = random(4); i >= 0; i--) bytes[random(bytes.length)] = random(256);
  // Mostly with a length that is true, or the rest of the stream is never read.
  if (random(10) > 0) new DataView(bytes.buffer).setUint32(8, bytes.length - 8);
  return bytes;
}

for (const engine of engines) {
  let node: UbusNode;
  let client: SocketClient;

  hostile(`${engine.name}: start`, async () => {
    [node] = await startNodes(1, engine) as [UbusNode];
    client = await connect({ path: node.socket, runtime });
  });

  hostile(`${engine.name}: ${FRAMES} random and mutated frames neither crash nor grow it`, async () => {
    const random = createRandom(20);
    await client.groups();
    const before = residentBytes(node);
    let socket = await openRaw(node.socket);
    let connections = 1;
    for (let i = 0; i < FRAMES; i++) {
      if (socket.destroyed || socket.closed || i % 500 === 499) {
        socket.destroy();
        socket = await openRaw(node.socket);
        connections++;
      }
      if (!socket.write(nonsense(random))) await pause(1);
      if (i % 50 === 0) await pause(1);
    }
    socket.destroy();
    await until('the daemon answers', async () => (await latencyMs(client)) < LATENCY_MS_MAX, 30_000);
    const grown = residentBytes(node) - before;
    assert.ok(grown < GROWTH_BYTES_MAX, `${grown} bytes`);
    console.log(`${FRAMES} frames on ${connections} connections: ${(grown / 1048576).toFixed(1)} MiB grown`);
  });

  hostile(`${engine.name}: ${IDLE} idle connections and half messages cost little, and go`, async () => {
    const before = residentBytes(node);
    const sockets: Socket[] = [];
    for (let i = 0; i < IDLE; i++) {
      const socket = await openRaw(node.socket);
      // Half of them begin a message of a megabyte and stop.
      if (i % 2 === 0) socket.write(Uint8Array.from([0, 3, 0, 1, 0, 0, 0, 0, 0, 0x0f, 0xff, 0xfc, 1, 2, 3]));
      sockets.push(socket);
    }
    const idle = await latencyMs(client);
    await until('all are accepted', async () => (await client.call('meshchat', 'status'))['clients'] === IDLE + 1);
    assert.ok(idle < LATENCY_MS_MAX, `${idle} ms`);
    const grown = residentBytes(node) - before;
    assert.ok(grown < GROWTH_BYTES_MAX, `${grown} bytes`);
    for (const socket of sockets) socket.destroy();
    await until('they are gone', async () => (await client.call('meshchat', 'status'))['clients'] === 1);
    console.log(`${IDLE} idle connections: ${(grown / 1024 / IDLE).toFixed(1)} KiB each, a call beside them ${idle.toFixed(1)} ms`);
  });

  hostile(`${engine.name}: a subscriber that stops reading delays nobody and learns what it missed`, async () => {
    const slow = await connect({ path: node.socket, runtime });
    const gaps: { from: number; to: number }[] = [];
    let got = 0;
    await slow.join('flood', { onMessage: () => got++, onGap: ({ from, to }) => gaps.push({ from, to }) });
    let heard = 0;
    const quick = await connect({ path: node.socket, runtime });
    await quick.join('flood', { onMessage: () => heard++ });
    const group = await client.join('flood', {});
    const before = residentBytes(node);
    slow.connection!.pause();
    const text = 'x'.repeat(1000);
    const count = 1500;
    for (let i = 0; i < count; i++) await group.publish(text);
    await until('the quick one has all', () => heard === count);
    const grown = residentBytes(node) - before;
    assert.ok(grown < GROWTH_BYTES_MAX, `${grown} bytes`);
    const latency = await latencyMs(client);
    assert.ok(latency < LATENCY_MS_MAX, `${latency} ms`);
    slow.connection!.resume();
    const missed = (): number => gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    await until('the slow one knows of all', () => got + missed() === count).catch((error: Error) => {
      throw new Error(`${error.message}: ${got} read, ${missed()} missed in ${JSON.stringify(gaps)}`);
    });
    assert.ok(gaps.length > 0 && got > 0);
    console.log(`slow: ${got} read, ${count - got} told as missed in ${gaps.length} gap; ${(grown / 1048576).toFixed(1)} MiB grown`);
    slow.close();
    quick.close();
  });

  hostile(`${engine.name}: stop`, async () => {
    client.close();
    await node.stop();
  });
}

hostile.after(() => runtime.stop());
hostile.run();
