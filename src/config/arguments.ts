/** The daemon's command line. All it can say about options is in UCI; `--set` says it for one run. */

export interface DaemonArguments {
  /** --config FILE */
  config?: string;
  /** --set SECTION.OPTION=VALUE, in order. */
  sets: string[];
  /** --check: read the configuration, tell what is wrong, exit. */
  check: boolean;
  version: boolean;
  help: boolean;
  /** What is wrong with the command line; '' nothing. */
  problem: string;
}

export const DAEMON_USAGE = `Usage: meshchatd [--config FILE] [--set SECTION.OPTION=VALUE]... [--check]
  --config FILE   read FILE instead of /etc/config/meshchat
  --set S.O=V     override an option: --set irc.listen=127.0.0.1:6667
  --check         only say what is wrong with the configuration; status 1 when something is
  --version, --help`;

/** Accepts `--config FILE` and `--config=FILE`. */
export function parseArguments(args: readonly string[]): DaemonArguments {
  const result: DaemonArguments = { sets: [], check: false, version: false, help: false, problem: '' };
  for (let i = 0; i < args.length; i++) {
    const [, name, joined] = /^(--(?:config|set))(?:=(.*))?$/s.exec(args[i]!) ?? [];
    if (name !== undefined) {
      const value = joined ?? args[++i];
      if (value === undefined) result.problem = `${name} wants a value`;
      else if (name === '--set') result.sets.push(value);
      else result.config = value;
    } else if (args[i] === '--check') result.check = true;
    else if (args[i] === '--version' || args[i] === '-V') result.version = true;
    else if (args[i] === '--help' || args[i] === '-h') result.help = true;
    else result.problem ||= `unknown argument ${args[i]}`;
  }
  return result;
}
