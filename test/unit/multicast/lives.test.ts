import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Bench, bytesOfText, groupHex, NEED_START, PRIVATE, START, WHOLE } from './bench.ts';

const lives = suite('lives: who leaves a group and joins it again begins anew');

function withMember() {
  const bench = new Bench();
  const group = bench.join();
  const remote = bench.meet('fd00::2', ['g']);
  /** It leaves and joins again; of its two lists only the second arrives. */
  const rejoin = (start = 0): void => {
    remote.subsVersion++;
    remote.groups = [];
    remote.subscribe(['g'], start);
  };
  return { bench, group, remote, rejoin };
}

lives('a list without the one between tells by its life of a leave and a join', () => {
  const { bench, rejoin } = withMember();
  rejoin();
  assert.equal(bench.takeEvents(), ['g fd00::2 left', 'g fd00::2 joined']);
});

lives('the stream begins anew where the new life wants it: what was not acknowledged is not sent again', () => {
  const { bench, group, remote, rejoin } = withMember();
  for (let i = 0; i < 3; i++) bench.publish(group, 'x');
  rejoin();
  bench.wait(20_000);
  bench.take();
  bench.publish(group, 'next');
  assert.equal(remote.heard('DATA').map((one) => [one['seq'], one['start'], one['life']]), [[4, 4, remote.subsVersion]]);
});

lives('and with history where it wishes that', () => {
  const { bench, group, remote, rejoin } = withMember();
  for (let i = 0; i < 3; i++) bench.publish(group, 'x');
  remote.status(3);
  bench.take();
  rejoin(2);
  assert.equal(remote.seqs(), [2, 3]);
});

lives('another wish under the same life changes nothing', () => {
  const { bench, group, remote } = withMember();
  bench.publish(group, 'x');
  remote.status(1);
  bench.take();
  bench.takeEvents();
  remote.subscribe(['g'], 255);
  bench.wait(100);
  assert.equal([remote.seqs(), bench.takeEvents()], [[], []]);
});

lives('STATUS of another life acknowledges nothing; what it asks for is not sent, but we ask for its list', () => {
  const { bench, group, remote } = withMember();
  bench.publish(group, 'x');
  bench.publish(group, 'y');
  bench.take();
  remote.status(2, { life: 99 });
  assert.is(group.status()['slowestLag'], 2);
  remote.status(2, { life: 99, flags: NEED_START });
  assert.equal(remote.heard().map(({ frame }) => frame), ['SUBS_REQ']);
  remote.status(2);
  assert.is(group.status()['slowestLag'], 0);
});

lives('a private stream heeds lives too', () => {
  const { bench, group, remote } = withMember();
  group.publishTo(bench.now, 'fd00::2', bytesOfText('psst'));
  assert.is(remote.find('DATA')!['life'], remote.subsVersion);
  remote.status(1, { life: 99, flags: PRIVATE });
  assert.ok(bench.status('logBytes') > 0);
  remote.status(1, { flags: PRIVATE });
  assert.is(bench.status('logBytes'), 0);
});

lives('joining again gives us another life, which our list and our STATUS tell', () => {
  const { bench, group, remote } = withMember();
  remote.begin();
  bench.take();
  bench.node.leave(bench.now, group);
  bench.join();
  const [entry] = remote.find('SUBS')!['groups'] as { life: number }[];
  remote.data(2);
  const status = remote.find('STATUS')!;
  assert.equal([status.flags & NEED_START, status['life']], [NEED_START, entry!.life]);
  assert.is.not(remote.groups[0]!.life, undefined);
});

lives('START that was meant for an earlier life of ours begins nothing, be it in DATA or POLL', () => {
  const { bench, group, remote } = withMember();
  const data = remote.datagram({ frame: 'DATA', flags: WHOLE | START, group: groupHex('g'), seq: 5, start: 5, payload: '6f6c64' });
  const poll = remote.datagram({ frame: 'POLL', flags: START, group: groupHex('g'), high: 5, low: 5, start: 5 });
  bench.node.leave(bench.now, group);
  bench.join();
  bench.takeEvents();
  for (const late of [data, poll]) {
    bench.wait(1000);
    bench.take();
    bench.receive('fd00::2', late);
    assert.is(remote.find('STATUS')!.flags & NEED_START, NEED_START);
  }
  remote.begin(20);
  assert.equal(bench.takeEvents(), ['g fd00::2 20 m20']);
});

lives.run();
