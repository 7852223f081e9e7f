import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import vectors from '../../vectors/wire.json' with { type: 'json' };
import { Bench, type Remote } from '../multicast/bench.ts';
import { bytesOf } from './codec.ts';

const malformed = suite('malformed datagrams');

function chatId(name: string): Uint8Array {
  const row = (vectors.groups as unknown as [string, string, string][]).find((one) => one[0] === name);
  return bytesOf(row?.[1] ?? '00'.repeat(32));
}

/** A node in the group "chat" with one verified peer, by the ids of the vectors. */
function chatBench(): { bench: Bench; remote: Remote } {
  const bench = new Bench({ sha256: (bytes) => chatId(String.fromCharCode(...bytes)) });
  const group = bench.join('chat');
  const remote = bench.meet('fd00::2');
  bench.publish(group, 'before');
  bench.take();
  return { bench, remote };
}

/** Sent now: what is old is not read. */
function stamped(hex: string, { now }: Bench): Uint8Array {
  const bytes = bytesOf(hex);
  if (bytes.length >= 12) new DataView(bytes.buffer).setUint32(8, now);
  return bytes;
}

function picture(bench: Bench): unknown {
  const { datagramsIn, bytesIn, malformedIn, ...counters } = bench.node.counters;
  const peers = bench.node.peers().map(({ heardAt, ...peer }) => peer);
  const groups = [...bench.node.groups].map((group) => [group.status(), group.members()]);
  return { counters, peers, groups, events: bench.events };
}

for (const [name, hex, rule] of vectors.malformed as [string, string, string][]) {
  malformed(`${name}: ${rule}`, () => {
    const { bench } = chatBench();
    const before = picture(bench);
    const datagramsIn = bench.status('datagramsIn');
    bench.receive('fd00::2', stamped(hex, bench));
    assert.is(bench.status('malformedIn'), 1);
    assert.is(bench.status('datagramsIn'), datagramsIn + 1);
    assert.equal(picture(bench), before);
    assert.equal(bench.sent, []);
  });
}

for (const [name, hex] of vectors.lax as [string, string][]) {
  malformed(`${name}: taken all the same`, () => {
    const { bench } = chatBench();
    bench.wait(5);
    bench.take();
    bench.receive('fd00::2', stamped(hex, bench));
    assert.is(bench.status('malformedIn'), 0);
    assert.is(bench.status('badAcksIn'), 0);
    assert.is(bench.node.peers()[0]!.heardAt, bench.now);
  });
}

malformed('frames before a malformed one count', () => {
  const { bench, remote } = chatBench();
  const good = remote.datagram({ frame: 'SUBS_REQ', flags: 0, version: 0 });
  const bytes = new Uint8Array(good.length + 6);
  bytes.set(good);
  bytes.set([3, 0, 0, 5, 0, 0], good.length);
  bench.receive('fd00::2', bytes);
  assert.is(bench.status('malformedIn'), 1);
  assert.is(remote.heard('SUBS').length, 1);
});

malformed.run();
