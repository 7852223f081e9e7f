import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Candidate, CONFIGURED } from '../../../../src/broadcast/mesh-source.ts';
import type { CjdnsOptions } from '../../../../src/mesh/cjdns/cjdns-mesh.ts';
import { cjdnsMesh, SESSIONS_MAX, TABLE_PAGES_MAX, WIDEN_MAX } from '../../../../src/mesh/cjdns/cjdns-mesh.ts';
import { LineLog } from '../../../../src/runtime/log.ts';
import { onTxiki } from '../../../support/rounds.ts';
import { FakeRuntime } from '../fake-runtime.ts';
import type { AdminRequest } from './fake-admin.ts';
import { FakeAdmin, nodeName, NODES } from './fake-admin.ts';

const test = suite('mesh/cjdns/cjdns-mesh');
const OWN = NODES[0][1];
const TUN = { name: 'tun0', address: OWN, internal: false };
const ROUTE = '0000.0000.0000.0013';

function setup(options: CjdnsOptions = {}, password = 'NONE') {
  const runtime = new FakeRuntime();
  runtime.interfaces = [TUN, { name: 'eth0', address: '192.168.1.1', internal: false }];
  const fake = new FakeAdmin(runtime, password);
  const functions: Record<string, (request: AdminRequest) => ReturnType<FakeAdmin['answer']>> = {
    Core_nodeInfo: () => ({ myAddr: nodeName(0, '0000.0000.0000.0001'), version: 21 }),
    NodeStore_dumpTable: () => ({ routingTable: [
      { addr: nodeName(0, '0000.0000.0000.0001') }, { addr: nodeName(1, ROUTE), ip: 'fc00::bad' },
      { addr: nodeName(2, 'ffff.ffff.ffff.ffff') }] }),
    InterfaceController_peerStats: () => ({ peers: [{ addr: nodeName(1, ROUTE), state: 'ESTABLISHED' }], total: 1 }),
    SupernodeHunter_status: () => ({ activeSnode: 'NONE' }),
    SessionManager_getHandles: () => ({ handles: [7], total: 1 }),
    SessionManager_sessionStats: () => ({ addr: nodeName(3, '0000.0000.0000.0153'), handle: 7 }),
    RouterModule_getPeers: () => ({ result: 'peers', peers: [nodeName(4, '0000.0000.0000.0015'), 'garbage'] }),
  };
  fake.answer = (request) => functions[request.name]?.(request);
  const lines: string[] = [];
  const own: string[][] = [];
  const told: Candidate[] = [];
  const mesh = cjdnsMesh(runtime.asRuntime(), options, new LineLog('info', (line) => lines.push(line)));
  const listener = {
    onOwnAddresses: (list: string[]) => { own.push(list); },
    onCandidates: (list: Candidate[]) => { told.push(...list); },
  };
  return { runtime, fake, functions, mesh, lines, own, told, start: () => mesh.start(listener) };
}
const addresses = (told: Candidate[]): string[] => [...new Set(told.map((one) => one.address))];

test('names the nodes of table, peers, sessions and of their peers, by their keys, nearest known first', async () => {
  const { runtime, mesh, own, told, start } = setup();
  start();
  assert.equal(own, [], 'nothing inside start()');
  await runtime.run(200);
  assert.equal(own, [[OWN]]);
  assert.equal(told.map((one) => [one.address, one.hops]), [[NODES[1][1], 1], [NODES[3][1], 2], [NODES[4][1], 2]]);
  const { problem, ...status } = mesh.status();
  assert.is(problem, undefined);
  assert.equal(status, { name: 'cjdns', up: true, own: [OWN], candidateCount: 3, authenticated: true, version: '21' });
  mesh.stop();
});

test('accepts fc00::/8 alone', () => {
  const { mesh } = setup();
  assert.ok(mesh.accepts('fc00::1'));
  assert.equal(['fd00::1', '200::1', '10.0.0.1', '::1', 'fe80::1'].map((one) => mesh.accepts(one)),
    [false, false, false, false, false]);
});

test('never asks for a negative page', async () => {
  const { runtime, fake, mesh, start } = setup();
  start();
  await runtime.run(60_000);
  assert.ok(fake.requests.length > 50);
  assert.not(fake.requests.some((request) => /i-/.test(request.text)));
  mesh.stop();
});

test('reads every page of the table, and stops at the limit', async () => {
  const { runtime, functions, fake, mesh, told, start } = setup();
  functions['NodeStore_dumpTable'] = ({ args }) => {
    const page = args.get('page') as number;
    return { routingTable: [{ addr: nodeName(page % 5, ROUTE) }], ...(page < 4 ? { more: 1 } : {}) };
  };
  start();
  await runtime.run(100);
  assert.is(fake.count('NodeStore_dumpTable'), 5);
  assert.is(addresses(told).length, 4, 'and none is ourselves');
  functions['NodeStore_dumpTable'] = () => ({ routingTable: [], more: 1 });
  if (!onTxiki) {
    await runtime.run(1100);
    assert.is(fake.count('NodeStore_dumpTable'), 5 + TABLE_PAGES_MAX);
    assert.match(mesh.status().problem!.text, /more than 8192 nodes/);
  }
  mesh.stop();
});

