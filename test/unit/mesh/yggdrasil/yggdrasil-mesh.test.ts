import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Candidate } from '../../../../src/broadcast/mesh-source.ts';
import type { YggdrasilOptions } from '../../../../src/mesh/yggdrasil/yggdrasil-mesh.ts';
import { isPublicLink, WALK_NODES_MAX, yggdrasilMesh } from '../../../../src/mesh/yggdrasil/yggdrasil-mesh.ts';
import { LineLog } from '../../../../src/runtime/log.ts';
import { FakeRuntime } from '../fake-runtime.ts';
import type { SocketRequest } from './fake-socket.ts';
import { FakeSocket, YGG_NODES } from './fake-socket.ts';

const test = suite('mesh/yggdrasil/yggdrasil-mesh');
const key = (index: number): string => YGG_NODES[index]![0];
const address = (index: number): string => YGG_NODES[index]![1];
const TUN = { name: 'ygg0', address: address(0), internal: false };

type Functions = Record<string, (request: SocketRequest) => ReturnType<FakeSocket['answer']>>;

/** A chain 0 - 1 - 2 - 3, seen from node 0. */
function setup(options: YggdrasilOptions = {}, place = '/var/run/yggdrasil.sock') {
  const runtime = new FakeRuntime();
  runtime.interfaces = [TUN];
  const fake = new FakeSocket(runtime, place);
  const chain: Record<string, number[]> = { [key(1)]: [0, 2], [key(2)]: [1, 3], [key(3)]: [2] };
  const functions: Functions = {
    getself: () => ({ key: key(0), address: address(0), build_version: '0.5.12' }),
    getpeers: () => ({ peers: [
      { remote: 'tcp://10.0.0.2:9900', up: true, key: key(1), address: address(1) },
      { remote: 'tls://10.0.0.3:1', up: false, key: '' }] }),
    gettree: () => ({ tree: [{ key: key(0) }, { key: key(1) }] }),
    getsessions: () => ({ sessions: [] }),
    getpaths: () => ({ paths: [] }),
    debug_remotegetpeers: ({ arguments: args }) => {
      const peers = chain[args['key']!];
      return peers === undefined ? undefined : { [`200::${args['key']!.slice(0, 4)}`]: { keys: peers.map(key) } };
    },
    getnodeinfo: ({ arguments: args }) => ({ [args['key']!]: { name: 'x' } }),
  };
  fake.answer = (request) => functions[request.request]?.(request);
  const lines: string[] = [];
  const own: string[][] = [];
  const told: Candidate[] = [];
  const mesh = yggdrasilMesh(runtime.asRuntime(), options, new LineLog('info', (line) => lines.push(line)));
  const listener = {
    onOwnAddresses: (list: string[]) => { own.push(list); },
    onCandidates: (list: Candidate[]) => { told.push(...list); },
  };
  return { runtime, fake, functions, mesh, lines, own, told, start: () => mesh.start(listener) };
}
const addresses = (told: Candidate[]): string[] => [...new Set(told.map((one) => one.address))].sort();
const remotes = (fake: FakeSocket): number => fake.count('debug_remotegetpeers');

test('on a small network of our own a walk from peer to peer finds everybody, with distances', async () => {
  const { runtime, fake, mesh, own, told, start } = setup();
  start();
  await runtime.run(500);
  assert.equal(own, [[address(0)]]);
  assert.equal(addresses(told), [1, 2, 3].map(address).sort());
  assert.is(told.find((one) => one.address === address(3))?.hops, 3);
  assert.is(remotes(fake), 3, 'each node once, not ourselves');
  assert.is(fake.connections.length, 2, 'others are asked on a connection of their own');
  assert.equal(mesh.status(), { name: 'yggdrasil', up: true, own: [address(0)], candidateCount: 3, authenticated: true,
    version: '0.5.12' });
  mesh.stop();
});

test('0.4 has a table of its own name', async () => {
  const { runtime, functions, mesh, told, start } = setup();
  delete functions['gettree'];
  functions['getdht'] = () => ({ dht: [{ key: key(4), address: address(4) }] });
  start();
  await runtime.run(500);
  assert.ok(addresses(told).includes(address(4)));
  mesh.stop();
});

