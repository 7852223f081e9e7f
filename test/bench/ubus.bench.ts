/**
 * Publish-to-deliver through the control socket, beside a bare echo over a Unix socket: daemon and programs in one process,
 * so each number is the cost of both ends together. No other node: what the mesh adds is measured elsewhere.
 */
import { connect, type SocketClient } from '../../src/client/socket-client.ts';
import { MeshNode } from '../../src/multicast/node.ts';
import { createRuntime } from '../../src/runtime/detect.ts';
import { LineLog } from '../../src/runtime/log.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { Daemon } from '../../src/service/daemon.ts';
import { UbusService } from '../../src/service/ubus-service.ts';

const SECONDS = 2;
const TEXT = new Uint8Array(100).fill(120);
const SUBSCRIBERS = 100;
const IN_FLIGHT = 32;

/** Repeats `step` for a while. @returns how often per second. */
async function rate(runtime: Runtime, step: () => Promise<void>): Promise<number> {
  const start = runtime.now();
  let count = 0;
  while (runtime.now() - start < SECONDS * 1000) {
    await step();
    count++;
  }
  return Math.round((count * 1000) / (runtime.now() - start));
}

async function echo(runtime: Runtime, path: string): Promise<number> {
  const listener = await runtime.listen({
    at: { path }, onStream: (stream) => ({ onData: (bytes) => void stream.write(bytes), onClose() {} }),
  });
  const waiting: (() => void)[] = [];
  const stream = await runtime.connect({ at: { path } }, { onData: () => waiting.shift()?.(), onClose() {} });
  const perSecond = await rate(runtime, () => new Promise((resolve) => {
    waiting.push(resolve);
    stream.write(TEXT);
  }));
  stream.close();
  listener.close();
  return perSecond;
}

interface Heard {
  count: number;
  wake: () => void;
}

/** Publishes `IN_FLIGHT` at a time and waits until all subscribers have had them. @returns messages per second */
async function stream(runtime: Runtime, publisher: SocketClient, heard: Heard, name: string, subscribers: number): Promise<number> {
  const group = await publisher.join(name, {});
  const batches = await rate(runtime, async () => {
    heard.count = IN_FLIGHT * subscribers;
    const all = new Promise<void>((resolve) => (heard.wake = resolve));
    for (let i = 0; i < IN_FLIGHT; i++) void group.publish(TEXT);
    await all;
  });
  await group.leave();
  return batches * IN_FLIGHT;
}

async function subscribe(clients: readonly SocketClient[], name: string): Promise<Heard> {
  const heard: Heard = { count: 0, wake: () => {} };
  const onMessage = (): void => {
    if (--heard.count === 0) heard.wake();
  };
  for (const client of clients) await client.join(name, { onMessage });
  return heard;
}

const runtime = await createRuntime();
const folder = `/tmp/meshchat-bench-${Math.floor(runtime.random() * 1e9)}`;
await runtime.files.makeFolder(folder);
const log = new LineLog('error', (line) => runtime.print(line));
const options = { epoch: 1, port: 14627, sha256: (bytes: Uint8Array) => runtime.sha256(bytes) };
const daemon = new Daemon(runtime, log, options, (random, output) => new MeshNode(options, random, output));
const path = `${folder}/meshchat.sock`;
const service = new UbusService(daemon, log, { version: '0', socketPath: path, socketMode: 0o600, systemBusPath: '', runtimeWarning: '' });
await service.start();
const [publisher, ...clients] = await Promise.all(Array.from({ length: SUBSCRIBERS + 1 }, () => connect({ path, runtime }))) as [SocketClient];

runtime.print(`  bare echo over a Unix socket   ${await echo(runtime, `${folder}/echo.sock`)} round trips/s`);
runtime.print(`  call and answer                ${await rate(runtime, async () => void (await publisher.groups()))} round trips/s`);
const one = await subscribe(clients.slice(0, 1), 'one');
const group = await publisher.join('one', {});
const trips = await rate(runtime, async () => {
  one.count = 1;
  const arrived = new Promise<void>((resolve) => (one.wake = resolve));
  await group.publish(TEXT);
  if (one.count > 0) await arrived;
});
runtime.print(`  publish to deliver             ${trips} round trips/s`);
await group.leave();
runtime.print(`  ${IN_FLIGHT} publications in flight     ${await stream(runtime, publisher, one, 'one', 1)} messages/s`);
const all = await subscribe(clients, 'all');
const perSecond = await stream(runtime, publisher, all, 'all', SUBSCRIBERS);
runtime.print(`  ${SUBSCRIBERS} subscribers                ${perSecond} messages/s, ${perSecond * SUBSCRIBERS} deliveries/s`);
runtime.print(`  resident with ${SUBSCRIBERS + 1} clients      ${Math.round(runtime.residentBytes() / 1024)} KiB`);

for (const client of [publisher, ...clients]) client.close();
service.stop();
await daemon.stop();
runtime.stop();
await runtime.files.remove(folder).catch(() => {});
runtime.exit(0);
