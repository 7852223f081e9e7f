// Bundles the simulator and runs it.
//   node test/sim/run.mjs                 the short set
//   node test/sim/run.mjs sim SEED [two]  one seed with its trace; two: of those on two meshes
//   node test/sim/run.mjs swarm SECONDS [two] [FROM]   as many seeds as fit, on both cores
//   node test/sim/run.mjs report [--seeds N] [ROW…]   measures the table, prints it and writes docs/sim-report.md
// RUNTIME=path/to/tjs runs it on that instead of on Node.
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

const BUNDLE = `build/sim/main-${process.pid}.mjs`; // several runs at a time must not share it
const PROCESSES = 2;
const runtime = process.env.RUNTIME ?? process.execPath;
const prefix = /tjs[^/]*$/.test(runtime) ? ['run', BUNDLE] : ['--expose-gc', BUNDLE];

await build({
  entryPoints: ['test/sim/main.ts'], outfile: BUNDLE, bundle: true, format: 'esm', platform: 'neutral', target: 'es2022',
  external: ['tjs:*'], logLevel: 'warning',
});

/** Runs one process; resolves with its exit code and, when `keep`, what it printed. */
function run(words, keep = false) {
  return new Promise((resolve) => {
    const child = spawn(runtime, [...prefix, ...words], { stdio: ['ignore', keep ? 'pipe' : 'inherit', 'inherit'] });
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
    child.on('close', (code) => resolve({ code: code ?? 1, text }));
  });
}

const [command = 'set', ...rest] = process.argv.slice(2);
if (command === 'swarm') {
  const milliseconds = Number(rest[0] ?? 60) * 1000;
  const two = rest.includes('two') ? ['two'] : [];
  const from = Number(rest.slice(1).find((word) => word !== 'two') ?? 1);
  const runs = Array.from({ length: PROCESSES }, (_, i) =>
    run(['swarm', String(from + i), String(PROCESSES), String(milliseconds), ...two]));
  const results = await Promise.all(runs);
  process.exitCode = results.some((result) => result.code !== 0) ? 1 : 0;
} else if (command === 'report') {
  const { writeReport } = await import('./write-report.mjs');
  process.exitCode = await writeReport(run, rest, PROCESSES);
} else {
  process.exitCode = (await run([command, ...rest])).code;
}
rmSync(BUNDLE, { force: true });
