// Breaks one protocol rule at a time and tells which test or simulation notices.
//   node scripts/mutate.mjs [--list] [--unit] [--bare] [WORD…]    only mutants whose rule or file contains a word;
//   --unit: by unit tests alone; --bare: the simulation without cost bars
// The change is made in memory while bundling a copy of the tree in build/mutants/; src/ is never touched. Writes
// build/mutants.md. Exit status 1 when less than 95 % are noticed, or when a mutant's text is not in the source any more.
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { mutants } from './mutants.mjs';

const WORKERS = 2;
const KILLED_SHARE_MIN = 0.95;
const SECONDS_MAX = 120;
const UNIT_TESTS = ['wire', 'broadcast', 'multicast'];
const root = resolve('build', 'mutants');
const flags = process.argv.slice(2).filter((word) => word.startsWith('--'));
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const chosen = mutants.filter(({ rule, file }) => words.length === 0 || words.some((word) => rule.includes(word) || file.includes(word)));
if (flags.includes('--list')) {
  for (const { rule, file } of chosen) console.log(`${file}: ${rule}`);
  process.exit(0);
}
rmSync(root, { recursive: true, force: true });
mkdirSync(root, { recursive: true });
for (const part of ['src', 'test']) cpSync(part, join(root, part), { recursive: true });

const quoted = (path) => JSON.stringify(path);

/** All unit tests of these folders in one program that stops at the first failure. */
function unitEntry(folders) {
  const files = folders.flatMap((folder) => readdirSync(join(root, 'test/unit', folder))
    .filter((name) => name.endsWith('.test.ts')).sort().map((name) => join(root, 'test/unit', folder, name)));
  return [
    `import ${quoted(join(root, 'test/support/process-stand-in.ts'))};`, "import { exec } from 'uvu';",
    ...files.map((file) => `import ${quoted(file)};`), 'await exec(true);', 'process.exit(process.exitCode ?? 0);',
  ].join('\n');
}

/** The tests nearest to a file first: its folder's, then the others. */
function unitSteps(file) {
  const folder = UNIT_TESTS.find((name) => file.includes(`/${name}/`)) ?? UNIT_TESTS[0];
  return [[folder], UNIT_TESTS.filter((name) => name !== folder)];
}
const SIM_ENTRY = `import ${quoted(join(root, 'test/sim/main.ts'))};`;

/** Bundles with one file changed. */
async function bundle(contents, outfile, mutant) {
  const changed = mutant && join(root, mutant.file);
  const plugin = {
    name: 'mutate',
    setup(one) {
      one.onLoad({ filter: /\.ts$/ }, ({ path }) => path === changed
        ? { contents: readFileSync(path, 'utf8').split(mutant.text).join(mutant.by), loader: 'ts' } : undefined);
    },
  };
  await build({
    stdin: { contents, resolveDir: process.cwd(), sourcefile: 'entry.js' }, outfile, bundle: true, format: 'esm',
    target: 'es2022', platform: 'neutral', mainFields: ['module', 'main'], conditions: ['browser'],
    nodePaths: [resolve('node_modules')], external: ['tjs:*', 'node:*'], plugins: [plugin],
    loader: { '.json': 'json', '.jsonl': 'text', '.txt': 'text', '.uci': 'text' }, logLevel: 'silent',
  });
}

function run(args) {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
    let text = '';
    let hangs = false;
    child.stdout.on('data', (chunk) => { text += chunk; });
    child.stderr.on('data', (chunk) => { text += chunk; });
    const limit = setTimeout(() => {
      hangs = true;
      child.kill('SIGKILL');
    }, SECONDS_MAX * 1000);
    child.on('close', (status) => {
      clearTimeout(limit);
      done({ failed: status !== 0, hangs, text });
    });
  });
}

/** @returns what noticed, '' when nothing did, undefined when it is no program. */
async function hunt(mutant, index) {
  const program = join(root, `mutant-${index}.mjs`);
  try {
    for (const folders of mutant === undefined ? [UNIT_TESTS] : unitSteps(mutant.file)) {
      await bundle(unitEntry(folders), program, mutant);
      const unit = await run([program]);
      if (unit.hangs) return 'unit tests hang';
      if (unit.failed) return `unit test: ${/^\s+FAIL\s.*?"(.+)"$/m.exec(unit.text)?.[1] ?? '(dies)'}`;
    }
    if (flags.includes('--unit')) return '';
    await bundle(SIM_ENTRY, program, mutant);
  } catch {
    return undefined;
  }
  const sim = await run([program, 'hunt', ...(flags.includes('--bare') ? ['bare'] : [])]);
  if (!sim.failed) return '';
  return sim.hangs ? 'the simulation hangs' : (/^KILLED by (.*)$/m.exec(sim.text)?.[1] ?? 'the simulation dies');
}

const sources = UNIT_TESTS.flatMap((folder) => readdirSync(join(root, 'src', folder)).filter((name) => name.endsWith('.ts'))
  .map((name) => ({ file: join('src', folder, name), text: readFileSync(join(root, 'src', folder, name), 'utf8') })));

/** The file whose text the mutant changes: its own, or the only one that the rule has moved to. undefined: none. */
function locate(mutant) {
  const holds = ({ text }) => text.split(mutant.text).length === 2;
  const own = sources.find(({ file }) => file === mutant.file);
  if (own !== undefined && holds(own)) return own.file;
  const holders = sources.filter(({ text }) => text.includes(mutant.text));
  return holders.length === 1 && holds(holders[0]) ? holders[0].file : undefined;
}

async function worker(index, queue, results) {
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const file = locate(mutant);
    const found = { ...mutant, file: file ?? mutant.file };
    const noticed = file === undefined ? undefined : await hunt(found, index);
    const stale = noticed === undefined;
    const killer = noticed ?? '(its text is gone, is there twice, or makes no program)';
    results.push({ ...found, killer, stale });
    console.log(`${stale ? 'STALE   ' : killer === '' ? 'SURVIVES' : 'killed  '} ${found.file}: ${found.rule} -- ${killer}`);
  }
}

const healthy = await hunt(undefined, 0);
if (healthy !== '') {
  console.error(`the tree fails as it is: ${healthy}`);
  process.exit(1);
}
const queue = [...chosen];
const results = [];
await Promise.all(Array.from({ length: WORKERS }, (_, index) => worker(index, queue, results)));
results.sort((a, b) => chosen.findIndex((one) => one.rule === a.rule) - chosen.findIndex((one) => one.rule === b.rule));
const valid = results.filter((result) => !result.stale);
const killed = valid.filter((result) => result.killer !== '').length;
const summary = `${killed} of ${valid.length} mutants noticed (${((100 * killed) / Math.max(1, valid.length)).toFixed(1)} %), ` +
  `${results.length - valid.length} stale`;
console.log(summary);
if (words.length === 0) {
  const rows = results.map(({ rule, file, killer }) =>
    `| ${rule} | ${file.slice(4)} | ${killer === '' ? '**nothing**' : killer.replaceAll('|', '/').slice(0, 140)} |`);
  writeFileSync('build/mutants.md', `## Rules broken one at a time

${summary}. Each line: a rule of src/wire, src/broadcast or src/multicast that \`node scripts/mutate.mjs\` broke, and the first test or
simulation that noticed.

| rule | file | noticed by |
| --- | --- | --- |
${rows.join('\n')}
`);
}
process.exitCode = killed >= KILLED_SHARE_MIN * valid.length && results.length === valid.length ? 0 : 1;
