// `make bench`: what meshchat costs on this machine. More programs beside this one: every test/bench/*.bench.ts is run
// too.
//   node test/bench/run.mjs [footprint] [sockets] [multicast] [irc | fanout | latency | storm | slow | memory] [WORD…]
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdirSync, readdirSync } from 'node:fs';
import { build } from 'esbuild';
import { findTxiki } from '../../scripts/runtime.mjs';
import { footprint } from './footprint.mjs';
import { irc } from './irc.mjs';

const words = process.argv.slice(2);
const wanted = (name) => words.length === 0 || words.some((word) => name.includes(word));
const { path, version, why } = findTxiki();
const node = { name: `node ${process.versions.node}`, command: [process.execPath], env: { MESHCHAT_RUNTIME: 'node' } };
const runtimes = [node];
if (path === '') console.log(`no txiki.js: ${why}`);
else {
  runtimes.unshift({ name: `txiki ${version}`, command: [path, 'run'], env: { TJS: path } });
  if (!version.startsWith('24.')) {
    runtimes[0].env.MESHCHAT_INTERNAL_SOCKETS = '0';
    const env = { TJS: path, MESHCHAT_INTERNAL_SOCKETS: '1' };
    runtimes.unshift({ name: `txiki ${version}i`, command: [path, 'run'], env });
  }
}

async function bundle(file) {
  const outfile = `build/bench/${file.replace(/\.ts$/, '.mjs')}`;
  mkdirSync('build/bench', { recursive: true });
  await build({
    entryPoints: [`test/bench/${file}`], outfile, bundle: true, minify: true, format: 'esm', target: 'es2022',
    platform: 'neutral', mainFields: ['module', 'main'], conditions: ['browser'], external: ['tjs:*', 'node:*'],
  });
  return outfile;
}

function run({ command, env }, ...words) {
  return spawnSync(command[0], [...command.slice(1), ...words.flat()], {
    env: { ...process.env, ...env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 120_000,
  }).stdout;
}

/** A port on loopback whose datagrams pile up until the system drops them: this process waits for its children. */
async function openSink() {
  const socket = createSocket('udp4').unref();
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return String(socket.address().port);
}

async function sockets() {
  const script = await bundle('sockets.ts');
  process.env.SINK_PORT = await openSink();
  console.log('CPU time (and wall time) in µs per unit, sending and receiving in one process:');
  console.log('                   datagram 100 B    1200 B            send loop 1060 B  round trip        line over tcp     unix socket');
  for (const runtime of runtimes) {
    const output = run(runtime, script);
    if (output === '') throw new Error(`no result on ${runtime.name}`);
    const result = JSON.parse(output);
    const cells = [result.small, result.large, result.send, result.trip, result.tcp, result.unix]
      .map(({ cpu, wall }) => `${cpu} (${wall})`.padEnd(17));
    console.log(`  ${runtime.name.padEnd(16)} ${cells.join(' ')}`);
  }
}

/** What the protocol and the client's socket add to the send loop: 20 daemons, 50 messages of 1000 B a second. */
function multicast() {
  console.log('20 daemons in a network of their own:');
  for (const { name, env } of runtimes.filter((one) => !one.name.startsWith('txiki 24'))) {
    for (const loss of ['loss=0', 'loss=0.1']) {
      console.log(` ${name}, ${loss}`);
      const words = ['scripts/bundle-run.mjs', 'test/e2e/real-sockets.ts', 'seconds=15', loss];
      process.stdout.write(run({ command: [process.execPath, ...words.slice(0, 2)], env }, words.slice(2)));
    }
  }
}

if (wanted('footprint')) await footprint(runtimes);
if (wanted('sockets')) await sockets();
if (wanted('multicast')) multicast();
// txiki.js 24 is for tests only, and hours slower at this.
await irc(runtimes.filter(({ name }) => !name.startsWith('txiki 24')), wanted);
for (const file of readdirSync('test/bench').filter((name) => name.endsWith('.bench.ts') && wanted(name)).sort()) {
  const script = await bundle(file);
  for (const runtime of runtimes) {
    console.log(`${file} on ${runtime.name}:`);
    process.stdout.write(run(runtime, script));
  }
}
