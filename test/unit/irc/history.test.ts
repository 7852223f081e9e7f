import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { History } from '../../../src/irc/history.ts';
import type { Entry } from '../../../src/irc/history.ts';
import { packWords } from '../../../src/irc/text.ts';

const LIMITS = { lines: 5, bytes: 100_000, ageMs: 1000 };

function entry(n: number, timeMs = n, event = false): Entry {
  const origin = { address: 'fc00::1', stream: 'a/1', n, nick: 'ann', user: 'ann' };
  return {
    timeMs, msgid: `fc00::1/a/1-${n}`, source: 'ann!ann@fc00::1', account: undefined, bot: false, command: 'PRIVMSG',
    target: '#c', lines: [`line ${n}`], concat: [], tags: undefined, origin: event ? undefined : origin,
  };
}
const numbers = (history: History): string[] => history.entries.map((one) => one.lines[0]?.slice(5) as string);

const history = suite('irc history');
history('lines stand in the order of their times, whatever the order in which they come', () => {
  const kept = new History(LIMITS);
  for (const n of [3, 1, 5, 2, 4]) assert.ok(kept.add(entry(n), 10));
  assert.equal(numbers(kept), ['1', '2', '3', '4', '5']);
});
history('the oldest go first, one or many', () => {
  const kept = new History(LIMITS);
  for (let n = 1; n <= 12; n++) kept.add(entry(n), 12);
  assert.equal(numbers(kept), ['8', '9', '10', '11', '12']);
  assert.is(kept.expire(1011), 3);
  assert.equal(numbers(kept), ['11', '12']);
  kept.expire(5000);
  assert.equal(numbers(kept), []);
  assert.is(kept.byteCount, 0);
});
history('people who come and go do not drive out what was said', () => {
  const kept = new History({ ...LIMITS, lines: 20 });
  for (let n = 1; n <= 10; n++) kept.add(entry(n), 100);
  for (let n = 11; n <= 90; n++) kept.add({ ...entry(n, n, true), command: 'JOIN' }, 100);
  assert.equal(numbers(kept).slice(0, 10), ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']);
  assert.equal(numbers(kept).slice(10), ['86', '87', '88', '89', '90']);
});
history('a line that is older than all kept ones, with no room, or too old is not kept', () => {
  const kept = new History(LIMITS);
  for (let n = 11; n <= 15; n++) kept.add(entry(n), 20);
  assert.not.ok(kept.add(entry(2), 20));
  assert.equal(numbers(kept), ['11', '12', '13', '14', '15']);
  assert.not.ok(new History(LIMITS).add(entry(1), 2000));
});
history('two nodes with the same lines have the same sum, other lines another one; events do not count', () => {
  const [a, b] = [new History(LIMITS), new History(LIMITS)];
  for (const n of [1, 2, 3]) a.add(entry(n), 10);
  for (const n of [3, 1, 2]) b.add(entry(n), 10);
  b.add(entry(9, 9, true), 10);
  assert.is(a.sum, b.sum);
  assert.is.not(a.sum, 0);
  const before = a.sum;
  a.add(entry(4), 10);
  assert.is.not(a.sum, before);
  a.remove('fc00::1/a/1-4');
  assert.is(a.sum, before);
  for (let n = 5; n <= 9; n++) a.add(entry(n), 10); // the first ones go
  assert.is.not(a.sum, before);
});
history.run();

const words = suite('irc words');
words('words are packed into lines that are full but not longer, counted in bytes', () => {
  assert.equal(packWords(['aaa', 'bbb', 'ccc'], 7), ['aaa bbb', 'ccc']);
  assert.equal(packWords(['aaa', 'bbb', 'ccc'], 6), ['aaa', 'bbb', 'ccc']);
  assert.equal(packWords(['ää', 'ää', 'b'], 9, ','), ['ää,ää', 'b']);
  assert.equal(packWords(['a'.repeat(20), 'b'], 7), ['a'.repeat(20), 'b']);
  assert.equal(packWords([], 7), []);
});
words.run();
