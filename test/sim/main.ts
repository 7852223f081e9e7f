/**
 * The simulator's commands, bundled by run.mjs and run on Node or txiki.js:
 *   sim                  a short set: a few scenarios and seeds
 *   sim SEED [two]       one swarm seed with its trace, and the trace's hash; two: the seed of that number on two meshes
 *   swarm FROM STEP MS [two]   seeds FROM, FROM + STEP, … until so much real time has passed
 *   hunt                 everything of `make test` until something fails; says what (`hunt bare`: without the cost bars)
 *   row-names            the rows of the report, as JSON
 *   row NAME SEEDS       one row as JSON; 0 seeds: as many as it says
 */
import { bars } from './bars.ts';
import { scenarios } from './scenarios.ts';
import { swarm, swarmTwo } from './swarm.ts';
import { rowNames, runRow } from './report-rows.ts';

interface TxikiGlobal {
  tjs?: { args: readonly string[]; exit(code: number): void };
  process?: { argv: readonly string[]; exitCode?: number };
}

const globals = globalThis as unknown as TxikiGlobal;
const SHORT_SEEDS = 12;
const HUNT_SEEDS = 30;
const PROBLEMS_SHOWN = 4;

function commandWords(): readonly string[] {
  if (globals.tjs !== undefined) {
    const { args } = globals.tjs;
    return args.slice(args.findIndex((word) => word.endsWith('.mjs')) + 1);
  }
  return globals.process?.argv.slice(2) ?? [];
}

function fail(): void {
  if (globals.tjs !== undefined) globals.tjs.exit(1);
  else if (globals.process !== undefined) globals.process.exitCode = 1;
}

/** @returns true when the seed held. */
function runSeed(seed: number, verbose: boolean, two = false): boolean {
  const result = (two ? swarmTwo : swarm)(seed, verbose ? (line) => console.log(line) : undefined);
  const { sim } = result;
  if (verbose) console.log(`trace ${sim.trace.hash}, ${sim.trace.events} events`);
  const failed = sim.violationCount > 0;
  if (failed || verbose) {
    console.log(`${failed ? 'FAILED' : 'ok'} ${result.summary}`);
    for (const { time, invariant, text } of sim.violations.slice(0, PROBLEMS_SHOWN)) console.log(`  ${time} ms ${invariant}: ${text}`);
    if (failed) console.log(`  replay: ${two ? `node test/sim/run.mjs sim ${seed} two` : `make sim SEED=${seed}`}`);
  }
  return !failed;
}

function runShortSet(): boolean {
  let good = true;
  for (const scenario of scenarios) {
    const problems = scenario.run();
    console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${scenario.name}`);
    for (const problem of problems.slice(0, PROBLEMS_SHOWN)) console.log(`  ${problem}`);
    good &&= problems.length === 0;
  }
  for (let seed = 1; seed <= SHORT_SEEDS; seed++) {
    const held = runSeed(seed, false);
    console.log(`${held ? 'ok    ' : 'FAILED'} swarm seed ${seed}`);
    good &&= held;
  }
  return good;
}

/** For mutants: the first thing that fails is enough. */
function runHunt(bare: boolean): boolean {
  for (const { name, run } of bare ? scenarios : [...scenarios, ...bars]) {
    const problems = run();
    if (problems.length === 0) continue;
    console.log(`KILLED by ${name}: ${problems[0]}`);
    return false;
  }
  for (let seed = 1; seed <= HUNT_SEEDS; seed++) {
    const { sim } = swarm(seed);
    const [first] = sim.violations;
    if (first === undefined) continue;
    console.log(`KILLED by seed ${seed}: ${first.invariant}: ${first.text}`);
    return false;
  }
  return true;
}

function runSwarm(from: number, step: number, forMs: number, two: boolean): boolean {
  const end = Date.now() + forMs;
  let count = 0;
  let failed = 0;
  for (let seed = from; Date.now() < end; seed += step) {
    count++;
    if (!runSeed(seed, false, two)) failed++;
  }
  console.log(`${count} seeds from ${from} by ${step}: ${failed} failed`);
  return failed === 0;
}

function main(words: readonly string[]): boolean {
  const [command, ...rest] = words;
  if (command === 'swarm') return runSwarm(Number(rest[0] ?? 1), Number(rest[1] ?? 1), Number(rest[2] ?? 60_000), rest[3] === 'two');
  if (command === 'hunt') return runHunt(rest[0] === 'bare');
  if (command === 'row-names') console.log(JSON.stringify(rowNames()));
  if (command === 'row') console.log(JSON.stringify(runRow(rest[0] ?? '', Number(rest[1] ?? 0))));
  if (command?.startsWith('row')) return true;
  if (command === 'sim' && rest[0] !== undefined) return runSeed(Number(rest[0]), true, rest[1] === 'two');
  return runShortSet();
}

if (!main(commandWords())) fail();
