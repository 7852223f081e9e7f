import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ENTRY_OVERHEAD_BYTES, LogEntry, SendLog } from '../../../src/multicast/send-log.ts';
import { FIRST, LAST, WHOLE } from './bench.ts';

const log = suite('send log');

function filled(next: number, ...flags: number[]): SendLog {
  const made = new SendLog(next);
  for (const [i, flag] of flags.entries()) made.push(new LogEntry(new Uint8Array([i]), flag, i));
  return made;
}

log('entries are found by their number, those let go and those to come are not', () => {
  const one = filled(5, WHOLE, WHOLE, WHOLE);
  assert.equal([one.low, one.next, one.count], [5, 8, 3]);
  assert.is(one.at(6)!.payload[0], 1);
  assert.is(one.at(4), undefined);
  assert.is(one.at(8), undefined);
  one.shift();
  assert.is(one.at(5), undefined);
  assert.is(one.at(7)!.payload[0], 2);
  assert.is(one.oldest(), one.at(6));
});

log('each entry costs its payload and its bookkeeping', () => {
  const one = new SendLog(1);
  one.push(new LogEntry(new Uint8Array(100), WHOLE, 0));
  one.push(new LogEntry(new Uint8Array(0), WHOLE, 0));
  assert.is(one.bytes, 100 + 2 * ENTRY_OVERHEAD_BYTES);
  assert.is(one.shift(), 100 + ENTRY_OVERHEAD_BYTES);
  assert.is(one.bytes, ENTRY_OVERHEAD_BYTES);
});

log('numbers wrap, through any number of entries let go', () => {
  const one = new SendLog(0xfffffff0);
  for (let i = 0; i < 200; i++) {
    one.push(new LogEntry(new Uint8Array([i]), WHOLE, i));
    if (i >= 40) one.shift();
    assert.is(one.at((0xfffffff0 + i) >>> 0)!.payload[0], i);
    assert.is(one.at(one.low), one.oldest());
  }
  assert.is(one.next, 0xfffffff0 + 200 - 2 ** 32);
  assert.is(one.count, 40);
});

log('the last K messages begin at the first packet of the oldest of them', () => {
  const one = filled(10, WHOLE, FIRST, 0, LAST, WHOLE, FIRST, LAST);
  assert.is(one.startOfLast(1), 15);
  assert.is(one.startOfLast(2), 14);
  assert.is(one.startOfLast(3), 11);
  assert.is(one.startOfLast(4), 10);
  assert.is(one.startOfLast(99), 10);
  assert.is(one.startOfLast(Infinity), 10);
});

log('all that is left never begins in the middle of a message', () => {
  const one = filled(10, FIRST, 0, LAST, WHOLE);
  one.shift();
  assert.is(one.startOfLast(Infinity), 13);
  assert.is(one.startOfLast(2), 13);
  one.shift();
  one.shift();
  one.shift();
  assert.is(one.startOfLast(1), 14);
  assert.is(filled(7).startOfLast(3), 7);
});

log.run();
