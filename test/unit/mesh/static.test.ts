import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Candidate, CONFIGURED } from '../../../src/broadcast/mesh-source.ts';
import { StaticMesh, STATIC_PEERS_MAX } from '../../../src/mesh/static.ts';
import { LineLog } from '../../../src/runtime/log.ts';
import { FakeRuntime } from './fake-runtime.ts';

const test = suite('mesh/static');

function setup(addresses: string[], peers: string[], prepare: (runtime: FakeRuntime) => void = () => undefined) {
  const runtime = new FakeRuntime();
  prepare(runtime);
  const own: string[][] = [];
  const told: Candidate[][] = [];
  const log = new LineLog('error', () => undefined);
  const mesh = new StaticMesh(runtime.asRuntime(), { addresses, peers, port: 14627 }, log);
  const listener = {
    onOwnAddresses: (list: string[]) => own.push(list),
    onCandidates: (list: Candidate[]) => told.push(list),
  };
  return { runtime, mesh, own, told, listener };
}
const lan = (runtime: FakeRuntime): void => {
  runtime.interfaces = [
    { name: 'lo', address: '127.0.0.1', internal: true },
    { name: 'br-lan', address: '192.168.1.1', internal: false },
    { name: 'br-lan', address: 'FD00:0:0::1', internal: false },
    { name: 'br-lan', address: 'fe80::1%br-lan', internal: false },
    { name: 'tun0', address: 'fc00::7', internal: false },
  ];
};

test('with nothing configured we are 127.0.0.1 and look for the others of the range', async () => {
  const { runtime, mesh, own, told, listener } = setup([], []);
  mesh.start(listener);
  assert.equal(own, [], 'never inside start()');
  await runtime.run(10);
  assert.equal(own, [['127.0.0.1']]);
  assert.is(told[0]?.length, 15);
  assert.equal(told[0]?.[0], { address: '127.0.0.2', port: 0, hops: 0, advertised: false, origin: CONFIGURED });
});

test('a loopback address that another daemon holds is passed over', async () => {
  const { runtime, mesh, own, told, listener } = setup([], [], (fake) => fake.taken.add('127.0.0.1/14627'));
  mesh.start(listener);
  await runtime.run(10);
  assert.equal(own, [['127.0.0.2']]);
  assert.is(told[0]?.[0]?.address, '127.0.0.1');
  assert.is(runtime.sockets.size, 0, 'the trial socket is closed');
});

test('configured loopback addresses need no interface', async () => {
  const { runtime, mesh, own, told, listener } = setup(['127.0.0.3'], [], lan);
  mesh.start(listener);
  await runtime.run(10);
  assert.equal(own, [['127.0.0.3']]);
  assert.is(told[0]?.length, 15);
  assert.ok(mesh.accepts('127.0.0.9'));
});

test('peers keep their ports, and are advertised', async () => {
  const peers = ['192.168.1.2', '10.0.0.9:999', '[FD00::0:2]:77', 'fd00::3'];
  const { runtime, mesh, told, listener } = setup(['192.168.1.1'], peers, lan);
  mesh.start(listener);
  await runtime.run(10);
  assert.equal(told[0]?.map((c) => [c.address, c.port, c.advertised]), [
    ['192.168.1.2', 0, true], ['10.0.0.9', 999, true], ['fd00::2', 77, true], ['fd00::3', 0, true]]);
});

test('an interface name means its addresses, link-local ones excepted', async () => {
  const { runtime, mesh, own, listener } = setup(['br-lan'], [], lan);
  mesh.start(listener);
  await runtime.run(10);
  assert.equal(own, [['192.168.1.1', 'fd00::1']]);
});

test('without an own address the one nearest to the peers is taken', async () => {
  const { runtime, mesh, own, listener } = setup([], ['192.168.1.9', 'fd00::5'], lan);
  mesh.start(listener);
  await runtime.run(10);
  assert.equal(own, [['192.168.1.1', 'fd00::1']]);
});

test('an address that goes and comes back is told within the watch time', async () => {
  const { runtime, mesh, own, told, listener } = setup(['192.168.1.1'], ['192.168.1.2'], lan);
  mesh.start(listener);
  await runtime.run(10);
  const interfaces = runtime.interfaces;
  runtime.interfaces = [];
  await runtime.run(2000);
  assert.equal(own.at(-1), []);
  assert.match(mesh.status().problem?.text ?? '', /192\.168\.1\.1 is on no interface/);
  const before = told.length;
  runtime.interfaces = interfaces;
  await runtime.run(2000);
  assert.equal(own, [['192.168.1.1'], [], ['192.168.1.1']]);
  assert.is(told.length, before + 1, 'and its peers again');
  assert.is(mesh.status().problem, undefined);
});

test('a key-bound address is believed only where one of ours is of its range', async () => {
  const { runtime, mesh, listener } = setup(['192.168.1.1', 'fd00::1'], [], lan);
  mesh.start(listener);
  await runtime.run(10);
  assert.equal(['10.0.0.1', 'fd00::9', '2001:db8::1'].map((a) => mesh.accepts(a)), [true, true, true]);
  assert.equal(['fc00::1', '200::1', '300::1', '127.0.0.1', 'ff02::1', '224.0.0.1', '::'].map((a) => mesh.accepts(a)),
    [false, false, false, false, false, false, false]);
  const onlyV4 = setup(['192.168.1.1'], [], lan);
  onlyV4.mesh.start(onlyV4.listener);
  await onlyV4.runtime.run(10);
  assert.not(onlyV4.mesh.accepts('fd00::9'), 'nor one of the other family');
  const tun = setup(['fc00::7'], [], lan);
  tun.mesh.start(tun.listener);
  await tun.runtime.run(10);
  assert.ok(tun.mesh.accepts('fc00::1'));
  assert.not(tun.mesh.accepts('fd00::1'));
});

test('bad and too many peers are told, never thrown', async () => {
  assert.match(setup([], ['router.lan']).mesh.status().problem?.text ?? '', /"router\.lan" is not a numeric address/);
  const many = Array.from({ length: STATIC_PEERS_MAX + 3 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const { runtime, mesh, listener } = setup(['192.168.1.1'], many, lan);
  mesh.start(listener);
  await runtime.run(10);
  assert.is(mesh.status().candidateCount, STATIC_PEERS_MAX);
  assert.match(mesh.status().problem?.text ?? '', /3 peers are left out/);
});

test('is unauthenticated, and silent after stop()', async () => {
  const { runtime, mesh, own, listener } = setup([], []);
  mesh.start(listener);
  await runtime.run(10);
  mesh.stop();
  assert.is(mesh.status().authenticated, false);
  assert.is(runtime.timerCount, 0);
  mesh.refresh();
  await runtime.run(200_000);
  assert.is(own.length, 1);
});

test.run();