test('with a link to the public network only direct peers and advertised nodes are candidates', async () => {
  const { runtime, functions, fake, mesh, told, start } = setup();
  functions['getpeers'] = () => ({ peers: [{ remote: 'tls://ygg.example.net:443', up: true, key: key(1) }] });
  functions['getsessions'] = () => ({ sessions: [{ key: key(4) }, { key: key(5) }] });
  functions['getnodeinfo'] = ({ arguments: args }) =>
    ({ [args['key']!]: args['key'] === key(5) ? { meshchat: { port: 999 } } : {} });
  start();
  await runtime.run(600_000);
  assert.equal(addresses(told), [address(1), address(5)].sort());
  assert.equal(told.find((one) => one.address === address(5)),
    { address: address(5), port: 999, hops: 0, advertised: true });
  assert.is(remotes(fake), 0, 'nobody else is asked for peers');
  assert.is(fake.count('getnodeinfo'), 3, 'and for NodeInfo once');
  mesh.stop();
});

test('a walk that finds no end tells nobody, and is not repeated for an hour', async () => {
  const { runtime, functions, fake, mesh, told, start } = setup();
  let serial = 0;
  functions['debug_remotegetpeers'] = () => ({
    x: { keys: Array.from({ length: 10 }, () => `${(++serial).toString(16).padStart(8, '0')}${'ab'.repeat(28)}`) } });
  start();
  await runtime.run(600_000);
  assert.equal(addresses(told), [address(1)]);
  assert.ok(remotes(fake) <= WALK_NODES_MAX, `${remotes(fake)} questions`);
  mesh.stop();
});

test('option crawl walks whatever the links are', async () => {
  const { runtime, functions, fake, mesh, told, start } = setup({ crawl: true });
  functions['getpeers'] = () => ({ peers: [{ remote: 'tls://ygg.example.net:443', up: true, key: key(1) }] });
  start();
  await runtime.run(1000);
  assert.is(remotes(fake), 3);
  assert.equal(addresses(told), [1, 2, 3].map(address).sort());
  mesh.stop();
});

test('NodeInfo with a port that is none is no advertisement', async () => {
  for (const port of [0, 65536, 1.5, '14627', null, -1]) {
    const { runtime, functions, mesh, told, start } = setup();
    functions['getnodeinfo'] = ({ arguments: args }) => ({ [args['key']!]: { meshchat: { port } } });
    start();
    await runtime.run(3000);
    assert.not(told.some((one) => one.advertised), String(port));
    mesh.stop();
  }
});

test('0300::/8 is nobody: only the address of a key is accepted', () => {
  const { mesh } = setup();
  assert.ok(mesh.accepts('201:586e::1'));
  for (const other of ['301:586e::1', 'fc00::1', '2001:db8::1', '10.0.0.1']) assert.not(mesh.accepts(other), other);
});

test('the socket is found where systems keep it', async () => {
  for (const place of ['/var/run/yggdrasil.sock', '/var/run/yggdrasil/yggdrasil.sock', '/tmp/yggdrasil/ygg0.sock',
    '127.0.0.1/9001']) {
    const { runtime, mesh, own, start } = setup({}, place);
    if (!/^127|n\/yggdrasil\.sock/.test(place)) runtime.fileText.set(place, '');
    runtime.fileText.set('/var/run/yggdrasil/yggdrasil.pid', '1');
    if (place.includes('yggdrasil/yggdrasil')) runtime.fileText.set(place, '');
    start();
    await runtime.run(500);
    assert.equal(own, [[address(0)]], place);
    mesh.stop();
  }
});

test('an option names the socket: a path, unix:// or tcp://', async () => {
  for (const [admin, place] of [['/a/b', '/a/b'], ['unix:///a/c', '/a/c'], ['tcp://127.0.0.1:99', '127.0.0.1/99'],
    ['tcp://[::1]:99', '::1/99']] as const) {
    const { runtime, mesh, own, start } = setup({ socket: admin }, place);
    start();
    await runtime.run(500);
    assert.equal(own, [[address(0)]], admin);
    mesh.stop();
  }
});

