/**
 * The parser beside the real `uci` on generated files: UCI=/path/to/uci node test/run.mjs uci-real  (UCI_COUNT=20000
 * for more). UCI_KEEP=FILE also writes the first 200 with what uci printed: test/vectors/uci-generated.jsonl came so.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesOf, generateUci } from './uci-generate.ts';
import { uciExport, uciShow, type UciOutput } from './uci-show.ts';

const real = suite('uci beside the real one');
const program = process.env['UCI'];

function run(folder: string, args: string[]): UciOutput {
  const options = { encoding: 'latin1' as const, env: { PATH: dirname(program!) } };
  const done = spawnSync(basename(program!), ['-c', folder, '-C', folder, '-t', '/nonexistent', ...args], options);
  return { rc: done.status ?? -1, out: done.stdout, err: done.stderr };
}

real('prints what uci prints, and refuses what uci refuses in its words, on generated files', () => {
  if (program === undefined) return console.log('skipped: UCI=/path/to/uci is not given');
  const folder = mkdtempSync(join(tmpdir(), 'uci-'));
  const kept: string[] = [];
  let good = 0;
  const count = Number(process.env['UCI_COUNT'] ?? 5000);
  for (let seed = 1; seed <= count; seed++) {
    const text = generateUci(seed);
    const bytes = bytesOf(text);
    writeFileSync(join(folder, 'c'), bytes);
    const show = run(folder, ['-X', 'show', 'c']);
    assert.equal(uciShow(bytes, 'c', true), show, `file ${seed}: ${JSON.stringify(text)}`);
    const exported = run(folder, ['export', 'c']);
    assert.equal(uciExport(bytes, 'c', false), exported, `file ${seed}: ${JSON.stringify(text)}`);
    if (show.rc === 0) good++;
    if (kept.length < 200) kept.push(JSON.stringify({ seed, input: text, show, export: exported }));
  }
  rmSync(folder, { recursive: true });
  if (process.env['UCI_KEEP'] !== undefined) writeFileSync(process.env['UCI_KEEP'], `${kept.join('\n')}\n`);
  console.log(`${count} generated files, ${good} of them good: all as uci`);
});

real.run();
