import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DatagramWriter } from '../../../src/broadcast/datagram-writer.ts';
import { Peer } from '../../../src/broadcast/peer.ts';
import { hexOf } from '../wire/codec.ts';
import { Bench } from '../multicast/bench.ts';

const datagrams = suite('datagrams');

datagrams('frames are written back to back behind the header, and sent together', () => {
  const sent: string[] = [];
  const writer = new DatagramWriter(0x01020304, { send: (_local, _address, _port, bytes) => sent.push(hexOf(bytes)) });
  const peer = new Peer('a', 'a', 1, 0, 1, { onPeerAlarm: () => undefined, onSubsAlarm: () => undefined });
  peer.epoch = 0xaaaabbbb;
  writer.begin(9, peer);
  assert.is(writer.empty, true);
  assert.is(writer.room, 1200 - 12 - 4);
  writer.bytes.set([1, 2], writer.bodyAt);
  writer.close(3, 4, writer.bodyAt + 2);
  assert.is(writer.room, 1200 - 12 - 6 - 4);
  assert.is(writer.empty, false);
  writer.close(5, 0, writer.bodyAt);
  writer.send(77);
  assert.equal(sent, ['1000bbbb0102030400000009' + '030400020102' + '05000000']);
  assert.is(peer.sentAt, 77);
  writer.send(78);
  assert.is(sent.length, 1, 'an empty datagram is not sent');
  assert.is(writer.sentCount, 1);
  assert.is(writer.sentBytes, 22);
});

datagrams('what is owed to many peers leaves 100 at a time, the rest a millisecond later', () => {
  const bench = new Bench();
  for (let i = 0; i < 130; i++) bench.meet(`fd00::1:${i.toString(16)}`);
  bench.wait(2000);
  bench.take();
  bench.join('a');
  assert.is(bench.take().length, 100);
  assert.is(bench.node.deadline, bench.now + 1);
  bench.wait(1);
  assert.is(bench.take().length, 30);
});

datagrams('a datagram to a peer names the low half of its epoch, and our epoch', () => {
  const bench = new Bench();
  const remote = bench.meet('fd00::2');
  bench.join('a');
  const [sent] = bench.take();
  assert.is(sent!.receiverEpochLow, remote.epoch & 0xffff);
  assert.is(sent!.local, bench.local);
});

datagrams.run();
