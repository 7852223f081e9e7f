// Bundles every test file and runs it; the last line is "N passed, N failed".
//   node test/run.mjs [FILTER…]    only files whose path contains one of the words
import { build } from 'esbuild';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const files = readdirSync('test', { recursive: true })
  .map((name) => join('test', name))
  .filter((name) => name.endsWith('.test.ts') && (words.length === 0 || words.some((word) => name.includes(word))))
  .sort();
await build({
  entryPoints: files, outdir: 'build/test', outbase: 'test', bundle: true, format: 'esm', platform: 'node', target: 'es2022',
  external: ['tjs:*', 'uvu', 'uvu/*'], outExtension: { '.js': '.mjs' }, logLevel: 'warning', sourcemap: 'inline',
});
globalThis.UVU_DEFER = 1;
globalThis.UVU_QUEUE = [];
const { exec } = await import('uvu');
for (const [index, file] of files.entries()) {
  globalThis.UVU_INDEX = index;
  globalThis.UVU_QUEUE.push([file]);
  await import(pathToFileURL(file.replace(/^test/, 'build/test').replace(/\.ts$/, '.mjs')));
}
const write = process.stdout.write.bind(process.stdout);
let text = '';
process.stdout.write = (chunk, ...rest) => { text += chunk; return write(chunk, ...rest); };
await exec();
const plain = text.replace(/\x1b\[[0-9;]*m/g, '');
const total = Number(/Total:\s+(\d+)/.exec(plain)?.[1] ?? 0);
const passed = Number(/Passed:\s+(\d+)/.exec(plain)?.[1] ?? 0);
console.log(`${passed} passed, ${total - passed} failed`);
process.exitCode ||= total === passed && total > 0 ? 0 : 1;
