// Starts daemons on this machine for `make run`, `make demo` and the measurements, and ends them.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** A configuration for one of several daemons on one machine: they differ in their loopback address and IRC port. */
export function loopbackConfig({ folder, name, address, peers, ircAddress = '127.0.0.1', ircPort }) {
  const list = (option, values) => values.map((value) => `\tlist ${option} '${value}'\n`).join('');
  return `config meshchat 'main'
\toption socket '${folder}/${name}.sock'
\toption state_dir '${folder}/${name}'
\toption system_bus 'off'

config mesh
\toption type 'static'
${list('address', [address])}${list('peer', peers)}
config irc 'irc'
${list('listen', [`${ircAddress}:${ircPort}`])}`;
}

/** A folder for sockets and state that goes away with us. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'meshchat-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a daemon. @returns {child, configPath}; its lines come with its name before them. */
export function startDaemon({ folder, name, config, args = [], env = {}, onLine = (line) => console.log(line) }) {
  const configPath = join(folder, `${name}.conf`);
  writeFileSync(configPath, config);
  const child = spawn(join(root, 'dist', 'meshchatd'), ['--config', configPath, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env },
  });
  let rest = '';
  const take = (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) onLine(`${name}: ${line}`);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return { child, configPath };
}

/**
 * Waits until somebody listens. @returns milliseconds it took. @throws Error after `secondsMax` or when `child` ends.
 */
export async function listening(host, port, child, secondsMax = 30) {
  const start = performance.now();
  while (performance.now() - start < secondsMax * 1000) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the daemon has ended');
    const answered = await new Promise((resolve) => {
      const socket = connect(port, host, () => resolve(true));
      socket.on('connect', () => socket.destroy());
      socket.on('error', () => resolve(false));
    });
    if (answered) return performance.now() - start;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`nobody listens on ${host} port ${port} after ${secondsMax} s`);
}

/** Ends all children when we are told to, and ourselves after them. */
export function endTogether(children) {
  let alive = children.length;
  let asked = false;
  const end = () => {
    asked = true;
    for (const child of children) child.kill('SIGTERM');
    setTimeout(() => children.forEach((child) => child.kill('SIGKILL')), 5000).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, end);
  for (const child of children) {
    child.on('exit', (status) => {
      if (--alive === 0) process.exit(asked ? 0 : (status ?? 1));
      if (!asked) end();
    });
  }
}
