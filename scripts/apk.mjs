// An .apk (v3, OpenWrt 25.12 and later) without OpenWrt's SDK: needs apk of apk-tools 3, from PATH or $APK.
//   node scripts/apk.mjs [--sign KEY]                           build/meshchat-VERSION.apk
//   node scripts/apk.mjs --runtime TJS --arch ARCH --version V  build/txiki.js-V-r1.apk, a runtime built elsewhere
// Packages without a signature that the router knows are installed with apk add --allow-untrusted.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { argument, meta as ours, packageFiles, runtimePackage, sourceDate } from './ipk-content.mjs';

const apk = process.env.APK ?? 'apk';
const found = spawnSync(apk, ['--version'], { encoding: 'utf8' });
if (found.status !== 0 || !/apk-tools 3\./.test(found.stdout)) {
  console.error(`make apk needs apk of apk-tools 3 (https://gitlab.alpinelinux.org/alpine/apk-tools) on PATH or as APK=/path/to/apk,
and ${found.error ? 'there is none' : `this one is ${found.stdout.trim()}`}. The other way is OpenWrt's SDK: docs/openwrt.md.`);
  process.exit(1);
}

const date = sourceDate();
const build = mkdtempSync(join(tmpdir(), 'meshchat-apk-'));
const root = join(build, 'root');
mkdirSync(root);
const { meta, files } = runtimePackage() ?? { meta: ours, files: await packageFiles() };
const records = `/lib/apk/packages/${meta.name}`;
const list = files.map((file) => file.path).sort();
const sha256 = (path) => createHash('sha256').update(files.find((file) => file.path === path).bytes).digest('hex');
const record = (ending, bytes) => files.push({ path: `${records}.${ending}`, mode: 0o644, bytes });
if (meta.user) {
  list.push(`${records}.rusers`);
  record('rusers', `${meta.user}\n`);
}
record('list', `${list.sort().join('\n')}\n`);
if (meta.conffiles.length > 0) {
  record('conffiles', `${meta.conffiles.join('\n')}\n`);
  record('conffiles_static', meta.conffiles.map((path) => `${path} ${sha256(path)}\n`).join(''));
}
for (const { path, mode, bytes } of files) {
  mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o755 });
  writeFileSync(join(root, path), bytes);
  chmodSync(join(root, path), mode);
  utimesSync(join(root, path), date, date);
}

const head = (after) => `#!/bin/sh
${after}[ "\${IPKG_NO_SCRIPT}" = "1" ] && exit 0
[ -s "\${IPKG_INSTROOT}/lib/functions.sh" ] || exit 0
. \${IPKG_INSTROOT}/lib/functions.sh
export root="\${IPKG_INSTROOT}"
export pkgname="${meta.name}"
`;
const scripts = meta.user === undefined ? {} : {
  'post-install': `${head('')}add_group_and_user\ndefault_postinst\n`,
  'post-upgrade': `${head('export PKG_UPGRADE=1\n')}add_group_and_user\ndefault_postinst\n`,
  'pre-deinstall': `${head('')}${meta.prerm}default_prerm\n`,
};
const output = `build/${meta.name}-${meta.version}.apk`;
const info = {
  name: meta.name, version: meta.version, description: meta.title, arch: meta.arch === 'all' ? 'noarch' : meta.arch, license: meta.license, origin: 'openwrt',
  url: meta.url, maintainer: meta.maintainer, depends: meta.depends.map(({ name, min }) => `${name}>=${min}`).join(' '),
};
const args = ['mkpkg', '--output', output, '--files', root];
for (const [name, value] of Object.entries(info)) if (value !== '') args.push('--info', `${name}:${value}`);
for (const [name, text] of Object.entries(scripts)) {
  writeFileSync(join(build, name), text);
  args.push('--script', `${name}:${join(build, name)}`);
}
const key = argument('sign');
if (key) args.push('--sign-key', key);
mkdirSync('build', { recursive: true });
// mkpkg writes down who owns the files: they must look like root's.
const fake = process.getuid() === 0 ? [] : ['unshare', '--map-root-user', '--'];
const [command, ...rest] = [...fake, apk, ...args];
const made = spawnSync(command, rest, { stdio: 'inherit', env: { ...process.env, SOURCE_DATE_EPOCH: String(date) } });
rmSync(build, { recursive: true });
if (made.status !== 0) process.exit(1);
console.log(`${output}  ${readFileSync(output).length} bytes`);
