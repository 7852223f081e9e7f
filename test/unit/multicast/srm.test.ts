import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Group } from '../../../src/multicast/group.ts';
import type { WireFrame } from '../wire/codec.ts';
import { ACK_NOW, Bench, BYE, EPOCH, groupHex, PORT, type Remote, REMOTE_EPOCH, REPAIR, WHOLE } from './bench.ts';
import { REQUEST_MS } from './timers.ts';

const srm = suite('srm repair mode');
const SOURCE = 'fd000000000000000000000000000002';
const OURSELVES = 'fd000000000000000000000000000001';
/** d (C1 + C2 / 2) for d = 50: half of the round trip of 100, U = 0.5. */
const WAIT_MS = 150;

/** A receiver of fd00::2's messages 1 ... 3, with another member, fd00::3. */
function receiving(): { bench: Bench; group: Group; source: Remote; other: Remote } {
  const bench = new Bench({ srmAdaptive: false });
  const group = bench.join('g', { repair: 'srm' });
  const source = bench.meet('fd00::2', ['g']);
  const other = bench.meet('fd00::3', ['g']);
  source.begin();
  source.data(2);
  source.data(3, 'm3', { flags: WHOLE | ACK_NOW });
  bench.wait(60);
  bench.take();
  bench.takeEvents();
  return { bench, group, source, other };
}

function request(first: number, fields: Partial<WireFrame> = {}): WireFrame {
  const of = { address: SOURCE, port: PORT, epoch: REMOTE_EPOCH, group: groupHex('g') };
  return { frame: 'REQUEST', flags: 0, ...of, first, bitmap: '', ...fields };
}

function requests(bench: Bench, since: number): string[] {
  return bench.sent.flatMap(({ at, to, frames }) => frames.filter(({ frame }) => frame === 'REQUEST')
    .map((one) => `+${at - since} ${to} ${one['first']} ${one['bitmap']}`));
}

srm('a hole is asked for after d (C1 + C2 U), of the whole group', () => {
  const { bench, source } = receiving();
  const at = bench.now;
  source.data(5);
  bench.wait(WAIT_MS - 1);
  assert.equal(requests(bench, at), []);
  bench.wait(1);
  assert.equal(requests(bench, at).sort(), ['+150 fd00::2 4 ', '+150 fd00::3 4 ']);
  const sent = source.find('REQUEST')!;
  assert.equal([sent['address'], sent['port'], sent['epoch'], sent['group']], [SOURCE, PORT, REMOTE_EPOCH, groupHex('g')]);
  assert.ok(source.heard('STATUS').every((status) => status['nackHigh'] === status['cumulative']), 'and not of the source alone');
});

srm('it is not kept for a member that is away', () => {
  const { bench, source, other } = receiving();
  other.send(other.hello({ flags: BYE }));
  source.data(5);
  bench.wait(WAIT_MS);
  bench.take();
  other.send(other.hello());
  assert.equal(other.heard('REQUEST'), []);
});

srm('several holes go in one request', () => {
  const { bench, source } = receiving();
  const at = bench.now;
  source.data(6);
  source.data(13);
  bench.wait(WAIT_MS);
  assert.is(requests(bench, at)[0], '+150 fd00::2 4 bf'); // 5, 7 ... 12
});

srm('but one found later is asked for in its own time', () => {
  const { bench, source } = receiving();
  const at = bench.now;
  source.data(5);
  bench.wait(50);
  source.data(7);
  bench.wait(WAIT_MS);
  const toSource = requests(bench, at).filter((line) => line.includes('fd00::2'));
  assert.equal(toSource, ['+150 fd00::2 4 ', '+200 fd00::2 6 ']);
});

srm('filled before that, nobody is asked', () => {
  const { bench, source } = receiving();
  const at = bench.now;
  source.data(5);
  bench.wait(100);
  source.data(4);
  bench.wait(2000);
  assert.equal(requests(bench, at), []);
  assert.equal(bench.takeEvents(), ['g fd00::2 4 m4', 'g fd00::2 5 m5']);
});

