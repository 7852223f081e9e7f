import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diffOptions } from '../../../src/config/diff.ts';
import { loadOptions } from '../../../src/config/interpret.ts';
import type { DaemonOptions } from '../../../src/config/options.ts';

const diff = suite('differences');

function load(text: string): DaemonOptions {
  return loadOptions('F', new TextEncoder().encode(text)).options!;
}
function changes(before: string, after: string): string[] {
  return diffOptions(load(before), load(after)).map(({ name, restart }) => name + (restart ? ' restart' : ''));
}

diff('nothing differs from itself', () => {
  const text = 'config mesh\n\toption type lan\n\tlist interface a\nconfig group\n\toption name g\n\toption start 5\n';
  assert.equal(changes(text, text), []);
  assert.equal(changes('', "config meshchat 'main'\n\toption port 14627\n"), [], 'a default is a default however it came');
});

diff('names options, and those that a running daemon cannot take', () => {
  assert.equal(changes('', "config meshchat 'main'\n\toption log debug\n\toption port 5\n"), ['meshchat.log', 'meshchat.port restart']);
  assert.equal(changes('', "config irc\n\toption server_name 'a.b'\n\toption motd hi\n"), ['irc.server_name restart', 'irc.motd']);
});

diff('knows sections of many by name, not by place', () => {
  const a = 'config group\n\toption name a\n';
  const b = 'config group\n\toption name b\n';
  assert.equal(changes(a + b, b + a), []);
  assert.equal(changes(a, b), ['group.a', 'group.b']);
  assert.equal(changes(a, `${a}\toption slow block\n`), ['group.a.slow']);
});

diff.run();
