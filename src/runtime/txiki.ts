/**
 * The ports over txiki.js, all but the sockets: those differ between 24.12 (txiki-24.ts), 26 (txiki-26.ts) and 26's
 * internal callback sockets (txiki-26-internal.ts).
 */
import { Guard } from './guard.ts';
import type { Loop } from './guard.ts';
import type {
  ConnectOptions, DatagramOptions, DatagramSocket, Listener, ListenOptions, Runtime, Stream, StreamHandler,
} from './runtime.ts';
import { random, randomBytes } from './random-bytes.ts';
import { systemError } from './socket-path.ts';
import { TimerQueue } from './timer-queue.ts';
import { makeFiles } from './files.ts';
import { txikiFileCalls } from './txiki-files.ts';
import type { Txiki, TxikiFile, TxikiReader } from './txiki-types.ts';

const CHUNK_BYTES = 16384;

export interface TxikiSockets {
  openDatagram(options: DatagramOptions): Promise<DatagramSocket>;
  listen(options: ListenOptions): Promise<Listener>;
  connect(options: ConnectOptions, handler: StreamHandler): Promise<Stream>;
}

export type OpenSockets = (tjs: Txiki, loop: Loop) => Promise<TxikiSockets>;

interface TxikiGlobal {
  addEventListener(name: string, listener: (event: { preventDefault(): void; reason: unknown }) => void): void;
}

export async function createTxikiRuntime(tjs: Txiki, sockets: OpenSockets, guest = false): Promise<Runtime> {
  const hashing = await import('tjs:hashing');
  const guard = new Guard((line) => console.error(line));
  // Otherwise a rejection that nobody handles ends the process; 24 decides before a handler of the same turn is
  // attached.
  if (!guest) (globalThis as unknown as TxikiGlobal).addEventListener('unhandledrejection', (event) => {
    event.preventDefault();
    guard.failed(event.reason);
  });
  const now = (): number => Math.floor(performance.now());
  const queue = new TimerQueue({
    now,
    start: (delayMs, onTimeout) => setTimeout(onTimeout, delayMs),
    stop: (handle) => clearTimeout(handle as number),
  }, guard);
  const loop: Loop = {
    guard, now, open: new Set(), timer: (onTimeout) => queue.timer(onTimeout), later: (task) => queue.later(task),
  };
  const { openDatagram, listen, connect } = await sockets(tjs, loop);
  const resident = await residentMemory(tjs);
  const hash = (name: string) => (bytes: Uint8Array) => hashing.createHash(name).update(bytes).bytes();
  return {
    name: 'txiki',
    version: tjs.version,
    args: tjs.args.slice(tjs.args[1] === 'run' ? 3 : 1),
    env: (name) => tjs.env[name],
    now,
    wallMs: () => Date.now(),
    random,
    randomBytes,
    sha256: hash('sha256'),
    sha512: hash('sha512'),
    timer: loop.timer as Runtime['timer'],
    later: loop.later,
    openDatagram,
    listen,
    connect,
    onSignal: (signal, handler) => tjs.addSignalListener(signal, () => guard.run(handler)),
    networkInterfaces: () => tjs.system.networkInterfaces,
    files: makeFiles(txikiFileCalls(tjs)),
    print: (line) => console.log(line),
    printError: (line) => console.error(line),
    writeOut: makeWriteOut(tjs),
    readInput: () => chunks(tjs.stdin),
    residentBytes: resident,
    get handlerErrorCount() {
      return guard.errorCount;
    },
    stop() {
      queue.stop();
      for (const one of [...loop.open]) one.close();
    },
    exit: (status) => tjs.exit(status),
  };
}

/** Reads either kind of reader to its end. */
export async function* chunks(source: TxikiReader & ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (typeof source.getReader === 'function') { // 26
    const reader = source.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    return;
  }
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const length = await source.read(buffer);
    if (typeof length !== 'number' || length === 0) return;
    yield buffer.slice(0, length);
  }
}

const STDOUT = '/proc/self/fd/1';

/**
 * 26's stream for a pipe takes everything at once, however slow the reader, and tells of EPIPE late: there the pipe is
 * opened again as a file, whose writes wait. A socket cannot be opened so, and a real file would forget how far others
 * have written.
 */
async function openOutput(tjs: Txiki): Promise<TxikiFile | undefined> {
  return (await tjs.stat(STDOUT)).isFile ? undefined : await tjs.open(STDOUT, 'a');
}

function makeWriteOut(tjs: Txiki): (bytes: Uint8Array) => Promise<void> {
  let file: Promise<TxikiFile | undefined> | undefined;
  return async (bytes) => {
    try {
      if ('setImportMap' in tjs) file ??= openOutput(tjs).catch(() => undefined); // 26
      const output = (await file) ?? tjs.stdout;
      if (output !== undefined && 'getWriter' in output) await writeToStream(output, bytes);
      else for (let at = 0; output && at < bytes.length;) at += await output.write(bytes.subarray(at));
    } catch (error) {
      throw systemError(error);
    }
  };
}

async function writeToStream(stdout: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = stdout.getWriter();
  writer.closed.catch(() => {}); // told by write()
  try {
    await writer.write(bytes);
    await new Promise((resolve) => setTimeout(resolve)); // a turn, in which an error can show
  } finally {
    writer.releaseLock();
  }
}

/**
 * There is no call for it, and files can only be read by promise: each question starts the reading for the next. Not
 * statm: it counts in pages, which are not 4 KiB everywhere.
 */
async function residentMemory(tjs: Txiki): Promise<() => number> {
  const buffer = new Uint8Array(2048);
  let bytes = 0;
  let reading = false;
  const refresh = async (): Promise<void> => {
    if (reading) return;
    reading = true;
    try {
      const file = await tjs.open('/proc/self/status', 'r');
      const length = await file.read(buffer);
      await file.close();
      const text = String.fromCharCode(...buffer.subarray(0, length ?? 0));
      bytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
    } catch {
      bytes = 0; // no /proc
    }
    reading = false;
  };
  await refresh();
  return () => {
    void refresh();
    return bytes;
  };
}
