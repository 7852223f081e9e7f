/** The house rules that a machine can check: import directions, purity, forbidden globals, sizes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const FILE_LINES_MAX = 400;
const LINE_MAX = 180;
/** Folders whose lines have at most 120 columns. The list may only become longer. */
const NARROW = ['src/encoding/', 'src/irc/', 'src/mesh/', 'src/runtime/', 'src/wire/'];
const NARROW_LINE_MAX = 120;
const TEST_LINE_MAX = 240;

/** What each folder of src/ may import besides itself and the types of runtime/. */
const MAY_IMPORT: Record<string, string[]> = {
  runtime: [],
  encoding: [],
  wire: [],
  broadcast: ['wire'],
  multicast: ['broadcast', 'wire', 'encoding'],
  mesh: ['broadcast', 'wire', 'encoding'],
  ubus: [],
  service: ['multicast', 'broadcast', 'wire', 'ubus', 'encoding'],
  client: ['ubus', 'service', 'encoding'],
  config: ['wire'],
  irc: ['client', 'encoding'],
  files: ['client'],
  stream: ['client'],
  cli: ['client', 'ubus', 'encoding'],
};
/** Only the in-process client may see the service: the one over the socket runs in other programs. */
const MAY_IMPORT_SERVICE = ['src/client/local-client.ts'];
/** What was lost is told alike by the service and by the client. */
const MISSED = 'src/service/missed.ts';
const RUNTIME_TYPES = ['src/runtime/runtime.ts', 'src/runtime/log.ts'];
/** Compositions: they choose the adapters. */
const COMPOSE = ['src/main.ts', 'src/meshchatd.ts', 'src/from-options.ts', 'src/client/socket-client.ts'];
/** Pure state machines: time and chance come in as arguments, nothing but calls of a port goes out. */
const PURE = ['wire', 'broadcast', 'multicast'];
const PURE_FORBIDDEN = ['queueMicrotask', 'Promise', 'async', 'await'];
const FORBIDDEN = [
  'Buffer', 'process', 'setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'Date', 'performance', 'console',
  'URL', 'Intl', 'atob', 'btoa', 'structuredClone', 'crypto', 'fetch', 'require', 'tjs', 'globalThis',
];

/** import … from 'x', export … from 'x', import 'x', import('x') */
const IMPORT = /^(?:import|export)\s[^;'"]*?\bfrom '([^'\n]+)'|^import '([^'\n]+)'|\bimport\('([^'\n]+)'\)/gm;

interface Source {
  path: string;
  /** Folder below src/, '' for src/main.ts. */
  folder: string;
  text: string;
  /** Without comments and the insides of strings. */
  code: string;
  imports: string[];
}

function listFiles(folder: string, ending: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name)).filter((name) => ending.test(name)).sort();
}

function bare(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, '\'\'')
    .replace(/\/\/.*$/gm, '');
}

const sources: Source[] = listFiles('src', /\.ts$/).map((path) => {
  const text = readFileSync(path, 'utf8');
  const specifiers = [...text.matchAll(IMPORT)];
  return {
    path, text, code: bare(text), folder: path.split('/').length > 2 ? path.split('/')[1] as string : '',
    imports: specifiers.map((match) => (match[1] ?? match[2] ?? match[3]) as string),
  };
});

/** Path of an imported file, '' for a package. */
function resolveImport(source: Source, specifier: string): string {
  return specifier.startsWith('.') ? join(source.path, '..', specifier) : '';
}

