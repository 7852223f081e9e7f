import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Numbers } from '../../../src/multicast/numbers.ts';

const numbers = suite('numbers of streams that are no more');
const MAX = 512;

/** As many other streams as are remembered, which ended before `next`. */
function others(all: Numbers, next: number, count = MAX): void {
  for (let i = 0; i < count; i++) all.keep(`other ${next} ${i}`, next);
}

numbers('a stream goes on where it ended; one that never was begins with the first number', () => {
  const all = new Numbers(5);
  all.keep('a', 9);
  assert.equal([all.next('a'), all.next('b')], [9, 5]);
});

numbers('of two ends of one stream the later counts', () => {
  const all = new Numbers(1);
  for (const next of [9, 7]) all.keep('a', next);
  assert.is(all.next('a'), 9);
  all.keep('a', 12);
  assert.is(all.next('a'), 12);
  const high = new Numbers(0xfffffff0);
  for (const next of [4, 0xfffffffe]) high.keep('a', next);
  assert.is(high.next('a'), 4, 'they wrap');
});

numbers('of more than 512 the first that ended is forgotten: all that begin do so behind it', () => {
  const all = new Numbers(1);
  all.keep('a', 100);
  others(all, 3, MAX - 1);
  assert.equal([all.next('a'), all.next('new')], [100, 1]);
  all.keep('b', 7);
  assert.equal([all.next('a'), all.next('b'), all.next('new')], [100, 7, 100]);
  all.keep('c', 7);
  assert.equal([all.next('new'), all.next('other 3 0')], [100, 100], 'whoever is forgotten later takes nothing back');
});

numbers('one that ends again has ended last', () => {
  const all = new Numbers(1);
  all.keep('a', 50);
  others(all, 3, MAX - 1);
  all.keep('a', 50);
  all.keep('b', 3);
  assert.equal([all.next('a'), all.next('new')], [50, 3]);
});

numbers.run();
