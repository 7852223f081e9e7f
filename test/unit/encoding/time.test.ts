import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatTime, parseTime } from '../../../src/encoding/time.ts';

const times = suite('time');
times('times are written and read as server-time has them', () => {
  for (const [ms, written] of [
    [0, '1970-01-01T00:00:00.000Z'], [951782400000, '2000-02-29T00:00:00.000Z'], [1795370146123, '2026-11-22T17:55:46.123Z'],
    [4102444799999, '2099-12-31T23:59:59.999Z'],
  ] as const) {
    assert.is(formatTime(ms), written);
    assert.is(parseTime(written), ms);
  }
  assert.is(parseTime('2019-01-04T14:33:26Z'), 1546612406000);
  for (const bad of ['', '*', '2019-13-01T00:00:00.000Z', '2019-01-01', '2019-01-01T25:00:00Z']) assert.is(parseTime(bad), undefined, bad);
});
times.run();
