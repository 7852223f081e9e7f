import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ALIVE, GONE, Peer, STALE } from '../../../src/broadcast/peer.ts';
import { PeerTable } from '../../../src/broadcast/peer-table.ts';

const table = suite('peer table');

function peer(id: string, fields: Partial<Peer> = {}): Peer {
  const timers = { onPeerAlarm: () => undefined, onSubsAlarm: () => undefined };
  return Object.assign(new Peer(id, id, 14627, 0, 1, timers), fields);
}

/** Fills a table and adds one more. @returns who had to go, undefined: the new one was refused. */
function victim(...peers: Peer[]): string | undefined {
  const full = new PeerTable(peers.length);
  for (const one of peers) assert.ok(full.add(one, () => assert.unreachable()));
  let gone: string | undefined;
  const taken = full.add(peer('new'), (one) => {
    gone = one.id;
    full.delete(one);
  });
  assert.is(taken, gone !== undefined);
  assert.is(full.size, peers.length);
  assert.is(full.find('new') !== undefined, taken);
  return gone;
}

table('peers are found by their identity', () => {
  const all = new PeerTable(10);
  const one = peer('fd00::1');
  all.add(one, () => assert.unreachable());
  assert.is(all.find('fd00::1'), one);
  assert.is(all.find('__proto__'), undefined);
  all.delete(one);
  assert.is(all.find('fd00::1'), undefined);
  assert.equal([...all.all()], []);
});

table('full: a silent stranger goes first, the one asked most often', () => {
  assert.is(victim(peer('asked once', { probeCount: 1 }), peer('asked 5 times', { probeCount: 5 }), peer('new one')), 'asked 5 times');
});

table('full: a stranger goes before an advertised one, that before one that was met', () => {
  assert.is(victim(peer('advertised', { advertised: true, probeCount: 20 }), peer('stranger')), 'stranger');
  assert.is(victim(peer('met', { answered: true, probeCount: 50 }), peer('advertised', { advertised: true })), 'advertised');
  assert.is(victim(peer('gone', { state: GONE, answered: true }), peer('advertised', { advertised: true })), 'advertised');
});

table('full: one that is gone goes before those that are there', () => {
  assert.is(victim(peer('alive', { state: ALIVE }), peer('gone', { state: GONE }), peer('stale', { state: STALE })), 'gone');
});

table('full of those that are there: a new one is refused', () => {
  assert.is(victim(peer('alive', { state: ALIVE }), peer('stale', { state: STALE })), undefined);
});

table.run();
