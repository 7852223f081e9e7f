import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FakeMesh, setup } from './setup.ts';

const daemon = suite('daemon');

daemon('opens a socket for each own address and tells the core', async () => {
  const { runtime, node } = await setup(['127.0.0.1', '127.0.0.9']);
  assert.equal(runtime.sockets.map(({ address, port }) => [address, port]), [['127.0.0.1', 14627], ['127.0.0.9', 14627]]);
  assert.equal(node.calls.filter((call) => call.startsWith('addLocal')), [
    'addLocal 127.0.0.1 static false', 'addLocal 127.0.0.9 static false',
  ]);
});

daemon('closes the socket of an address that vanished and tells the core', async () => {
  const { runtime, node, mesh, daemon: subject } = await setup();
  mesh.give([]);
  await runtime.settle();
  assert.is(runtime.sockets[0]?.closed, true);
  assert.ok(node.calls.includes('removeLocal 0'));
  assert.equal(subject.self(), []);
});

daemon('calls itself first as others do who can reach all its addresses', async () => {
  const { mesh, daemon: subject, runtime } = await setup(['127.0.0.1', '127.0.0.9', '127.0.0.3']);
  assert.equal(subject.self(), ['127.0.0.9', '127.0.0.3', '127.0.0.1']);
  const bound = Object.assign(new FakeMesh(), { name: 'cjdns', authenticated: true });
  subject.addMesh(bound);
  bound.give(['127.0.0.2']);
  await runtime.settle();
  assert.is(subject.self()[0], '127.0.0.2', 'one that is bound to its key');
  assert.is(mesh.own.length, 3);
});

daemon('tries a refused address again after 1, 2, 4 s and says once why', async () => {
  const { runtime, mesh, lines, daemon: subject } = await setup([]);
  runtime.refuse.set('127.0.0.1', 'EADDRINUSE');
  mesh.give(['127.0.0.1']);
  await runtime.advance(6000);
  assert.equal(lines.filter((line) => line.includes('in use')).length, 1);
  assert.match(lines.join('\n'), /UDP port 14627 on 127.0.0.1 is in use by another program/);
  runtime.refuse.clear();
  await runtime.advance(999);
  assert.equal(subject.self(), []);
  await runtime.advance(1);
  assert.equal(subject.self(), ['127.0.0.1']);
});

daemon('opens another socket when the system closed one', async () => {
  const { runtime, node } = await setup();
  runtime.sockets[0]?.options.onClose?.(new Error('gone'));
  await runtime.settle();
  assert.ok(node.calls.includes('removeLocal 0'));
  await runtime.advance(1000);
  assert.is(runtime.sockets.length, 2);
});

daemon('drops datagrams from addresses that cannot be on their mesh', async () => {
  const { runtime, node, daemon: subject } = await setup();
  runtime.sockets[0]?.options.onDatagram(new Uint8Array(20), '10.0.0.1', 14627);
  runtime.sockets[0]?.options.onDatagram(new Uint8Array(21), '127.0.0.2', 14627);
  assert.equal(node.calls.filter((call) => call.startsWith('datagram')), ['datagram 0 127.0.0.2 21']);
  assert.is(subject.counters.rxForeignCount, 1);
});

daemon('gives candidates told before the socket was open to the core once it is', async () => {
  const { runtime, node, mesh } = await setup([]);
  mesh.give(['127.0.0.1'], [{ address: '127.0.0.2', port: 0, hops: 0, advertised: true }]);
  await runtime.settle();
  assert.ok(node.calls.includes('candidates 0 127.0.0.2'));
});

daemon('calls the core at its deadline', async () => {
  const { runtime, node, daemon: subject } = await setup();
  node.deadline = runtime.clock + 30;
  subject.settle();
  const due = node.deadline;
  node.onTimeout = (now: number) => {
    node.calls.push(`timeout ${now}`);
    node.deadline = Infinity;
  };
  await runtime.advance(100);
  assert.equal(node.calls.filter((call) => call.startsWith('timeout')), [`timeout ${due}`]);
});

daemon('sends through the socket of the local address', async () => {
  const { runtime, node } = await setup(['127.0.0.1', '127.0.0.9']);
  node.output.send(1, '127.0.0.2', 14627, new Uint8Array(5));
  assert.equal(runtime.sockets[1]?.sent, ['127.0.0.2 14627 5']);
});

daemon('says goodbye before it closes its sockets', async () => {
  const { runtime, node, daemon: subject } = await setup();
  const stopped = subject.stop();
  assert.ok(node.calls.includes('shutdown'));
  assert.is(runtime.sockets[0]?.closed, false);
  await runtime.advance(100);
  await stopped;
  assert.is(runtime.sockets[0]?.closed, true);
});

daemon.run();
