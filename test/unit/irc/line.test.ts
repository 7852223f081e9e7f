import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { escapeTag, formatLine, formatTags, parseLine } from '../../../src/irc/line.ts';

const line = suite('irc line');

/** In the manner of the public parser tests: text, tags, source, command, parameters. */
const VECTORS: [text: string, tags: Record<string, string>, source: string, command: string, params: string[]][] = [
  ['foo bar baz asdf', {}, '', 'FOO', ['bar', 'baz', 'asdf']],
  [':coolguy foo bar baz asdf', {}, 'coolguy', 'FOO', ['bar', 'baz', 'asdf']],
  ['foo bar baz :asdf quux', {}, '', 'FOO', ['bar', 'baz', 'asdf quux']],
  ['foo bar baz :', {}, '', 'FOO', ['bar', 'baz', '']],
  ['foo bar baz ::asdf', {}, '', 'FOO', ['bar', 'baz', ':asdf']],
  [':coolguy foo bar baz :  asdf quux ', {}, 'coolguy', 'FOO', ['bar', 'baz', '  asdf quux ']],
  [':coolguy PRIVMSG bar :lol :) ', {}, 'coolguy', 'PRIVMSG', ['bar', 'lol :) ']],
  ['@a=b;c=32;k;rt=ql7 foo', { a: 'b', c: '32', k: '', rt: 'ql7' }, '', 'FOO', []],
  ['@a=b\\\\and\\nk;c=72\\s45;d=gh\\:764 foo', { a: 'b\\and\nk', c: '72 45', d: 'gh;764' }, '', 'FOO', []],
  ['@c;h=;a=b :quux ab cd', { c: '', h: '', a: 'b' }, 'quux', 'AB', ['cd']],
  [':src JOIN #chan', {}, 'src', 'JOIN', ['#chan']],
  [':src JOIN :#chan', {}, 'src', 'JOIN', ['#chan']],
  [':src AWAY', {}, 'src', 'AWAY', []],
  [':src AWAY ', {}, 'src', 'AWAY', []],
  [':cool\tguy foo bar baz', {}, 'cool\tguy', 'FOO', ['bar', 'baz']],
  [':coolguy!ag@net\x035w\x03ork.admin PRIVMSG foo :bar baz', {}, 'coolguy!ag@net\x035w\x03ork.admin', 'PRIVMSG', ['foo', 'bar baz']],
  ['@tag1=value1;tag2;vendor1/tag3=value2 :irc.example.com COMMAND param1 param2 :param3 param3',
    { tag1: 'value1', tag2: '', 'vendor1/tag3': 'value2' }, 'irc.example.com', 'COMMAND', ['param1', 'param2', 'param3 param3']],
  ['@foo=\\\\\\\\\\:\\\\s\\s\\r\\n COMMAND', { foo: '\\\\;\\s \r\n' }, '', 'COMMAND', []],
  [':gravel.mozilla.org 432  #momo :Erroneous Nickname: Illegal characters', {}, 'gravel.mozilla.org', '432', ['#momo', 'Erroneous Nickname: Illegal characters']],
  [':gravel.mozilla.org MODE #tckk +n ', {}, 'gravel.mozilla.org', 'MODE', ['#tckk', '+n']],
  ['@tag1=value\\\\ntest COMMAND', { tag1: 'value\\ntest' }, '', 'COMMAND', []],
  ['@tag1=value\\1 COMMAND', { tag1: 'value1' }, '', 'COMMAND', []],
  ['@tag1=value1\\ COMMAND', { tag1: 'value1' }, '', 'COMMAND', []],
  ['@tag1=1;tag2=3;tag3=4;tag1=5 COMMAND', { tag1: '5', tag2: '3', tag3: '4' }, '', 'COMMAND', []],
  [':SomeOp MODE #channel +oo SomeUser :AnotherUser', {}, 'SomeOp', 'MODE', ['#channel', '+oo', 'SomeUser', 'AnotherUser']],
  ['   privmsg   x', {}, '', 'PRIVMSG', ['x']],
];

for (const [text, tags, source, command, params] of VECTORS) {
  line(`reads ${JSON.stringify(text)}`, () => {
    const found = parseLine(text);
    assert.equal(Object.fromEntries(found?.tags ?? []), tags);
    assert.equal([found?.source, found?.command, found?.params], [source, command, params]);
  });
}

line('a line without a command is no line', () => {
  for (const text of ['', ' ', '@a=b', '@a ', ':src', ':src ', '@a :b']) assert.is(parseLine(text), undefined, JSON.stringify(text));
});

line('tags named like members of objects are only names', () => {
  const found = parseLine('@__proto__=x;constructor FOO');
  assert.is(found?.tags.get('__proto__'), 'x');
  assert.is(({} as Record<string, unknown>)['x'], undefined);
});

line('only a last parameter that needs it gets a colon', () => {
  assert.is(formatLine('a', 'B', ['c', 'd']), ':a B c d');
  assert.is(formatLine('a', 'B', ['c', 'd e']), ':a B c :d e');
  assert.is(formatLine('a', 'B', ['c', '']), ':a B c :');
  assert.is(formatLine('', 'B', [':x']), 'B ::x');
});

line('tag values are written so that they read the same', () => {
  const value = 'a;b c\\d\re\nf:g';
  assert.is(parseLine(`@k=${escapeTag(value)} X`)?.tags.get('k'), value);
  assert.is(formatTags([['a', ''], ['b', 'c d']]), '@a;b=c\\sd ');
  assert.is(formatTags([]), '');
});

line.run();
