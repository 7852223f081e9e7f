// What the OpenWrt packages contain: the tree under openwrt/files and the built script, with owners and modes that do
// not depend on who builds. Shared by ipk.mjs and apk.mjs.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import zopfli from '@gfx/zopfli';

const packageJson = JSON.parse(readFileSync('package.json', 'utf8'));

/** Raised when only the packaging changes; a new version starts with 1 again. The feed Makefile reads it from here. */
export const RELEASE = 1;

export const meta = {
  name: 'meshchat',
  version: `${packageJson.version}-r${argument('release') ?? RELEASE}`,
  title: packageJson.description,
  license: packageJson.license,
  url: packageJson.homepage ?? 'https://github.com/RocHack/meshchat',
  maintainer: 'meshchat developers',
  arch: 'all',
  /** Earlier ones can be crashed from the network (before 26.3) or lose connections (before 26.6). */
  depends: [{ name: 'txiki.js', min: '26.6' }],
  user: 'meshchat:meshchat',
  conffiles: ['/etc/config/meshchat'],
  prerm: '[ -n "${IPKG_INSTROOT}" ] || [ "${PKG_UPGRADE}" = "1" ] || /usr/lib/meshchat/firewall.sh remove\n',
};

/** Files that only root reads: passwords may be in them. */
const PRIVATE = new Set(['/etc/config/meshchat']);
const EXECUTABLE = /^\/(usr\/s?bin\/|etc\/(init\.d|uci-defaults)\/)|\.sh$/;

/**
 * [{path, mode, bytes}] sorted by path. --script FILE and --release N make packages for tests. The script is stored
 * compressed: that is what /usr/lib/meshchat/meshchat.js reads.
 */
export async function packageFiles() {
  const files = readdirSync('openwrt/files', { recursive: true })
    .map((name) => ({ name, path: join('openwrt/files', name) }))
    .filter(({ path }) => statSync(path).isFile())
    .map(({ name, path }) => entry(`/${name}`, readFileSync(path)));
  const script = readFileSync(argument('script') ?? 'dist/meshchat.js');
  files.push(entry('/usr/lib/meshchat/meshchat.js.gz', await gzip(script)));
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** As gzip -9, and the same bytes everywhere, but 3 to 4 % smaller: zopfli searches for a second. */
export async function gzip(bytes) {
  const packed = await zopfli.gzipAsync(bytes, { numiterations: 5 });
  packed[9] = 3; // made on Unix, wherever it was
  return Buffer.from(packed);
}

function entry(path, bytes) {
  const mode = PRIVATE.has(path) ? 0o600 : EXECUTABLE.test(path) ? 0o755 : 0o644;
  return { path, mode, bytes };
}

/**
 * --runtime TJS --arch ARCH --version V: a package of a runtime built elsewhere, instead of ours. @returns undefined
 * without.
 */
export function runtimePackage() {
  const binary = argument('runtime');
  if (binary === undefined) return undefined;
  const arch = argument('arch');
  const version = argument('version');
  if (!arch || !version) throw new Error('usage: --runtime TJS --arch ARCH --version VERSION');
  return {
    meta: {
      name: 'txiki.js', version: `${version}-r1`, title: 'A small JavaScript runtime', license: 'MIT', url: 'https://txikijs.org',
      maintainer: meta.maintainer, arch, depends: [], conffiles: [],
    },
    files: [{ path: '/usr/bin/tjs', mode: 0o755, bytes: readFileSync(binary) }],
  };
}

/** The time of the last commit, as all reproducible builds have it; SOURCE_DATE_EPOCH wins; 0 outside a checkout. */
export function sourceDate() {
  if (process.env.SOURCE_DATE_EPOCH) return Number(process.env.SOURCE_DATE_EPOCH);
  try {
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return 0;
  }
}

/** --name value of the command line, or undefined. */
export function argument(name) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}
