/** Two members that turn out to be one: what becomes of the streams of the one that is a way from then on. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Peer } from '../../../src/broadcast/peer.ts';
import type { GroupOptions } from '../../../src/multicast/options.ts';
import type { Session } from '../../../src/multicast/session.ts';
import { Bench, FIRST, LAST, NEED_START, PRIVATE, type Remote, REPAIR, START, WHOLE } from './bench.ts';

const takeOver = suite('streams of two that are one');

interface Two {
  bench: Bench;
  lead: Remote;
  way: Remote;
  /** All that was told until now is forgotten, and the two are one. */
  unite(): void;
}

function two(options: GroupOptions = {}): Two {
  const bench = new Bench();
  const group = bench.join('g', options);
  const [lead, way] = [bench.meet('fd00::2', ['g']), bench.meet('fd00::3', ['g'])];
  const unite = (): void => {
    bench.takeEvents();
    bench.take();
    const [leader, other] = [lead, way].map(({ address }) => group.peers.get(address)!) as [Peer, Peer];
    other.lead = leader;
    bench.node.onYield(bench.now, other);
    bench.node.onTimeout(bench.now);
    const { streams, addressed } = other.session as Session;
    assert.equal([streams.size, addressed.size], [0, 0], 'the streams of a way are over');
  };
  return { bench, lead, way, unite };
}

takeOver('what the one kept comes with what the other kept', () => {
  const { bench, lead, way, unite } = two();
  lead.begin();
  lead.data(3);
  way.begin();
  way.data(4);
  way.data(6);
  unite();
  lead.data(2);
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2', 'g fd00::2 3 m3', 'g fd00::2 4 m4']);
  lead.data(5);
  assert.equal(bench.takeEvents(), ['g fd00::2 5 m5', 'g fd00::2 6 m6']);
  assert.is(bench.node.counters['reorderBytes'], 0);
});

takeOver('what neither has is asked for, and what one has is not', () => {
  const { bench, lead, way, unite } = two();
  lead.begin();
  way.begin(1);
  way.data(2);
  way.data(4);
  way.data(6);
  lead.data(5);
  unite();
  bench.wait(200);
  const asked = lead.find('STATUS')!;
  assert.equal([asked['cumulative'], asked['nackHigh'], asked['high'], asked['bitmap']], [2, 3, 6, 'e0']);
});

takeOver('it goes on behind the further of the two; what it had not brought before is a gap', () => {
  const { bench, lead, way, unite } = two();
  lead.begin();
  for (const seq of [1, 2, 3]) way.data(seq, `m${seq}`, { flags: WHOLE | START, start: 1 });
  unite();
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 2-3 evicted']);
  lead.data(4);
  assert.equal(bench.takeEvents(), ['g fd00::2 4 m4']);
});

takeOver('the one that is behind changes nothing', () => {
  const { bench, lead, way, unite } = two();
  way.begin();
  for (const seq of [1, 2, 3]) lead.data(seq, `m${seq}`, { flags: WHOLE | START, start: 1 });
  unite();
  lead.data(4);
  assert.equal(bench.takeEvents(), ['g fd00::2 4 m4']);
});

takeOver('a stream that had not begun begins where the other stands', () => {
  const { bench, lead, way, unite } = two();
  way.begin(7);
  unite();
  lead.data(8);
  assert.equal(bench.takeEvents(), ['g fd00::2 8 m8']);
});

takeOver('a message that has come in part is not lost', () => {
  const { bench, lead, way, unite } = two();
  lead.begin();
  way.begin();
  way.data(2, 'aa', { flags: FIRST });
  way.data(3, 'bb', { flags: 0 });
  unite();
  lead.data(4, 'cc', { flags: LAST });
  assert.equal(bench.takeEvents(), ['g fd00::2 2 aabbcc']);
});

takeOver('what was sent to us alone goes over too', () => {
  const { bench, lead, way, unite } = two();
  lead.begin(1, { flags: WHOLE | START | PRIVATE });
  way.begin(1, { flags: WHOLE | START | PRIVATE });
  way.data(3, 'm3', { flags: WHOLE | PRIVATE });
  unite();
  lead.data(2, 'm2', { flags: WHOLE | PRIVATE });
  assert.equal(bench.takeEvents(), ['g fd00::2 2! m2', 'g fd00::2 3! m3']);
});

takeOver('without order, what was handed over before is not again, and what becomes whole is at once', () => {
  const { bench, lead, way, unite } = two({ ordered: false });
  lead.begin();
  way.begin();
  lead.data(5, 'bb', { flags: LAST });
  way.data(3);
  way.data(4, 'aa', { flags: FIRST });
  unite();
  assert.equal(bench.takeEvents(), ['g fd00::2 4 aabb']);
  lead.data(2, 'm2', { flags: WHOLE | REPAIR });
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2']);
});

takeOver('in the timely class nothing is waited for longer than it can be of use', () => {
  const { bench, lead, way, unite } = two({ delivery: 'timely', playoutMs: 400 });
  lead.begin();
  way.begin();
  way.data(3);
  unite();
  bench.wait(399);
  assert.equal(bench.takeEvents(), []);
  bench.wait(2);
  assert.equal(bench.takeEvents(), ['g fd00::2 gap 2-2 late', 'g fd00::2 3 m3']);
});

takeOver('one that has not begun tells nothing of where the stream begins', () => {
  const { bench, lead, way, unite } = two();
  way.data(5);
  unite();
  lead.data(7);
  assert.is(lead.find('STATUS')!.flags & NEED_START, NEED_START);
  lead.begin(7);
  assert.equal(bench.takeEvents(), ['g fd00::2 7 m7']);
});

takeOver('what only the one knew to be missing is asked for', () => {
  const { bench, lead, way, unite } = two();
  lead.begin();
  way.begin();
  way.poll(4, 1);
  unite();
  bench.wait(200);
  assert.equal([lead.find('STATUS')!['nackHigh'], lead.find('STATUS')!['high']], [4, 4]);
});

takeOver('what both kept is kept once', () => {
  const { bench, lead, way, unite } = two();
  lead.begin();
  lead.data(3);
  way.begin();
  way.data(3);
  unite();
  lead.data(2);
  assert.equal(bench.takeEvents(), ['g fd00::2 2 m2', 'g fd00::2 3 m3']);
  assert.is(bench.node.counters['reorderBytes'], 0);
});

takeOver.run();
