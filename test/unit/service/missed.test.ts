import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addMissed, MISSED_RANGES_MAX, type MissedRange, rangeOf, UNKNOWN } from '../../../src/service/missed.ts';

const missed = suite('missed');
const place = (source: string, seq: number, length = 1, addressed = false) => (
  rangeOf({ source, epoch: 1, seq, data: new Uint8Array(length), addressed })
);
const told = (ranges: MissedRange[]): string[] => ranges.map(({ source, from, to, addressed }) => `${source} ${from}-${to}${addressed ? ' to us' : ''}`);

missed('messages that follow each other in a stream are one range, a long one all of its numbers', () => {
  const ranges: MissedRange[] = [];
  for (const one of [place('a', 1, 1153), place('b', 7), place('a', 3), place('a', 5)]) addMissed(ranges, one);
  assert.equal(told(ranges), ['a 1-3', 'b 7-7', 'a 5-5']);
});

missed('a range goes on over the end of the numbers', () => {
  const ranges: MissedRange[] = [];
  for (const one of [place('a', 2 ** 32 - 2), place('a', 2 ** 32 - 1), place('a', 0), place('a', 1)]) addMissed(ranges, one);
  assert.equal(told(ranges), [`a ${2 ** 32 - 2}-1`]);
});

missed('those to us alone are a stream of their own', () => {
  const ranges: MissedRange[] = [];
  for (const one of [place('a', 1), place('a', 2, 1, true), place('a', 2)]) addMissed(ranges, one);
  assert.equal(told(ranges), ['a 1-2', 'a 2-2 to us']);
});

missed('what is unknown is told once', () => {
  const ranges: MissedRange[] = [];
  for (const one of [UNKNOWN, place('a', 1), UNKNOWN]) addMissed(ranges, one);
  assert.equal(told(ranges), [' 0-0', 'a 1-1']);
});

missed('ranges beyond the limit become an unknown one', () => {
  const ranges: MissedRange[] = [];
  for (let i = 0; i <= MISSED_RANGES_MAX; i++) addMissed(ranges, place('a', 2 * i + 1));
  assert.equal([ranges.length, told(ranges).at(-1)], [MISSED_RANGES_MAX, ' 0-0']);
});

missed.run();
