/** The ports over Node.js: laptops, the simulator, and every machine for which there is no txiki.js. */
import type * as NodeCrypto from 'node:crypto';
import type * as NodeDgram from 'node:dgram';
import type * as NodeFs from 'node:fs/promises';
import type * as NodeNet from 'node:net';
import type * as NodeOs from 'node:os';
import type * as NodeTls from 'node:tls';
import { Guard } from './guard.ts';
import type { Loop } from './guard.ts';
import { nodeDatagram } from './node-datagram.ts';
import { makeFiles } from './files.ts';
import { nodeFileCalls } from './node-files.ts';
import { nodeConnect, nodeListen } from './node-stream.ts';
import type { NetworkInterface, Runtime } from './runtime.ts';
import { random, randomBytes } from './random-bytes.ts';
import { systemError } from './socket-path.ts';
import { TimerQueue } from './timer-queue.ts';

/** Node's modules, imported only here so that the same script also loads on txiki.js. */
export interface NodeModules {
  dgram: typeof NodeDgram;
  net: typeof NodeNet;
  tls: () => Promise<typeof NodeTls>;
  os: typeof NodeOs;
  fs: typeof NodeFs;
  crypto: typeof NodeCrypto;
}

export async function createNodeRuntime(guest = false): Promise<Runtime> {
  const modules: NodeModules = {
    dgram: await import('node:dgram'),
    net: await import('node:net'),
    tls: () => import('node:tls'), // a megabyte for few
    os: await import('node:os'),
    fs: await import('node:fs/promises'),
    crypto: await import('node:crypto'),
  };
  const guard = new Guard((line) => process.stderr.write(`${line}\n`));
  if (guest) return nodeRuntime(modules, guard);
  process.on('unhandledRejection', (error) => guard.failed(error));
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', () => {}); // EPIPE: writeOut() tells it
    // Otherwise exit() cuts off what a pipe has not taken yet.
    (output as { _handle?: { setBlocking?(on: boolean): void } })._handle?.setBlocking?.(true);
  }
  return nodeRuntime(modules, guard);
}

function nodeRuntime(modules: NodeModules, guard: Guard): Runtime {
  const now = (): number => Math.floor(performance.now());
  const queue = new TimerQueue({
    now,
    start: (delayMs, onTimeout) => setTimeout(onTimeout, delayMs),
    stop: (handle) => clearTimeout(handle as NodeJS.Timeout),
  }, guard);
  const loop: Loop = {
    guard, now, open: new Set(),
    timer: (onTimeout) => queue.timer(onTimeout),
    later: (task) => void setImmediate(() => guard.run(task)), // after the input of this turn
  };
  const hash = (name: string) => (bytes: Uint8Array) => (
    new Uint8Array(modules.crypto.createHash(name).update(bytes).digest()));
  return {
    name: 'node',
    version: process.versions.node,
    args: process.argv.slice(2),
    env: (name) => process.env[name],
    now,
    wallMs: () => Date.now(),
    random,
    randomBytes,
    sha256: hash('sha256'),
    sha512: hash('sha512'),
    timer: (onTimeout) => queue.timer(onTimeout),
    later: loop.later,
    openDatagram: (options) => nodeDatagram(modules.dgram, loop, options),
    listen: (options) => nodeListen(modules, loop, options),
    connect: (options, handler) => nodeConnect(modules, loop, options, handler),
    onSignal: (signal, handler) => void process.on(signal, () => guard.run(handler)),
    networkInterfaces: () => networkInterfaces(modules.os),
    files: makeFiles(nodeFileCalls(modules.fs)),
    print: (line) => void process.stdout.write(`${line}\n`),
    printError: (line) => void process.stderr.write(`${line}\n`),
    writeOut: (bytes) => new Promise((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(systemError(error)) : resolve()));
    }),
    readInput: () => process.stdin as AsyncIterable<Uint8Array>,
    residentBytes: () => process.memoryUsage.rss(),
    get handlerErrorCount() {
      return guard.errorCount;
    },
    stop() {
      queue.stop();
      for (const one of [...loop.open]) one.close();
    },
    exit: (status) => process.exit(status),
  };
}

function networkInterfaces(os: typeof NodeOs): NetworkInterface[] {
  return Object.entries(os.networkInterfaces()).flatMap(([name, addresses]) => (addresses ?? []).map((one) => ({
    name, address: one.address, internal: one.internal,
  })));
}
