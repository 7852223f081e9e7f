/** A Node program with our library and a shell with nothing but the stock `ubus` exchange messages through two daemons. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connect } from '../../src/client/socket-client.ts';
import { createRuntime } from '../../src/runtime/detect.ts';
import { ENGINE, find, peersAlive, Program, startNodes, type UbusNode, until } from './ubus-harness.ts';

const two = suite('two languages');
const ubus = find('ubus');
/** Both directions together; MESSAGES=10000 for the whole. */
const COUNT = Math.floor(Number(process.env['MESSAGES'] ?? 2000) / 2);
const GROUP = 'two/languages';

/** Publishes from a shell: one process of `ubus` for each message. */
const SHELL = `i=1; while [ $i -le $COUNT ]; do
  "$UBUS" -S -s "$SOCKET" call "meshchat.group.$GROUP" publish "{\\"text\\":\\"shell $i\\"}" >/dev/null || exit 1
  i=$((i + 1))
done`;

two('none is lost, none comes twice, all are in order', async () => {
  const [left, right] = await startNodes(2, ENGINE) as [UbusNode, UbusNode];
  await peersAlive(left, 1);
  await right.ubus('call', 'meshchat.groups', 'join', JSON.stringify({ name: GROUP, persist: true }));
  const runtime = await createRuntime();
  const client = await connect({ path: left.socket, runtime });
  const heardByNode: string[] = [];
  const group = await client.join(GROUP, { onMessage: ({ data }) => heardByNode.push(new TextDecoder().decode(data)) });
  const subscriber = new Program([ubus, '-S', '-s', right.socket, 'subscribe', `meshchat.group.${GROUP}`]);
  await until('the two know each other', async () => {
    await group.publish('hello');
    return subscriber.stdout.includes('hello');
  });
  const env = { COUNT: String(COUNT), UBUS: ubus, SOCKET: right.socket, GROUP };
  const start = performance.now();
  const shell = new Program(['sh', '-c', SHELL], { env, input: '' });
  for (let i = 1; i <= COUNT; i++) await group.publish(`node ${i}`);
  const published = performance.now() - start;
  assert.is(await shell.exited, 0);
  const heardByShell = (): string[] => subscriber.lines.map((line) => (JSON.parse(line) as { message?: { text: string; own: boolean } }).message)
    .filter((message) => message !== undefined && !message.own && message.text !== 'hello').map((message) => message!.text);
  await until('all have come', () => heardByNode.length >= COUNT && subscriber.lines.length >= COUNT && heardByShell().length >= COUNT, 60_000);
  const seconds = (performance.now() - start) / 1000;
  const all = (from: string): string[] => Array.from({ length: COUNT }, (_, i) => `${from} ${i + 1}`);
  assert.equal(heardByNode, all('shell'));
  assert.equal(heardByShell(), all('node'));
  console.log(`${2 * COUNT} messages in ${seconds.toFixed(1)} s; node's ${COUNT} accepted in ${(published / 1000).toFixed(1)} s`);
  await subscriber.stop();
  client.close();
  runtime.stop();
  await Promise.all([left.stop(), right.stop()]);
});

if (ubus === '') console.log('skipped: no ubus on the PATH');
else two.run();
