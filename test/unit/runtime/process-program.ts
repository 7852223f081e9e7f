/** Programs for process.node.test.ts; the first argument says which. */
import { createRuntime } from '../../../src/runtime/detect.ts';
import { pause, text } from './contract.ts';

const { process, tjs } = globalThis as unknown as Record<string, { argv?: string[]; args?: string[] } | undefined>;
const guest = (process?.argv ?? tjs?.args ?? []).includes('guest');
const runtime = await createRuntime({ guest });
const [name, folder = ''] = runtime.args;
const quiet = { onData() {}, onClose() {} };

const programs: Record<string, () => Promise<void> | void> = {
  args() {
    runtime.print(JSON.stringify(runtime.args));
    runtime.printError('an error');
    runtime.exit(7);
  },
  async signals() {
    await runtime.openDatagram({ address: '127.0.0.1', port: 0, onDatagram() {} }); // signals alone hold nothing
    runtime.onSignal('SIGHUP', () => runtime.print('SIGHUP'));
    runtime.onSignal('SIGUSR1', () => {
      throw new Error('expected by the test');
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      runtime.onSignal(signal, () => {
        runtime.print(signal);
        runtime.stop();
      });
    }
    runtime.print('ready');
  },
  async stop() {
    await runtime.openDatagram({ address: '127.0.0.1', port: 0, onDatagram() {} });
    const at = { path: `${folder}/stop.sock` };
    await runtime.listen({ at, onStream: () => quiet });
    const tcp = await runtime.listen({ at: { address: '127.0.0.1', port: 0 }, onStream: () => quiet });
    await runtime.connect({ at }, quiet);
    await runtime.connect({ at: { address: '127.0.0.1', port: tcp.port } }, quiet);
    runtime.timer(() => runtime.print('never')).set(runtime.now() + 100_000);
    await pause(runtime, 50);
    runtime.print('stopping');
    runtime.stop();
  },
  async throws() {
    runtime.timer(() => {
      throw new Error('expected by the test');
    }).set(runtime.now());
    void Promise.reject(new Error('expected by the test'));
    await pause(runtime, 30);
    runtime.print(`alive ${runtime.handlerErrorCount}`);
  },
  async guest() {
    await createRuntime({ guest });
    void Promise.reject(new Error('expected by the test'));
    await pause(runtime, 30);
    runtime.print('alive');
  },
  async cat() {
    for await (const bytes of runtime.readInput()) await runtime.writeOut(bytes);
    runtime.exit(0);
  },
  lines() {
    for (let i = 0; i < 5000; i++) runtime.print(`line ${i} 100% %s %d`);
    runtime.exit(0);
  },
  async broken() {
    const bytes = text('x'.repeat(60_000));
    try {
      for (let i = 0; i < 1000; i++) await runtime.writeOut(bytes);
    } catch (error) {
      runtime.printError((error as { code: string }).code);
    }
    runtime.exit(3);
  },
};
await programs[name ?? '']?.();
