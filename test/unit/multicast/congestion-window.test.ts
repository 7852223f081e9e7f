import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CongestionWindow } from '../../../src/multicast/congestion-window.ts';

const window = suite('congestion window');

/** Acknowledges within one measuring period: what was delivered lately sets no floor. */
function acked(one: CongestionWindow, bytes: number): void {
  one.onAck(0, bytes, 100);
}

/** Sends until the window refuses. */
function fill(one: CongestionWindow, now = 0): void {
  for (let i = 0; i < 10_000 && one.admits(1000); i++) one.onSend(now, 1000, false);
}

/** Acknowledges all that is in flight, with a round trip that took `queueMs` above the shortest. */
function acknowledge(one: CongestionWindow, now: number, queueMs = 0): void {
  const bytes = one.inFlight;
  one.onSample(now, queueMs);
  one.onRemove(bytes);
  acked(one, bytes);
}

/** A window out of slow start, with nothing in flight. */
function steady(): CongestionWindow {
  const one = new CongestionWindow();
  let now = 0;
  for (let i = 0; i < 4; i++) {
    fill(one, now);
    acknowledge(one, now, 0);
    now += 60;
  }
  queue(one, now, 100);
  return one;
}

/** Eight samples in a row that tell of a queue. */
function queue(one: CongestionWindow, now: number, queueMs: number, count = 8): void {
  for (let i = 0; i < count; i++) one.onSample(now + 10 * i, queueMs);
}

window('it starts at 16 KiB or a little more', () => {
  const { bytes } = new CongestionWindow();
  assert.ok(bytes >= 16_384 && bytes <= 65_536);
});

window('what would not fit has to wait, what left gives room', () => {
  const one = new CongestionWindow();
  one.onSend(0, one.bytes - 100, false);
  assert.is(one.admits(100), true);
  assert.is(one.admits(101), false);
  one.onRemove(1);
  assert.is(one.admits(101), true);
});

window('an empty one lets any packet through', () => {
  const one = new CongestionWindow();
  assert.is(one.admits(10_000_000), true);
});

window('bytes in flight never fall below zero', () => {
  const one = new CongestionWindow();
  one.onSend(0, 100, false);
  one.onRemove(500);
  assert.is(one.inFlight, 0);
});

window('it is pressed when more than half is in use', () => {
  const one = new CongestionWindow();
  one.onSend(0, one.bytes / 2, false);
  assert.is(one.pressed, false);
  one.onSend(0, 1, false);
  assert.is(one.pressed, true);
});

window('slow start: a full window acknowledged doubles it, trebles it while there is no queue at all', () => {
  for (const [queueMs, factor] of [[10, 1], [0, 2]] as const) {
    const one = new CongestionWindow();
    const before = one.bytes;
    fill(one);
    const sent = one.inFlight;
    acknowledge(one, 100, queueMs);
    assert.is(one.bytes, before + factor * sent);
  }
});

window('it grows only while it is what holds us back', () => {
  const one = new CongestionWindow();
  for (let i = 0; i < 50; i++) {
    one.onSend(i * 100, 1000, false);
    acknowledge(one, i * 100);
  }
  assert.is(one.bytes, new CongestionWindow().bytes);
  const later = steady();
  later.queueMs = 0;
  const { bytes } = later;
  acked(later, 100);
  for (let i = 0; i < 50; i++) acked(later, 1000);
  assert.is(later.bytes, bytes);
});

window('eight samples in a row with a queue of more than 36 ms end slow start, and take 30 % away', () => {
  const one = new CongestionWindow();
  fill(one);
  acknowledge(one, 0);
  fill(one);
  acknowledge(one, 60);
  const { bytes } = one;
  queue(one, 120, 36, 20);
  queue(one, 400, 37, 7);
  one.onSample(500, 36);
  queue(one, 510, 37, 7);
  assert.is(one.bytes, bytes);
  one.onSample(600, 37);
  assert.is(one.bytes, Math.round(bytes * 0.7));
  assert.is(one.reductionCount, 1);
  queue(one, 700, 100, 50);
  assert.is(one.reductionCount, 1, 'once');
});

/** A round trip with the window full. @returns by how much it grew */
function roundTrip(one: CongestionWindow, now: number, queueMs: number): number {
  fill(one, now);
  const { bytes } = one;
  acknowledge(one, now, queueMs);
  return one.bytes - bytes;
}

window('six periods in a row held back without a queue: slow start again', () => {
  const one = steady();
  for (let i = 0; i < 5; i++) assert.ok(roundTrip(one, 1000 + 60 * i, 5) < 1300, `period ${i + 1}`);
  roundTrip(one, 1300, 11); // a queue: they are counted anew
  for (let i = 0; i < 5; i++) assert.ok(roundTrip(one, 1360 + 60 * i, 5) < 1300, `period ${i + 1} after a queue`);
  assert.ok(roundTrip(one, 1660, 5) > 10_000);
});

