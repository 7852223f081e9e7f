// Bytes of the script, memory of an idle daemon beside the bare runtime's, and how long it takes from the start to
// listening.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { listening, loopbackConfig, root, startDaemon, temporaryFolder } from '../../scripts/daemons.mjs';

const STARTS = 5;
const IDLE_MS = 4000;
const IRC_PORT = 16667;
const folder = temporaryFolder();

/** Resident, proportional and private dirty memory in kB. */
function memory(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kilobytes = (name) => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { rss: kilobytes('Rss'), pss: kilobytes('Pss'), dirty: kilobytes('Private_Dirty') };
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function bare(command) {
  const script = join(folder, 'idle.mjs');
  writeFileSync(script, 'setTimeout(() => {}, 1e8);\n');
  const child = spawn(command[0], [...command.slice(1), script], { stdio: 'ignore' });
  await wait(IDLE_MS);
  const result = memory(child.pid);
  child.kill('SIGKILL');
  return result;
}

async function daemon(env) {
  const lines = [];
  const config = loopbackConfig({
    folder, name: 'bench', address: '127.0.0.7', peers: ['127.0.0.8'], ircPort: IRC_PORT,
  });
  const { child } = startDaemon({ folder, name: 'bench', config, env, onLine: (line) => lines.push(line) });
  try {
    const startMs = await listening('127.0.0.1', IRC_PORT, child);
    return { child, startMs };
  } catch (error) {
    console.log(lines.join('\n'));
    throw error;
  }
}

async function end(child) {
  child.kill('SIGTERM');
  await new Promise((resolve) => child.on('exit', resolve));
}

async function measure(name, command, env) {
  const starts = [];
  for (let i = 0; i < STARTS; i++) {
    const { child, startMs } = await daemon(env);
    starts.push(startMs);
    await end(child);
  }
  const { child } = await daemon(env);
  await wait(IDLE_MS);
  const ours = memory(child.pid);
  await end(child);
  const runtime = await bare(command);
  starts.sort((a, b) => a - b);
  const difference = `difference ${ours.rss - runtime.rss} kB`;
  console.log(`  ${name.padEnd(16)} daemon ${row(ours)}   bare ${row(runtime)}   ${difference}`);
  console.log(`  ${''.padEnd(16)} start to listening ${starts[STARTS >> 1].toFixed(0)} ms (median of ${STARTS})`);
}

function row({ rss, pss, dirty }) {
  return `RSS ${rss}, PSS ${pss}, private dirty ${dirty} kB`;
}

/** @param runtimes [{name, command, env}] */
export async function footprint(runtimes) {
  const script = readFileSync(join(root, 'dist', 'meshchat.js'));
  console.log(`dist/meshchat.js: ${script.length} bytes, ${gzipSync(script, { level: 9 }).length} gzipped`);
  console.log('memory of an idle daemon and of the bare runtime:');
  for (const { name, command, env } of runtimes) await measure(name, command, env);
}
