/** The scripts that choose and prepare the runtime, and the launchers. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

// Imported as a file: it finds the project by its own place.
const { patchTxiki } = await import(pathToFileURL('scripts/patch-txiki.mjs').href);

const original = 'node_modules/txiki.js/dist/linux-x64/tjs';
const folder = mkdtempSync(join(tmpdir(), 'meshchat-scripts-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

/** A fake tjs that says its name, arguments and version. */
function fakeTjs(name: string, version = '26.6.0'): string {
  mkdirSync(join(folder, name), { recursive: true });
  const path = join(folder, name, 'tjs');
  writeFileSync(path, `#!/bin/sh\n[ "$1" = --version ] && { echo v${version}; exit; }\necho ${name} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** PATH without any tjs but npm's. */
const basePath = (process.env['PATH'] ?? '').split(':').filter((one) => !existsSync(join(one, 'tjs'))).join(':');

function choose(env: Record<string, string>): { path: string; said: string; status: number | null } {
  const result = spawnSync(process.execPath, ['scripts/runtime.mjs'], {
    encoding: 'utf8', env: { ...process.env, TJS: '', PATH: basePath, ...env },
  });
  return { path: result.stdout.trim(), said: result.stderr.trim(), status: result.status };
}

const scripts = suite('choice of the runtime');
scripts('$TJS wins, then a tjs on the PATH', () => {
  const first = fakeTjs('first');
  const second = fakeTjs('second', '27.1.0');
  assert.is(choose({ TJS: first, PATH: `${join(folder, 'second')}:${basePath}` }).path, first);
  const found = choose({ PATH: `${join(folder, 'second')}:${basePath}` });
  assert.is(found.path, second);
  assert.match(found.said, /txiki\.js 27\.1\.0 \(tjs on the PATH\)/);
});
scripts('a $TJS that does not run is an error that names it', () => {
  const result = choose({ TJS: '/no/such/tjs' });
  assert.equal([result.status, result.said], [1, 'TJS: /no/such/tjs does not run']);
});
scripts('a tjs on the PATH that does not run is passed over', () => {
  mkdirSync(join(folder, 'broken'), { recursive: true });
  writeFileSync(join(folder, 'broken', 'tjs'), '#!/bin/sh\nexit 1\n');
  chmodSync(join(folder, 'broken', 'tjs'), 0o755);
  assert.is.not(choose({ PATH: `${join(folder, 'broken')}:${basePath}` }).path, join(folder, 'broken', 'tjs'));
});
scripts('says in one line what it is', () => {
  const { said, path, status } = choose({});
  assert.is(status, 0);
  assert.match(said, /^runtime: (txiki\.js \d|node \d.*because).*$/);
  assert.ok(existsSync(path));
});
scripts('a file that is no such program is refused, not edited', () => {
  for (const bytes of [Buffer.from('#!/bin/sh\necho this is no program of the wanted kind\n'), Buffer.alloc(4096)]) {
    const before = Buffer.from(bytes);
    assert.throws(() => patchTxiki(bytes), /not a 64-bit x86 ELF file/);
    assert.ok(bytes.equals(before));
  }
});
if (existsSync(original)) {
  scripts('the copy keeps its size, differs in few bytes and needs no libcurl', () => {
    const before = readFileSync(original);
    const after = Buffer.from(before);
    assert.is(patchTxiki(after), 24);
    assert.is(after.length, before.length);
    assert.ok(before.filter((byte, index) => byte !== after[index]).length < 200);
    const path = join(folder, 'patched');
    writeFileSync(path, after, { mode: 0o755 });
    assert.match(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout, /24\.12\.0/);
  });
} else console.log('skipped: the npm package txiki.js is not installed');
scripts.run();

const launchers = suite('launchers');
for (const [name, args] of [['meshchatd', 'daemon '], ['meshchat', '']] as const) {
  if (!existsSync(`dist/${name}`)) {
    console.log(`skipped: dist/${name} is not built`);
    continue;
  }
  const launch = (env: Record<string, string>, ...words: string[]): string => (
    spawnSync(`dist/${name}`, words, { encoding: 'utf8', env: { ...process.env, ...env } }).stdout.trim());
  launchers(`${name} runs $TJS with the script and its arguments`, () => {
    const script = join(process.cwd(), 'dist', 'meshchat.js');
    assert.is(launch({ TJS: fakeTjs('first') }, 'a', 'b c'), `first run ${script} ${args}a b c`);
  });
  launchers(`${name} runs on Node when it is told to`, () => {
    const node = join(folder, 'node-only');
    mkdirSync(node, { recursive: true });
    writeFileSync(join(node, 'node'), '#!/bin/sh\necho node "$@"\n');
    chmodSync(join(node, 'node'), 0o755);
    const env = { TJS: fakeTjs('first'), MESHCHAT_RUNTIME: 'node', PATH: `${node}:${basePath}` };
    assert.match(launch(env, 'x'), new RegExp(`^node .*/meshchat\\.js ${args}x$`));
  });
}
launchers.run();
