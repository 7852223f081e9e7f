/** A bus of our own stands in for ubusd. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LineLog } from '../../../src/runtime/log.ts';
import { UbusService } from '../../../src/service/ubus-service.ts';
import { UbusServer } from '../../../src/ubus/server.ts';
import { busAt, eventsOfPeer, setup as setupDaemon } from './setup.ts';

const bus = suite('system bus');
const PATH = '/ubus.sock';

async function setup() {
  const parts = await setupDaemon();
  const { runtime, daemon } = parts;
  const log = new LineLog('info', () => {});
  const ubusd = new UbusServer(runtime.runtime, log, { path: PATH, mode: 0o666 });
  await ubusd.start();
  const options = { version: '1.2.3', socketPath: '/own.sock', socketMode: 0o660, systemBusPath: PATH, runtimeWarning: '' };
  const service = new UbusService(daemon, log, options);
  await service.start();
  return { ...parts, ubusd, ...busAt(PATH, runtime) };
}

bus('a program may join what another has joined, and the join stays when both have gone', async () => {
  const { connect, call, daemon, runtime } = await setup();
  const [one, two] = [await connect(), await connect()];
  const first = await call(one, 'meshchat.groups', 'join', { name: 'weather', slow: 'block' });
  const second = await call(two, 'meshchat.groups', 'join', { name: 'weather', start: 'all' });
  assert.equal([first, second].map(({ status, data }) => [status, data[0]?.['fresh'], data[0]?.['programs']]), [[0, true, 1], [0, false, 1]]);
  const other = await call(two, 'meshchat.groups', 'join', { name: 'weather', slow: 'lag' });
  assert.match(String(other.data[0]?.['error']), /joined here with slow block/);
  one.close();
  two.close();
  await runtime.settle();
  assert.ok(daemon.groups.find('weather'));
  assert.is((await call(await connect(), 'meshchat.groups', 'leave', { name: 'weather' })).status, 0);
  assert.is(daemon.groups.find('weather'), undefined);
});

bus('a join again is none beyond the limit', async () => {
  const { connect, call } = await setup();
  const client = await connect();
  for (let i = 0; i < 64; i++) assert.is((await call(client, 'meshchat.groups', 'join', { name: `g${i}` })).status, 0);
  assert.is((await call(client, 'meshchat.groups', 'join', { name: 'more' })).status, 11);
  assert.is((await call(client, 'meshchat.groups', 'join', { name: 'g5' })).status, 0);
});

bus('when ubusd is back, the groups have their objects before programs are told of meshchat.groups', async () => {
  const { connect, call, ubusd, runtime } = await setup();
  await call(await connect(), 'meshchat.groups', 'join', { name: 'weather' });
  ubusd.stop();
  await runtime.settle();
  await ubusd.start();
  const client = await connect();
  const added: string[] = [];
  void client.listen('ubus.object.add', (_event, { path }) => added.push(String(path)));
  await runtime.advance(1500);
  assert.equal(added.slice(-3), ['meshchat.group.weather', 'meshchat.groups', 'meshchat']);
});

bus('peers that come and go are events here too', async () => {
  const { connect, node, runtime } = await setup();
  const client = await connect();
  assert.equal(await eventsOfPeer(client, runtime, node), ['meshchat.peer 127.0.0.2 alive']);
});

bus.run();
