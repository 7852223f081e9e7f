/**
 * What an adapter does with its process: arguments, output, signals, stop() and a broken pipe. On Node and on txiki.js.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

// As files: they find the project by their own place.
const { build } = await import(pathToFileURL('node_modules/esbuild/lib/main.js').href);
const { findTxiki } = await import(pathToFileURL('scripts/runtime.mjs').href);

const SECONDS_MAX = 20;
const folder = mkdtempSync(join(tmpdir(), 'meshchat-process-'));
const script = join(folder, 'program.mjs');
await build({
  entryPoints: ['test/unit/runtime/process-program.ts'], outfile: script, bundle: true, format: 'esm', target: 'es2022',
  platform: 'neutral', mainFields: ['module', 'main'], external: ['tjs:*', 'node:*'],
});

interface Result {
  status: number | null;
  signal: string | null;
  out: string;
  error: string;
}
type Child = ReturnType<typeof spawn>;

type Drive = (child: Child, out: string) => void;

function run(command: string[], args: string[], drive: Drive = () => {}): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(command[0] as string, [...command.slice(1), script, ...args], { stdio: 'pipe' });
    const result = { out: '', error: '' };
    child.stdout.on('data', (chunk) => {
      result.out += chunk;
      drive(child, result.out);
    });
    child.stderr.on('data', (chunk) => { result.error += chunk; });
    child.stdin.on('error', () => {});
    const limit = setTimeout(() => child.kill('SIGKILL'), SECONDS_MAX * 1000);
    child.on('close', (status, signal) => {
      clearTimeout(limit);
      resolve({ status, signal, ...result });
    });
    drive(child, '');
  });
}

const { path, version } = findTxiki();
const runtimes: [string, string[]][] = [['node', [process.execPath]]];
if (path === '') console.log('skipped: no txiki.js here');
else runtimes.push([`txiki ${version}`, [path, 'run']]);

for (const [name, command] of runtimes) {
  const processes = suite(`${name}: process`);
  processes('arguments come in, a status goes out', async () => {
    const result = await run(command, ['args', 'a b', '--c=d']);
    assert.is(result.out, '["args","a b","--c=d"]\n');
    assert.is(result.error, 'an error\n');
    assert.is(result.status, 7);
  });
  processes('signals are told; a failing handler ends nothing; stop() in one ends the process with 0', async () => {
    const seen: string[] = [];
    const next = new Map([['ready', 'SIGUSR1'], ['SIGHUP', 'SIGTERM']]);
    const result = await run(command, ['signals'], (child, out) => {
      const line = out.trimEnd().split('\n').at(-1) ?? '';
      if (seen.includes(line) || !next.has(line)) return;
      seen.push(line);
      if (line === 'ready') setTimeout(() => child.kill('SIGHUP'), 100); // after the one that throws
      child.kill(next.get(line) as NodeJS.Signals);
    });
    assert.is(result.out, 'ready\nSIGHUP\nSIGTERM\n');
    assert.match(result.error, /expected by the test/);
    assert.equal([result.status, result.signal], [0, null]);
  });
  processes('SIGINT likewise', async () => {
    const result = await run(command, ['signals'], (child, out) => out === 'ready\n' && child.kill('SIGINT'));
    assert.equal([result.out, result.status], ['ready\nSIGINT\n', 0]);
  });
  processes('stop() closes sockets, streams, timers and children, and the process ends', async () => {
    const result = await run(command, ['stop', folder]);
    assert.equal([result.out, result.status, result.signal], ['stopping\n', 0, null], result.error);
    assert.not(existsSync(join(folder, 'stop.sock')));
  });
  processes('a throwing timer and a lost rejection end nothing', async () => {
    const result = await run(command, ['throws']);
    assert.equal([result.out, result.status], ['alive 2\n', 0]);
  });
  processes('output goes on in a file where the shell was, and the shell goes on after it', async () => {
    const file = join(folder, 'shared');
    const copy = [...command, script, 'cat'].map((word) => `'${word}'`).join(' ');
    execFileSync('sh', ['-c', `{ echo begin; echo middle | ${copy}; echo end; } > '${file}'`]);
    assert.is(readFileSync(file, 'utf8'), 'begin\nmiddle\nend\n');
  });
  // txiki.js 24 tells of rejections that are handled in the same turn.
  if (!name.includes('24.')) {
    processes("in somebody else's program a lost rejection ends it, as it would without us", async () => {
      const result = await run(command, ['guest']);
      assert.is(result.out, '');
      assert.match(result.error, /expected by the test/);
      assert.is(result.status, 1);
    });
  }
  processes('input is copied to output to the last byte', async () => {
    const input = 'zeile\n'.repeat(50_000);
    const result = await run(command, ['cat'], (child, out) => {
      if (out === '') child.stdin?.end(input);
    });
    assert.is(result.out.length, input.length);
    assert.equal([result.out === input, result.status], [true, 0]);
  });
  processes('lines are printed as they are, in order, before the exit', async () => {
    const { out, status } = await run(command, ['lines']);
    const expected = Array.from({ length: 5000 }, (_, i) => `line ${i} 100% %s %d\n`).join('');
    assert.equal([out === expected, status], [true, 0]);
  });
  processes('a reader that has gone is EPIPE', async () => {
    const shell = ['sh', '-c', '{ "$@"; echo "status $?" >&2; } | head -c 1', 'sh'];
    const result = await run([...shell, ...command], ['broken']);
    assert.equal([result.out, result.error], ['x', 'EPIPE\nstatus 3\n']);
  });
  processes('a slow reader gets everything, and the writer waits for it', async () => {
    const shell = ['sh', '-c', 'head -c 3000000 /dev/zero | "$@" | { sleep 0.3; wc -c; }', 'sh'];
    const result = await run([...shell, ...command], ['cat']);
    assert.equal([result.out.trim(), result.error], ['3000000', '']);
  });
  processes.run();
}
process.on('exit', () => rmSync(folder, { recursive: true }));
