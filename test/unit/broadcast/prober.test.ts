import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Alarms } from '../../../src/broadcast/alarms.ts';
import { CONFIGURED, FROM_MESH, HEARSAY } from '../../../src/broadcast/mesh-source.ts';
import { ANSWERED, Peer } from '../../../src/broadcast/peer.ts';
import { Prober, probeWaitMs } from '../../../src/broadcast/prober.ts';

const prober = suite('prober');

function peer(id: string, fields: Partial<Peer> = {}): Peer {
  const timers = { onPeerAlarm: () => undefined, onSubsAlarm: () => undefined };
  return Object.assign(new Peer(id, id, 14627, 0, 1, timers), fields);
}

function setup(perMinute = 600): { alarms: Alarms; prober: Prober; probes: string[] } {
  const alarms = new Alarms();
  const probes: string[] = [];
  return { alarms, probes, prober: new Prober(alarms, perMinute, (now, one) => probes.push(`${now} ${one.id}`)) };
}

prober('cold greetings are spaced by the budget', () => {
  const { alarms, prober, probes } = setup(600);
  for (const id of ['a', 'b', 'c']) prober.enqueue(1000, peer(id));
  alarms.run(1000, 10);
  assert.equal(probes, ['1000 a']);
  assert.is(alarms.next, 1100);
  alarms.run(1100, 10);
  alarms.run(1250, 10);
  assert.equal(probes, ['1000 a', '1100 b', '1250 c']);
  assert.is(prober.waitingCount, 0);
});

prober('the budget holds for one that comes right after another', () => {
  const { alarms, prober } = setup(600);
  prober.enqueue(1000, peer('a'));
  alarms.run(1000, 10);
  prober.enqueue(1001, peer('b'));
  assert.is(alarms.next, 1100);
});

function order({ alarms, probes }: { alarms: Alarms; probes: string[] }): string[] {
  for (let now = 0; now < 30; now++) alarms.run(now, 1);
  return probes.map((line) => line.replace(/^\d+ /, ''));
}

prober('of a mesh, neighbours and those said to run this are asked before its thousands', () => {
  const all = setup(60_000);
  for (let i = 0; i < 6; i++) all.prober.enqueue(0, peer(`m${i}`, { rank: FROM_MESH }));
  const told = peer('told', { rank: FROM_MESH });
  all.prober.enqueue(0, told);
  all.prober.enqueue(0, peer('near', { rank: FROM_MESH, hops: 1 }));
  told.advertised = true;
  all.prober.enqueue(0, told);
  assert.equal(order(all).slice(0, 4), ['near', 'm0', 'told', 'm1']);
});

prober('every second turn is of those who answered before or are configured, one in four each of the meshes and of hearsay', () => {
  const all = setup(60_000);
  for (let i = 0; i < 4; i++) {
    all.prober.enqueue(0, peer(`h${i}`, { rank: HEARSAY }));
    all.prober.enqueue(0, peer(`m${i}`, { rank: FROM_MESH }));
    all.prober.enqueue(0, peer(`c${i}`, { rank: i < 2 ? CONFIGURED : ANSWERED }));
  }
  assert.equal(order(all), ['c0', 'm0', 'c1', 'h0', 'c2', 'm1', 'c3', 'h1', 'm2', 'h2', 'm3', 'h3']);
});

prober('who has risen waits in one queue alone', () => {
  const all = setup(60_000);
  const one = peer('risen', { rank: HEARSAY });
  all.prober.enqueue(0, one);
  one.rank = CONFIGURED;
  all.prober.enqueue(0, one);
  assert.is(all.prober.waitingCount, 1);
  assert.equal(order(all), ['risen']);
});

prober('removed ones are not probed', () => {
  const { alarms, prober, probes } = setup();
  const one = peer('a');
  prober.enqueue(0, one);
  prober.remove(one);
  alarms.run(1000, 10);
  assert.equal(probes, []);
});

prober('enqueued twice it is probed once', () => {
  const { alarms, prober, probes } = setup();
  const one = peer('a');
  prober.enqueue(0, one);
  prober.enqueue(0, one);
  alarms.run(1000, 10);
  assert.is(probes.length, 1);
});

const even = (): number => 0.5;

prober('a silent stranger waits 3 s, then longer and longer', () => {
  const waits = [1, 2, 3, 4, 5, 6, 500].map((probeCount) => probeWaitMs(peer('a', { probeCount }), 1, even) / 1000);
  assert.equal(waits, [3, 20, 90, 360, 1900, 1900, 1900]);
});

prober('a direct neighbour is asked six times in its first half minute, then like any other', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 9, 500].map((probeCount) => probeWaitMs(peer('a', { hops: 1, probeCount }), 1, even) / 1000);
  assert.equal(waits, [1, 2, 3, 5, 10, 20, 90, 360, 1900, 1900]);
});

prober('a stranger costs two probes an hour after the first ten minutes', () => {
  const one = peer('a');
  let now = 0;
  let late = 0;
  while (now < 3600 + 600) {
    one.probeCount++;
    if (now > 600) late++;
    now += probeWaitMs(one, 1, even) / 1000;
  }
  assert.ok(late <= 2 && one.probeCount <= 7, `${late} of ${one.probeCount}`);
});

prober('an advertised one is asked several times within its first seconds', () => {
  const one = peer('a', { advertised: true });
  let now = 0;
  let first10s = 0;
  for (let i = 0; i < 40; i++) {
    one.probeCount++;
    if (now <= 10_000) first10s++;
    now += probeWaitMs(one, 1, even);
  }
  assert.ok(first10s >= 5, `${first10s}`);
  assert.is(probeWaitMs(peer('a', { advertised: true, probeCount: 1 }), 1, even), 400);
  assert.is(probeWaitMs(peer('a', { advertised: true, probeCount: 999 }), 1, even), 900_000);
});

prober('those who answered before and are away are asked every 2 to 8 s for ten minutes, together once a second', () => {
  for (const [awayCount, longest] of [[1, 2000], [2, 2000], [5, 5000], [8, 8000], [100, 8000]] as const) {
    let now = 0;
    let probeCount = 0;
    for (const wait = (): number => probeWaitMs(peer('a', { rank: ANSWERED, probeCount }), awayCount, even); now < 600_000; probeCount++) {
      assert.ok(wait() <= Math.max(3000, longest), `${wait()} at ${now}`);
      if (probeCount > 6) assert.is(wait(), longest);
      now += wait();
    }
    assert.is(probeWaitMs(peer('a', { rank: ANSWERED, probeCount: probeCount + 8 }), awayCount, even), 30_000);
  }
  assert.is(probeWaitMs(peer('a', { rank: ANSWERED, probeCount: 0 }), 1, even), 400);
  assert.is(probeWaitMs(peer('a', { rank: ANSWERED, probeCount: 100_000 }), 1, even), 120_000);
});

prober('waits vary by 12 % and are whole milliseconds', () => {
  const one = peer('a', { probeCount: 1 });
  assert.is(probeWaitMs(one, 1, () => 0), 2640);
  assert.is(probeWaitMs(one, 1, () => 0.999999), 3360);
  assert.ok(Number.isInteger(probeWaitMs(one, 1, () => 0.123456)));
});

prober.run();