srm('another\'s request for it is as good as ours: we wait again, twice as long', () => {
  const { bench, source, other } = receiving();
  const at = bench.now;
  source.data(5);
  bench.wait(100);
  other.send(request(4));
  bench.wait(2 * WAIT_MS - 1);
  assert.equal(requests(bench, at), []);
  bench.wait(1);
  assert.equal(requests(bench, at)[0], '+400 fd00::2 4 ');
});

srm('within half of that wait a further request is of the same round, after it another round', () => {
  const { bench, source, other } = receiving();
  const at = bench.now;
  source.data(5);
  bench.wait(100);
  other.send(request(4));
  bench.wait(149);
  other.send(request(4));
  bench.until(at + 400);
  assert.equal(requests(bench, at)[0], '+400 fd00::2 4 ');
  const later = receiving();
  const then = later.bench.now;
  later.source.data(5);
  later.bench.wait(100);
  later.other.send(request(4));
  later.bench.wait(151);
  later.other.send(request(4));
  later.bench.until(then + 251 + 4 * WAIT_MS - 1);
  assert.equal(requests(later.bench, then), []);
});

srm('requests for others, of another epoch, another source or another group silence nobody', () => {
  const { bench, source, other } = receiving();
  const at = bench.now;
  source.data(5);
  bench.wait(100);
  other.send(request(3), request(5), request(4, { epoch: 5 }), request(4, { address: OURSELVES.replace('1', '9') }));
  other.send(request(4, { port: 9 }), request(4, { group: groupHex('x') }), request(3, { bitmap: '40' }));
  bench.wait(50);
  assert.is(requests(bench, at).length, 2);
});

srm('one of a run is heard in its bitmap', () => {
  const { bench, source, other } = receiving();
  const at = bench.now;
  source.data(5);
  bench.wait(100);
  other.send(request(2, { bitmap: '40' })); // 2 and 4
  bench.wait(60);
  assert.equal(requests(bench, at), []);
});

srm('unanswered it is asked for again after twice the wait each time; after three times the source is asked directly', () => {
  const { bench, source } = receiving();
  const at = bench.now;
  source.data(5);
  bench.wait(3000);
  const toSource = requests(bench, at).filter((line) => line.includes('fd00::2'));
  assert.equal(toSource.slice(0, 3), ['+150 fd00::2 4 ', '+450 fd00::2 4 ', '+1050 fd00::2 4 ']);
  const direct = bench.sent.filter(({ frames }) => frames.some((one) => one.frame === 'STATUS' && one['nackHigh'] === 4));
  assert.is(direct[0]!.at - at, 1050 + REQUEST_MS);
});

srm('SESSION tells of a tail, and it is asked for like any hole', () => {
  const { bench, source } = receiving();
  const at = bench.now;
  source.send({ frame: 'SESSION', flags: 0, group: groupHex('g'), high: 4 });
  bench.wait(WAIT_MS);
  assert.is(requests(bench, at)[0], '+150 fd00::2 4 ');
});

// ---- the source

/** A source with two members that have taken message 1, and have 2 ... 4 to get. */
function sending(): { bench: Bench; group: Group; two: Remote; three: Remote } {
  const bench = new Bench({ srmAdaptive: false });
  const group = bench.join('g', { repair: 'srm' });
  const two = bench.meet('fd00::2', ['g']);
  const three = bench.meet('fd00::3', ['g']);
  bench.publish(group, 'm1');
  bench.wait(100);
  for (const remote of [two, three]) remote.status(1);
  for (const text of ['m2', 'm3', 'm4']) bench.publish(group, text);
  bench.wait(200);
  bench.take();
  return { bench, group, two, three };
}

const own = { address: OURSELVES, epoch: EPOCH };

srm('the source repairs after d (D1 + D2 U), to all who have not acknowledged, and to them alone', () => {
  const { bench, two, three } = sending();
  three.status(2, { high: 4, bitmap: '80' }); // 4 is here, 3 not
  bench.take();
  const at = bench.now;
  two.send(request(2, { ...own, bitmap: '80' }));
  bench.wait(74);
  assert.equal(two.seqs().concat(three.seqs()), []);
  bench.wait(1);
  assert.equal([two.seqs(), three.seqs()], [[2, 3], [3]]);
  assert.is(bench.sent[0]!.at - at, 75);
  assert.ok(two.heard('DATA').every(({ flags }) => flags & REPAIR));
});

