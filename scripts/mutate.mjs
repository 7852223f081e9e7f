// Deletes or breaks one protocol rule at a time and tells which test or simulation notices.
//   node scripts/mutate.mjs [--list] [--bare] [WORD…]    only mutants whose rule or file contains a word
// Works on copies of the tree in build/mutants/; src/ is never touched. Writes build/mutants.md. Exit status 1 when less
// than 95 % are noticed, or when a mutant's text is not in the source any more.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { mutants } from './mutants.mjs';

const WORKERS = 2;
const KILLED_SHARE_MIN = 0.95;
const SECONDS_MAX = 150;
const UNIT_TESTS = ['unit/wire', 'unit/broadcast', 'unit/multicast'];
const bare = process.argv.includes('--bare'); // without the cost bars
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const chosen = mutants.filter(({ rule, file }) => words.length === 0 || words.some((word) => rule.includes(word) || file.includes(word)));
if (process.argv.includes('--list')) {
  for (const { rule, file } of chosen) console.log(`${file}: ${rule}`);
  process.exit(0);
}

/** A copy of what the tests need. */
function prepare(index) {
  const root = resolve('build', 'mutants', String(index));
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  for (const part of ['src', 'test', 'scripts', 'package.json', 'tsconfig.json']) {
    if (existsSync(part)) cpSync(part, join(root, part), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
  return root;
}

function run(root, args) {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let text = '';
    let hangs = false;
    child.stdout.on('data', (chunk) => { text += chunk; });
    child.stderr.on('data', (chunk) => { text += chunk; });
    const limit = setTimeout(() => {
      hangs = true;
      process.kill(-child.pid, 'SIGKILL'); // the whole group: the runner starts processes of its own
    }, SECONDS_MAX * 1000);
    child.on('close', (status) => {
      clearTimeout(limit);
      done({ failed: status !== 0, hangs, text });
    });
  });
}

/** @returns what noticed, '' when nothing did. */
async function hunt(root) {
  const unit = await run(root, ['test/run.mjs', '--node', ...UNIT_TESTS]);
  const unitCount = Number(/(\d+) passed, \d+ failed/.exec(unit.text)?.[1] ?? 0);
  if (unit.failed && (unitCount > 0 || /FAIL/.test(unit.text))) {
    return unit.hangs ? 'unit tests hang' : `unit test: ${/^\s+FAIL\s.*?"(.+)"$/m.exec(unit.text)?.[1] ?? '(dies)'}`;
  }
  const sim = await run(root, ['test/sim/run.mjs', 'hunt', ...(bare ? ['bare'] : [])]);
  if (!sim.failed) return '';
  return sim.hangs ? 'the simulation hangs' : (/^KILLED by (.*)$/m.exec(sim.text)?.[1] ?? 'the simulation dies');
}

async function worker(index, queue, results) {
  const root = prepare(index);
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const path = join(root, mutant.file);
    const original = readFileSync(path, 'utf8');
    const parts = original.split(mutant.text);
    let killer = '';
    if (parts.length !== 2) {
      killer = parts.length < 2 ? '(text is gone)' : '(text is not unique)';
    } else {
      writeFileSync(path, parts.join(mutant.by));
      killer = await hunt(root);
      writeFileSync(path, original);
    }
    results.push({ ...mutant, killer, stale: parts.length !== 2 });
    console.log(`${killer === '' ? 'SURVIVES' : parts.length !== 2 ? 'STALE   ' : 'killed  '} ${mutant.file}: ${mutant.rule} -- ${killer}`);
  }
}

const healthy = await hunt(prepare(0));
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
  const rows = results.map(({ rule, file, killer, stale }) =>
    `| ${rule} | ${file} | ${killer === '' ? '**nothing**' : stale ? killer : killer.replaceAll('|', '/').slice(0, 140)} |`);
  writeFileSync('build/mutants.md', `## Rules broken one at a time

${summary}. Each line: a rule of src/wire, src/broadcast or src/multicast that \`node scripts/mutate.mjs\` broke, and the first test or
simulation that noticed.

| rule | file | noticed by |
| --- | --- | --- |
${rows.join('\n')}
`);
}
process.exitCode = killed >= KILLED_SHARE_MIN * valid.length && results.length === valid.length ? 0 : 1;
