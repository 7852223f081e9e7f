import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { WireFrame } from '../wire/codec.ts';
import { ACK_NOW, Bench, ECHO, groupHex, NEED_START, PRIVATE, type Remote, REMOTE_EPOCH, START, WHOLE } from './bench.ts';

const acks = suite('receiver: acknowledgements');

function receiving(): { bench: Bench; remote: Remote } {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  remote.begin(1, { flags: WHOLE | START | ACK_NOW });
  bench.wait(60);
  bench.take();
  bench.takeEvents();
  return { bench, remote };
}

function cumulatives(remote: Remote): unknown[] {
  return remote.heard('STATUS').map((status) => status['cumulative']);
}

acks('what nobody asks about is acknowledged after 400 ms, once for all', () => {
  const { bench, remote } = receiving();
  const at = bench.now;
  remote.data(2);
  bench.wait(200);
  remote.data(3);
  bench.wait(199);
  assert.equal(cumulatives(remote), []);
  bench.wait(1);
  assert.equal(cumulatives(remote), [3]);
  assert.is(bench.sent[0]!.at, at + 400);
  bench.wait(5000);
  assert.equal(cumulatives(remote), [3]);
});

acks('asked with ACK-NOW it is acknowledged at once', () => {
  const { bench, remote } = receiving();
  remote.data(2, 'm2', { flags: WHOLE | ACK_NOW });
  assert.equal(cumulatives(remote), [2]);
  bench.wait(1000);
  assert.equal(cumulatives(remote), [2]);
});

acks('32 packets are acknowledged without waiting', () => {
  const { remote } = receiving();
  for (let seq = 2; seq <= 70; seq++) remote.data(seq);
  assert.equal(cumulatives(remote), [33, 65]);
});

acks('data to the same node takes along what is not acknowledged yet, of public and private streams', () => {
  for (const flag of [0, PRIVATE]) {
    const bench = new Bench();
    const group = bench.join();
    const remote = bench.meet('fd00::2', ['g']);
    remote.begin(1, { flags: WHOLE | START | flag });
    bench.take();
    bench.publish(group, 'x');
    assert.equal(remote.heard().map(({ frame }) => frame), ['DATA', 'STATUS']);
    assert.equal([remote.find('STATUS')!.flags & PRIVATE, cumulatives(remote)], [flag, [1]]);
    bench.wait(1000);
    assert.equal(cumulatives(remote), [1]);
  }
});

acks('a duplicate is acknowledged at once: the source does not know that we have it', () => {
  const { bench, remote } = receiving();
  remote.data(2);
  remote.data(2);
  assert.equal(cumulatives(remote), [2]);
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2']);
  assert.is(bench.status('duplicatesIn'), 1);
});

acks('the second of two copies, right after an acknowledgement, needs none', () => {
  const { bench, remote } = receiving();
  remote.data(2, 'm2', { flags: WHOLE | ACK_NOW });
  bench.wait(49);
  remote.data(2);
  assert.equal(cumulatives(remote), [2]);
  remote.data(2, 'm2', { flags: WHOLE | ACK_NOW });
  assert.equal(cumulatives(remote), [2, 2], 'unless asked');
  bench.wait(50);
  remote.data(2);
  assert.equal(cumulatives(remote), [2, 2, 2]);
});

acks('a duplicate of what is kept out of order is one too', () => {
  const { bench, remote } = receiving();
  remote.data(3);
  remote.data(3);
  assert.is(bench.status('duplicatesIn'), 1);
  remote.data(2);
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2', 'g fd00::2 3 m3']);
});

acks('STATUS echoes the timestamp of the newest datagram of the stream, plus the time since', () => {
  const { bench, remote } = receiving();
  remote.data(2);
  bench.wait(100);
  remote.data(3);
  const timestamp = bench.now;
  bench.wait(300);
  const status = remote.find('STATUS')!;
  assert.is(status.flags, ECHO);
  assert.is(status['echoTimestamp'], timestamp + 300);
  assert.is(status['epochLow'], REMOTE_EPOCH & 0xffff);
});

acks('who is not in the group by its list is heard: the list may be late, and what it left behind may need repair', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2');
  remote.begin();
  remote.subscribe(['g']);
  remote.data(3);
  remote.subscribe([]);
  remote.poll(3, 1);
  assert.is(remote.find('STATUS')!['nackHigh'], 2);
  remote.data(2);
  assert.equal(bench.takeEvents(), [
    'g fd00::2 1 m1', 'g fd00::2 joined', 'g fd00::2 left', 'g fd00::2 2 m2', 'g fd00::2 3 m3',
  ]);
});

acks('a stream that has not begun asks where it does, once a round trip', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  bench.wait(200);
  remote.data(5);
  remote.data(6);
  assert.equal(bench.takeEvents(), []);
  assert.equal(remote.heard('STATUS').map(({ flags }) => flags & NEED_START), [NEED_START]);
  bench.wait(100);
  remote.poll(6, 1);
  assert.is(remote.heard('STATUS').length, 2);
  remote.data(5, 'm5', { flags: WHOLE | START, start: 5 });
  assert.equal(bench.takeEvents(), ['g fd00::2 5 m5']);
});

acks('HELLO does not make a stream begin, nor ask', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  remote.send(remote.hello({ streams: [{ group: remote.groups[0]!.group, seq: 5 }] }));
  bench.wait(3000);
  assert.equal(remote.heard('STATUS'), []);
});

acks('POLL with START makes a stream begin, and asks for all of it', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  remote.poll(7, 5, { flags: START, start: 5 });
  const status = remote.find('STATUS')!;
  assert.equal([status.flags & NEED_START, status['cumulative'], status['nackHigh']], [0, 4, 7]);
});

