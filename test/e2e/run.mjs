// Runs the scenarios test/e2e/*.e2e.ts one after the other: real daemons on real meshes, in network namespaces.
//   node test/e2e/run.mjs [WORD…]     only files whose name contains one of the words
// CJDROUTE=path: on cjdns instead of Yggdrasil; YGGDRASIL=path: another Yggdrasil than the installed one. Each scenario's head
// comment says what else it takes. Needs root, /dev/net/tun, iproute2 and nftables; says so and skips where they are missing.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const root = join(folder, '..', '..');
const words = process.argv.slice(2);
const names = readdirSync(folder).filter((name) => name.endsWith('.e2e.ts'))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word))).sort();
mkdirSync(join(root, 'build', 'e2e'), { recursive: true });
const results = [];
for (const name of names) {
  const outfile = join(root, 'build', 'e2e', `${basename(name, '.ts')}.mjs`);
  await build({
    entryPoints: [join(folder, name)], outfile, bundle: true, format: 'esm', target: 'es2022', platform: 'neutral',
    mainFields: ['module', 'main'], conditions: ['browser'], external: ['tjs:*', 'node:*'], sourcemap: 'inline',
    logLevel: 'warning',
  });
  console.log(`== ${name}`);
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', outfile], { cwd: root, stdio: 'inherit' });
  results.push(`${status === 0 ? 'ok  ' : 'FAIL'}  ${name}`);
}
console.log(results.join('\n'));
process.exitCode = results.length > 0 && results.every((line) => line.startsWith('ok')) ? 0 : 1;
