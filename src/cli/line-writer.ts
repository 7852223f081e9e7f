/**
 * Lines to standard output as fast as its reader takes them: what waits is bounded, and `onFull` says when to stop the source
 * (true) and to go on (false).
 */
import { ClientError } from '../client/client.ts';
import type { Runtime, SystemError } from '../runtime/runtime.ts';
import { integerOption } from './arguments.ts';
import type { Context } from './main.ts';
import { EXIT_OK } from './main.ts';

const FULL_BYTES = 64 * 1024;

export class LineWriter {
  /** The output takes no more: EPIPE, its reader has gone. */
  onClosed: (error: SystemError) => void = () => {};
  readonly #runtime: Runtime;
  readonly #onFull: (full: boolean) => void;
  #lines: Uint8Array[] = [];
  #bytes = 0;
  #full = false;
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(runtime: Runtime, onFull: (full: boolean) => void) {
    this.#runtime = runtime;
    this.#onFull = onFull;
  }

  write(line: Uint8Array): void {
    if (this.#closed) return;
    this.#lines.push(line);
    this.#bytes += line.length + 1;
    if (!this.#full && this.#bytes > FULL_BYTES) this.#onFull((this.#full = true));
    this.#writing ??= this.#flush();
  }

  /** Resolves when all is out, or the reader gone. */
  async finish(): Promise<void> {
    await this.#writing;
  }

  async #flush(): Promise<void> {
    // Lines that come one after the other in a turn leave together.
    await Promise.resolve();
    try {
      while (this.#lines.length > 0) await this.#runtime.writeOut(this.#take());
    } catch (error) {
      this.#closed = true;
      this.#lines = [];
      this.onClosed(error as SystemError);
    }
    this.#writing = undefined;
    if (this.#full) this.#onFull((this.#full = false));
  }

  #take(): Uint8Array {
    const lines = this.#lines;
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const line of lines) {
      all.set(line, at);
      at += line.length;
      all[at++] = 10;
    }
    this.#lines = [];
    this.#bytes = 0;
    return all;
  }
}

/** The output of a command that goes on: it ends with the reader of the output, or when the time of --timeout is over. */
export function openOutput(
  { runtime, client, options }: Context, resolve: (status: number) => void, reject: (error: unknown) => void,
): LineWriter {
  const writer = new LineWriter(runtime, (full) => (full ? client.connection?.pause() : client.connection?.resume()));
  writer.onClosed = ({ code, message }) => {
    if (code === 'EPIPE') resolve(EXIT_OK); // `sub | head -1`: the reader has what it wants
    else reject(new ClientError('', `the output cannot be written: ${message}`));
  };
  const seconds = integerOption(options, 'timeout');
  const timer = runtime.timer(() => void writer.finish().then(() => resolve(EXIT_OK)));
  if (seconds !== undefined) timer.set(runtime.now() + seconds * 1000);
  return writer;
}
