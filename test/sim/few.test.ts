/** The few simulations that run in every runtime; all the others run on Node. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { streamCell } from './cells.ts';
import { compareTraces } from './checkers/same-trace.ts';

test('a short stream at 20 % loss arrives whole, in order, once, on any runtime', () => {
  const cell = streamCell({ seed: 1, nodes: 4, network: { loss: 0.2, jitterMs: 5, duplicate: 0.05 } }, 40);
  assert.equal(cell.violations, []);
  assert.is(cell.delivered, cell.owed);
  assert.ok(cell.settledMs >= 0);
});

test('the same seed makes the same trace, another seed another', () => {
  const run = (seed: number) => () => streamCell({ seed, nodes: 3, network: { loss: 0.1, jitterMs: 3 } }, 10).sim;
  const first = compareTraces(run(1));
  assert.is(first.problem, '');
  assert.is.not(first.hash, compareTraces(run(2)).hash);
});

test.run();
