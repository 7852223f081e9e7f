// An .ipk without OpenWrt's SDK, byte for byte the same wherever it is built:
//   node scripts/ipk.mjs                                        build/meshchat_VERSION_all.ipk
//   node scripts/ipk.mjs --runtime TJS --arch ARCH --version V  build/txiki.js_V-r1_ARCH.ipk, a runtime built elsewhere
// opkg installs nothing, and says nothing, when a member is not gzip or its tar has PAX headers: hence our own ustar.
import { mkdirSync, writeFileSync } from 'node:fs';
import { gzip, meta as ours, packageFiles, runtimePackage, sourceDate } from './ipk-content.mjs';

const BLOCK = 512;

/** A ustar archive of [{path, mode, bytes}], folders added, everything root's. */
function tar(files, date) {
  const folders = new Set();
  for (const { path } of files) {
    const parts = path.split('/').slice(1, -1);
    for (let i = 1; i <= parts.length; i++) folders.add(`./${parts.slice(0, i).join('/')}/`);
  }
  const entries = [...folders].map((name) => ({ name, mode: 0o755, type: '5', bytes: Buffer.alloc(0) }));
  for (const { path, mode, bytes } of files) entries.push({ name: `.${path}`, mode, type: '0', bytes });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const blocks = [header({ name: './', mode: 0o755, type: '5', bytes: Buffer.alloc(0) }, date)];
  for (const item of entries) {
    blocks.push(header(item, date), item.bytes, Buffer.alloc(-item.bytes.length & (BLOCK - 1)));
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function header({ name, mode, type, bytes }, date) {
  if (Buffer.byteLength(name) > 100) throw new Error(`${name}: longer than a ustar name`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value, at, width) => block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  block.write(name, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(bytes.length, 124, 12);
  octal(date, 136, 12);
  block.fill(' ', 148, 156);
  block.write(type, 156);
  block.write('ustar\x0000', 257, 'latin1');
  block.write('root', 265);
  block.write('root', 297);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

async function ipk({ control, files }, date) {
  const data = tar(files, date);
  const text = control.map(({ path, mode = 0o644, text: content }) => {
    return { path, mode, bytes: Buffer.from(content.replace('@SIZE@', String(data.length))) };
  });
  return gzip(tar([
    { path: '/debian-binary', mode: 0o644, bytes: Buffer.from('2.0\n') },
    { path: '/data.tar.gz', mode: 0o644, bytes: await gzip(data) },
    { path: '/control.tar.gz', mode: 0o644, bytes: await gzip(tar(text, date)) },
  ], date));
}

function controlText(fields) {
  return Object.entries(fields).filter(([, value]) => value).map(([name, value]) => `${name}: ${value}\n`).join('');
}

const script = (name) => `#!/bin/sh
[ "\${IPKG_NO_SCRIPT}" = "1" ] && exit 0
[ -s "\${IPKG_INSTROOT}/lib/functions.sh" ] || exit 0
. \${IPKG_INSTROOT}/lib/functions.sh
default_${name} $0 $@
`;

/** The files of control.tar.gz; a package without a user has no service and needs no scripts. */
function controlFiles(meta, date) {
  const control = controlText({
    Package: meta.name, Version: meta.version, Depends: meta.depends.map(({ name, min }) => `${name} (>= ${min})`).join(', '),
    Source: 'openwrt', SourceName: meta.name, License: meta.license, Section: 'net', 'Require-User': meta.user,
    SourceDateEpoch: date, URL: meta.url, Maintainer: meta.maintainer, Architecture: meta.arch, 'Installed-Size': '@SIZE@',
    Description: ` ${meta.title}`,
  });
  const files = [{ path: '/control', text: control }];
  if (meta.conffiles.length > 0) files.push({ path: '/conffiles', text: `${meta.conffiles.join('\n')}\n` });
  if (meta.user === undefined) return files;
  return [
    ...files,
    { path: '/postinst', mode: 0o755, text: script('postinst') },
    { path: '/prerm', mode: 0o755, text: script('prerm') },
    { path: '/prerm-pkg', mode: 0o755, text: `#!/bin/sh\n${meta.prerm}` },
  ];
}

const date = sourceDate();
const { meta, files } = runtimePackage() ?? { meta: ours, files: await packageFiles() };
const path = `build/${meta.name}_${meta.version}_${meta.arch}.ipk`;
const bytes = await ipk({ control: controlFiles(meta, date), files }, date);
mkdirSync('build', { recursive: true });
writeFileSync(path, bytes);
console.log(`${path}  ${bytes.length} bytes, ${files.reduce((total, file) => total + file.bytes.length, 0)} installed`);
