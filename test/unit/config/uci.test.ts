import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseUci } from '../../../src/config/uci.ts';

const uci = suite('uci');

/** Options of the first section, or the error. */
function parse(text: string): unknown {
  const file = parseUci(new TextEncoder().encode(text));
  return file.error ?? Object.fromEntries(file.sections[0]?.options ?? []);
}
const value = (text: string): unknown => (parse(`config a\n\toption k ${text}\n`) as Record<string, unknown>)['k'];

uci('joins adjacent quoted and bare parts', () => assert.is(value(`a'b c'"d"`), 'ab cd'));
uci('takes a backslash literally in single quotes and as an escape elsewhere', () => {
  assert.is(value("'a\\nb'"), 'a\\nb');
  assert.is(value('"a\\nb\\""'), 'anb"');
  assert.is(value("a\\ b\\'c"), "a b'c");
});
uci('lets quoted values span lines', () => assert.is(value("'a\nb'"), 'a\nb'));
uci('joins lines at a backslash', () => assert.is(value('a\\\nb'), 'ab'));
uci('cuts a bare word at # and keeps a quoted one', () => {
  assert.is(value('http://x/#frag'), 'http://x/');
  assert.is(value("'http://x/#frag'"), 'http://x/#frag');
});
uci('separates commands only by a ; that stands alone or after quotes', () => {
  assert.equal(parse("config a; option k 'v'"), {});
  assert.equal(parse("config a x ; option k 'v' ; option l w\n"), { k: 'v', l: 'w' });
});
uci('treats an empty value as no option, and keeps it in a list', () => {
  assert.equal(parse("config a\n\toption k ''\n\tlist l ''\n"), { l: [''] });
  assert.equal(parse("config a\n\toption k 'v'\n\toption k ''\n"), { k: 'v' });
});
uci('makes a list of an option and its later list lines, an option of a list and a later option line', () => {
  assert.equal(parse("config a\n\toption k 1\n\tlist k 2\n"), { k: ['1', '2'] });
  assert.equal(parse("config a\n\tlist k 1\n\tlist k 2\n\toption k 3\n"), { k: '3' });
});
uci('merges sections of the same name', () => {
  assert.equal(parse("config a x\n\toption k 1\nconfig b y\nconfig a x\n\toption l 2\n"), { k: '1', l: '2' });
});
uci('refuses a section whose name has another type', () => {
  assert.is(
    parse('config a x\nconfig b x\n'),
    'uci: Parse error (section of different type overwrites prior section with same name) at line 2, byte 11',
  );
});
uci('names anonymous sections by their number and type', () => {
  const { sections } = parseUci(new TextEncoder().encode("config peer\nconfig x n\nconfig a ''\nconfig group\n"));
  assert.equal(sections.map(({ name }) => name), ['cfg013511', 'n', 'cfg03b606', 'cfg0446f2']);
});
uci('tells line and byte of an error, in the words of uci', () => {
  assert.is(parse('config a\n\n\toption k v w\n'), 'uci: Parse error (too many arguments) at line 3, byte 14');
  assert.is(parse('config a\n\toption k-l v\n'), 'uci: Parse error (invalid character in name field) at line 2, byte 12');
  assert.is(parse('option k v\n'), 'uci: Parse error (option/list command found before the first section) at line 1, byte 0');
  assert.is(parse("config a\n\toption k 'v\n"), "uci: Parse error (EOF with unterminated ') at line 2, byte 13");
});
uci('refuses a command at the very end of the file', () => {
  assert.is(parse('config a\nconfig'), 'uci: Parse error (config without name) at line 1, byte 0');
  assert.is(parse('config a\noption'), 'uci: Parse error (option without name) at line 1, byte 0');
});
uci('loses with a NUL what the same read has brought, as much as the buffer then takes', () => {
  const text = `config a\n\toption k0 '${'v'.repeat(18)}\nwwwwwwwwww'\n\to\0ption k1 'vvvvvvvvvvvvv\nwwwwww'\n\toption k2 'vw'\n`;
  assert.is(parse(text), 'uci: Parse error (invalid command) at line 4, byte 1');
});
uci('reads a file without a last newline, and an empty one', () => {
  assert.equal(parse("config a\n\toption k 'v'"), { k: 'v' });
  assert.equal(parse(''), {});
});
uci('reads UTF-8', () => assert.is(value("'Straße ✓'"), 'Straße ✓'));
uci('never throws, whatever the bytes', () => {
  for (let seed = 1; seed <= 2000; seed++) {
    const bytes = new Uint8Array(80);
    for (let i = 0, state = seed; i < bytes.length; i++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      bytes[i] = state & 0x10000 ? "config a\n\toption '\"\\;#".charCodeAt((state >>> 17) % 22) : state >>> 24;
    }
    const file = parseUci(bytes);
    assert.ok(file.error === undefined || file.sections.length === 0);
  }
});

uci.run();
