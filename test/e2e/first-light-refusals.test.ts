/** What the daemon can not start with: one clear line that names the option, status 1, at once. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const SECONDS_MAX = 10;
const folder = mkdtempSync(join(tmpdir(), 'meshchat-refusals-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  status: number | null;
  /** Without the remark about an old runtime. */
  lines: string[];
}

function run(args: string[], env: Record<string, string> = {}, user?: number): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn('dist/meshchatd', args, {
      stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, ...(user === undefined ? {} : { uid: user, gid: user }),
    });
    let text = '';
    child.stdout.on('data', (chunk) => { text += chunk; });
    child.stderr.on('data', (chunk) => { text += chunk; });
    const limit = setTimeout(() => child.kill('SIGKILL'), SECONDS_MAX * 1000);
    child.on('close', (status) => {
      clearTimeout(limit);
      resolve({ status, lines: text.split('\n').filter((line) => line !== '' && !line.startsWith('warn: txiki.js')) });
    });
  });
}

let count = 0;
function configFile(text: string): string {
  const path = join(folder, `${++count}.conf`);
  writeFileSync(path, text);
  return path;
}

const refusals = suite('refusals');
const refuse = (title: string, args: () => string[], pattern: RegExp): void => {
  refusals(title, async () => {
    const { status, lines } = await run(args());
    assert.is(lines.length, 1, lines.join('\n'));
    assert.match(lines[0] as string, pattern);
    assert.is(status, 1);
  });
};
refuse('an unknown argument', () => ['--nonsense'], /--nonsense/);
refuse('--set without a value', () => ['--set'], /--set wants a value/);
refuse('--set of what is no option', () => ['--set', 'nonsense'], /nonsense.*SECTION\.OPTION=VALUE/);
refuse('--set with a value that is not allowed', () => ['--set', 'irc.listen=127.0.0.1:http'], /option listen.*127\.0\.0\.1:http/);
refuse('a configuration that is not there', () => ['--config', `${folder}/none`], /none: .*ENOENT/);
refuse('a configuration that is a folder', () => ['--config', folder], /EISDIR/);
refuse('a value that is not allowed', () => ['--config', configFile('config meshchat main\n\toption port abc\n')], /option port.*'abc'.*65535/);
refuse('broken grammar', () => ['--config', configFile("config meshchat 'main\n\toption port")], /\.conf: .*line 1/);
refusals('a configuration that may not be read', async () => {
  if (process.getuid?.() !== 0) return void console.log('skipped: needs root to become somebody else');
  const path = configFile('config meshchat main\n');
  chmodSync(path, 0);
  chmodSync(folder, 0o755);
  const { status, lines } = await run(['--config', path], {}, 65534);
  assert.is(lines.length, 1, lines.join('\n'));
  assert.match(lines[0] as string, /EACCES/);
  assert.is(status, 1);
});
refusals('an unknown option in the file is named in a line', async () => {
  const { lines } = await run(['--check', '--config', configFile('config irc irc\n\toption nonsense 1\n')]);
  assert.is(lines.length, 1, lines.join('\n'));
  assert.match(lines[0] as string, /option nonsense: unknown/);
});
refusals('a port in use is named with its option', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const sets = [
    `main.socket=${folder}/used.sock`, `main.state_dir=${folder}/used`, 'main.system_bus=off', 'main.port=24627', `irc.listen=127.0.0.1:${port}`,
  ];
  const { status, lines } = await run(['--config', configFile(''), ...sets.flatMap((set) => ['--set', set])]);
  server.close();
  assert.is(status, 1, lines.join('\n'));
  assert.match(lines.at(-1) as string, new RegExp(`listen.*${port}.*EADDRINUSE`));
});
refusals('an unknown runtime', async () => {
  for (const env of [{ TJS: '/nonexistent/tjs' }, { MESHCHAT_RUNTIME: 'deno' }]) {
    const { status, lines } = await run(['--version'], env);
    assert.is(lines.length, 1, lines.join('\n'));
    assert.match(lines[0] as string, /TJS|MESHCHAT_RUNTIME/);
    assert.is(status, 1);
  }
});
refusals.run();
