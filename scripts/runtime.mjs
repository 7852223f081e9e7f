// Chooses the JavaScript runtime of the daemon and prints its path on stdout, and in one line on stderr what it is.
//   $TJS  >  tjs on the PATH  >  the npm package's txiki.js (a copy in dist/tjs that needs no libcurl)  >  node
// Used by make, the tests and the demo. Nothing is fetched: the package comes with `npm ci`, pinned by its hash.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { patchTxiki } from './patch-txiki.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const copyPath = join(root, 'dist', 'tjs');
const packagePath = join(root, 'node_modules', 'txiki.js', 'dist', 'linux-x64', 'tjs');

/** The version that the binary prints, e.g. "24.12.0"; '' when it does not run here. */
export function txikiVersion(path) {
  const result = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  return result.status === 0 ? (/(\d+\.\d+\.\d+)/.exec(result.stdout)?.[1] ?? '') : '';
}

/** @returns {path, version, why}; path '' where no txiki.js runs, and then `why` says so. */
export function findTxiki() {
  if (process.env.TJS) {
    const version = txikiVersion(process.env.TJS);
    if (version === '') throw new Error(`TJS: ${process.env.TJS} does not run`);
    return { path: process.env.TJS, version, why: '$TJS' };
  }
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder.includes('node_modules')) continue; // npm's own, which needs the copy
    if (!existsSync(join(folder, 'tjs'))) continue;
    const version = txikiVersion(join(folder, 'tjs'));
    if (version !== '') return { path: join(folder, 'tjs'), version, why: 'tjs on the PATH' };
  }
  return packagedTxiki();
}

function packagedTxiki() {
  const none = (why) => ({ path: '', version: '', why });
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return none(`no txiki.js package for ${process.platform}-${process.arch}`);
  }
  if (!existsSync(packagePath)) return none('the npm package txiki.js is not installed');
  try {
    if (!existsSync(copyPath) || statSync(copyPath).mtimeMs < statSync(packagePath).mtimeMs) writeCopy();
    const version = txikiVersion(copyPath);
    if (version !== '') return { path: copyPath, version, why: 'from npm, without libcurl' };
    rmSync(copyPath, { force: true });
  } catch (error) {
    process.stderr.write(`the copy of txiki.js failed (${error.message}); trying the original\n`);
  }
  const version = txikiVersion(packagePath);
  if (version === '') return none('the txiki.js of npm does not run here');
  return { path: packagePath, version, why: 'from npm' };
}

function writeCopy() {
  const bytes = readFileSync(packagePath);
  patchTxiki(bytes);
  mkdirSync(join(root, 'dist'), { recursive: true });
  const temporary = `${copyPath}.${process.pid}`; // several processes may get here at once: rename decides
  writeFileSync(temporary, bytes);
  chmodSync(temporary, 0o755);
  renameSync(temporary, copyPath);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    const { path, version, why } = findTxiki();
    if (path === '') process.stderr.write(`runtime: node ${process.versions.node}, because: ${why}\n`);
    else process.stderr.write(`runtime: txiki.js ${version} (${why})\n`);
    process.stdout.write(`${path || process.execPath}\n`);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
