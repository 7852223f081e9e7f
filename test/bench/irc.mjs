// The IRC server beside ngircd, with the same load in the same run: fan-out, latency, memory per client, and what
// clients notice of others that connect and drop, or that do not read. Figures are medians of RUNS runs; the load comes
// from a process of its own, whose share of a core is told: where it is the bottleneck the figures are too low.
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listening, loopbackConfig, startDaemon, temporaryFolder } from '../../scripts/daemons.mjs';

const RUNS = Number(process.env.RUNS ?? 3);
const SECONDS = 4;
/** Two runs at a time must not meet. */
const OWN = 1 + (process.pid % 250);
const PORT = 17000 + 2 * OWN;
const NGIRCD_PORT = PORT + 1;
const load = fileURLToPath(new URL('irc-load.mjs', import.meta.url));
const folder = temporaryFolder();

/** A higher priority than what else this machine does; only root may. Sessions share the processors as groups. */
function prefer(niceness) {
  if (process.getuid?.() !== 0) return;
  try {
    setPriority(niceness); // what we start has it too
    writeFileSync('/proc/self/autogroup', String(niceness));
  } catch {
    // a kernel without such groups
  }
}

function startNgircd() {
  const config = join(folder, 'ngircd.conf');
  writeFileSync(config, `[Global]
Name = irc.bench
Info = bench
Listen = 127.0.0.1
Ports = ${NGIRCD_PORT}
ServerUID = ${process.getuid()}
ServerGID = ${process.getgid()}
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 20
MaxPenaltyTime = 0
[Options]
PAM = no
DNS = no
Ident = no
`);
  return { child: spawn('ngircd', ['-n', '-f', config], { stdio: 'ignore' }), port: NGIRCD_PORT };
}

function startMeshchat(env) {
  const config = `${loopbackConfig({
    folder, name: 'irc', address: `127.0.9.${OWN}`, peers: [`127.0.10.${OWN}`], ircPort: PORT,
  })}\toption clients_max '5000'\n\toption clients_per_address_max '5000'\n`;
  const onLine = (line) => process.env.VERBOSE && console.log(line);
  return { child: startDaemon({ folder, name: 'irc', config, env, onLine }).child, port: PORT };
}

/** One kind of load on a fresh server. */
async function measure(start, options) {
  const { child, port } = start();
  try {
    await listening('127.0.0.1', port, child);
    const argument = JSON.stringify({ ...options, port, pid: child.pid });
    const run = spawn(process.execPath, [load, argument], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    run.stdout.on('data', (chunk) => (text += chunk));
    await new Promise((resolve) => run.on('close', resolve));
    return JSON.parse(text);
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.on('exit', resolve));
  }
}

function median(results, value) {
  const sorted = results.map(value).sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

async function repeat(start, options, runs = RUNS) {
  const results = [];
  for (let i = 0; i < runs; i++) results.push(await measure(start, options));
  return results;
}

async function fanout(start, senders) {
  const results = await repeat(start, { what: 'fanout', members: 100, senders, window: 8, seconds: SECONDS });
  const of = (value) => median(results, value);
  const lines = of((one) => one.linesPerSecond);
  console.log(`  fan-out to 100 members, ${String(senders).padStart(2)} sender${senders === 1 ? ' ' : 's'}  ` +
    `${lines} lines/s, ${of((one) => one.cpuUsPerLine).toFixed(1)} µs CPU a line ` +
    `(cores: server ${of((one) => one.serverCpu).toFixed(2)}, load ${of((one) => one.loadCpu).toFixed(2)}; ` +
    `lost ${results.reduce((sum, one) => sum + one.lost, 0)})`);
  return lines;
}

const STUCK = 20;

async function slow(start) {
  // Long lines: the system itself takes megabytes for a client before the server has to.
  const options = { members: 20, senders: 5, window: 8, seconds: SECONDS * 3, stuck: STUCK, textBytes: 400 };
  const results = await repeat(start, { what: 'fanout', ...options });
  const of = (value) => median(results, value);
  const mebibytes = (of((one) => one.residentMax) / 1024 / 1024).toFixed(1);
  console.log(`  ${STUCK} clients that read nothing beside 20 that do: ${of((one) => one.linesPerSecond)} lines/s, ` +
    `at most ${mebibytes} MiB resident, ${of((one) => one.closed)} closed`);
}

async function latency(start, { perSecond, members, drops }) {
  const results = await repeat(start, { what: 'latency', members, perSecond, seconds: SECONDS, drops });
  const of = (value) => median(results, value);
  const beside = drops > 0 ? `, beside ${of((one) => one.drops.perSecond)} connects and drops a second` : '';
  const [p50, p99, max] = ['p50', 'p99', 'max'].map((name) => of((one) => one[name]).toFixed(1));
  console.log(`  ${perSecond} lines/s to ${members} members${beside}: p50 ${p50}, p99 ${p99}, max ${max} ms ` +
    `(cores: server ${of((one) => one.serverCpu).toFixed(2)}; lost ` +
    `${results.reduce((sum, one) => sum + one.wanted - one.count, 0)})`);
}

async function memory(start) {
  const counts = [1, 10, 100, 1000];
  const results = await repeat(start, { what: 'memory', counts });
  const kibibytes = (value) => (median(results, value) / 1024).toFixed(1);
  console.log(`  memory without clients: ${kibibytes((one) => one.idle)} KiB`);
  for (const count of counts) {
    const all = kibibytes((one) => one[count].resident);
    const each = kibibytes((one) => (one[count].resident - one.idle) / count);
    console.log(`    ${String(count).padStart(4)} clients in one channel: ${all} KiB, ${each} KiB a client; ` +
      `${median(results, (one) => one[count].cpuMs)} ms CPU since the line above`);
  }
}

/** @param runtimes [{name, env}]; @param wanted whether a measurement is to be made */
export async function irc(runtimes, wanted) {
  const kinds = ['fanout', 'latency', 'storm', 'slow', 'memory'].filter((kind) => wanted(`irc ${kind}`));
  if (kinds.length === 0) return;
  const servers = runtimes.map(({ name, env }) => ({ name: `meshchat on ${name}`, start: () => startMeshchat(env) }));
  if (spawnSync('ngircd', ['--version']).status === 0) servers.unshift({ name: 'ngircd', start: startNgircd });
  else console.log('no ngircd on the PATH to compare with');
  prefer(-10);
  process.on('exit', () => prefer(0));
  let reference;
  for (const { name, start } of servers) {
    console.log(`IRC, ${name} (medians of ${RUNS} runs):`);
    if (kinds.includes('fanout')) {
      const lines = [await fanout(start, 1), await fanout(start, 10)];
      if (start === startNgircd) reference = lines;
      else if (reference) console.log(`    of ngircd's: ${lines.map((one, i) => (one / reference[i]).toFixed(2))}`);
    }
    if (kinds.includes('latency')) await latency(start, { perSecond: 100, members: 100, drops: 0 });
    if (kinds.includes('storm')) await latency(start, { perSecond: 50, members: 20, drops: 1000 });
    if (kinds.includes('slow')) await slow(start);
    if (kinds.includes('memory')) await memory(start);
  }
}
