import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseArguments } from '../../../src/config/arguments.ts';
import { loadConfiguration } from '../../../src/config/load.ts';
import { SystemError, type Files } from '../../../src/runtime/runtime.ts';

const load = suite('load');

/** Files of these contents; a content that is an errno name cannot be read. */
function files(contents: Record<string, string>): Files {
  return {
    exists: (path: string) => Promise.resolve(contents[path] !== undefined),
    read(path: string) {
      const content = contents[path] ?? 'ENOENT';
      if (/^E[A-Z]+$/.test(content)) return Promise.reject(new SystemError(content, content));
      return Promise.resolve(new TextEncoder().encode(content));
    },
  } as unknown as Files;
}
const port = (number: number): string => `config meshchat 'main'\n\toption port ${number}\n`;

load('reads /etc/config/meshchat', async () => {
  const { options } = await loadConfiguration(files({ '/etc/config/meshchat': port(5) }), undefined, []);
  assert.is(options?.meshchat.port, 5);
});

load('prefers what the running system has put in /var/run/uci', async () => {
  const both = files({ '/etc/config/meshchat': port(5), '/var/run/uci/meshchat': port(6) });
  assert.is((await loadConfiguration(both, undefined, [])).options?.meshchat.port, 6);
});

load('reads what --config names and nothing else', async () => {
  const result = await loadConfiguration(files({ '/etc/config/meshchat': port(5), '/x': port(7) }), '/x', []);
  assert.is(result.options?.meshchat.port, 7);
});

load('without any file everything is default', async () => {
  assert.is((await loadConfiguration(files({}), undefined, [])).options?.meshchat.port, 14627);
});

load('takes the meshes whose signs are here when the configuration names none', async () => {
  const signs = { '/etc/config/cjdns': '', '/var/run/yggdrasil.sock': '' };
  const { options } = await loadConfiguration(files(signs), undefined, []);
  assert.equal(options?.mesh.map(({ name, type, enabled }) => [name, type, enabled]), [
    ['cjdns', 'cjdns', true], ['yggdrasil', 'yggdrasil', true],
  ]);
  const named = await loadConfiguration(files({ ...signs, '/x': 'config mesh\n\toption type lan\n' }), '/x', []);
  assert.equal(named.options?.mesh.map(({ type }) => type), ['lan']);
  const alone = (await loadConfiguration(files({}), undefined, [])).options;
  assert.equal(alone?.mesh.map(({ name, type }) => [name, type]), [['loopback', 'static']]);
});

load('tells what cannot be read', async () => {
  assert.equal((await loadConfiguration(files({}), '/x', [])).errors, ['/x: cannot be read (ENOENT)']);
  assert.equal((await loadConfiguration(files({ '/x': 'EACCES' }), '/x', [])).errors, ['/x: cannot be read (EACCES)']);
  assert.equal((await loadConfiguration(files({ '/x': 'EFBIG' }), '/x', [])).errors, ['/x: larger than 262144 bytes']);
  const unreadable = files({ '/etc/config/meshchat': 'EACCES' });
  assert.equal((await loadConfiguration(unreadable, undefined, [])).errors, ['/etc/config/meshchat: cannot be read (EACCES)']);
});

load('reads the command line', () => {
  const result = parseArguments(['--config', '/x', '--set', 'a.b=c', '--set=d.e=f=g', '--check']);
  assert.is(result.config, '/x');
  assert.equal(result.sets, ['a.b=c', 'd.e=f=g']);
  assert.is(result.check, true);
  assert.is(result.problem, '');
  assert.is(parseArguments(['--config']).problem, '--config wants a value');
  assert.is(parseArguments(['--colour']).problem, 'unknown argument --colour');
});

load.run();
