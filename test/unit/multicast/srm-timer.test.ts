import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SrmTimer } from '../../../src/multicast/srm-timer.ts';

const timer = suite('SRM timer');
const CALM = 10;
const FIXED_MAX = 2;

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}, not ${expected}`);
}

/** After many rounds with so many duplicates and such a delay. */
function after(duplicates: number, delay: number, rounds = 60): SrmTimer {
  const one = new SrmTimer(true);
  for (let i = 0; i < rounds; i++) one.onRound(duplicates, delay);
  return one;
}

timer('it waits d (C1 + C2 U), whole milliseconds, at least one', () => {
  const one = new SrmTimer(false);
  assert.equal([one.fixed, one.random], [2, 2]);
  assert.is(one.waitMs(50, 0, 0), 100);
  assert.is(one.waitMs(50, 0, 0.5), 150);
  assert.is(one.waitMs(33, 0, 0.123), Math.round(33 * 2.246));
  assert.is(one.waitMs(0, 0, 0.5), 1);
});

timer('each back-off doubles it', () => {
  const one = new SrmTimer(false);
  assert.equal([0, 1, 2, 5].map((backoff) => one.waitMs(50, backoff, 0.5)), [150, 300, 600, 4800]);
});

timer('averages move by a quarter', () => {
  const one = new SrmTimer(true);
  one.onRound(4, 2);
  assert.equal([one.averageDuplicates, one.averageDelay], [1, 0.5]);
  one.onRound(0, 0);
  assert.equal([one.averageDuplicates, one.averageDelay], [0.75, 0.375]);
});

timer('many duplicates lengthen both parts', () => {
  const one = after(3, 0.5);
  one.fixed = 1;
  one.adapt(CALM, FIXED_MAX);
  near(one.fixed, 1.1);
  near(one.random, 2.5);
});

timer('few duplicates and long waits shorten the random part, hardly any the fixed one too', () => {
  const one = after(0.5, 2);
  one.adapt(CALM, FIXED_MAX);
  near(one.fixed, 2);
  near(one.random, 1.9);
  const none = after(0, 2);
  none.adapt(CALM, FIXED_MAX);
  near(none.fixed, 1.95);
  near(none.random, 1.9);
  const quick = after(0.5, 0.5);
  quick.adapt(CALM, FIXED_MAX);
  near(quick.random, 2);
});

timer('just below the aim the fixed part grows a little', () => {
  const one = after(0.95, 0.5);
  one.fixed = 1;
  one.adapt(CALM, FIXED_MAX);
  near(one.fixed, 1.05);
  near(one.random, 2);
});

timer('whoever asked waits less next time, and so does one nearer than another who asked', () => {
  const one = new SrmTimer(true);
  one.onSent(CALM, FIXED_MAX);
  near(one.fixed, 1.9);
  one.onFartherDuplicate(CALM, FIXED_MAX);
  near(one.random, 1.9);
});

timer('the parts stay within 0.5 and the most, 1 and the size of the group', () => {
  const less = after(0, 5);
  for (let i = 0; i < 100; i++) {
    less.adapt(CALM, FIXED_MAX);
    less.onSent(CALM, FIXED_MAX);
  }
  assert.equal([less.fixed, less.random], [0.5, 1]);
  const more = after(9, 1);
  for (let i = 0; i < 100; i++) more.adapt(CALM, FIXED_MAX);
  assert.equal([more.fixed, more.random], [2, 10]);
});

timer('fixed ones stay as they are', () => {
  const one = new SrmTimer(false);
  for (let i = 0; i < 20; i++) {
    one.onRound(9, 9);
    one.adapt(CALM, FIXED_MAX);
    one.onSent(CALM, FIXED_MAX);
    one.onFartherDuplicate(CALM, FIXED_MAX);
  }
  assert.equal([one.fixed, one.random], [2, 2]);
});

timer.run();