test('asks often at first and then rarely', async () => {
  if (onTxiki) return; // twenty minutes of questions take long without a compiler
  const { runtime, fake, mesh, start } = setup();
  start();
  await runtime.run(20_000);
  const young = fake.count('NodeStore_dumpTable');
  assert.ok(young >= 18 && young <= 22, `${young} in 20 s`);
  await runtime.run(600_000);
  const before = fake.count('NodeStore_dumpTable');
  await runtime.run(600_000);
  assert.is(fake.count('NodeStore_dumpTable') - before, 10);
  assert.ok(fake.count('RouterModule_getPeers') < 10, 'the peers of one node once in ten minutes');
  mesh.stop();
});

test('a router that starts late is found within a second of its interface', async () => {
  const { runtime, fake, mesh, own, start } = setup();
  fake.up = false;
  runtime.interfaces = [];
  start();
  await runtime.run(600_000);
  assert.equal(own, []);
  assert.match(mesh.status().problem!.text, /does not answer Core_nodeInfo .*not running/);
  assert.match(mesh.status().problem!.remedy, /cjdns start/);
  fake.up = true;
  runtime.interfaces = [TUN];
  await runtime.run(2100);
  assert.equal(own, [[OWN]]);
  assert.is(mesh.status().problem, undefined);
  mesh.stop();
});

test('questions to a router that is away grow rare', async () => {
  const { runtime, fake, mesh, start } = setup();
  fake.up = false;
  runtime.interfaces = [];
  let sent = 0;
  runtime.onSent = () => { sent++; };
  start();
  await runtime.run(60_000);
  sent = 0;
  await runtime.run(600_000);
  assert.ok(sent <= 20, `${sent} questions in ten minutes`);
  mesh.stop();
});

test('an interface that goes down and up is told each time, whatever cjdns does', async () => {
  const { runtime, fake, mesh, own, start } = setup();
  start();
  await runtime.run(100_000);
  fake.up = false;
  runtime.interfaces = [];
  await runtime.run(2100);
  assert.equal(own, [[OWN], []]);
  assert.is(mesh.status().up, false);
  runtime.interfaces = [TUN];
  await runtime.run(2100);
  assert.equal(own, [[OWN], [], [OWN]]);
  mesh.stop();
});

test('cjdns answers but has no interface: that is the problem', async () => {
  const { runtime, mesh, own, start } = setup();
  runtime.interfaces = [];
  start();
  await runtime.run(5000);
  assert.equal(own, []);
  assert.match(mesh.status().problem!.text, new RegExp(`no interface carries its address ${OWN}`));
  mesh.stop();
});

test('an address of the range that cjdns does not call ours is not ours', async () => {
  const { runtime, mesh, own, start } = setup();
  runtime.interfaces = [{ ...TUN, address: 'fc00::1' }];
  start();
  await runtime.run(5000);
  assert.equal(own, []);
  mesh.stop();
});

test('a new key is a new address', async () => {
  const { runtime, functions, mesh, own, told, start } = setup();
  start();
  await runtime.run(300_000);
  functions['Core_nodeInfo'] = () => ({ myAddr: nodeName(2, '0000.0000.0000.0001'), version: 21 });
  runtime.interfaces = [{ ...TUN, address: NODES[2][1] }];
  told.length = 0;
  await runtime.run(2100);
  assert.equal(own.at(-1), [NODES[2][1]]);
  assert.ok(addresses(told).includes(NODES[1][1]), 'and everybody is told again');
  mesh.stop();
});

test('the password is looked for where systems keep it, one place after the other', async () => {
  const { runtime, fake, mesh, told, start } = setup({}, 'real');
  runtime.fileText.set('/etc/config/cjdns', 'config cjdns \'cjdns\'\n option admin_password old\n');
  runtime.fileText.set('/etc/cjdroute.conf', '{"admin":{"bind":"127.0.0.1:11234","password":"real"}}');
  start();
  await runtime.run(500);
  assert.is(addresses(told).length, 3);
  assert.is(mesh.status().problem, undefined);
  const refused = fake.requests.filter((request) => request.text.includes('4:auth') && !request.authed).length;
  await runtime.run(60_000);
  assert.is(fake.requests.filter((request) => request.text.includes('4:auth') && !request.authed).length, refused,
    'the right one is kept');
  mesh.stop();
});

test('a wrong password leaves the open functions, and is told with its remedy', async () => {
  const { runtime, fake, mesh, lines, told, start } = setup({ password: 'wrong' }, 'right');
  start();
  await runtime.run(30_000);
  assert.equal(addresses(told), [NODES[1][1]]);
  assert.match(mesh.status().problem!.text, /refuses the admin password \(from option admin_password\)/);
  assert.match(mesh.status().problem!.remedy, /set option admin_password/);
  assert.is(lines.filter((line) => line.includes('password')).length, 1, 'said once');
  assert.ok(fake.count('SessionManager_getHandles') < 40);
  mesh.stop();
});

