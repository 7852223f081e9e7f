import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exactLog, Prng } from './prng.ts';

test('the first numbers of a seed are these, on every runtime', () => {
  const random = new Prng(42);
  assert.equal([random.u32(), random.u32(), random.u32()], [3011021589, 3960382089, 1547270628]);
});

test('whole numbers fall evenly into their range', () => {
  const random = new Prng(1);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[random.below(10)]!++;
  assert.ok(counts.every((count) => count > 880 && count < 1120), counts.join(' '));
});

test('the logarithm is right to 14 digits', () => {
  for (let x = 1e-9; x < 1; x *= 1.7) assert.ok(Math.abs(exactLog(x) - Math.log(x)) < 1e-13, String(x));
});

test('exponential times have their mean', () => {
  const random = new Prng(3);
  let sum = 0;
  for (let i = 0; i < 20_000; i++) sum += random.exponential(100);
  assert.ok(Math.abs(sum / 20_000 - 100) < 3, String(sum / 20_000));
});

test.run();
