import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { serialAdd, serialDiff } from '../../../src/wire/serial.ts';

const MAX = 0xffffffff;
const serial = suite('serial numbers');

serial('a sum wraps to u32, forwards and back', () => {
  assert.is(serialAdd(MAX, 1), 0);
  assert.is(serialAdd(MAX, 3), 2);
  assert.is(serialAdd(0, -1), MAX);
  assert.is(serialAdd(2, -3), MAX);
  assert.is(serialAdd(0x7fffffff, 1), 0x80000000);
});

serial('a difference is signed and knows of the wrap', () => {
  assert.is(serialDiff(5, 3), 2);
  assert.is(serialDiff(3, 5), -2);
  assert.is(serialDiff(0, MAX), 1);
  assert.is(serialDiff(MAX, 0), -1);
  assert.is(serialDiff(1, MAX - 1), 3);
  assert.is(serialDiff(7, 7), 0);
});

serial('half the circle ahead is later, from half on it is earlier', () => {
  assert.is(serialDiff(0x7fffffff, 0), 0x7fffffff);
  assert.ok(serialDiff(0x80000000, 0) < 0);
  assert.ok(serialDiff(0x80000001, 0) < 0);
});

serial('adding a difference leads back, all around the circle', () => {
  for (let a = 0; a <= MAX; a += 0x10000001) {
    for (const step of [-0x7fffffff, -1, 0, 1, 127, 0x7fffffff]) assert.is(serialDiff(serialAdd(a, step), a), step);
  }
});

serial.run();