const tidy = suite('tidy');
tidy('every folder of src/ has its place in the order of layers', () => {
  const folders = [...new Set(sources.map(({ folder }) => folder))];
  assert.equal(folders.filter((name) => name !== '' && !(name in MAY_IMPORT)), []);
});
tidy('imports run downwards only', () => {
  const wrong: string[] = [];
  for (const source of sources) {
    if (COMPOSE.includes(source.path)) continue;
    for (const specifier of source.imports) {
      const target = resolveImport(source, specifier);
      const folder = target.split('/')[1];
      if (target === '' || folder === undefined || folder === source.folder) continue;
      const withService = source.folder !== 'client' || MAY_IMPORT_SERVICE.includes(source.path) || target === MISSED;
      const below = MAY_IMPORT[source.folder]?.includes(folder) === true && (folder !== 'service' || withService);
      const allowed = RUNTIME_TYPES.includes(target) || below;
      if (!allowed) wrong.push(`${source.path} imports ${target}`);
    }
  }
  assert.equal(wrong, []);
});
tidy('only runtime/ names Node and txiki.js', () => {
  const wrong = sources.filter(({ folder }) => folder !== 'runtime').flatMap(({ path, imports }) => (
    imports.filter((one) => /^(node|tjs):/.test(one)).map((one) => `${path} imports ${one}`)));
  assert.equal(wrong, []);
});
tidy('packages are only imported where it was decided', () => {
  const wrong = sources.flatMap(({ path, imports }) => (
    imports.filter((one) => !/^(\.|node:|tjs:)/.test(one) && !(one === 'bencode' && path.startsWith('src/mesh/cjdns/')))
      .map((one) => `${path} imports ${one}`)));
  assert.equal(wrong, []);
});
tidy('clock, chance, timers and output come from the runtime alone', () => {
  const wrong: string[] = [];
  for (const { path, folder, code } of sources) {
    if (folder === 'runtime') continue;
    const names = PURE.includes(folder) ? [...FORBIDDEN, ...PURE_FORBIDDEN] : FORBIDDEN;
    for (const name of names) {
      // not as a property or a key
      if (new RegExp(`(?<![.\\w$#])${name}(?![\\w$])(?!\\??\\s*:)`).test(code)) wrong.push(`${path}: ${name}`);
    }
    if (/\bMath\.random\b/.test(code)) wrong.push(`${path}: Math.random`);
  }
  assert.equal(wrong, []);
});
tidy('no promise is settled through a mere variable', () => {
  // QuickJS (txiki.js 24.12 and 26.6) frees a waiting async function when only its own variables lead to what it waits
  // for, and a closure that shares them then crashes. A field of an object that others hold is safe.
  const settles = /(?<![.\w#$])\w+ = (resolve|reject)\b/;
  assert.equal(sources.filter(({ code }) => settles.test(code)).map(({ path }) => path), []);
});
tidy('no default exports, barrels, enums, namespaces, decorators; relative imports end in .ts', () => {
  const wrong: string[] = [];
  for (const { path, code, imports } of sources) {
    if (path.endsWith('.d.ts')) continue;
    const barrel = path === 'src/client/socket-client.ts' ? /$^/ : /^export \*/m;
    const notErasable = [/^\s*(?:export )?(?:const )?enum /m, /^\s*(?:export )?namespace /m];
    for (const rule of [/^export default/m, barrel, ...notErasable, /^\s*@\w+/m]) {
      if (rule.test(code)) wrong.push(`${path}: ${rule.source}`);
    }
    wrong.push(...imports.filter((one) => one.startsWith('.') && !one.endsWith('.ts')).map((one) => `${path}: ${one}`));
  }
  assert.equal(wrong, []);
});
tidy(`files have at most ${FILE_LINES_MAX} lines, lines at most ${LINE_MAX} columns`, () => {
  const wrong: string[] = [];
  const isTable = (path: string): boolean => path.startsWith('scripts/mutants'); // lines of code to replace, as they are
  const files = ['src', 'test', 'scripts'].flatMap((folder) => listFiles(folder, /\.(ts|mjs)$/));
  for (const path of files) {
    const lines = readFileSync(path, 'utf8').split('\n');
    if (lines.length > FILE_LINES_MAX + 1) wrong.push(`${path}: ${lines.length - 1} lines`);
    const narrow = NARROW.some((folder) => path.startsWith(folder));
    const columnsMax = narrow ? NARROW_LINE_MAX : path.startsWith('test/') ? TEST_LINE_MAX : LINE_MAX;
    lines.forEach((line, index) => {
      if (line.length > columnsMax && !isTable(path)) wrong.push(`${path}:${index + 1}: ${line.length} columns`);
    });
  }
  assert.equal(wrong, []);
});
tidy('the lock file names packages by hash, not by where they were found', () => {
  type Lock = { packages: Record<string, { integrity?: string }> };
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;
  assert.not.match(JSON.stringify(lock), /"resolved":/);
  const without = Object.entries(lock.packages).filter(([name, entry]) => name !== '' && entry.integrity === undefined);
  assert.equal(without.map(([name]) => name), []);
});
tidy.run();
