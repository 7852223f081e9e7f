// The place in src/ of a place in dist/meshchat.js, as stack traces and logs tell it:
//   node scripts/where.mjs 1:169939       (of the last build: its map is build/meshchat.js.map)
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';

const [line, column] = /^(\d+):(\d+)$/.exec(process.argv[2])?.slice(1).map(Number) ?? [];
if (line === undefined) {
  console.error('usage: node scripts/where.mjs LINE:COLUMN');
  process.exit(1);
}
const map = new SourceMap(JSON.parse(readFileSync('build/meshchat.js.map', 'utf8')));
const { originalSource, originalLine, originalColumn, name } = map.findEntry(line - 1, column - 1);
console.log(`${originalSource.replace(/^(\.\.\/)+/, '')}:${originalLine + 1}:${originalColumn + 1} ${name ?? ''}`.trimEnd());
