import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Outstanding } from '../../../src/multicast/outstanding.ts';
import { serialAdd, serialDiff } from '../../../src/wire/serial.ts';
import { Status } from '../../../src/wire/status.ts';
import { Bench, NEED_START } from './bench.ts';
import { begun, publish } from './begun.ts';
import { HOLD_MS } from './timers.ts';

const outstanding = suite('outstanding');

outstanding('whatever is sent, said and let go: cumulative <= base < next <= base + 129, and no byte stays in the window', () => {
  const bench = new Bench();
  const { context } = bench.join().stream;
  bench.meet('fd00::2', ['g']);
  const peer = bench.node.broadcast.peers.find('fd00::2')!;
  let state = 1;
  const below = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const bitmap = new DataView(new ArrayBuffer(128));
  const status = new Status();
  const sent = new Outstanding(context, peer, 0xffffff00);
  for (let step = 0; step < 20_000; step++) {
    const { base, next } = sent;
    const what = below(20);
    if (what < 14 && serialDiff(next, base) <= 128) {
      sent.onSent(step, next, 100, false);
      sent.onNext();
    } else if (what < 17) {
      status.cumulative = serialAdd(base, below(200) - 20);
      status.high = serialAdd(status.cumulative, below(129));
      status.bitmapLength = below(17);
      for (let i = 0; i < 128; i++) bitmap.setUint8(i, below(256));
      sent.onStatus(status, bitmap);
    } else if (what === 17) {
      sent.onEvicted(serialAdd(base, 2 + below(150)));
    } else if (what === 18 && sent.next !== serialAdd(base, 1)) {
      sent.onQueued(step, serialAdd(base, 1), 0);
    } else if (below(20) === 0) {
      sent.release(step);
      sent.restart();
      context.alarms.run(Math.min(context.alarms.next, 1e9), 9); // what nobody tells of leaves later
    }
    const text = `step ${step}: ${sent.cumulative} ${sent.base} ${sent.next}`;
    assert.ok(serialDiff(sent.base, sent.cumulative) >= 0, text);
    const ahead = serialDiff(sent.next, sent.base);
    assert.ok(ahead >= 1 && ahead <= 129, text);
    assert.ok(context.window.inFlight <= 128 * 100, text);
  }
  sent.onEvicted(sent.next);
  assert.is(context.window.inFlight, 0);
});

/** A node that has published 300 messages, of which its mute member was sent the first 128, within a wide window. */
function behind() {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  group.stream.context.window.bytes = 1_000_000;
  for (let i = 0; i < 300; i++) bench.publish(group, 'x');
  bench.wait(20);
  const cursor = [...group.stream.cursors.values()][0]!;
  assert.equal([cursor.base, cursor.next], [0, 129]);
  bench.take();
  return { bench, cursor, group, remote };
}

outstanding('STATUS whose high is below cumulative, or more than 128 past it, tells what cannot be: nothing changes', () => {
  for (const [cumulative, high] of [[290, 0], [290, 289], [1, 130], [1, 300]] as const) {
    const { bench, cursor, remote } = behind();
    const inFlight = bench.status('inFlightBytes');
    remote.status(cumulative, { high, nackHigh: high });
    assert.equal([cursor.base, cursor.next, bench.status('badAcksIn')], [0, 129, 1], `${cumulative} ${high}`);
    assert.is(bench.status('inFlightBytes'), inFlight);
    assert.equal(remote.heard(), []);
  }
});

outstanding('a receiver that has more than we sent moves us there, and then nothing of it is in flight', () => {
  const { bench, cursor, remote } = behind();
  remote.status(290, { high: 290, window: 1 });
  assert.equal([cursor.base, cursor.next], [290, 292], 'one more was sent');
  remote.status(291, { window: 1 });
  remote.status(0, { flags: NEED_START, high: 0 });
  remote.status(300, { high: 300 });
  assert.equal([cursor.base, cursor.next, cursor.outstanding], [300, 301, false]);
  bench.wait(1000);
  assert.is(bench.status('inFlightBytes'), 0);
});

outstanding('a number has nothing of the one 128 before it', () => {
  const bench = new Bench();
  const { context } = bench.join().stream;
  bench.meet('fd00::2', ['g']);
  const sent = new Outstanding(context, bench.node.broadcast.peers.find('fd00::2')!, 1);
  const send = (count: number): void => {
    for (let i = 0; i < count; i++) {
      sent.onSent(bench.now, sent.next, 100, false);
      sent.onNext();
    }
  };
  const bitmap = new DataView(new ArrayBuffer(128));
  for (let i = 0; i < 128; i++) bitmap.setUint8(i, 255);
  const said = (cumulative: number, bitmapLength: number): void => {
    sent.onStatus(Object.assign(new Status(), { cumulative, high: serialAdd(sent.next, -1), bitmapLength }), bitmap);
  };
  send(128);
  said(0, 16);
  said(127, 0);
  send(100);
  assert.is(sent.oldestUnacked(), 128);
  assert.equal([sent.lacks(200), sent.settled(200)], [true, false]);
  said(200, 4); // and 202 to 228 are here
  assert.equal([sent.overtaken(201), sent.sinceSent(bench.now, 201)], [true, 0]);
});

outstanding('a request for more than was sent asks for what was sent', () => {
  const { bench, group, remote } = begun();
  publish(bench, group, 2);
  bench.wait(150);
  const before = bench.status('requestsIn');
  remote.status(1, { high: 3, nackHigh: 0x40000000 });
  assert.is(bench.status('requestsIn') - before, 2);
});

outstanding('what is asked for is not on its way any more: it goes again though the window was full', () => {
  const { bench, group, remote } = begun();
  group.stream.context.window.bytes = 1;
  bench.publish(group, 'm2');
  bench.wait(HOLD_MS);
  bench.take();
  remote.status(1, { high: 2, nackHigh: 2 });
  assert.equal(remote.seqs(), [2]);
});

outstanding.run();
