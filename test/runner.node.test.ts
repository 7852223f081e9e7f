/** The test runner itself: whatever goes wrong in a test file must fail the command, on Node and inside txiki.js. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

// Imported as a file: it finds the project by its own place.
const { findTxiki } = await import(pathToFileURL('scripts/runtime.mjs').href);
const HEAD = `import { suite } from 'uvu'; import * as assert from 'uvu/assert'; const t = suite('t');\n`;

/** Runs a test folder of this one file. @returns the exit status and the last line. */
function runFile(runtime: string, text: string, seconds: number): { status: number | null; last: string } {
  const folder = mkdtempSync(join(tmpdir(), 'meshchat-runner-'));
  const name = 'one.test.ts';
  writeFileSync(join(folder, name), HEAD + text);
  // uvu is found from the project's folder, not from the temporary one
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const args = ['test/run.mjs', runtime, '--seconds', String(seconds), '--folder', folder];
  const result = spawnSync(process.execPath, args, {
    encoding: 'utf8', env: { ...process.env, NODE_PATH: join(process.cwd(), 'node_modules') },
  });
  rmSync(folder, { recursive: true });
  return { status: result.status, last: result.stdout.trimEnd().split('\n').at(-1) ?? '' };
}

for (const runtime of findTxiki().path === '' ? ['--node'] : ['--node', '--tjs']) {
  const runner = suite(`runner ${runtime}`);
  const check = (text: string, status: number, last: string, seconds = 60): void => {
    assert.equal(runFile(runtime, text, seconds), { status, last });
  };
  runner('passes and counts good tests', () => {
    check(`t('a', () => {}); t('b', async () => { await null; }); t.run();`, 0, '2 passed, 0 failed');
  });
  runner('fails when a test fails', () => {
    check(`t('a', () => {}); t('b', () => assert.is(1, 2)); t.run();`, 1, '1 passed, 1 failed');
  });
  runner('fails when the file throws while it loads', () => {
    check(`t('a', () => {}); t.run(); throw new Error('no');`, 1, '0 passed, 1 failed');
  });
  runner('fails when the file does not bundle', () => {
    check(`import './missing.ts'; t('a', () => {}); t.run();`, 1, '0 passed, 1 failed');
  });
  runner('fails when a test never ends', () => {
    check(`t('a', () => {}); t('b', () => new Promise(() => {})); t.run();`, 1, '0 passed, 1 failed', 2);
  });
  runner('fails when a test spins for ever', () => {
    check(`t('b', () => { for (;;); }); t.run();`, 1, '0 passed, 1 failed', 2);
  });
  runner('fails when a file has no test', () => {
    check(`t('forgotten run', () => {});`, 1, '0 passed, 1 failed');
  });
  runner('fails on a rejection that nobody handles', () => {
    const wait = 'return new Promise((go) => setTimeout(go, 50));';
    check(`t('a', () => { Promise.reject(new Error('lost')); ${wait} }); t.run();`, 1, '0 passed, 1 failed');
  });
  runner('fails when there is nothing to run', () => {
    const result = spawnSync(process.execPath, ['test/run.mjs', runtime, 'no-such-file'], { encoding: 'utf8' });
    assert.is(result.status, 1);
    assert.is(result.stdout.trimEnd().split('\n').at(-1), '0 passed, 0 failed');
  });
  runner.run();
}