srm('nothing is kept in flight for a member that has it all', () => {
  const { bench, two, three } = sending();
  three.status(4);
  assert.is(bench.status('flights'), 1);
  two.send(request(2, own));
  bench.wait(100);
  assert.is(bench.status('flights'), 1);
  assert.equal(three.seqs(), []);
});

srm('asked for by several, it goes when the first had it go', () => {
  const { bench, two, three } = sending();
  const at = bench.now;
  two.send(request(2, own));
  bench.wait(50);
  three.send(request(2, own));
  bench.wait(300);
  assert.is(bench.sent.find(({ frames }) => frames.some(({ frame }) => frame === 'DATA'))!.at - at, 75);
});

srm('hold-down: asked for again within 3 d of the repair, it does not go again', () => {
  const { bench, two, three } = sending();
  two.send(request(2, own));
  three.send(request(2, own));
  bench.wait(75);
  assert.equal(two.seqs(), [2]);
  bench.take();
  bench.wait(149);
  three.send(request(2, own));
  bench.wait(100);
  assert.equal(two.seqs(), []);
  three.send(request(2, own));
  bench.wait(80);
  assert.equal(two.seqs(), [2]);
});

srm('what is asked of an earlier incarnation of ours, or was never published, is not repaired', () => {
  const { bench, two } = sending();
  two.send(request(2, { ...own, epoch: EPOCH - 1 }), request(9, own), request(0, own));
  assert.is(bench.status('requestsIn'), 0);
  bench.wait(400);
  assert.equal(two.seqs(), []);
});

srm('session messages go once a second to members that lack something, and end with that', () => {
  const { bench, two, three } = sending();
  three.status(4);
  bench.take();
  const at = bench.now;
  bench.wait(2000);
  assert.equal(three.heard('SESSION'), []);
  const times = bench.sent.filter(({ frames }) => frames.some(({ frame }) => frame === 'SESSION')).map((sent) => sent.at - at);
  assert.is(times.length, 2);
  assert.is(times[1]! - times[0]!, 1000);
  assert.is(two.find('SESSION')!['high'], 4);
  two.status(4);
  bench.take();
  bench.wait(5000);
  assert.equal(two.heard('SESSION'), []);
});

srm('the source\'s own probe waits 2.5 s longer', () => {
  const { bench, two } = sending();
  bench.wait(2400);
  assert.equal(two.seqs(), []);
  bench.wait(700);
  assert.is(two.seqs()[0], 2);
});

srm('a session message tells what was sent to that member, not what waits for its turn', () => {
  const { bench, group, two, three } = sending();
  for (const remote of [two, three]) remote.status(4);
  for (let i = 5; i <= 7; i++) bench.publish(group, 'x');
  two.status(5, { window: 1, high: 7 });
  for (let i = 8; i <= 9; i++) bench.publish(group, 'x');
  bench.wait(1200);
  assert.equal([two.find('SESSION')!['high'], three.find('SESSION')!['high']], [7, 9]);
});

srm('in a group of the direct mode REQUEST means nothing', () => {
  const bench = new Bench();
  const group = bench.join();
  const two = bench.meet('fd00::2', ['g']);
  bench.publish(group, 1000); // too large to be a probe
  bench.wait(150);
  bench.take();
  two.send(request(1, own));
  bench.wait(300);
  assert.equal(two.seqs(), []);
});

srm('1,024 repairs wait at most, then the oldest is dropped', () => {
  for (const [asked, seqs] of [[900, [2]], [1400, []]] as const) {
    const { bench, two } = sending();
    const [group] = [...bench.node.groups];
    for (let i = 0; i < 1500; i++) bench.publish(group!, '');
    bench.take();
    two.send(request(2, own));
    for (let first = 200; first < 200 + asked; first += 129) two.send(request(first, { ...own, bitmap: 'ff'.repeat(16) }));
    bench.wait(76);
    assert.equal(two.seqs().filter((seq) => seq === 2), seqs);
  }
});

srm.run();
