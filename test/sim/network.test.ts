/** The simulated network itself: each fault does what its option says. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { argumentOf, EventQueue } from './event-queue.ts';
import { type NetworkOptions, networkOptions } from './network-options.ts';
import {
  FATE_BLOCKED, FATE_BURST, FATE_CORRUPT, FATE_LOSS, FATE_OUTAGE, FATE_QUEUE, FATE_RULE, FATE_SENT, Network,
} from './network.ts';
import { Prng } from './prng.ts';

const BYTES = new Uint8Array(100).fill(7);

function setup(options: Partial<NetworkOptions>): { network: Network; queue: EventQueue } {
  const queue = new EventQueue();
  return { network: new Network(4, networkOptions(options), queue, new Prng(5)), queue };
}

/** Arrival times of what is on its way, in order. */
function arrivals(queue: EventQueue, network: Network): number[] {
  const times: number[] = [];
  while (queue.size > 0) {
    times.push(queue.nextTime);
    network.release(argumentOf(queue.pop()));
  }
  return times;
}

test('the queue gives events of one millisecond in the order they came, and times in order', () => {
  const queue = new EventQueue();
  for (const [time, argument] of [[5, 1], [3, 2], [5, 3], [3, 4], [4, 5]] as const) queue.push(time, 1, argument);
  const order: number[] = [];
  while (queue.size > 0) order.push(argumentOf(queue.pop()));
  assert.equal(order, [2, 4, 5, 1, 3]);
});

test('a datagram takes half the round trip, and keeps its bytes', () => {
  const { network, queue } = setup({ jitterMs: 0 });
  const bytes = BYTES.slice();
  network.send(0, 0, 1, bytes);
  bytes.fill(0);
  assert.is(queue.nextTime, 50);
  assert.equal([...network.bytesOf(argumentOf(queue.pop()))], [...BYTES]);
});

test('a round trip set for a pair wins over the options', () => {
  const { network } = setup({});
  network.setRtt(0, 1, 33);
  assert.is(network.rtt(0, 1), 33);
  assert.is(network.rtt(0, 2), 100);
});

test('loss, corruption, bursts and outages hit their share of the datagrams', () => {
  const cases: [Partial<NetworkOptions>, number, number][] = [
    [{ loss: 0.3 }, FATE_LOSS, 0.3], [{ corrupt: 0.1 }, FATE_CORRUPT, 0.1],
    [{ burstShare: 0.2, burstMs: 100 }, FATE_BURST, 0.2], [{ outageShare: 0.2, outageMs: 100 }, FATE_OUTAGE, 0.2],
  ];
  for (const [options, fate, share] of cases) {
    const { network, queue } = setup(options);
    for (let now = 0; now < 15_000; now++) network.send(now, now % 2, 2 + (now % 2), BYTES);
    const found = network.fates[fate]! / 15_000;
    assert.ok(Math.abs(found - share) < share * 0.3, `${JSON.stringify(options)}: ${found}`);
    arrivals(queue, network);
  }
});

test('a burst loses datagrams one after the other', () => {
  const { network } = setup({ burstShare: 0.1, burstMs: 200 });
  let changes = 0;
  let before = FATE_SENT;
  for (let now = 0; now < 100_000; now++) {
    const fate = network.send(now, 0, 1, BYTES);
    if (fate !== before) changes++;
    before = fate;
  }
  assert.ok(changes > 40 && changes < 180, String(changes));
});

test('an uplink sends at its rate and drops what its queue cannot hold', () => {
  const { network, queue } = setup({ jitterMs: 0, uplinkBytesPerMs: 10, uplinkQueueBytes: 500, overheadBytes: 0 });
  const fates = Array.from({ length: 8 }, () => network.send(0, 0, 1, BYTES));
  assert.is(fates.filter((fate) => fate === FATE_SENT).length, 5);
  assert.is(fates.filter((fate) => fate === FATE_QUEUE).length, 3);
  assert.equal(arrivals(queue, network), [60, 70, 80, 90, 100]);
  assert.is(network.send(0, 1, 0, BYTES), FATE_SENT, 'another node has its own uplink');
});

test('reordered datagrams are overtaken, others never', () => {
  const { network, queue } = setup({ jitterMs: 10 });
  for (let now = 0; now < 100; now++) network.send(now, 0, 1, BYTES);
  const slots: number[] = [];
  while (queue.size > 0) slots.push(argumentOf(queue.pop()));
  assert.equal(slots, [...slots].sort((a, b) => a - b));
  const shuffled = setup({ jitterMs: 0, reorder: 0.5, reorderMs: 50 });
  for (let now = 0; now < 100; now++) shuffled.network.send(now, 0, 1, BYTES);
  const order: number[] = [];
  while (shuffled.queue.size > 0) order.push(argumentOf(shuffled.queue.pop()));
  assert.not.equal(order, [...order].sort((a, b) => a - b));
});

test('duplicates arrive twice', () => {
  const { network, queue } = setup({ duplicate: 1 });
  network.send(0, 0, 1, BYTES);
  assert.is(queue.size, 2);
});

test('a partition cuts both ways or one, and heals', () => {
  const { network } = setup({});
  network.partition([0, 0, 1, 1]);
  assert.is(network.send(0, 0, 2, BYTES), FATE_BLOCKED);
  assert.is(network.send(0, 2, 0, BYTES), FATE_BLOCKED);
  assert.is(network.send(0, 0, 1, BYTES), FATE_SENT);
  network.partition([0, 0, 1, 1], true);
  assert.is(network.send(0, 0, 2, BYTES), FATE_BLOCKED);
  assert.is(network.send(0, 2, 0, BYTES), FATE_SENT);
  network.heal();
  assert.is(network.send(0, 0, 2, BYTES), FATE_SENT);
});

test('a scripted rule drops what it names', () => {
  const { network } = setup({});
  network.dropRule = (from, to) => from === 0 && to === 1;
  assert.is(network.send(0, 0, 1, BYTES), FATE_RULE);
  assert.is(network.send(0, 1, 0, BYTES), FATE_SENT);
});

test('a slot that is given back is overwritten', () => {
  const { network, queue } = setup({});
  network.send(0, 0, 1, BYTES);
  const slot = argumentOf(queue.pop());
  const seen = network.bytesOf(slot);
  network.release(slot);
  assert.is(seen[0], 0xaa);
});

test.run();