test('a build without a table is told, and what it has is used', async () => {
  const { runtime, functions, fake, mesh, lines, told, start } = setup();
  for (const name of ['NodeStore_dumpTable', 'RouterModule_getPeers']) delete functions[name];
  functions['SupernodeHunter_status'] = () => ({ activeSnode: nodeName(2, '0000.0000.0000.0153') });
  start();
  await runtime.run(30_000);
  assert.equal(addresses(told), [NODES[1][1], NODES[2][1], NODES[3][1]]);
  assert.match(mesh.status().problem!.text, /keeps no routing table \(built with SUBNODE\)/);
  assert.is(fake.count('NodeStore_dumpTable'), 1, 'not asked again');
  assert.is(lines.filter((line) => line.includes('SUBNODE')).length, 1);
  mesh.stop();
});

for (const [what, answer, text] of [
  ['truncated', 'd1:q4:po', /answer to Core_nodeInfo is truncated/],
  ['hostile', 'l-3:e', /answer to Core_nodeInfo is no bencode dictionary/],
  ['endless', `d1:a65000:${'x'.repeat(65_000)}e`, /65011 bytes long/],
] as const) {
  test(`an answer that is ${what} is told`, async () => {
    const { runtime, functions, mesh, start } = setup();
    functions['Core_nodeInfo'] = () => answer;
    start();
    await runtime.run(5000);
    assert.match(mesh.status().problem!.text, text);
    assert.match(mesh.status().problem!.remedy, /which program listens/);
    mesh.stop();
  });
}

test('cjdns killed in the middle of a round ends the round', async () => {
  const { runtime, fake, functions, mesh, own, start } = setup();
  functions['NodeStore_dumpTable'] = () => {
    fake.up = false;
    return null;
  };
  start();
  await runtime.run(10_000);
  assert.equal(own, [[OWN]], 'its address stays while the interface has it');
  assert.match(mesh.status().problem!.text, /does not answer/);
  mesh.stop();
});

test('configured peers are advertised candidates', async () => {
  const { runtime, mesh, told, start } = setup({ peers: [`[${NODES[2][1]}]:99`, '10.0.0.1', 'x'] });
  start();
  await runtime.run(300);
  const candidate = { address: NODES[2][1], port: 99, hops: 0, advertised: true, origin: CONFIGURED };
  assert.equal(told.filter((one) => one.advertised), [candidate]);
  mesh.stop();
});

test('sessions beyond the limit are not asked for', async () => {
  const { runtime, functions, fake, mesh, start } = setup();
  functions['SessionManager_getHandles'] = () => ({ handles: Array.from({ length: 500 }, (_, i) => i), more: 1 });
  start();
  await runtime.run(500);
  assert.is(fake.count('SessionManager_sessionStats'), SESSIONS_MAX);
  mesh.stop();
});

/** Rows with keys that are nobody's; a hash of our own makes addresses of them. */
function manyRows(runtime: FakeRuntime, count: number): { addr: string }[] {
  const hash = new Uint8Array(64).fill(1);
  hash[0] = 0xfc;
  runtime.sha512 = () => hash;
  return Array.from({ length: count }, (_, i) => {
    const digits = `${String(i).padStart(5, '0')}${'0'.repeat(47)}`;
    return { addr: `v21.${ROUTE}.${digits}.k` };
  });
}

test('asks few nodes of a table at a time for their peers, and none of a large one', async () => {
  for (const [size, expected] of [[100, WIDEN_MAX], [300, 0]] as const) {
    const { runtime, functions, fake, mesh, start } = setup();
    const rows = manyRows(runtime, size);
    functions['NodeStore_dumpTable'] = () => ({ routingTable: rows });
    functions['SessionManager_getHandles'] = () => ({ handles: [] });
    start();
    await runtime.run(900);
    assert.is(fake.count('RouterModule_getPeers'), expected, `${size} nodes`);
    mesh.stop();
  }
});

test('a round that took long is followed by a pause nine times as long', async () => {
  const { runtime, functions, fake, mesh, start } = setup();
  functions['NodeStore_dumpTable'] = () => {
    runtime.nowMs += 1000; // a slow device
    return { routingTable: [] };
  };
  start();
  await runtime.run(19_000);
  assert.is(fake.count('NodeStore_dumpTable'), 2);
  mesh.stop();
});

test('refresh() during a round starts another after it', async () => {
  const { runtime, fake, functions, mesh, start } = setup();
  functions['NodeStore_dumpTable'] = () => {
    if (fake.count('NodeStore_dumpTable') === 1) mesh.refresh();
    return { routingTable: [] };
  };
  start();
  await runtime.run(500);
  assert.is(fake.count('NodeStore_dumpTable'), 2);
  mesh.stop();
});

test('refresh() asks at once, stop() leaves nothing open', async () => {
  const { runtime, fake, mesh, start } = setup();
  start();
  await runtime.run(600_000);
  const before = fake.count('NodeStore_dumpTable');
  mesh.refresh();
  await runtime.run(100);
  assert.is(fake.count('NodeStore_dumpTable'), before + 1);
  mesh.stop();
  await runtime.run(10);
  assert.is(runtime.sockets.size, 0);
  assert.is(runtime.timerCount, 0);
});

test.run();
