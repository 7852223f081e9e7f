import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Peer, type Subscription } from '../../../src/broadcast/peer.ts';
import { Subscriptions } from '../../../src/broadcast/subscriptions.ts';
import { FRAME_HEADER_LENGTH } from '../../../src/wire/frame.ts';
import { HEADER_LENGTH } from '../../../src/wire/header.ts';
import { decodeSubs, Subs, SUBS_LENGTH } from '../../../src/wire/subs.ts';
import { Bench, groupHex, Remote } from '../multicast/bench.ts';

const subs = suite('subscriptions');

function versions(remote: Remote): unknown[] {
  return remote.heard('SUBS').map((frame) => frame['version']);
}

subs('a new peer is told all our groups at once, with our wish where its stream begins', () => {
  const bench = new Bench();
  bench.join('a');
  bench.join('b', { start: 'all' });
  bench.join('c', { start: { last: 50 } });
  bench.join('d', { start: { last: 100_000 } });
  bench.join('e', { start: { last: 0 } });
  const remote = bench.meet('fd00::2');
  remote.send({ frame: 'SUBS_REQ', flags: 0, version: 0 });
  const starts = [['a', 0], ['b', 255], ['c', 50], ['d', 254], ['e', 1]] as const;
  const groups = starts.map(([name, start], index) => ({ group: groupHex(name), life: 2 + index, start }));
  assert.equal(remote.find('SUBS')!['groups'], groups);
});

subs('a join and a leave are told to every peer, under a new version', () => {
  const bench = new Bench();
  const peers = [bench.meet('fd00::2'), bench.meet('fd00::3')];
  const group = bench.join('a');
  for (const peer of peers) assert.equal(versions(peer), [2]);
  bench.node.leave(bench.now, group);
  for (const peer of peers) {
    assert.equal(versions(peer), [2, 3]);
    assert.equal(peer.find('SUBS')!['groups'], []);
  }
});

subs('it is repeated until acknowledged, each time after 1.5 times as long, 8 s at most', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.join('a');
  const times: number[] = [bench.now];
  bench.take();
  const peer = bench.node.broadcast.peers.find(remote.address)!;
  for (let i = 0; i < 60_000; i += 1000) {
    peer.heardAt = bench.now; // it lives, but does not acknowledge
    bench.wait(1000);
    for (const sent of bench.take()) if (sent.frames.some(({ frame }) => frame === 'SUBS')) times.push(sent.at);
  }
  const waits = times.slice(1).map((at, i) => at - times[i]!);
  assert.ok(waits[0]! >= 100 && waits[0]! <= 500, `first repeated after ${waits[0]}`);
  for (const [i, wait] of waits.slice(1).entries()) {
    const expected = Math.min(8000, waits[i]! * 1.5);
    assert.ok(Math.abs(wait - expected) <= 2, `${wait} after ${waits[i]}`);
  }
  assert.is(waits.at(-1), 8000);
});

subs('acknowledged it is told no more; the acknowledgement of an older version does not count', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.join('a');
  bench.join('b');
  assert.equal(versions(remote), [2, 3]);
  remote.send({ frame: 'SUBS_ACK', flags: 0, version: 2 });
  bench.take();
  bench.wait(1000);
  assert.ok(versions(remote).length > 0);
  remote.send({ frame: 'SUBS_ACK', flags: 0, version: 3 });
  bench.take();
  bench.wait(20_000);
  assert.equal(versions(remote), []);
});

subs('another join starts the repeats anew', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.join('a');
  bench.wait(6000);
  bench.take();
  bench.join('b');
  bench.wait(700);
  assert.ok(versions(remote).length >= 2);
});

subs('so does a peer that asks: it may not have believed us before', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.join('a');
  bench.wait(6000);
  bench.take();
  remote.send({ frame: 'SUBS_REQ', flags: 0, version: 0 });
  bench.wait(700);
  assert.ok(versions(remote).length >= 2);
});

subs('a peer that is gone is told nothing, and told when it is back', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.wait(91_000);
  bench.take();
  bench.join('a');
  bench.wait(20_000);
  assert.equal(versions(remote), []);
  remote.send(remote.hello({}));
  assert.equal(versions(remote), [2]);
});

