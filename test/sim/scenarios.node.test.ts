/** The scripted scenarios and the first swarm seeds; `make sim-swarm` goes on with other seeds. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scenarios } from './scenarios.ts';
import { swarm, swarmTwo } from './swarm.ts';

const SEEDS = 20;
const SEEDS_TWO = 10;

for (const { name, run } of scenarios) {
  test(name, () => assert.equal(run(), []));
}

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`swarm seed ${seed}: no invariant breaks, and all owed is told within 30 s of the heal`, () => {
    const { sim } = swarm(seed);
    const problems = sim.violations.map(({ time, invariant, text }) => `${time} ms, ${invariant}: ${text}`);
    assert.equal(problems, [], `make sim SEED=${seed}`);
  });
}

for (let seed = 1; seed <= SEEDS_TWO; seed++) {
  test(`swarm seed ${seed} on two meshes: no invariant breaks, and all owed is told within 30 s of the heal`, () => {
    const { sim } = swarmTwo(seed);
    const problems = sim.violations.map(({ time, invariant, text }) => `${time} ms, ${invariant}: ${text}`);
    assert.equal(problems, [], `node test/sim/run.mjs sim ${seed} two`);
  });
}

test.run();
