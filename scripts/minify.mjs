// How src/ becomes the script that is released: esbuild bundles and minifies it and shortens the names of our own
// members (private-names.mjs), then swc finds what takes the whole to see. The second and the third save 2 and 4 % of
// the package. build.mjs uses it, and the tests whose programs are not the released one.
//   node scripts/minify.mjs ENTRY OUTFILE
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import swc from '@swc/core';
import { build } from 'esbuild';
import { privateNames } from './private-names.mjs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

/** Options of every bundle of src/; test/run.mjs has the same. */
export const common = {
  bundle: true, format: 'esm', target: 'es2022', platform: 'neutral', mainFields: ['module', 'main'],
  conditions: ['browser'], external: ['tjs:*', 'node:*'], legalComments: 'none', metafile: true, logLevel: 'warning',
  define: { MESHCHAT_VERSION: JSON.stringify(version) },
};

/** @returns {script, map, metafile}: the bundle's text, its source map in build/, and which file gave how many bytes. */
async function bundle(entry, options) {
  const { metafile, outputFiles } = await build({
    ...common, ...options, entryPoints: [entry], outfile: 'build/meshchat.js', sourcemap: 'external', write: false,
  });
  const [map, script] = outputFiles.map(({ text }) => text);
  return { script, map, metafile };
}

export async function bundleScript(entry, minify = true) {
  const plain = await bundle(entry, {});
  if (!minify) return plain;
  const names = privateNames(plain.script).map((name) => name.replaceAll('$', '\\$'));
  const { script, map, metafile } = await bundle(entry, { minify, mangleProps: new RegExp(`^(${names.join('|')})$`) });
  const smaller = await swc.minify(script, {
    module: true, ecma: 2022, compress: { passes: 4, sequences: false }, mangle: true, sourceMap: { content: map },
    format: { asciiOnly: true }, // one other character costs txiki.js 0.4 MB: it keeps the script, two bytes each
  });
  return { script: smaller.code, map: smaller.map, metafile };
}

const [program, entry, outfile] = process.argv.slice(1);
if (program === fileURLToPath(import.meta.url)) writeFileSync(outfile, (await bundleScript(entry)).script);