subs('we acknowledge the version that we hold', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  remote.subscribe(['a', 'b']);
  assert.equal(remote.heard('SUBS_ACK').map((frame) => frame['version']), [remote.subsVersion]);
  assert.is(bench.node.peers()[0]!.groupCount, 2);
});

subs('joins and leaves of members are told once, by their difference', () => {
  const bench = new Bench();
  for (const name of ['a', 'b', 'c']) bench.join(name);
  const remote = bench.meet('fd00::2');
  remote.subscribe(['a', 'b']);
  assert.equal(bench.takeEvents(), ['a fd00::2 joined', 'b fd00::2 joined']);
  remote.subscribe(['b', 'c', 'nobody here']);
  assert.equal(bench.takeEvents(), ['a fd00::2 left', 'c fd00::2 joined']);
  remote.subscribe(['b', 'c', 'nobody here']);
  assert.equal(bench.takeEvents(), []);
});

subs('an older version, come late or twice, changes nothing and is acknowledged with what we hold', () => {
  const bench = new Bench();
  bench.join('a');
  const remote = bench.meet('fd00::2', ['a']);
  const older = { frame: 'SUBS', flags: 0, version: remote.subsVersion - 1, groups: [] };
  remote.send(older);
  remote.send({ ...older, version: remote.subsVersion });
  assert.equal(bench.takeEvents(), []);
  assert.equal(remote.heard('SUBS_ACK').map((frame) => frame['version']), [remote.subsVersion, remote.subsVersion]);
});

subs('the layer above hears of what is new and what is no more, not of what stays', () => {
  const own = new Subscriptions();
  const told: string[] = [];
  const names = (list: Subscription[]): string => list.map(({ low }) => low).join(',');
  const listener = {
    onSubscriptions(_now: number, _peer: Peer, joined: Subscription[], left: Subscription[]): void {
      told.push(`+${names(joined)} -${names(left)}`);
    },
  };
  const peer = new Peer('a', 'a', 1, 0, 1, { onPeerAlarm: () => undefined, onSubsAlarm: () => undefined });
  const take = (version: number, ...lows: number[]): void => {
    const view = new DataView(new ArrayBuffer(6 + 10 * lows.length));
    view.setUint32(0, version);
    view.setUint16(4, lows.length);
    for (const [i, low] of lows.entries()) view.setUint32(6 + 10 * i + 4, low);
    const list = new Subs();
    assert.ok(decodeSubs(view, 0, view.byteLength, list));
    own.receive(0, peer, view, list, listener);
  };
  take(1, 5, 6);
  take(2, 6, 7);
  take(2, 8);
  take(3, 6, 7);
  assert.equal(told, ['+5,6 -', '+7 -5', '+ -']);
});

subs('versions are serial numbers: 1 is newer than 2^32 - 2', () => {
  const bench = new Bench();
  bench.join('a');
  const remote = bench.meet('fd00::2');
  remote.send({ frame: 'SUBS', flags: 0, version: 0x7fffffff, groups: [] });
  remote.send({ frame: 'SUBS', flags: 0, version: 0xfffffffe, groups: [] });
  remote.send({ frame: 'SUBS', flags: 0, version: 1, groups: [{ group: groupHex('a'), life: 0, start: 0 }] });
  assert.equal(bench.takeEvents(), ['a fd00::2 joined']);
});

subs('a HELLO with another version than we hold makes us ask', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2', ['a']);
  remote.send(remote.hello({}));
  assert.equal(remote.heard('SUBS_REQ'), []);
  remote.subsVersion += 3;
  remote.send(remote.hello({}));
  assert.equal(remote.heard('SUBS_REQ').map((frame) => frame['version']), [remote.subsVersion - 3]);
  remote.send(remote.hello({}));
  assert.is(remote.heard('SUBS_REQ').length, 2, 'and again with the next, should the first be lost');
});

subs('SUBS_REQ is answered unless our version is held already', () => {
  const bench = new Bench();
  bench.join('a');
  const remote = bench.meet('fd00::2');
  remote.send({ frame: 'SUBS_REQ', flags: 0, version: 2 });
  assert.equal(versions(remote), []);
  remote.send({ frame: 'SUBS_REQ', flags: 0, version: 1 });
  assert.equal(versions(remote), [2]);
});