for (const [what, change, text] of [
  ['no socket', (fake: FakeSocket) => { fake.refusal = 'ENOENT'; }, /no Yggdrasil listens at .*not running/],
  ['a socket that is not for us', (fake: FakeSocket) => { fake.refusal = 'EACCES'; }, /may not be opened by this user/],
  ['another program', (fake: FakeSocket) => { fake.answer = () => 'HTTP/1.1 400\r\n'; }, /does not speak as Yggdrasil/],
  ['silence', (fake: FakeSocket) => { fake.answer = () => null; }, /Yggdrasil does not answer at/],
  ['an error', (fake: FakeSocket) => { fake.answer = () => undefined; }, /Yggdrasil refuses: unknown action/],
  ['no key', (fake: FakeSocket) => { fake.answer = () => ({ address: 'x' }); }, /tells no key/],
] as const) {
  test(`${what} is told with its remedy`, async () => {
    const { runtime, fake, mesh, own, start } = setup();
    change(fake);
    start();
    await runtime.run(10_000);
    assert.equal(own, []);
    assert.match(mesh.status().problem!.text, text);
    assert.ok(mesh.status().problem!.remedy.length > 10);
    mesh.stop();
  });
}

test('a restart with another key is a new address within seconds', async () => {
  const { runtime, fake, functions, mesh, own, start } = setup();
  start();
  await runtime.run(400_000);
  fake.up = false;
  for (const connection of fake.connections) connection.close();
  runtime.interfaces = [];
  await runtime.run(30_000);
  fake.up = true;
  functions['getself'] = () => ({ key: key(4), build_version: '0.5.12' });
  runtime.interfaces = [{ ...TUN, address: address(4) }];
  await runtime.run(2100);
  assert.equal(own, [[address(0)], [], [address(4)]]);
  mesh.stop();
});

test('nodes that block their answer delay neither our address nor our peers', async () => {
  const { runtime, functions, mesh, own, told, start } = setup();
  functions['debug_remotegetpeers'] = () => null;
  functions['getnodeinfo'] = () => null;
  start();
  await runtime.run(300);
  assert.equal(own, [[address(0)]]);
  assert.equal(addresses(told), [address(1)]);
  await runtime.run(60_000);
  assert.equal(addresses(told), [address(1)], 'a walk without answers ends where we can see');
  mesh.stop();
  await runtime.run(10);
  assert.is(runtime.timerCount, 0);
});

test('what the router knows besides is told only when every node on the walk has answered', async () => {
  for (const silent of [false, true]) {
    const { runtime, functions, mesh, told, start } = setup();
    functions['getpaths'] = () => ({ paths: [{ key: key(5) }] });
    const answer = functions['debug_remotegetpeers']!;
    functions['debug_remotegetpeers'] = (request) =>
      (silent && request.arguments['key'] === key(3) ? undefined : answer(request));
    start();
    await runtime.run(1000);
    assert.is(addresses(told).includes(address(5)), !silent);
    mesh.stop();
  }
});

test('a peer whose link is down is no candidate', async () => {
  const { runtime, functions, mesh, told, start } = setup();
  functions['getpeers'] = () => ({ peers: [{ remote: 'tcp://10.0.0.2:9900', up: false, key: key(1) }] });
  functions['gettree'] = () => ({ tree: [] });
  functions['getdht'] = () => ({ dht: [] });
  start();
  await runtime.run(1000);
  assert.equal(addresses(told), []);
  mesh.stop();
});

test('links are local or public by the address in them', () => {
  for (const local of ['tcp://10.77.0.2:46296', 'tls://192.168.1.1:1', 'tls://[fe80::1%25eth0]:1', 'tcp://127.0.0.1:1',
    'tcp://[::1]:1', 'quic://172.20.0.1:1', 'tcp://100.64.3.4:1', 'tls://[fd00::1]:1', 'unix:///x', '']) {
    assert.is(isPublicLink(local), false, local);
  }
  for (const far of ['tls://1.2.3.4:1', 'tcp://ygg.example.org:443', 'tls://[2001:db8::1]:1', 'quic://172.32.0.1:1',
    'ws://user@8.8.8.8/']) assert.is(isPublicLink(far), true, far);
});

test.run();