window('periods in which it held nothing back do not count towards slow start', () => {
  const one = steady();
  acked(one, 10);
  for (let i = 0; i < 20; i++) one.onSample(1000 + 60 * i, 0);
  assert.ok(roundTrip(one, 2300, 0) < 1300);
});

window('the worst queue of this period and the one before is what a packet may meet, for two seconds', () => {
  const one = new CongestionWindow();
  assert.is(one.worstQueueMs(0), 0);
  one.onSample(0, 3);
  one.onSample(10, 70);
  one.onSample(20, 20);
  assert.is(one.worstQueueMs(30), 70);
  one.onSample(60, 5);
  assert.is(one.worstQueueMs(60), 70);
  one.onSample(120, 5);
  assert.is(one.worstQueueMs(120), 5);
  assert.is(one.worstQueueMs(2120), 5);
  assert.is(one.worstQueueMs(2121), 0);
});

window('the queue is the least of 50 ms of samples', () => {
  const one = new CongestionWindow();
  one.onSample(0, 9);
  assert.is(one.queueMs, 9);
  for (const [now, queue] of [[10, 80], [20, 12], [30, 80], [49, 90]] as const) one.onSample(now, queue);
  assert.is(one.queueMs, 9);
  one.onSample(50, 70);
  assert.is(one.queueMs, 12);
  one.onSample(100, -5);
  assert.is(one.queueMs, 0);
});

window('after slow start it grows by about a segment a round trip below the target of 60 ms', () => {
  const one = steady();
  one.onSample(1000, 0);
  one.onSample(1051, 0);
  fill(one, 1052);
  const { bytes } = one;
  acknowledge(one, 1052, 0);
  assert.ok(one.bytes > bytes + 900 && one.bytes <= bytes + 1300, `${one.bytes - bytes}`);
});

window('at the target it stays, above it shrinks, whether or not it was full', () => {
  const one = steady();
  one.queueMs = 60;
  const { bytes } = one;
  acked(one, bytes);
  assert.is(one.bytes, bytes);
  one.queueMs = 90;
  acked(one, bytes);
  assert.is(one.bytes, bytes - 600);
  one.queueMs = 1000; // never faster than it would grow
  const before = one.bytes;
  acked(one, before);
  assert.is(one.bytes, before - 1200);
});

window('many repairs while there was a queue take 30 % away, without one they do not', () => {
  for (const queueMs of [0, 30]) {
    const one = new CongestionWindow();
    for (let i = 0; i < 4; i++) {
      fill(one, 0);
      one.onRemove(one.inFlight);
      acked(one, one.bytes);
    }
    one.onSample(0, queueMs);
    one.onSample(60, queueMs);
    one.onSend(250, 10, false);
    const { bytes } = one;
    for (let i = 0; i < 20; i++) one.onSend(260 + i, 10, i % 3 === 0);
    one.onSend(500, 10, false);
    assert.is(one.bytes, queueMs > 0 ? Math.round(bytes * 0.7) : bytes);
  }
});

window('few repairs, or a few sends in all, take nothing away', () => {
  for (const [count, share] of [[40, 5], [5, 2]] as const) {
    const one = steady();
    one.onSample(2000, 30);
    one.onSample(2060, 30);
    one.onSend(2100, 10, false);
    const { bytes } = one;
    for (let i = 0; i < count; i++) one.onSend(2110, 10, i % share === 0);
    one.onSend(2400, 10, false);
    assert.is(one.bytes, bytes);
  }
});

window('it never falls below what was lately delivered in a round trip and the target, and a quarter more', () => {
  const one = new CongestionWindow();
  for (let now = 0; now <= 3000; now += 100) {
    fill(one, now);
    const bytes = Math.min(one.inFlight, 50_000);
    one.onSample(now, 0);
    one.onRemove(bytes);
    one.onAck(now, bytes, 100); // half a megabyte a second
  }
  queue(one, 3050, 100);
  one.queueMs = 1000;
  for (let i = 0; i < 3000; i++) one.onAck(3100, one.bytes, 100);
  const floor = 1.25 * 500_000 * 0.16;
  assert.ok(Math.abs(one.bytes / floor - 1) < 0.15, `${one.bytes}, not ${floor}`);
});

window('it never falls below 16 KiB nor grows beyond 8 MiB', () => {
  const one = steady();
  one.queueMs = 1000;
  for (let i = 0; i < 2000; i++) acked(one, one.bytes);
  assert.is(one.bytes, 16_384);
  const large = new CongestionWindow();
  for (let i = 0; i < 20; i++) {
    large.onSend(0, large.bytes, false);
    large.admits(1);
    acknowledge(large, 0);
  }
  assert.is(large.bytes, 8_388_608);
});

window('a stall of the processor, eight late answers at one moment, does not end slow start', () => {
  const one = new CongestionWindow();
  for (let i = 0; i < 19; i++) one.onSample(100 + i, 80);
  assert.is(one.reductionCount, 0);
  one.onSample(140, 80);
  assert.is(one.reductionCount, 1);
});

window.run();
