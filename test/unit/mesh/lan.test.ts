import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Candidate } from '../../../src/broadcast/mesh-source.ts';
import { LAN_GROUP, LAN_NODES_MAX, LAN_PORT, LanMesh } from '../../../src/mesh/lan.ts';
import { LineLog } from '../../../src/runtime/log.ts';
import { FakeRuntime, hex } from './fake-runtime.ts';

const test = suite('mesh/lan');

function setup(addresses = ['fe80::1%br-lan', '192.168.1.1', '2001:db8::1', 'fd00::1']) {
  const runtime = new FakeRuntime();
  runtime.interfaces = addresses.map((address) => ({ name: 'br-lan', address, internal: false }));
  const own: string[][] = [];
  const told: Candidate[] = [];
  const sent: Uint8Array[] = [];
  runtime.onSent = ({ bytes, address, port }) => {
    assert.is(`${address} ${port}`, `${LAN_GROUP} ${LAN_PORT}`);
    sent.push(bytes);
  };
  const options = { interfaceName: 'br-lan', port: 14627 };
  const mesh = new LanMesh(runtime.asRuntime(), options, new LineLog('error', () => undefined));
  mesh.start({ onOwnAddresses: (list) => { own.push(list); }, onCandidates: (list) => { told.push(...list); } });
  const receive = (bytes: Uint8Array, from = 'fe80::2'): void => {
    [...runtime.sockets][0]!.options.onDatagram(bytes, from, LAN_PORT);
  };
  return { runtime, mesh, own, told, sent, receive };
}
const BEACON = hex('4d434c31' + '3923' + '0000' + 'fd000000000000000000000000000002');

test('our address is a unique local one, else global IPv6, else IPv4', async () => {
  for (const [addresses, expected] of [[['fe80::1', '10.0.0.1', '2001:db8::1', 'fd00::1'], 'fd00::1'],
    [['10.0.0.1', '2001:db8::1'], '2001:db8::1'], [['fe80::1', '10.0.0.1'], '10.0.0.1']] as const) {
    const { runtime, own, mesh } = setup([...addresses]);
    await runtime.run(10);
    assert.equal(own, [[expected]]);
    mesh.stop();
  }
});

test('tells its address and port to the group, three times at first and then every 30 s', async () => {
  const { runtime, sent, mesh } = setup();
  await runtime.run(5000);
  assert.is(sent.length, 3);
  assert.equal(sent[0], hex('4d434c31' + '3923' + '0000' + 'fd000000000000000000000000000001'));
  await runtime.run(60_000);
  assert.is(sent.length, 5);
  mesh.stop();
});

test('a beacon from the link is an advertised candidate, and is answered when it is new', async () => {
  const { runtime, told, sent, receive, mesh } = setup();
  await runtime.run(10_000);
  receive(BEACON);
  assert.equal(told, [{ address: 'fd00::2', port: 14627, hops: 1, advertised: true }]);
  await runtime.run(1000);
  assert.is(sent.length, 4);
  receive(BEACON);
  const another = BEACON.slice();
  another[23] = 3;
  receive(another);
  await runtime.run(900);
  assert.is(sent.length, 4, 'a known node is not, nor another one at once');
  assert.is(mesh.status().candidateCount, 2);
  mesh.stop();
});

test('what is no beacon, or comes from beyond the link, is counted and dropped', async () => {
  const { runtime, told, receive, mesh } = setup();
  await runtime.run(10);
  for (const bad of ['', '4d434c31', '00'.repeat(24), `4d434c3100000000${'fd'.repeat(16)}`]) receive(hex(bad));
  receive(BEACON, '2001:db8::9');
  assert.is(mesh.rxMalformedCount, 5);
  const keyBound = BEACON.slice();
  keyBound[8] = 0xfc;
  receive(keyBound);
  assert.equal(told, [], 'nor is an address that a mesh binds to a key');
  mesh.stop();
});

test('remembers a limited number of nodes', async () => {
  const { runtime, receive, mesh } = setup();
  await runtime.run(10);
  for (let i = 0; i < LAN_NODES_MAX + 50; i++) {
    const beacon = BEACON.slice();
    beacon[20] = i >> 8;
    beacon[21] = i & 255;
    receive(beacon);
  }
  assert.is(mesh.status().candidateCount, LAN_NODES_MAX);
  mesh.stop();
});

test('a runtime without multicast, and an interface without addresses, are told', async () => {
  const { runtime, mesh } = setup();
  runtime.multicast = false;
  await runtime.run(5000);
  assert.match(mesh.status().problem!.text, /no IPv6 multicast on br-lan/);
  assert.is(runtime.sockets.size, 0);
  runtime.interfaces = [];
  await runtime.run(1000);
  assert.match(mesh.status().problem!.text, /br-lan has no address/);
  mesh.stop();
});

test('joins anew when its interface comes back', async () => {
  const { runtime, own, sent, mesh } = setup();
  await runtime.run(5000);
  const interfaces = runtime.interfaces;
  runtime.interfaces = [];
  await runtime.run(2000);
  assert.is(runtime.sockets.size, 0);
  runtime.interfaces = interfaces;
  await runtime.run(2000);
  assert.equal(own, [['fd00::1'], [], ['fd00::1']]);
  assert.ok(sent.length > 3);
  mesh.stop();
  await runtime.run(10);
  assert.is(runtime.sockets.size + runtime.timerCount, 0);
});

test.run();
