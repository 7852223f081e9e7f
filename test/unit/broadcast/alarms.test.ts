import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Alarm, Alarms } from '../../../src/broadcast/alarms.ts';

const alarms = suite('alarms');

function alarm(onAlarm: (now: number) => void = () => undefined): Alarm {
  return { alarmAt: Infinity, alarmIndex: -1, alarmOrder: 0, onAlarm };
}

alarms('the next one due is told, Infinity when none is set', () => {
  const all = new Alarms();
  assert.is(all.next, Infinity);
  all.set(alarm(), 30);
  all.set(alarm(), 10);
  all.set(alarm(), 20);
  assert.is(all.next, 10);
  assert.is(all.size, 3);
});

alarms('what is due fires in the order of time, what is not due stays', () => {
  const all = new Alarms();
  const fired: number[] = [];
  for (const at of [50, 20, 40, 10, 30]) all.set(alarm(() => fired.push(at)), at);
  assert.is(all.run(40, 100), false);
  assert.equal(fired, [10, 20, 30, 40]);
  assert.is(all.next, 50);
});

alarms('equal times fire in the order in which they were set', () => {
  const all = new Alarms();
  const fired: string[] = [];
  for (const name of 'abcdefgh') all.set(alarm(() => fired.push(name)), 5);
  all.run(5, 100);
  assert.is(fired.join(''), 'abcdefgh');
});

alarms('one call fires at most so many, and says when more are due', () => {
  const all = new Alarms();
  let fired = 0;
  for (let i = 0; i < 5; i++) all.set(alarm(() => fired++), 1);
  assert.is(all.run(1, 3), true);
  assert.is(fired, 3);
  assert.is(all.run(1, 3), false);
  assert.is(fired, 5);
});

alarms('more than a second late, all wait 100 ms more, once', () => {
  const all = new Alarms();
  let fired = 0;
  for (const at of [10, 5000]) all.set(alarm(() => fired++), at);
  all.run(1010, 1);
  assert.is(fired, 1, 'a second late is in time');
  all.run(7000, 10);
  assert.is(fired, 1);
  assert.is(all.next, 7100);
  all.run(7099, 10);
  assert.is(fired, 1);
  all.run(7100, 10);
  assert.is(fired, 2);
});

alarms('a fired alarm is no longer set, and may set itself again', () => {
  const all = new Alarms();
  let fired = 0;
  const one = alarm((now) => {
    assert.is(one.alarmIndex, -1);
    if (++fired < 3) all.set(one, now + 1);
  });
  all.set(one, 1);
  all.run(1, 10);
  assert.is(fired, 1);
  all.run(9, 10);
  assert.is(fired, 2);
  all.run(10, 10);
  assert.is(fired, 3);
  assert.is(all.next, Infinity);
});

alarms('cancelled, and moved to Infinity, it never fires', () => {
  const all = new Alarms();
  const one = alarm(() => assert.unreachable());
  const two = alarm(() => assert.unreachable());
  all.cancel(one);
  all.set(one, 1);
  all.set(two, 2);
  all.cancel(one);
  all.set(two, Infinity);
  assert.is(all.size, 0);
  all.run(100, 10);
  assert.is(one.alarmAt, Infinity);
});

alarms('set moves it both ways, setEarlier only forwards', () => {
  const all = new Alarms();
  const one = alarm();
  all.set(one, 10);
  all.set(one, 20);
  assert.is(all.next, 20);
  all.setEarlier(one, 30);
  assert.is(all.next, 20);
  all.setEarlier(one, 15);
  assert.is(all.next, 15);
  assert.is(all.size, 1);
});

alarms('the heap does what a plain list does', () => {
  let state = 5;
  const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const all = new Alarms();
  const fired: number[] = [];
  const items = Array.from({ length: 60 }, (_, i) => alarm(() => fired.push(i)));
  let list: { index: number; at: number; order: number }[] = [];
  let order = 0;
  for (let step = 0; step < 5000; step++) {
    const index = Math.floor(random() * items.length);
    const present = list.find((one) => one.index === index);
    const at = Math.floor(step / 10 + random() * 40);
    if (random() < 0.15) {
      all.cancel(items[index]!);
      list = list.filter((one) => one !== present);
    } else if (random() < 0.3) {
      all.setEarlier(items[index]!, at);
      if (present === undefined) list.push({ index, at, order: order++ });
      else if (at < present.at) Object.assign(present, { at, order: order++ });
    } else {
      all.set(items[index]!, at);
      if (present === undefined) list.push({ index, at, order: order++ });
      else if (at !== present.at) Object.assign(present, { at, order: order++ });
    }
    if (step % 7 === 0) {
      const now = step / 10;
      const due = list.filter((one) => one.at <= now).sort((a, b) => a.at - b.at || a.order - b.order);
      list = list.filter((one) => one.at > now);
      fired.length = 0;
      all.run(now, 1000);
      assert.equal(fired, due.map((one) => one.index));
    }
    assert.is(all.next, Math.min(Infinity, ...list.map((one) => one.at)));
  }
});

alarms.run();