subs('112 groups fit, in one datagram; the next is refused and changes nothing', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  for (let i = 0; i < 112; i++) bench.join(`group ${i}`);
  const frame = remote.find('SUBS')!;
  assert.is((frame['groups'] as unknown[]).length, 112);
  bench.take();
  assert.is(bench.node.join(bench.now, 'one more'), undefined);
  assert.is([...bench.node.groups].length, 112);
  assert.equal(bench.take(), []);
  remote.send({ frame: 'SUBS_REQ', flags: 0, version: 0 });
  assert.is(remote.find('SUBS')!['version'], frame['version']);
});

subs('a full list leaves in a datagram of its own when it does not fit beside the rest', () => {
  const bench = new Bench();
  for (let i = 0; i < 112; i++) bench.join(`group ${i}`);
  const remote = bench.meet('fd00::2');
  remote.send(remote.hello({ flags: 1 }), { frame: 'SUBS_REQ', flags: 0, version: 0 }, { frame: 'SUBS', flags: 0, version: 9, groups: [] });
  assert.equal(bench.take().flatMap(({ frames }) => frames.map(({ frame }) => frame)), ['HELLO', 'SUBS_ACK', 'SUBS']);
});

subs('whoever lists a group as its own joins it, whether or not we knew', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2', ['later']);
  bench.join('later');
  assert.equal(bench.takeEvents(), ['later fd00::2 joined']);
  assert.is(remote.heard('SUBS').length, 1);
});

subs('other addresses of ours stand behind the groups, as many as there is room for', () => {
  const bench = new Bench();
  for (let i = 0; i < 112; i++) bench.join(`group ${i}`);
  for (let i = 0; i < 6; i++) bench.node.addLocal(bench.now, `10.0.0.${i + 1}`, 'lan', true);
  const remote = new Remote(bench, 'fd00::2');
  remote.greet();
  const [list] = remote.heard('SUBS');
  assert.equal([(list!['groups'] as unknown[]).length, (list!['addresses'] as unknown[]).length], [112, 3]);
});

subs('a list with too many addresses, or fewer than it says, is malformed', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  const address = { address: '0'.repeat(32), port: 1, flags: 0 };
  const list = (count: number): void => {
    const addresses = Array.from({ length: count }, () => address);
    remote.send({ frame: 'SUBS', flags: 0, version: 9, groups: [], addresses });
  };
  const before = bench.status('malformedIn');
  list(9);
  const short = remote.datagram({ frame: 'SUBS', flags: 0, version: 9, groups: [], addresses: [address] });
  short[HEADER_LENGTH + FRAME_HEADER_LENGTH + SUBS_LENGTH] = 2;
  bench.receive(remote.address, short);
  assert.is(bench.status('malformedIn'), before + 2);
  list(8);
  assert.is(bench.status('malformedIn'), before + 2);
});

subs('the first list of a peer counts, whatever its version', () => {
  const bench = new Bench();
  const group = bench.join();
  const remote = new Remote(bench, 'fd00::2');
  remote.subsVersion = 0x90000000;
  remote.greet();
  remote.subscribe(['g']);
  assert.equal(group.members().map(({ id }) => id), ['fd00::2']);
});

subs('a list that comes with the HELLO that tells of it is not asked for', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  remote.send(remote.hello({ subsVersion: 9 }), { frame: 'SUBS', flags: 0, version: 9, groups: [] });
  assert.equal(remote.heard().map(({ frame }) => frame), ['SUBS_ACK']);
});

subs('of addresses that were ours the last 8 are remembered', () => {
  const bench = new Bench();
  for (let i = 0; i < 20; i++) {
    const local = bench.node.addLocal(bench.now, `fd00::${i + 100}`, 'test', true);
    bench.node.removeLocal(bench.now, local);
  }
  const ids = bench.node.broadcast.former.map(({ id }) => id);
  assert.equal(ids, Array.from({ length: 8 }, (_, i) => `fd00::${119 - i}`));
});

subs.run();
