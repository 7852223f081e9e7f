// `make run`: installs, builds and starts one daemon that listens for IRC clients, and tells how long each part took.
// IRC_PORT=6667 and ARGS='--set …' change what it does. Needs Node alone: npm ci is part of it.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { endTogether, listening, loopbackConfig, root, startDaemon, temporaryFolder } from './daemons.mjs';

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

function step(name, command, args, wanted) {
  const start = performance.now();
  if (wanted) {
    const result = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
    if (result.status !== 0) process.exit(result.status ?? 1);
  }
  times.push(`${name} ${wanted ? seconds(performance.now() - start) : 'was done'}`);
}

function isStale(made, from) {
  return !existsSync(join(root, made)) || statSync(join(root, made)).mtimeMs < statSync(join(root, from)).mtimeMs;
}

const times = [];
const installed = !isStale('node_modules/.package-lock.json', 'package-lock.json');
step('install', 'npm', ['ci', '--no-audit', '--no-fund'], !installed);
step('build', process.execPath, ['build.mjs', '--no-types', '--any-size'], true);
spawnSync(process.execPath, ['scripts/runtime.mjs'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });

const ircPort = Number(process.env.IRC_PORT ?? 6667);
const folder = temporaryFolder();
const { child } = startDaemon({
  folder, name: 'meshchatd', args: (process.env.ARGS ?? '').split(' ').filter((word) => word !== ''),
  config: loopbackConfig({
    folder, name: 'meshchatd', address: '127.0.0.1', peers: ['127.0.0.2', '127.0.0.3'], ircPort,
  }),
});
endTogether([child]);
try {
  times.push(`start ${seconds(await listening('127.0.0.1', ircPort, child))}`);
  console.log(`\n${times.join(', ')}\n
IRC: 127.0.0.1 port ${ircPort}, for example\n  irssi -c 127.0.0.1 -p ${ircPort}      then  /join #mesh
Command line:\n  MESHCHAT_SOCKET=${folder}/meshchatd.sock dist/meshchat status
Ctrl-C ends it.\n`);
} catch (error) {
  console.error(error.message);
  child.kill('SIGTERM');
  process.exitCode = 1;
}
