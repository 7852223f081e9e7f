/** The one script: `meshchatd` (first argument "daemon") runs the daemon, anything else is the command line tool. */
import { runCli } from './cli/main.ts';
import { DAEMON_USAGE, parseArguments } from './config/arguments.ts';
import { loadConfiguration } from './config/load.ts';
import { Meshchatd } from './meshchatd.ts';
import { createRuntime, runtimeWarning } from './runtime/detect.ts';
import { LineLog } from './runtime/log.ts';
import { type Runtime, SystemError } from './runtime/runtime.ts';

declare const MESHCHAT_VERSION: string;

async function runDaemon(runtime: Runtime, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args);
  if (parsed.version) {
    runtime.print(`meshchatd ${MESHCHAT_VERSION}, ${runtime.name} ${runtime.version}`);
    return 0;
  }
  if (parsed.help) {
    runtime.print(DAEMON_USAGE);
    return 0;
  }
  if (parsed.problem) {
    runtime.printError(`meshchatd: ${parsed.problem}`);
    return 1;
  }
  const { options, errors, warnings } = await loadConfiguration(runtime.files, parsed.config, parsed.sets);
  for (const line of [...warnings, ...errors]) runtime.printError(`meshchatd: ${line}`);
  if (options === undefined) return 1;
  if (parsed.check) return 0;
  // Whoever starts us may log the two apart: procd gives errors their priority.
  const log = new LineLog(options.meshchat.log, (line, level) => {
    if (level === 'error') runtime.printError(line);
    else runtime.print(line);
  });
  const warning = runtimeWarning(runtime);
  if (warning) log.warn(warning);
  const daemon = new Meshchatd(runtime, log, parsed, options);
  const ended = new Promise<number>((resolve) => {
    const end = (): void => void daemon.stop().then(() => resolve(0));
    runtime.onSignal('SIGTERM', end);
    runtime.onSignal('SIGINT', end);
    runtime.onSignal('SIGHUP', () => void daemon.reload());
  });
  try {
    await daemon.start();
  } catch (error) {
    const { message, stack } = error as Error;
    runtime.printError(`meshchatd: ${error instanceof SystemError ? `${message} (${error.code})` : `${message}\n${stack}`}`);
    await daemon.stop();
    return 1;
  }
  log.info(`meshchatd ${MESHCHAT_VERSION} runs on ${runtime.name} ${runtime.version}`);
  return await ended;
}

const runtime = await createRuntime();
const [command, ...rest] = runtime.args;
const status = command === 'daemon' ? await runDaemon(runtime, rest) : await runCli(runtime, runtime.args);
runtime.stop();
runtime.exit(status);
