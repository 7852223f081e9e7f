// Builds dist/: meshchat.js (daemon and command line, one script for every runtime), client.js (the client library for
// Node) with its types, and the launchers meshchatd and meshchat. Prints the bytes of each source folder; over the
// limit it fails. build/meshchat.js.map tells where a place in a stack trace is: node scripts/where.mjs LINE:COLUMN.
//   node build.mjs [--no-minify] [--no-types] [--any-size]
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/**
 * Of the minified script: a router has little flash, and QuickJS needs memory for every function. The target was 100
 * KiB; a third of what it is now is the IRC server with all of IRCv3 that clients ask for, a fifth the protocol, a third
 * the meshes, ubus, UCI and the command line. What a minifier can do is done: of each 100 bytes compressed, 12 are
 * texts, 4 numbers, 15 names that others know or data has, and the rest is what the code does.
 */
const BYTES_MAX = 300 * 1024;

process.chdir(fileURLToPath(new URL('.', import.meta.url)));
const { build } = await import('esbuild');
const { bundleScript, common } = await import('./scripts/minify.mjs'); // esbuild works where it was loaded
const minify = !process.argv.includes('--no-minify');

const LAUNCHER = `#!/bin/sh
# Runs the script on txiki.js where there is one, else on Node; TJS=/path/to/tjs or MESHCHAT_RUNTIME=node|tjs decide.
here=$(dirname "$(readlink -f "$0")")
fail() {
  echo "@NAME@: $1" >&2
  exit 1
}
case "$MESHCHAT_RUNTIME" in
  '' | node | tjs) ;;
  *) fail "MESHCHAT_RUNTIME=$MESHCHAT_RUNTIME is no runtime: node or tjs" ;;
esac
if [ "$MESHCHAT_RUNTIME" != node ]; then
  [ -z "$TJS" ] || [ -x "$TJS" ] || fail "TJS=$TJS is no program"
  for tjs in "$TJS" "$(command -v tjs)" "$here/tjs"; do
    [ -x "$tjs" ] && exec "$tjs" run "$here/meshchat.js" @ARGUMENTS@"$@"
  done
  [ "$MESHCHAT_RUNTIME" != tjs ] || fail 'there is no txiki.js: set TJS, or run make runtime'
fi
exec node "$here/meshchat.js" @ARGUMENTS@"$@"
`;

function launcher(name, args) {
  writeFileSync(`dist/${name}`, LAUNCHER.replaceAll('@ARGUMENTS@', args).replaceAll('@NAME@', name));
  chmodSync(`dist/${name}`, 0o755);
}

function printFolders(metafile) {
  const folders = new Map();
  for (const output of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const folder = /^(src\/[^/]+|node_modules\/[^/]+)/.exec(path)?.[1] ?? path;
      folders.set(folder, (folders.get(folder) ?? 0) + bytesInOutput);
    }
  }
  for (const [folder, bytes] of [...folders].sort((a, b) => b[1] - a[1])) {
    console.log(`${String(bytes).padStart(8)}  ${folder}`);
  }
}

async function buildScript() {
  const { script: text, map, metafile } = await bundleScript('src/main.ts', minify);
  const script = Buffer.from(text);
  writeFileSync('dist/meshchat.js', script);
  mkdirSync('build', { recursive: true });
  writeFileSync('build/meshchat.js.map', map);
  printFolders(metafile);
  const gzipped = gzipSync(script, { level: 9 }).length;
  console.log(`${String(script.length).padStart(8)}  dist/meshchat.js (limit ${BYTES_MAX}), ${gzipped} gzipped`);
  launcher('meshchatd', 'daemon ');
  launcher('meshchat', '');
  if (minify && script.length > BYTES_MAX) {
    console.error(`dist/meshchat.js is ${script.length - BYTES_MAX} bytes over the limit of ${BYTES_MAX}`);
    if (!process.argv.includes('--any-size')) process.exitCode = 1;
  }
}

/** The client library: the interface, the way over the control socket, and the runtime it needs. */
async function buildClient() {
  const entry = 'src/client/socket-client.ts';
  await build({ ...common, minify, entryPoints: [entry], outfile: 'dist/client.js' });
  console.log(`${String(readFileSync('dist/client.js').length).padStart(8)}  dist/client.js`);
  if (process.argv.includes('--no-types')) return;
  const types = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], {
    encoding: 'utf8',
  });
  if (types.status !== 0) {
    console.error(types.stdout);
    process.exitCode = 1;
  }
}

mkdirSync('dist', { recursive: true });
if (existsSync('src/main.ts')) await buildScript();
else console.log('no src/main.ts: nothing but the client library to build');
await buildClient();
