/** The unmodified `ubus` tool and a libubus program against our socket. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { engines, find, peersAlive, Program, run, startNodes, type UbusNode, until } from './ubus-harness.ts';

const stock = suite('stock ubus');
const ubus = find('ubus');

for (const engine of ubus === '' ? [] : engines) {
  let nodes: UbusNode[] = [];
  let one: UbusNode;
  let two: UbusNode;

  stock(`${engine.name}: start`, async () => {
    nodes = await startNodes(2, engine);
    [one, two] = nodes as [UbusNode, UbusNode];
    await peersAlive(one, 1);
  });

  stock(`${engine.name}: list shows our objects, with signatures`, async () => {
    assert.equal((await one.ubus('list')).stdout, 'meshchat\nmeshchat.groups\n');
    const { stdout } = await run([ubus, '-s', one.socket, '-v', 'list', 'meshchat.g*']);
    assert.match(stdout, /"leave":\{"name":"String"\}/);
    assert.match(stdout, /"join":\{"name":"String",.*"ordered":"Boolean",.*"last":"Integer"/);
    assert.not.match(stdout, /unknown/);
    assert.is((await one.ubus('list', 'nope')).status, 4);
  });

  stock(`${engine.name}: call answers, and refuses with the ubus status`, async () => {
    const good = await one.ubus('call', 'meshchat', 'status');
    assert.is(good.status, 0);
    assert.equal((JSON.parse(good.stdout) as { addresses: string[] }).addresses, [one.address]);
    const wrong = await one.ubus('call', 'meshchat.groups', 'join', '{"nmae":"x"}');
    assert.is(wrong.status, 2);
    assert.match(wrong.stdout, /there is no argument nmae/);
    assert.is((await one.ubus('call', 'meshchat', 'nope')).status, 3);
    assert.is((await one.ubus('call', 'nope', 'x')).status, 4);
  });

  stock(`${engine.name}: subscribe hears messages of a group with '/' and '#' in its name`, async () => {
    for (const node of nodes) {
      assert.is((await node.ubus('call', 'meshchat.groups', 'join', '{"name":"irc/#mesh","persist":true}')).status, 0);
    }
    const object = 'meshchat.group.irc/#mesh';
    const subscriber = new Program([ubus, '-S', '-s', one.socket, 'subscribe', object]);
    // Its subscription shows when a publication comes back to it.
    await until('the subscription', async () => {
      await two.ubus('call', object, 'publish', '{"text":"are you there?"}');
      return subscriber.stdout !== '';
    });
    assert.is((await two.ubus('call', object, 'publish', '{"text":"grüße"}')).status, 0);
    assert.is((await one.ubus('call', object, 'publish', '{"data":"AP8="}')).status, 0);
    assert.is((await two.ubus('call', object, 'datagram', '{"text":"once"}')).status, 0);
    await until('all four', () => /"once"/.test(subscriber.stdout) && /"AP8="/.test(subscriber.stdout));
    await subscriber.stop();
    const notifications = subscriber.lines.map((line) => JSON.parse(line) as Record<string, { text?: string; data?: string; source: string; n: number }>);
    const message = notifications.find((table) => table['message']?.text === 'grüße')!['message']!;
    assert.is(message.source, two.address);
    assert.is(notifications.find((table) => table['message']?.data !== undefined)!['message']!.source, one.address);
    const numbers = notifications.map((table) => Object.values(table)[0]!.n);
    assert.equal(numbers, numbers.map((_, index) => numbers[0]! + index), 'n has no hole');
  });

  stock(`${engine.name}: listen, send, wait_for`, async () => {
    const listener = new Program([ubus, '-S', '-s', one.socket, 'listen', 'weather.*']);
    await until('the event', async () => {
      assert.is((await one.ubus('send', 'weather.rain', '{"mm":5}')).status, 0);
      return listener.stdout.includes('{ "weather.rain": {"mm":5} }');
    });
    await listener.stop();
    assert.is((await one.ubus('send', 'ubus.forged', '{}')).status, 6);
    assert.is((await one.ubus('-t', '5', 'wait_for', 'meshchat.groups')).status, 0);
    const waiting = new Program([ubus, '-S', '-s', one.socket, '-t', '20', 'wait_for', 'meshchat.group.late']);
    await one.ubus('call', 'meshchat.groups', 'join', '{"name":"late","persist":true}');
    assert.is(await waiting.exited, 0);
  });

  stock(`${engine.name}: monitor shows the traffic`, async () => {
    const monitor = new Program([ubus, '-s', one.socket, 'monitor']);
    await until('a call in the monitor', async () => {
      await one.ubus('call', 'meshchat.groups', 'list');
      return /invoke: \{"objid":-?\d+,"method":"list","data":\{\}\}/.test(monitor.stdout);
    });
    await monitor.stop();
  });

  const demo = process.env['UBUS_DEMO'] ?? '';
  stock(`${engine.name}: a libubus program registers its object, is called and notifies`, async () => {
    if (demo === '') return console.log('skipped: UBUS_DEMO names no libubus program with an object demo');
    const program = new Program([demo, one.socket]);
    assert.is((await one.ubus('-t', '10', 'wait_for', 'demo')).status, 0);
    const subscriber = new Program([ubus, '-S', '-s', one.socket, 'subscribe', 'demo']);
    await until('a notification of a foreign object', async () => {
      const { stdout } = await one.ubus('call', 'demo', 'hello', '{"name":"mesh","n":7}');
      assert.equal(JSON.parse(stdout), { text: 'hello mesh', n: 7 });
      return subscriber.stdout.includes('greeted');
    });
    assert.is((await one.ubus('call', 'demo', 'hello', '{}')).status, 2);
    await subscriber.stop();
    await program.stop();
    assert.is((await one.ubus('list', 'demo')).status, 4, 'gone with its program');
  });

  stock(`${engine.name}: stop`, async () => {
    for (const node of nodes) await node.stop();
  });
}

if (ubus === '') console.log('skipped: no ubus on the PATH');
stock.run();
