/**
 * What a datagram and a line cost on the runtime that runs this: CPU time of the whole process for sending and
 * receiving, through the ports of src/runtime/ on loopback. Prints one line of JSON.
 */
import { createRuntime } from '../../src/runtime/detect.ts';
import type { Runtime, Stream } from '../../src/runtime/runtime.ts';

const DATAGRAMS = 20_000;
const BURST = 50;
const LINES = 50_000;
const LINE = new TextEncoder().encode(`${'x'.repeat(79)}\n`);
/** Linux: clock ticks of /proc/self/stat. */
const TICK_US = 10_000;

async function cpuMicroseconds(runtime: Runtime): Promise<number> {
  const text = new TextDecoder().decode(await runtime.files.read('/proc/self/stat'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** Runs `task` and returns its CPU time, and how long it took, per unit, in µs. */
async function measure(
  runtime: Runtime, units: number, task: () => Promise<void>,
): Promise<{ cpu: number; wall: number }> {
  const cpu = await cpuMicroseconds(runtime);
  const start = runtime.now();
  await task();
  const wall = ((runtime.now() - start) * 1000) / units;
  return { cpu: round(((await cpuMicroseconds(runtime)) - cpu) / units), wall: round(wall) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/**
 * Ends the running measurement. Not a variable of the async function that waits for it: QuickJS frees such a function,
 * and what it holds, when only its own variables lead back to it.
 */
let done = (): void => {};

/** Bursts of BURST datagrams, each one when the last has arrived. */
async function datagrams(runtime: Runtime, bytes: Uint8Array): Promise<void> {
  let received = 0;
  let sent = 0;
  const to = await runtime.openDatagram({
    address: '::1', port: 0,
    onDatagram() {
      if (++received === sent) burst();
    },
  });
  const from = await runtime.openDatagram({ address: '::1', port: 0, onDatagram() {} });
  const burst = (): void => {
    if (sent >= DATAGRAMS) return done();
    sent += BURST;
    for (let i = 0; i < BURST; i++) from.send(bytes, '::1', to.port);
  };
  await new Promise<void>((resolve) => {
    done = resolve;
    burst();
  });
  to.close();
  from.close();
}

/** A plain send loop to a socket that nobody reads, as many at a time as a message has copies. */
async function sends(runtime: Runtime, port: number): Promise<void> {
  const bytes = new Uint8Array(1060);
  const from = await runtime.openDatagram({ address: '127.0.0.1', port: 0, onDatagram() {} });
  let sent = 0;
  const timer = runtime.timer(() => {
    for (let i = 0; i < 19; i++) from.send(bytes, '127.0.0.1', port);
    if ((sent += 19) >= DATAGRAMS) return done();
    timer.set(runtime.now() + 1);
  });
  await new Promise<void>((resolve) => {
    done = resolve;
    timer.set(runtime.now() + 1);
  });
  from.close();
}

/** One after the other: the round trip of a datagram. */
async function pingPong(runtime: Runtime, trips: number): Promise<void> {
  const bytes = new Uint8Array(100);
  let left = trips;
  const a = await runtime.openDatagram({
    address: '::1', port: 0,
    onDatagram: (_bytes, address, port) => (--left > 0 ? a.send(bytes, address, port) : done()),
  });
  const b = await runtime.openDatagram({
    address: '::1', port: 0, onDatagram: (_bytes, address, port) => b.send(bytes, address, port),
  });
  await new Promise<void>((resolve) => {
    done = resolve;
    a.send(bytes, '::1', b.port);
  });
  a.close();
  b.close();
}

/** Lines of 80 bytes to an echo and back, 64 on their way. */
async function lines(runtime: Runtime, at: { address: string; port: number } | { path: string }): Promise<void> {
  const listener = await runtime.listen({
    at, readBytesMax: 16384,
    onStream: (stream) => ({ onData: (bytes) => void stream.write(bytes), onClose() {} }),
  });
  const to = 'path' in at ? at : { address: at.address, port: listener.port };
  let sent = 0;
  let receivedBytes = 0;
  let stream: Stream | undefined;
  await new Promise<void>((resolve, reject) => {
    const onData = (bytes: Uint8Array): void => {
      receivedBytes += bytes.length;
      if (receivedBytes === LINES * LINE.length) resolve();
      for (; sent < LINES && sent * LINE.length - receivedBytes < 64 * LINE.length; sent++) stream?.write(LINE);
    };
    runtime.connect({ at: to, readBytesMax: 16384 }, { onData, onClose() {} }).then((connected) => {
      stream = connected;
      onData(new Uint8Array(0));
    }, reject);
  });
  stream?.close();
  listener.close();
}

const runtime = await createRuntime();
const small = await measure(runtime, DATAGRAMS, () => datagrams(runtime, new Uint8Array(100)));
const large = await measure(runtime, DATAGRAMS, () => datagrams(runtime, new Uint8Array(1200)));
const send = await measure(runtime, DATAGRAMS, () => sends(runtime, Number(runtime.env('SINK_PORT') ?? 9)));
const trip = await measure(runtime, 5000, () => pingPong(runtime, 5000));
const tcp = await measure(runtime, LINES, () => lines(runtime, { address: '127.0.0.1', port: 0 }));
const path = `/tmp/meshchat-bench-${Math.random().toString(36).slice(2)}.sock`;
const unix = await measure(runtime, LINES, () => lines(runtime, { path }));
runtime.print(JSON.stringify({ version: `${runtime.name} ${runtime.version}`, small, large, send, trip, tcp, unix }));
runtime.stop();
