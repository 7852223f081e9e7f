// Bundles the tests and runs each file in a process of its own, on Node and inside txiki.js.
//   node test/run.mjs [--node | --tjs] [--verbose] [--seconds N] [WORD…]     only files whose path contains a word
// Files named *.node.test.ts, those in test/e2e and those that import node: run on Node alone. A file fails when a test
// fails, when it throws while loading, dies, hangs, or has no test. A test that cannot run here prints `skipped: why`.
// Last line: "N passed, N failed", the total over both runtimes; exit status 1 unless all passed and there was one.
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findTxiki } from '../scripts/runtime.mjs';

const SECONDS_MAX = 120;
const OUTPUT_LINES_MAX = 300;
const root = fileURLToPath(new URL('..', import.meta.url));
const bundles = join(root, 'build', 'test', String(process.pid)); // several runs at a time must not share them
const options = parseArguments(process.argv.slice(2));

function parseArguments(args) {
  const parsed = { node: true, tjs: true, verbose: false, seconds: SECONDS_MAX, folder: join(root, 'test'), words: [] };
  while (args.length > 0) {
    const word = args.shift();
    if (word === '--node') parsed.tjs = false;
    else if (word === '--tjs') parsed.node = false;
    else if (word === '--verbose') parsed.verbose = true;
    else if (word === '--seconds') parsed.seconds = Number(args.shift());
    else if (word === '--folder') parsed.folder = args.shift(); // the runner's own test uses another
    else if (word.startsWith('-')) throw new Error(`unknown option ${word}`);
    else parsed.words.push(word);
  }
  return parsed;
}

/** Bundles one file between the two halves of the harness. @returns what run() needs to know of it. */
async function bundle(name) {
  const outfile = join(bundles, name.replace(/\.ts$/, '.mjs'));
  const harness = JSON.stringify(join(root, 'test', 'support', 'harness.ts'));
  const file = JSON.stringify(join(options.folder, name));
  const contents = `import { finish } from ${harness};\nimport ${file};\nawait finish();\n`;
  mkdirSync(dirname(outfile), { recursive: true });
  try {
    const { metafile } = await build({
      stdin: { contents, resolveDir: root, sourcefile: `${name}.entry.js` }, outfile, bundle: true, format: 'esm',
      target: 'es2022', platform: 'neutral', mainFields: ['module', 'main'], conditions: ['browser'],
      nodePaths: [join(root, 'node_modules')], external: ['tjs:*', 'node:*'], metafile: true,
      loader: { '.json': 'json', '.jsonl': 'text', '.txt': 'text', '.uci': 'text', '.conf': 'text' },
      logLevel: 'silent', sourcemap: 'inline', sourcesContent: false,
    });
    return { name, outfile, nodeOnly: whyNodeOnly(name, metafile), error: '' };
  } catch (error) {
    return { name, outfile, nodeOnly: '', error: error.message };
  }
}

function whyNodeOnly(name, metafile) {
  if (name.startsWith('e2e')) return 'starts processes';
  if (name.endsWith('.node.test.ts')) return 'for Node';
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  const found = imports.find((one) => one.kind === 'import-statement' && one.path.startsWith('node:'));
  return found === undefined ? '' : `imports ${found.path}`;
}

/** Runs a bundle in a process of its own. @returns {passed, failed, skips, text} */
function run(file, label, command) {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(command[0], [...command.slice(1), file.outfile], {
      cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1', MESHCHAT_TEST: '1' },
    });
    let text = '', ended = '';
    const take = (chunk) => { text += chunk; };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const limit = setTimeout(() => {
      ended = `hangs: no end after ${options.seconds} s`;
      child.kill('SIGKILL');
    }, options.seconds * 1000);
    child.on('error', (error) => { ended = error.message; });
    child.on('close', (status, signal) => {
      clearTimeout(limit);
      const count = (word) => Number(new RegExp(`^ {2}${word}: +(\\d+)`, 'm').exec(text)?.[1] ?? 0);
      const skips = [...text.matchAll(/^skipped: (.*)$/gm)].map((match) => match[1]);
      const total = count('Total'), passed = count('Passed');
      let failed = total - passed;
      const died = signal === null ? `ends with status ${status}` : `dies by ${signal}`;
      if (ended === '' && failed === 0 && status !== 0) ended = died;
      if (ended === '' && total + skips.length === 0) ended = 'has no test, or ends before they are done';
      if (ended !== '') failed++;
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const line = `${label}  ${file.name}  ${passed}/${total}  ${seconds} s  ${ended}`.trimEnd();
      report(`${failed > 0 ? 'FAIL' : 'ok'}  ${line}`, failed > 0 || options.verbose ? text : '');
      resolve({ passed, failed, skips: skips.map((why) => `${label}  ${file.name}: ${why}`) });
    });
  });
}

/** Prints a line, and below it what the file had to say. */
function report(line, text) {
  console.log(line);
  if (text === '') return;
  const lines = text.trimEnd().split('\n');
  for (const one of lines.slice(0, OUTPUT_LINES_MAX)) console.log(`    ${one}`);
  if (lines.length > OUTPUT_LINES_MAX) console.log(`    … ${lines.length - OUTPUT_LINES_MAX} more lines`);
}

/** Runs the jobs, at most `width` at a time. */
async function inParallel(jobs, width) {
  const results = [];
  const worker = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) results.push(await job());
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

const names = readdirSync(options.folder, { recursive: true })
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => options.words.length === 0 || options.words.some((word) => name.includes(word)))
  .sort();
const files = await inParallel(names.map((name) => () => bundle(name)), 4);
files.sort((a, b) => (a.name < b.name ? -1 : 1));
const txiki = options.tjs ? findTxiki() : { path: '', why: '' };
const results = [];
const jobs = { together: [], alone: [] }; // e2e binds fixed addresses: one at a time
for (const file of files) {
  if (file.error !== '') {
    report(`FAIL  ${file.name}  does not bundle`, file.error);
    results.push({ passed: 0, failed: 1, skips: [] });
    continue;
  }
  const list = file.name.startsWith('e2e') ? jobs.alone : jobs.together;
  if (options.node) list.push(() => run(file, 'node', [process.execPath, '--enable-source-maps']));
  if (txiki.path === '') continue;
  if (file.nodeOnly === '') list.push(() => run(file, 'tjs ', [txiki.path, 'run']));
  else if (!options.node) results.push({ passed: 0, failed: 0, skips: [`tjs   ${file.name}: ${file.nodeOnly}`] });
}
results.push(...await inParallel(jobs.together, Math.min(availableParallelism(), 4)));
results.push(...await inParallel(jobs.alone, 1));

rmSync(bundles, { recursive: true, force: true });

const skips = results.flatMap((result) => result.skips);
if (options.tjs) {
  if (txiki.path === '') skips.push(`all of txiki.js: ${txiki.why}`);
  else console.log(`tjs is txiki.js ${txiki.version} (${txiki.why}), node is ${process.versions.node}`);
}
const nodeOnly = files.filter((file) => file.nodeOnly !== '').length;
if (options.node && options.tjs && nodeOnly > 0) console.log(`${nodeOnly} of ${files.length} files run on Node alone`);
if (skips.length > 0) console.log(`skipped:\n${skips.map((line) => `  ${line}`).join('\n')}`);
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
