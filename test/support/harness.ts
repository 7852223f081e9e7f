/**
 * First and last of every test bundle (test/run.mjs puts them around the test file): `finish()` runs what the file has
 * registered with uvu and ends the process with 1 when a test failed, on Node and on txiki.js alike.
 */
import './process-stand-in.ts';
import { exec } from 'uvu';

interface TestProcess {
  exitCode?: number;
  version?: string;
  exit?(code: number): never;
}
declare const tjs: { exit(code: number): never } | undefined;

const OPEN_HANDLES_MS_MAX = 10_000;
const LAST_TURNS_MS = 20;
// A pending await with an empty loop ends txiki with status 0: this keeps it alive until the runner's time limit.
const guard = setTimeout(() => {}, 1e9);

export async function finish(): Promise<void> {
  await exec();
  // A rejection that nobody handles is told a turn later: exiting at once would hide it.
  await new Promise((resolve) => setTimeout(resolve, LAST_TURNS_MS));
  clearTimeout(guard);
  const testProcess = (globalThis as unknown as { process: TestProcess }).process;
  if (typeof tjs !== 'undefined') tjs.exit(testProcess.exitCode ?? 0);
  const late = setTimeout(() => {
    console.log('something is still open after the last test: close it');
    testProcess.exit?.(1);
  }, OPEN_HANDLES_MS_MAX);
  (late as unknown as { unref(): void }).unref();
}
