/** The doctor on a daemon with the real mesh sources, sockets and system bus: each ailment its sentence and its command. */
import { createSocket, type Socket } from 'node:dgram';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBencode, textOf } from '../../src/mesh/cjdns/bencode.ts';
import { cjdnsMesh } from '../../src/mesh/cjdns/cjdns-mesh.ts';
import { StaticMesh } from '../../src/mesh/static.ts';
import { MeshNode } from '../../src/multicast/node.ts';
import { createRuntime } from '../../src/runtime/detect.ts';
import { LineLog } from '../../src/runtime/log.ts';
import { Daemon } from '../../src/service/daemon.ts';
import type { Check } from '../../src/service/doctor.ts';
import { examine } from '../../src/service/doctor.ts';
import { cjdnsEncode, latin1Bytes, NO_FUNCTION, nodeName, NODES } from '../unit/mesh/cjdns/fake-admin.ts';

const doctor = suite('doctor');
const PORT = 14695;
const log = new LineLog('error', () => {});

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function start(): Promise<{ daemon: Daemon; check: (name: string) => Check | undefined; runtime: Awaited<ReturnType<typeof createRuntime>> }> {
  const runtime = await createRuntime();
  const options = { epoch: 1, port: PORT, sha256: (bytes: Uint8Array) => runtime.sha256(bytes) };
  const daemon = new Daemon(runtime, log, options, (random, output) => new MeshNode(options, random, output));
  const facts = { runtimeWarning: '', runtime: 'node', systemBusPath: '', systemBusConnected: false };
  return { runtime, daemon, check: (name) => examine(daemon, facts).find((one) => one.name === name && !one.ok) };
}

/** cjdns's admin socket, which takes no password; silent without answers. */
async function fakeAdmin(answers: Record<string, object> | undefined): Promise<{ socket: Socket; address: string }> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  socket.on('message', (bytes, { address, port }) => {
    const dict = decodeBencode(bytes);
    if (answers === undefined || typeof dict === 'string') return;
    const answer = answers[textOf(dict, 'q')] ?? { error: NO_FUNCTION };
    socket.send(latin1Bytes(cjdnsEncode({ ...answer, txid: textOf(dict, 'txid') })), port, address);
  });
  return { socket, address: `127.0.0.1:${socket.address().port}` };
}

doctor('cjdns admin silent', async () => {
  const { runtime, daemon, check } = await start();
  const silent = await fakeAdmin(undefined);
  daemon.addMesh(cjdnsMesh(runtime, { name: 'cjdns', peers: [], admin: silent.address }, log));
  await until('the mesh says so', () => daemon.meshStatus()[0]?.problem !== undefined);
  assert.match(check('mesh')?.text ?? '', /^cjdns: .*127\.0\.0\.1/);
  assert.match(check('mesh')?.remedy ?? '', /start cjdns/);
  console.log(`${check('mesh')?.text} | ${check('mesh')?.remedy}`);
  silent.socket.close();
  await daemon.stop();
  runtime.stop();
});

doctor('wrong cjdns password', async () => {
  const { runtime, daemon, check } = await start();
  runtime.networkInterfaces = () => [{ name: 'tun0', address: NODES[0][1], internal: false }];
  const admin = await fakeAdmin({
    Core_nodeInfo: { myAddr: nodeName(0, '0000.0000.0000.0001'), version: 21 },
    NodeStore_dumpTable: { routingTable: [] },
    InterfaceController_peerStats: { peers: [], total: 0 },
    cookie: { cookie: '1753282517' },
    auth: { error: 'Auth failed.' },
  });
  daemon.addMesh(cjdnsMesh(runtime, { name: 'cjdns', peers: [], password: 'wrong', admin: admin.address }, log));
  await until('the mesh says so', () => daemon.meshStatus()[0]?.problem !== undefined);
  console.log(`${check('mesh')?.text} | ${check('mesh')?.remedy}`);
  assert.match(check('mesh')?.text ?? '', /password/);
  assert.match(check('mesh')?.remedy ?? '', /admin_password/);
  admin.socket.close();
  await daemon.stop();
  runtime.stop();
});

doctor('port in use', async () => {
  const { runtime, daemon, check } = await start();
  const other = createSocket('udp4');
  const address = `127.${64 + (process.pid & 63)}.9.1`;
  await new Promise<void>((resolve) => other.bind(PORT, address, resolve));
  daemon.addMesh(new StaticMesh(runtime, { addresses: [address], peers: [], port: PORT }, log));
  await until('the port is found taken', () => check('port') !== undefined);
  assert.is(check('port')?.text, `UDP port ${PORT} on ${address} is in use by another program`);
  assert.is(check('port')?.remedy, `netstat -ulpn | grep :${PORT}`);
  other.close();
  await until('it heals by itself', () => daemon.self().length === 1);
  assert.is(check('port'), undefined);
  await daemon.stop();
  runtime.stop();
});

doctor('no mesh', async () => {
  const { runtime, daemon, check } = await start();
  assert.match(check('mesh')?.text ?? '', /no mesh is configured/);
  await daemon.stop();
  runtime.stop();
});

doctor.run();
