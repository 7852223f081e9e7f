/** What the campaigns share: their length, the growth of memory they allow, and how they end. */
import { residentKb, RUNTIME, type TestNode } from '../../e2e/first-light-nodes.ts';

export const COUNT = Number(process.env['COUNT'] ?? 20_000);
export const SEED = Number(process.env['SEED'] ?? 1);
const SECONDS_MAX = 280;
/** From the first tenth to the end: queues and logs may fill up to their bounds, Node's heap breathes. */
const GROWTH_KB_MAX = RUNTIME.startsWith('node') ? 48 << 10 : 12 << 10;

export class Campaign {
  readonly #name: string;
  readonly #node: TestNode;
  readonly #start = performance.now();
  #firstKb = 0;
  #mostKb = 0;

  constructor(name: string, node: TestNode) {
    this.#name = name;
    this.#node = node;
    setTimeout(() => this.#fail(`no end after ${SECONDS_MAX} s`), SECONDS_MAX * 1000).unref();
  }

  /** Call it every now and then. @throws Error when the daemon has ended. */
  look(done: number): void {
    const { child, lines, name } = this.#node;
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`${name} has ended (${child.exitCode ?? child.signalCode}) before input ${done}:\n${lines.slice(-12).join('\n')}`);
    }
    const kb = residentKb(child.pid as number);
    if (done >= COUNT / 10 && this.#firstKb === 0) this.#firstKb = kb;
    this.#mostKb = Math.max(this.#mostKb, kb);
  }

  end(): void {
    const kb = residentKb(this.#node.child.pid as number);
    const growth = kb - this.#firstKb;
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(1);
    console.log(`${this.#name}: ${COUNT} inputs (seed ${SEED}) in ${seconds} s on ${RUNTIME}: alive, RSS ${this.#firstKb} -> ${kb} kB `
      + `(${growth >= 0 ? '+' : ''}${growth}), most ${this.#mostKb} kB`);
    if (growth > GROWTH_KB_MAX) this.#fail(`grew by ${growth} kB, at most ${GROWTH_KB_MAX} are allowed`);
  }

  #fail(why: string): never {
    console.log(`${this.#name}: FAIL: ${why}; again with SEED=${SEED} COUNT=${COUNT}`);
    process.exit(1);
  }
}
