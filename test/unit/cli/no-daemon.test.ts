import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noDaemon } from '../../../src/cli/show-commands.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';

const cli = suite('doctor without a daemon');

cli('the doctor tells a daemon that is not there from a socket that may not be opened', () => {
  const lines: string[] = [];
  const runtime = { print: (line: string) => void lines.push(line), printError: () => {} } as unknown as Runtime;
  noDaemon(runtime, 'no daemon on /s: ENOENT: no such file or directory', true, false);
  noDaemon(runtime, 'no right to open /s: EACCES: permission denied', true, false);
  assert.match(lines[1] as string, /try: .*service meshchat start/);
  assert.match(lines[3] as string, /try: .*as root, or in the group of the socket/);
});

cli.run();
