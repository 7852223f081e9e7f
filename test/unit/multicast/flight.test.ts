import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DatagramDedup } from '../../../src/multicast/datagram-dedup.ts';
import { ACKED, COUNTED, FlightPool } from '../../../src/multicast/flight.ts';

const flight = suite('flight');

flight('128 numbers in a row have a slot each, over the wrap too', () => {
  const one = new FlightPool().take();
  const slots = new Set<number>();
  for (let i = 0; i < 128; i++) slots.add(one.slot((0xffffffc0 + i) >>> 0));
  assert.is(slots.size, 128);
  assert.is(one.slot(5), one.slot(5 + 128));
});

flight('a slot is cleared for the number that comes after', () => {
  const one = new FlightPool().take();
  one.state[one.slot(3)] = ACKED | COUNTED;
  one.sends[one.slot(3)] = 2;
  one.clear(3);
  assert.equal([one.state[one.slot(3)], one.sends[one.slot(3)]], [0, 0]);
});

flight('what comes from the pool knows nothing of before', () => {
  const pool = new FlightPool();
  const one = pool.take();
  assert.is(pool.inUseCount, 1);
  one.state.fill(ACKED);
  one.sends.fill(9);
  pool.give(one);
  assert.is(pool.inUseCount, 0);
  const again = pool.take();
  assert.is(again, one);
  assert.ok(again.state.every((state) => state === 0) && again.sends.every((count) => count === 0));
});

flight('the pool keeps 64 and lets the others go', () => {
  const pool = new FlightPool();
  const taken = Array.from({ length: 70 }, () => pool.take());
  for (const one of taken) pool.give(one);
  const again = new Set(Array.from({ length: 70 }, () => pool.take()));
  assert.is(taken.filter((one) => again.has(one)).length, 64);
});

flight.run();

const dedup = suite('datagram dedup');

dedup('each counter is new once', () => {
  const seen = new DatagramDedup();
  for (const seq of [1, 2, 5, 3, 4]) assert.is(seen.isNew(1, seq), true, `${seq}`);
  for (const seq of [1, 2, 3, 4, 5]) assert.is(seen.isNew(1, seq), false, `${seq}`);
});

dedup('31 before the newest can be told, older ones cannot', () => {
  const seen = new DatagramDedup();
  seen.isNew(1, 100);
  assert.is(seen.isNew(1, 69), true);
  assert.is(seen.isNew(1, 69), false);
  assert.is(seen.isNew(1, 68), false);
  assert.is(seen.isNew(1, 101), true);
  assert.is(seen.isNew(1, 69), false);
});

dedup('a jump ahead forgets what was before', () => {
  const seen = new DatagramDedup();
  seen.isNew(1, 5);
  assert.is(seen.isNew(1, 37), true);
  assert.is(seen.isNew(1, 36), true);
  assert.is(seen.isNew(1, 37), false);
  assert.is(seen.isNew(1, 1000), true);
  assert.is(seen.isNew(1, 999), true);
  assert.is(seen.isNew(1, 5), false);
});

dedup('counters wrap', () => {
  const seen = new DatagramDedup();
  assert.is(seen.isNew(1, 0xffffffff), true);
  assert.is(seen.isNew(1, 0), true);
  assert.is(seen.isNew(1, 0xfffffffe), true);
  assert.is(seen.isNew(1, 0xffffffff), false);
});

dedup('groups are apart, and of more than 256 the oldest is forgotten', () => {
  const seen = new DatagramDedup();
  for (let key = 0; key < 256; key++) seen.isNew(key, 1);
  assert.is(seen.isNew(0, 1), false);
  assert.is(seen.isNew(256, 1), true);
  assert.is(seen.isNew(255, 1), false);
  assert.is(seen.isNew(0, 1), true);
});

dedup('it does what a set of the last 32 does', () => {
  let state = 9;
  const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const seen = new DatagramDedup();
  const known = new Set<number>();
  let newest = -1;
  for (let i = 0; i < 3000; i++) {
    const seq = Math.max(0, newest + Math.floor(random() * (i % 50 === 0 ? 60 : 40)) - 30);
    const isNew = seq > newest || (seq >= newest - 31 && !known.has(seq));
    assert.is(seen.isNew(1, seq), isNew, `${seq} of ${newest}`);
    known.add(seq);
    newest = Math.max(newest, seq);
  }
});

dedup.run();
