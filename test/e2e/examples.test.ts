/** The programs in examples/ do what they say. */
import { appendFileSync, chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle, ENGINE, find, folder, NODE, peersAlive, Program, run, startNodes, type UbusNode, until } from './ubus-harness.ts';

const examples = suite('examples');
const LINES_MAX = 30;
const bin = join(folder, 'bin');
let one: UbusNode;
let two: UbusNode;

/** Starts an example on a node; `meshchat` is on its PATH. */
function start(node: UbusNode, ...command: string[]): Program {
  const path = `${bin}${delimiter}${process.env['PATH']}`;
  return new Program(command, { env: { PATH: path, MESHCHAT_SOCKET: node.socket } });
}
async function member(node: UbusNode, group: string): Promise<void> {
  await until(`a member of ${group}`, async () => {
    const { stdout } = await node.cli(['members', group, '--json']);
    return (JSON.parse(stdout) as { members: unknown[] }).members.length > 1;
  });
}

examples('start', async () => {
  mkdirSync(bin, { recursive: true });
  [one, two] = await startNodes(2, ENGINE) as [UbusNode, UbusNode];
  const words = one.cliCommand();
  writeFileSync(join(bin, 'meshchat'), `#!/bin/sh\nexec ${words.slice(0, words.indexOf('-s')).join(' ')} "$@"\n`);
  chmodSync(join(bin, 'meshchat'), 0o755);
  await peersAlive(one, 1);
});

examples(`each has at most ${LINES_MAX} lines`, () => {
  for (const name of readdirSync('examples')) {
    assert.ok(readFileSync(join('examples', name), 'utf8').trimEnd().split('\n').length <= LINES_MAX, name);
  }
});

examples('share-log.sh publishes the new lines of a file', async () => {
  const file = join(folder, 'messages');
  writeFileSync(file, 'old\n');
  const reader = new Program(two.cliCommand('sub', 'logs', '--count', '2'));
  const sharer = start(one, 'sh', 'examples/share-log.sh', file, 'logs');
  await member(two, 'logs');
  await member(one, 'logs');
  appendFileSync(file, 'new 1\nnew 2\n');
  await until('both lines', () => reader.stdout === 'new 1\nnew 2\n');
  await sharer.stop('SIGKILL');
});

examples('bot.mjs answers', async () => {
  const modules = join(folder, 'node_modules', 'meshchat');
  mkdirSync(modules, { recursive: true });
  bundle('src/client/socket-client.ts', join(modules, 'client.js'));
  writeFileSync(join(modules, 'package.json'), '{"name":"meshchat","type":"module","exports":"./client.js"}');
  copyFileSync('examples/bot.mjs', join(folder, 'bot.mjs'));
  const bot = start(one, ...NODE.command, join(folder, 'bot.mjs'), 'lobby');
  const reader = new Program(two.cliCommand('sub', 'lobby'));
  await until('it runs', () => bot.stdout.includes(`in lobby as ${one.address}`));
  await until('it greets', () => reader.stdout.includes(`hello ${two.address}`));
  await two.cli(['pub', 'lobby', '!time']);
  await until('it tells the time', () => /^\d{4}-\d\d-\d\dT/m.test(reader.stdout));
  await bot.stop();
  await reader.stop();
});

examples('sensor.sh sends datagrams', async () => {
  const reader = new Program(two.cliCommand('sub', '--delivery', 'datagram', 'load'));
  const sensor = start(one, 'sh', 'examples/sensor.sh', 'load', '1');
  await until('two measurements', () => reader.lines.filter((line) => / load \d+\.\d+$/.test(line)).length >= 2);
  await sensor.stop('SIGKILL');
  await reader.stop();
});

examples('watch.uc prints what a group says', async () => {
  const ucode = find('ucode');
  if (ucode === '' || (await run([ucode, '-e', 'require("ubus")'])).status !== 0) return console.log('skipped: no ucode with ubus');
  const watcher = start(one, ucode, 'examples/watch.uc', 'porch', one.socket);
  await until('it prints', async () => {
    await two.cli(['pub', 'porch', 'hello']);
    return watcher.stdout.startsWith(`${two.address}: hello\n`);
  });
  await watcher.stop();
});

examples('answer.sh answers with the stock ubus alone', async () => {
  if (find('ubus') === '') return console.log('skipped: no ubus on the PATH');
  const answerer = start(one, 'sh', 'examples/answer.sh', 'ping', one.socket);
  const reader = new Program(two.cliCommand('sub', 'ping'));
  await member(two, 'ping');
  await until('a pong', async () => {
    await two.cli(['pub', 'ping', 'ping']);
    return reader.stdout.includes('pong from ');
  });
  await answerer.stop('SIGKILL');
  await reader.stop();
});

examples('stop', async () => {
  await Promise.all([one.stop(), two.stop()]);
});
examples.run();
