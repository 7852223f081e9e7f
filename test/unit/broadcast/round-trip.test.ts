import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RoundTrip } from '../../../src/broadcast/round-trip.ts';

const trip = suite('round trip');

trip('without a sample it is a cautious guess', () => {
  const roundTrip = new RoundTrip();
  assert.ok(roundTrip.srttMs >= 200);
  assert.is(roundTrip.variationMs, roundTrip.srttMs / 2);
  assert.is(roundTrip.minMs, roundTrip.srttMs);
});

trip('the first sample is believed as it is', () => {
  const roundTrip = new RoundTrip();
  roundTrip.onSample(0, 120);
  assert.equal([roundTrip.srttMs, roundTrip.minMs, roundTrip.sampleCount], [120, 120, 1]);
  assert.ok(roundTrip.variationMs >= 10 && roundTrip.variationMs <= 60);
});

trip('later ones move the mean by 1/8 and the variation by 1/4 (RFC 6298)', () => {
  const roundTrip = new RoundTrip();
  roundTrip.onSample(0, 100);
  const before = roundTrip.variationMs;
  roundTrip.onSample(1, 180);
  assert.is(roundTrip.srttMs, 110);
  assert.ok(Math.abs(roundTrip.variationMs - (before + (80 - before) / 4)) <= 1);
  for (let i = 0; i < 60; i++) roundTrip.onSample(2, 100);
  assert.equal([roundTrip.srttMs, roundTrip.variationMs], [100, 0]);
});

trip('one that stands out, of a process that was stopped, counts as twice the mean and a margin', () => {
  const roundTrip = new RoundTrip();
  for (let i = 0; i < 60; i++) roundTrip.onSample(0, 100);
  roundTrip.onSample(0, 5000);
  assert.is(roundTrip.srttMs, Math.round(100 + (250 - 100) / 8));
  for (let i = 0; i < 80; i++) roundTrip.onSample(0, 5000);
  assert.ok(roundTrip.srttMs > 4900, 'but a longer way is believed in the end');
});

trip('what it tells is in whole milliseconds', () => {
  const roundTrip = new RoundTrip();
  for (const sample of [101, 57, 93, 88]) roundTrip.onSample(0, sample);
  assert.ok(Number.isInteger(roundTrip.srttMs) && Number.isInteger(roundTrip.variationMs) && Number.isInteger(roundTrip.minMs));
});

trip('samples below zero and above 8 s tell nothing', () => {
  const roundTrip = new RoundTrip();
  roundTrip.onSample(0, -1);
  roundTrip.onSample(0, 8001);
  assert.is(roundTrip.sampleCount, 0);
  roundTrip.onSample(0, 8000);
  roundTrip.onSample(0, 0);
  assert.is(roundTrip.sampleCount, 2);
});

trip('the least sample is kept, and forgotten after a minute', () => {
  const roundTrip = new RoundTrip();
  roundTrip.onSample(0, 50);
  roundTrip.onSample(10_000, 40);
  roundTrip.onSample(20_000, 70);
  assert.is(roundTrip.minMs, 40);
  roundTrip.onSample(60_001, 90); // the minute is over: the least of it stands
  assert.is(roundTrip.minMs, 40);
  roundTrip.onSample(70_000, 85);
  roundTrip.onSample(125_000, 95);
  assert.is(roundTrip.minMs, 85);
});

trip.run();
