/** Invariant 13 across runtimes: the same seed makes the same trace on Node and inside txiki.js. */
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const SEED = '11';
const SECONDS_MAX = 100;

function traceOn(runtime: string): string {
  const { stdout } = spawnSync(process.execPath, ['test/sim/run.mjs', 'sim', SEED], {
    env: { ...process.env, RUNTIME: runtime }, encoding: 'utf8', timeout: SECONDS_MAX * 1000, maxBuffer: 1 << 28,
  });
  return /^trace .*$/m.exec(stdout)?.[0] ?? `no trace: ${stdout.slice(-500)}`;
}

const runtime = spawnSync(process.execPath, ['scripts/runtime.mjs'], { encoding: 'utf8' }).stdout.trim();
if (!runtime.endsWith('tjs')) console.log('skipped: the same trace on txiki.js: none runs here');
else {
  test('the same seed makes the same trace on Node and inside txiki.js', () => {
    const ours = traceOn(process.execPath);
    assert.match(ours, /^trace [0-9a-f]{8}, \d+ events$/);
    assert.is(traceOn(runtime), ours);
  });
}

test.run();