acks('nothing is expected before the start, nothing of it is missing', () => {
  const bench = new Bench();
  bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  remote.data(102, 'm102', { flags: WHOLE | START, start: 100, lowOffset: 90 });
  bench.wait(20);
  assert.equal([remote.find('STATUS')!['cumulative'], remote.find('STATUS')!['nackHigh']], [99, 101]);
});

acks('a later start than what we have is a gap: the source begins anew for us', () => {
  const { bench, remote } = receiving();
  remote.data(2);
  remote.data(10, 'm10', { flags: WHOLE | START, start: 9 });
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2', 'g fd00::2 gap 3-8 evicted']);
  remote.data(9);
  assert.equal(bench.takeEvents(), ['g fd00::2 9 m9', 'g fd00::2 10 m10']);
});

acks('a later start more than 2^30 ahead is not believed', () => {
  const { bench, remote } = receiving();
  remote.data(2);
  remote.poll(0x40000004, 1, { flags: START, start: 0x40000003 });
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2']);
  remote.poll(0x40000004, 1, { flags: START, start: 0x40000002 });
  assert.equal(bench.takeEvents(), [`g fd00::2 gap 3-${0x40000001} evicted`]);
});

acks('a start that we are past changes nothing', () => {
  const { bench, remote } = receiving();
  remote.data(2);
  remote.data(3, 'm3', { flags: WHOLE | START, start: 1 });
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2', 'g fd00::2 3 m3']);
});

acks('what is below `low` never comes: gap, and no request', () => {
  for (const way of ['DATA', 'POLL', 'GAP']) {
    const { bench, remote } = receiving();
    remote.data(4);
    if (way === 'DATA') remote.data(8, 'm8', { lowOffset: 1 });
    if (way === 'POLL') remote.poll(8, 7);
    if (way === 'GAP') remote.send({ frame: 'GAP', flags: 0, group: remote.groups[0]!.group, low: 7 });
    assert.equal(bench.takeEvents(), ['g fd00::2 gap 2-3 evicted', 'g fd00::2 4 m4', 'g fd00::2 gap 5-6 evicted'], way);
    bench.wait(300);
    for (const status of remote.heard('STATUS')) assert.ok((status['cumulative'] as number) >= 6, way);
  }
});

acks('GAP of a stream that has not begun, or behind what we have, changes nothing', () => {
  const { bench, remote } = receiving();
  const group = remote.groups[0]!.group;
  remote.send({ frame: 'GAP', flags: 0, group, low: 1 });
  remote.send({ frame: 'GAP', flags: PRIVATE, group, low: 9 });
  assert.equal(bench.takeEvents(), []);
  remote.data(2);
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2']);
});

acks('DATA of a group that we are not in is counted, and answered by nothing', () => {
  const { bench, remote } = receiving();
  remote.data(1, 'x', { name: 'other', flags: WHOLE | START, start: 1 });
  assert.equal(bench.takeEvents(), []);
  assert.is(bench.status('notJoinedIn'), 1);
  assert.equal(remote.heard('STATUS'), []);
});

acks('what several packets of a datagram ask for is one answer', () => {
  const { bench, remote } = receiving();
  const group = groupHex('g');
  const data = [2, 3, 3].map((seq) => ({ frame: 'DATA', flags: WHOLE | ACK_NOW, group, seq, lowOffset: 65_535, payload: '61' }));
  remote.send(...data);
  assert.equal(cumulatives(remote), [3]);
  assert.is(bench.status('duplicatesIn'), 1);
});

acks('answers that do not fit into a datagram with all that has come take the next one', () => {
  const names = Array.from({ length: 30 }, (_, i) => `g${i}`);
  const bench = new Bench();
  for (const name of names) bench.join(name);
  const remote = bench.meet('fd00::2', names);
  for (const name of names) {
    remote.data(1, 'm1', { name, flags: WHOLE | START, start: 1 });
    remote.data(129, 'far', { name });
  }
  bench.take();
  remote.send(...names.map((name) => ({ frame: 'POLL', flags: 0, group: groupHex(name), high: 129, low: 1 })));
  assert.ok(bench.sent.every(({ size }) => size <= 1200));
  const answers = remote.heard('STATUS');
  assert.equal(answers.map(({ group }) => group), names.map(groupHex));
  assert.ok(answers.every(({ bitmap }) => bitmap === `${'00'.repeat(15)}02`), String(answers[23]?.['bitmap']));
});

acks('GAP of who is no member any more tells that the source has left', () => {
  const { bench, remote } = receiving();
  remote.data(3);
  remote.subscribe([]);
  bench.takeEvents();
  remote.send({ frame: 'GAP', flags: 0, group: groupHex('g'), low: 3 });
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 2-2 source-gone', 'g fd00::2 3 m3']);
});

acks('POLL is echoed like data, and HELLO that shows something missing; HELLO that shows nothing is not', () => {
  const group = groupHex('g');
  const words = [
    [{ frame: 'POLL', flags: 0, group, high: 2, low: 1 }, 40],
    [{ frame: 'HELLO', streams: [{ group, seq: 4 }] }, 40],
    [{ frame: 'HELLO', streams: [{ group, seq: 2 }] }, 0],
  ] as const;
  for (const [{ frame, ...fields }, lateMs] of words) {
    const { bench, remote } = receiving();
    remote.data(2);
    bench.wait(50);
    bench.now -= 40;
    const bytes = remote.datagram(frame === 'HELLO' ? remote.hello(fields as object) : { frame, ...fields } as WireFrame);
    bench.now += 40;
    bench.receive('fd00::2', bytes);
    bench.waitFor(() => remote.heard('STATUS').length > 0);
    assert.is(bench.now - (remote.find('STATUS')!['echoTimestamp'] as number), lateMs, frame);
  }
});

acks.run();
