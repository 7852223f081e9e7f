// Measures the rows in several processes at once, prints the table and writes it to docs/sim-report.md.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

function commit() {
  try {
    const dirty = execFileSync('git', ['status', '--porcelain', '--', 'src'], { encoding: 'utf8' }).trim() !== '';
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim() + (dirty ? ' with changes' : '');
  } catch {
    return 'unknown';
  }
}

/**
 * @param run starts a process of the simulator
 * @param words --seeds N, --write (also when rows are named), and rows as NAME or NAME:SEEDS
 * @returns the exit code
 */
export async function writeReport(run, words, processes) {
  const seedsAt = words.indexOf('--seeds');
  const seeds = seedsAt < 0 ? '0' : words.splice(seedsAt, 2)[1];
  const all = JSON.parse((await run(['row-names'], true)).text);
  const writeAt = words.indexOf('--write');
  if (writeAt >= 0) words.splice(writeAt, 1);
  const write = writeAt >= 0 || words.length === 0;
  const seedsOf = new Map(words.map((word) => word.split(':')).map(([name, count]) => [name, count ?? seeds]));
  const names = words.length > 0 ? [...seedsOf.keys()] : all;
  const results = new Map();
  const waiting = [...names];
  const started = Date.now();
  async function worker() {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const begun = Date.now();
      const { code, text } = await run(['row', name, seedsOf.get(name) ?? seeds], true);
      const lines = code === 0 ? JSON.parse(text.trim().split('\n').pop()).lines
        : [{ goal: name, cell: '', seeds: 0, bar: '', measured: 'the simulator failed', pass: false }];
      results.set(name, lines);
      if (write) save(names, results, started);
      console.error(`${name}: ${((Date.now() - begun) / 1000).toFixed(0)} s${lines.every((line) => line.pass) ? '' : ', not met'}`);
    }
  }
  await Promise.all(Array.from({ length: processes }, worker));
  const lines = names.flatMap((name) => results.get(name) ?? []);
  console.log(page(lines, started));
  if (write) save(names, results, started);
  return lines.every((line) => line.pass) ? 0 : 1;
}

/** Rows so far: a run that is broken off leaves what it has measured. */
function save(names, results, started) {
  mkdirSync('docs', { recursive: true });
  writeFileSync('docs/sim-report.md', page(names.flatMap((name) => results.get(name) ?? []), started));
}

function page(lines, started) {
  const passed = lines.filter((line) => line.pass).length;
  const minutes = ((Date.now() - started) / 60_000).toFixed(1);
  return `# Simulation report

${new Date().toISOString().slice(0, 10)}, commit ${commit()}, Node ${process.version}, ${minutes} minutes. ` +
`${passed} of ${lines.length} lines met. Made by \`make sim-report\`.

RTT 100 ms and jitter 1 ms unless said. p: loss per datagram, everywhere and of every kind. Copies: DATA sends per delivered
copy. Packets: datagrams of all kinds per delivered copy. Recovery: (arrival - first transmission - one way) / RTT, over copies
whose first transmission was lost. Latency: from publication to the application, in order, all copies. Requests: STATUS
frames that ask for at least one packet. Figures are over all seeds together: sums for ratios, pooled samples for percentiles.

| goal | cell | seeds | bar | measured | |
| --- | --- | --- | --- | --- | --- |
${lines.map((line) => `| ${line.goal} | ${line.cell} | ${line.seeds || '-'} | ${line.bar} | ${line.measured.replaceAll('|', '/')} | ` +
  `${line.pass ? 'met' : '**not met**'} |`).join('\n')}
${mutants()}`;
}

/** The mutation run leaves its result in build/; it takes much longer than the rest. */
function mutants() {
  const path = 'build/mutants.md';
  return existsSync(path) ? `\n${readFileSync(path, 'utf8')}` : '';
}
