// Bundles a TypeScript program and runs it with the rest of the arguments on Node (RUNTIME=tjs: inside txiki.js).
//   node scripts/bundle-run.mjs FILE [ARGUMENT…]
//   node scripts/bundle-run.mjs --each FOLDER [ARGUMENT…]     every *.ts of the folder; fails when one does
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { findTxiki } from './runtime.mjs';

const [first, ...rest] = process.argv.slice(2);
const [folder, ...words] = first === '--each' ? rest : ['', ...rest];
const names = folder !== '' && existsSync(folder) ? readdirSync(folder) : [];
const found = names.filter((name) => name.endsWith('.ts')).sort();
const files = first === '--each' ? found.map((name) => join(folder, name)) : [first];
if (files.length === 0) console.log(`nothing in ${folder}`);
for (const file of files) {
  const outfile = `build/${basename(file, '.ts')}-${process.pid}.mjs`;
  await build({
    entryPoints: [file], outfile, bundle: true, format: 'esm', target: 'es2022', platform: 'neutral',
    logLevel: 'warning', mainFields: ['module', 'main'], conditions: ['browser'], external: ['tjs:*', 'node:*'], sourcemap: 'inline',
    loader: { '.jsonl': 'text', '.txt': 'text', '.uci': 'text', '.conf': 'text' },
  });
  const command = process.env.RUNTIME === 'tjs' ? [findTxiki().path, 'run'] : [process.execPath];
  const result = spawnSync(command[0], [...command.slice(1), outfile, ...words], { stdio: 'inherit' });
  if (result.status !== 0) process.exitCode = 1;
}
