import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Guard } from '../../../src/runtime/guard.ts';
import { TimerQueue, TIMERS_PER_TURN_MAX } from '../../../src/runtime/timer-queue.ts';

/** The system's one timer, fired by hand. Fails the test when it is used in a way that a runtime does not survive. */
class FakeSystem {
  nowMs = 0;
  started = 0;
  stopped = 0;
  armed: { atMs: number; onTimeout: () => void } | undefined;
  #firing = false;

  now = (): number => this.nowMs;
  start = (delayMs: number, onTimeout: () => void): unknown => {
    assert.is(this.armed, undefined, 'one timer of the system at a time');
    this.started++;
    this.armed = { atMs: this.nowMs + delayMs, onTimeout };
    return this.armed;
  };
  stop = (handle: unknown): void => {
    assert.is(handle, this.armed, 'only a timer that has not fired may be stopped');
    assert.not(this.#firing, 'never inside its own callback');
    this.stopped++;
    this.armed = undefined;
  };
  /** Fires it, `earlyMs` before it is due. */
  fire(earlyMs = 0): void {
    const { armed } = this;
    if (armed === undefined) throw new Error('nothing armed');
    this.nowMs = Math.max(this.nowMs, armed.atMs - earlyMs);
    this.armed = undefined;
    armed.onTimeout();
  }
}

function setup(): { system: FakeSystem; queue: TimerQueue; fired: string[]; guard: Guard } {
  const system = new FakeSystem();
  const guard = new Guard(() => {});
  return { system, queue: new TimerQueue(system, guard), fired: [], guard };
}

const timers = suite('timer queue');
timers('a timer of the system that fires early does not fire ours early', () => {
  const { system, queue, fired } = setup();
  queue.timer(() => fired.push('a')).set(10);
  system.fire(1);
  assert.equal(fired, []);
  assert.is(system.armed?.atMs, 10);
  system.fire();
  assert.equal(fired, ['a']);
});
timers('many timers need one of the system, and a later one does not touch it', () => {
  const { system, queue } = setup();
  queue.timer(() => {}).set(10);
  queue.timer(() => {}).set(20);
  queue.timer(() => {}).set(30);
  assert.equal([system.started, system.stopped], [1, 0]);
  queue.timer(() => {}).set(5);
  assert.equal([system.started, system.stopped], [2, 1]);
});
timers('cancelling or moving a timer away leaves the system\'s armed', () => {
  const { system, queue, fired } = setup();
  const timer = queue.timer(() => fired.push('a'));
  timer.set(10);
  timer.cancel();
  assert.is(timer.deadlineMs, Infinity);
  timer.set(50);
  assert.equal([system.started, system.stopped], [1, 0]);
  system.fire(); // for nothing, at 10
  assert.equal(fired, []);
  system.fire();
  assert.equal(fired, ['a']);
  assert.is(system.nowMs, 50);
  assert.is(timer.deadlineMs, Infinity);
});
timers('a deadline in the past fires on the next turn, also when it is set inside one', () => {
  const { system, queue, fired } = setup();
  system.nowMs = 100;
  const timer = queue.timer(() => {
    fired.push(String(system.nowMs));
    if (fired.length < 3) timer.set(0);
  });
  timer.set(0);
  system.fire();
  assert.equal(fired, ['100'], 'once a turn');
  assert.is(timer.deadlineMs, 0);
  system.fire();
  system.fire();
  assert.equal(fired, ['100', '101', '102']);
});
timers('equal deadlines fire in the order of setting', () => {
  const { system, queue, fired } = setup();
  for (const name of ['a', 'b', 'c', 'd']) queue.timer(() => fired.push(name)).set(7);
  system.fire();
  assert.equal(fired, ['a', 'b', 'c', 'd']);
});
timers('at most so many fire in one turn; the rest on the next', () => {
  const { system, queue, fired } = setup();
  for (let i = 0; i < TIMERS_PER_TURN_MAX + 10; i++) queue.timer(() => fired.push('x')).set(1);
  system.fire();
  assert.is(fired.length, TIMERS_PER_TURN_MAX);
  system.fire();
  assert.is(fired.length, TIMERS_PER_TURN_MAX + 10);
});
timers('one that throws is counted; the others fire', () => {
  const { system, queue, fired, guard } = setup();
  queue.timer(() => {
    throw new Error('expected by the test');
  }).set(1);
  queue.timer(() => fired.push('b')).set(1);
  system.fire();
  assert.equal(fired, ['b']);
  assert.is(guard.errorCount, 1);
});
timers('tasks run in order on a turn of their own; one added by a task waits for the next', () => {
  const { system, queue, fired } = setup();
  queue.later(() => {
    fired.push('a');
    queue.later(() => fired.push('c'));
  });
  queue.later(() => fired.push('b'));
  assert.equal(fired, []);
  system.fire();
  assert.equal(fired, ['a', 'b']);
  system.fire();
  assert.equal(fired, ['a', 'b', 'c']);
});
timers('a task comes before a timer that is far away, and does not lose it', () => {
  const { system, queue, fired } = setup();
  queue.timer(() => fired.push('timer')).set(1000);
  queue.later(() => fired.push('task'));
  system.fire();
  assert.equal(fired, ['task']);
  system.fire();
  assert.equal([fired, system.nowMs], [['task', 'timer'], 1000]);
});
timers('a NaN or infinite deadline is no deadline', () => {
  const { system, queue } = setup();
  const timer = queue.timer(() => {});
  timer.set(NaN);
  timer.set(Infinity);
  assert.is(timer.deadlineMs, Infinity);
  assert.is(system.armed, undefined);
});
timers('after stop() nothing fires and nothing can be set', () => {
  const { system, queue, fired } = setup();
  const timer = queue.timer(() => fired.push('a'));
  timer.set(5);
  queue.stop();
  timer.set(6);
  queue.later(() => fired.push('b'));
  assert.is(system.armed, undefined);
  assert.equal(fired, []);
});
timers('agrees with a plain list over random operations', () => {
  const { system, queue, fired } = setup();
  const timers = Array.from({ length: 40 }, (_, i) => queue.timer(() => fired.push(`${i}@${system.nowMs}`)));
  const wanted = new Map<number, number>();
  const expected: string[] = [];
  let seed = 12345;
  const draw = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let step = 0; step < 4000; step++) {
    const i = draw(40);
    if (draw(4) === 0) {
      timers[i]?.cancel();
      wanted.delete(i);
    } else {
      const deadline = system.nowMs + 1 + draw(50) * 40;
      timers[i]?.set(deadline);
      wanted.delete(i); // the map keeps the order of setting, and sort() does not change it
      wanted.set(i, deadline);
    }
    if (draw(3) === 0 && system.armed !== undefined) {
      system.fire();
      const due = [...wanted].filter(([, at]) => at <= system.nowMs).sort((a, b) => a[1] - b[1]);
      for (const [index] of due) {
        expected.push(`${index}@${system.nowMs}`);
        wanted.delete(index);
      }
    }
  }
  assert.ok(expected.length > 500);
  assert.ok(fired.join() === expected.join(), 'other timers fired, or in another order');
});
timers.run();
