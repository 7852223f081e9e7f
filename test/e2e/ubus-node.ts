/**
 * A daemon with only what the ubus tests need (no configuration, no services), and the command line tool, in one script for
 * both runtimes:   daemon SOCKET ADDRESS[,PEER…] [BUS]   |   cli ARGUMENTS…
 */
import { runCli } from '../../src/cli/main.ts';
import { StaticMesh } from '../../src/mesh/static.ts';
import { MeshNode } from '../../src/multicast/node.ts';
import { createRuntime, runtimeWarning } from '../../src/runtime/detect.ts';
import { LineLog } from '../../src/runtime/log.ts';
import { Daemon } from '../../src/service/daemon.ts';
import { UbusService } from '../../src/service/ubus-service.ts';

const runtime = await createRuntime();
const [command, ...rest] = runtime.args;
if (command === 'daemon') await runDaemon(rest);
else {
  const status = await runCli(runtime, rest);
  runtime.stop();
  runtime.exit(status);
}

async function runDaemon([socketPath = '', addresses = '127.0.0.1', systemBusPath = '']: string[]): Promise<void> {
  const [own = '', ...peers] = addresses.split(',');
  const log = new LineLog('info', (line) => runtime.print(line));
  const epoch = Math.floor(runtime.wallMs() / 1000);
  const port = Number(runtime.env('UBUS_NODE_PORT') ?? 14699);
  const options = { epoch, port, sha256: (bytes: Uint8Array) => runtime.sha256(bytes) };
  const daemon = new Daemon(runtime, log, { port, epoch }, (random, output) => new MeshNode(options, random, output));
  daemon.addMesh(new StaticMesh(runtime, { addresses: [own], peers, port }, log));
  const service = new UbusService(daemon, log, {
    version: '0.0.0', socketPath, socketMode: 0o660, systemBusPath, runtimeWarning: runtimeWarning(runtime),
  });
  const stop = (): void => {
    service.stop();
    void daemon.stop().then(() => {
      runtime.stop();
      runtime.exit(0);
    });
  };
  runtime.onSignal('SIGTERM', stop);
  void endOfInput().then(stop); // the test has died
  await service.start();
  runtime.print('ready');
}

async function endOfInput(): Promise<void> {
  for await (const chunk of runtime.readInput()) void chunk;
}
