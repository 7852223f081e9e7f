import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CorePeer } from '../../../src/service/core.ts';
import type { Check, DoctorFacts } from '../../../src/service/doctor.ts';
import { examine } from '../../../src/service/doctor.ts';
import { setup } from './setup.ts';

const doctor = suite('doctor');
const FACTS: DoctorFacts = { runtimeWarning: '', runtime: 'txiki 26.6.0', systemBusPath: '', systemBusConnected: false };

const wrong = (checks: Check[]): string[] => checks.filter(({ ok }) => !ok).map(({ name, text, remedy }) => `${name}: ${text} | ${remedy}`);

doctor('finds nothing wrong with a healthy daemon', async () => {
  const { daemon, node } = await setup();
  const peer: CorePeer = {
    id: '127.0.0.2', address: '127.0.0.2', port: 14627, mesh: 'static', state: 'alive', rttMs: 1, loss: 0, heardAt: 0, epoch: 1,
    groupCount: 0, queuedBytes: 0, wayOf: '',
  };
  node.peerList = [peer, { ...peer, id: '127.0.0.3', wayOf: '127.0.0.2' }];
  const checks = examine(daemon, FACTS);
  assert.equal(wrong(checks), []);
  assert.is(checks.find(({ name }) => name === 'peers')?.text, '1 peer alive', 'by two ways');
});

doctor('says that no mesh is configured, and how to configure one', async () => {
  const { daemon, mesh } = await setup();
  daemon.removeMesh(mesh);
  assert.match(wrong(examine(daemon, FACTS))[0]!, /^mesh: no mesh is configured: nobody can be found \| uci set meshchat\.cjdns=mesh;/);
});

doctor('passes on what a mesh says of itself', async () => {
  const { daemon, mesh } = await setup([]);
  mesh.problem = { text: 'the admin socket 127.0.0.1:11234 does not answer', remedy: 'service cjdns start' };
  assert.is(wrong(examine(daemon, FACTS))[0], 'mesh: static: the admin socket 127.0.0.1:11234 does not answer | service cjdns start');
});

doctor('says that a mesh has given no address', async () => {
  const { daemon } = await setup([]);
  assert.is(wrong(examine(daemon, FACTS))[0], 'mesh: static has given us no address | ip addr; logread -e meshchat');
});

doctor('says that the port is in use, and which command names by whom', async () => {
  const { daemon, mesh, runtime } = await setup([]);
  runtime.refuse.set('127.0.0.1', 'EADDRINUSE');
  mesh.give(['127.0.0.1']);
  await runtime.settle();
  const [port] = wrong(examine(daemon, FACTS));
  assert.is(port, "port: UDP port 14627 on 127.0.0.1 is in use by another program | netstat -ulpn | grep :14627");
});

doctor('says that there are no peers, but not in the first half minute', async () => {
  const { daemon, runtime } = await setup();
  assert.equal(wrong(examine(daemon, FACTS)), []);
  await runtime.advance(31_000);
  assert.match(wrong(examine(daemon, FACTS))[0]!, /^peers: no peers: no node of the mesh is known on UDP port 14627 \| on both nodes: meshchat peers;/);
});

doctor('says that no ubusd answers where one is wanted', async () => {
  const { daemon } = await setup();
  const path = '/var/run/ubus/ubus.sock';
  const absent = examine(daemon, { ...FACTS, systemBusPath: path });
  assert.is(wrong(absent)[0], `ubus: no ubusd answers on ${path}: the system's ubus does not show meshchat | logread -e procd, which starts ubusd; where there is none: option system_bus off`);
  assert.equal(wrong(examine(daemon, { ...FACTS, systemBusPath: path, systemBusConnected: true })), []);
});

doctor('passes on that the runtime is too old, and what mends it', async () => {
  const { daemon } = await setup();
  const runtimeWarning = 'txiki.js 24.12.0 can be crashed from the network';
  assert.match(wrong(examine(daemon, { ...FACTS, runtimeWarning }))[0]!, /^runtime: txiki\.js 24\.12\.0 can be crashed .* \| install the package txiki\.js 26\.6/);
});

doctor.run();
