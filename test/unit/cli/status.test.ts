import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Context } from '../../../src/cli/main.ts';
import { status } from '../../../src/cli/show-commands.ts';

const cli = suite('status');

cli('a mesh\'s ailment is told once, with its remedy', async () => {
  const lines: string[] = [];
  const mesh = { name: 'cjdns', up: false, candidates: 0, version: '', problem: 'cjdns is silent', remedy: 'start it' };
  const answer = {
    version: '1', runtime: 'node', uptime: 5, addresses: [], port: 14627, meshes: [mesh], groups: [], clients: 1, missed: 0,
    peers: { alive: 0, stale: 0, gone: 0, probing: 0 }, memory: { resident: 1, recent: 0 },
    warnings: ['cjdns: cjdns is silent', 'no peers'],
  };
  const runtime = { print: (line: string) => void lines.push(line) };
  const context = { client: { call: () => Promise.resolve(answer) }, runtime, options: new Map(), words: [], json: false };
  assert.is(await status(context as unknown as Context), 0);
  assert.equal(lines.filter((line) => /silent|warning/.test(line)), ['          cjdns is silent; try: start it', 'warning: no peers']);
});

cli.run();
