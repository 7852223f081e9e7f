import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CONFIGURED, FROM_MESH, HEARSAY } from '../../../src/broadcast/mesh-source.ts';
import { ANSWERED, Peer, type Rank } from '../../../src/broadcast/peer.ts';
import { PeerTable } from '../../../src/broadcast/peer-table.ts';

const table = suite('peer table');

function peer(id: string): Peer {
  const timers = { onPeerAlarm: () => undefined, onSubsAlarm: () => undefined };
  return new Peer(id, id, 14627, 0, 1, timers);
}

/** Puts them in one after the other. @returns who had to go. */
function fill(all: PeerTable, rank: Rank, ...ids: string[]): string[] {
  const victims: string[] = [];
  const forget = (one: Peer): void => {
    victims.push(one.id);
    all.delete(one);
  };
  for (const id of ids) all.put(all.find(id) ?? peer(id), rank, forget);
  return victims;
}

const many = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

table('peers are found by their identity', () => {
  const all = new PeerTable(10);
  fill(all, FROM_MESH, 'fd00::1');
  const one = all.find('fd00::1')!;
  assert.is(one.id, 'fd00::1');
  assert.is(all.find('__proto__'), undefined);
  all.delete(one);
  assert.is(all.find('fd00::1'), undefined);
  assert.equal([...all.all(), ...all.of(FROM_MESH)], []);
});

table('of 16 places, strangers and what peers tell get 2, the meshes 10, the configuration 4; the oldest of each goes', () => {
  const all = new PeerTable(16);
  assert.equal(fill(all, HEARSAY, ...many('h', 5)), ['h0', 'h1', 'h2']);
  assert.equal(fill(all, FROM_MESH, ...many('m', 11)), ['m0']);
  assert.equal(fill(all, CONFIGURED, ...many('c', 5)), ['c0']);
  assert.is(all.size, 16);
});

table('no flood of one rank pushes out another', () => {
  const all = new PeerTable(16);
  fill(all, CONFIGURED, 'configured');
  fill(all, FROM_MESH, 'of the mesh');
  fill(all, ANSWERED, 'met');
  fill(all, HEARSAY, ...many('h', 1000));
  fill(all, FROM_MESH, ...many('m', 7));
  for (const id of ['configured', 'of the mesh', 'met']) assert.ok(all.find(id), id);
});

table('who has risen counts there, and no longer where he was', () => {
  const all = new PeerTable(16);
  fill(all, HEARSAY, 'a', 'b');
  assert.equal(fill(all, FROM_MESH, 'a'), []);
  assert.equal([...all.of(HEARSAY), ...all.of(FROM_MESH)].map(({ id }) => id), ['b', 'a']);
  assert.equal(fill(all, HEARSAY, 'c', 'd'), ['b']);
  assert.is(all.size, 3);
});

table('those who have answered are never pushed out', () => {
  const all = new PeerTable(16);
  assert.equal(fill(all, ANSWERED, ...many('a', 100)), []);
});

table.run();
