/** The OpenWrt package that needs no SDK: e2e/openwrt.test.ts installs it, here is what needs no router. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const { findTxiki } = await import(pathToFileURL('scripts/runtime.mjs').href) as { findTxiki(): { path: string; version: string } };
const folder = mkdtempSync(join(tmpdir(), 'meshchat-packages-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

const packages = suite('packages');
const built = (): Buffer => {
  const path = execFileSync(process.execPath, ['scripts/ipk.mjs', '--release', String(process.pid)], { encoding: 'utf8' }).split(' ')[0]!;
  const bytes = readFileSync(path);
  rmSync(path);
  return bytes;
};

packages('two of one tree are the same, and hold the script compressed', () => {
  if (!existsSync('dist/meshchat.js')) return console.log('skipped: dist/meshchat.js is not built');
  const bytes = built();
  assert.ok(bytes.equals(built()));
  const data = spawnSync('tar', ['-xzOf', '-', './data.tar.gz'], { input: bytes }).stdout;
  spawnSync('tar', ['-xzf', '-', '-C', folder], { input: data });
  const packed = readFileSync(join(folder, 'usr/lib/meshchat/meshchat.js.gz'));
  const script = spawnSync('gzip', ['-dc'], { input: packed, maxBuffer: 1 << 24 }).stdout;
  assert.ok(script.equals(readFileSync('dist/meshchat.js')));
});
packages('the router\'s way to start it runs it with its arguments', () => {
  const { path, version } = findTxiki();
  if (path === '' || version.startsWith('24.')) return console.log('skipped: needs txiki.js 26');
  const done = spawnSync(path, ['run', join(folder, 'usr/lib/meshchat/meshchat.js'), '--version'], { encoding: 'utf8' });
  assert.match(done.stdout, /^meshchat \d+\.\d+\.\d+, txiki 26/);
});
packages.run();
