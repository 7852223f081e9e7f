/** Our objects on the system's ubusd, through its death and return. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { engines, find, folder, Program, run, startNodes, type UbusNode, until } from './ubus-harness.ts';

const system = suite('system bus');
const ubusd = find('ubusd');
const REGISTER_MS_MAX = 3000;

for (const [index, engine] of (ubusd === '' || find('ubus') === '' ? [] : engines).entries()) {
  const path = join(folder, `system${index}.sock`);
  const acl = join(folder, 'acl');
  const startBus = (): Program => new Program([ubusd, '-s', path, '-A', acl]);
  const ubus = (...args: string[]): Promise<{ status: number; stdout: string }> => run([find('ubus'), '-S', '-s', path, ...args]);
  const registered = async (): Promise<boolean> => (await ubus('list')).stdout.includes('meshchat.groups');
  let bus: Program;
  let node: UbusNode;

  system(`${engine.name}: objects are registered, answer and notify`, async () => {
    mkdirSync(acl, { recursive: true });
    bus = startBus();
    [node] = await startNodes(1, engine, path) as [UbusNode];
    await until('registered', registered);
    assert.is((await ubus('call', 'meshchat', 'status')).status, 0);
    const joined = await ubus('call', 'meshchat.groups', 'join', '{"name":"weather"}');
    assert.is(JSON.parse(joined.stdout).persist, true, 'nobody tells us here when a program goes');
    await until('the group', async () => (await ubus('list')).stdout.includes('meshchat.group.weather'));
    const subscriber = new Program([find('ubus'), '-S', '-s', path, 'subscribe', 'meshchat.group.weather']);
    await until('a notification', async () => {
      assert.is((await ubus('call', 'meshchat.group.weather', 'publish', '{"text":"22 degrees"}')).status, 0);
      return subscriber.stdout.includes('22 degrees');
    });
    await subscriber.stop();
    const signature = (await run([find('ubus'), '-s', path, '-v', 'list', 'meshchat.group.weather'])).stdout;
    assert.match(signature, /"publish":\{"text":"String","data":"String","to":"String","wait":"Boolean"\}/);
  });

  system(`${engine.name}: all are registered again within 3 s of a killed and restarted ubusd`, async () => {
    await bus.stop('SIGKILL');
    const { stdout } = await node.cli(['doctor', '--json']);
    const check = (JSON.parse(stdout) as { checks: { name: string; ok: boolean; text: string; remedy: string }[] }).checks
      .find(({ name }) => name === 'ubus')!;
    assert.is(check.ok, false);
    assert.match(check.remedy, /^logread/);
    assert.match(check.text, /no ubusd answers/);
    const start = performance.now();
    bus = startBus();
    await until('registered again', async () => (await registered()) && (await ubus('list')).stdout.includes('meshchat.group.weather'));
    const ms = Math.round(performance.now() - start);
    assert.ok(ms < REGISTER_MS_MAX, `${ms} ms`);
    console.log(`registered again ${ms} ms after ubusd started`);
    assert.is((await ubus('call', 'meshchat.group.weather', 'publish', '{"text":"still here"}')).status, 0);
  });

  system(`${engine.name}: stop`, async () => {
    await node.stop();
    await bus.stop();
  });
}

if (ubusd === '') console.log('skipped: no ubusd on the PATH');
system.run();
