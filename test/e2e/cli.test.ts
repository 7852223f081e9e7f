/** `meshchat` in a shell: pipes, newcomers, exit codes. */
import { pbkdf2Sync } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { folder, NODE, peersAlive, Program, run, startNodes, type UbusNode, until } from './ubus-harness.ts';
import { join } from 'node:path';

const cli = suite('meshchat');
let one: UbusNode;
let two: UbusNode;

cli('start', async () => {
  [one, two] = await startNodes(2, NODE) as [UbusNode, UbusNode];
  await peersAlive(one, 1);
});

/** Runs `meshchat sub` until it hears the group. */
async function subscriber(node: UbusNode, group: string, ...options: string[]): Promise<Program> {
  const program = new Program(node.cliCommand('sub', group, ...options));
  await until('subscribed', async () => (await node.cli(['groups'])).stdout.includes(group));
  await until('a member', async () => {
    const { stdout } = await (node === one ? two : one).cli(['members', group, '--json']);
    return (JSON.parse(stdout) as { members: unknown[] }).members.length > 1;
  });
  return program;
}

cli('lines go through a pipe into another node', async () => {
  const sub = await subscriber(two, 'weather', '--count', '1003');
  const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}`);
  const { status, stderr } = await one.cli(['pub', 'weather'], `${lines.join('\n')}\n\nlast without its end`);
  assert.equal([status, stderr], [0, '']);
  assert.is((await one.cli(['pub', 'weather', 'two', 'words'])).status, 0);
  assert.is(await sub.exited, 0);
  assert.equal(sub.stdout, [...lines, '', 'last without its end', 'two words', ''].join('\n'));
});

cli('a whole input is one message, and bytes stay bytes', async () => {
  const sub = await subscriber(two, 'bytes', '--json', '--count', '2');
  assert.is((await one.cli(['pub', 'bytes', '--whole'], 'a\nb\n')).status, 0);
  const program = new Program(one.cliCommand('pub', 'bytes', '--whole'));
  program.child.stdin?.end(Uint8Array.from([0, 255]));
  assert.is(await program.exited, 0);
  await sub.exited;
  const heard = sub.lines.map((line) => JSON.parse(line) as { type: string; text?: string; data?: string; source: string; own: boolean })
    .filter(({ type }) => type === 'message');
  assert.equal(heard.map(({ text, data, source, own }) => [text ?? data, source, own]), [['a\nb\n', one.address, false], ['AP8=', one.address, false]]);
});

cli('genpasswd makes what the configuration takes, another one each time, without a daemon', async () => {
  const make = (input: string): ReturnType<UbusNode['cli']> => one.cli(['-s', '/nowhere', 'genpasswd'], input);
  const [first, second] = [await make('sesame\n'), await make('sesame')];
  for (const { status, stdout } of [first, second]) {
    assert.is(status, 0);
    assert.match(stdout, /^pbkdf2-sha256\$2000\$[\w+/]{16}\$[\w+/]{43}=\n$/);
  }
  assert.is.not(first.stdout, second.stdout);
  const [, , salt, hash] = first.stdout.trim().split('$') as [string, string, string, string];
  assert.is(pbkdf2Sync('sesame', Buffer.from(salt, 'base64'), 2000, 32, 'sha256').toString('base64'), hash);
  for (const wrong of ['', '\n', 'x'.repeat(201)]) assert.is((await make(wrong)).status, 1);
});

cli('a newcomer gets the last line at once', async () => {
  assert.is((await two.cli(['join', 'news'])).status, 0);
  assert.is((await one.cli(['join', 'news'])).status, 0);
  await until('members', async () => (await one.cli(['members', 'news'])).stdout.split('\n').length > 3);
  for (const text of ['old', 'newer', 'newest']) assert.is((await one.cli(['pub', 'news', text])).status, 0);
  await until('arrived', async () => (await two.cli(['history', 'news'])).stdout.includes('newest'));
  const local = new Program(two.cliCommand('sub', 'news', '--last', '1', '--count', '1'));
  assert.is(await local.exited, 0);
  assert.is(local.stdout, 'newest\n');
});

cli('history, members, groups and leave', async () => {
  const { stdout } = await two.cli(['history', 'news', '--last', '2']);
  assert.match(stdout, new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d ${one.address.replaceAll('.', '\\.')} newer\\n.* newest\\n$`));
  assert.match((await one.cli(['members', 'news'])).stdout, new RegExp(`${two.address} +alive +\\d`));
  const { members } = JSON.parse((await one.cli(['members', 'news', '--json'])).stdout) as { members: object[] };
  assert.equal(Object.keys(members[0]!), ['address', 'epoch', 'self', 'stale', 'rtt_ms'], 'named as on the bus');
  assert.match((await one.cli(['groups'])).stdout, /news +2 +0 +yes/);
  assert.is((await one.cli(['leave', 'news'])).status, 0);
  assert.is((await one.cli(['leave', 'news'])).status, 1);
});

cli('datagrams reach who listens', async () => {
  const sub = await subscriber(two, 'sensor', '--count', '1');
  await until('a datagram', async () => {
    await one.cli(['datagram', 'sensor', '22', 'degrees']);
    return sub.stdout === '22 degrees\n';
  });
  await sub.exited;
});

cli('sub ends with the reader of its output', async () => {
  const shell = `${one.cliCommand('sub', 'pipe').map((word) => `'${word}'`).join(' ')} | head -1`;
  const pipe = new Program(['sh', '-c', shell]);
  await until('subscribed', async () => (await one.cli(['groups'])).stdout.includes('pipe'));
  await until('both have ended', async () => {
    await two.cli(['pub', 'pipe', 'first']);
    return pipe.child.exitCode !== null;
  });
  assert.is(pipe.stdout, 'first\n');
});

cli('listen and monitor end with the reader of their output', async () => {
  for (const command of ['listen', 'monitor']) {
    const words = one.cliCommand(command).map((word) => `'${word}'`).join(' ');
    const pipe = new Program(['sh', '-c', `${words} | head -1`]);
    await until('both have ended', async () => {
      await one.cli(['datagram', 'noise', 'x']); // a group that comes and goes is an event
      return pipe.child.exitCode !== null;
    });
    assert.is(pipe.lines.length, 1);
  }
});

cli('sub fails where its output cannot be written, ends after a time, and prints no message when none is asked for', async () => {
  const words = two.cliCommand('sub', 'full').map((word) => `'${word}'`).join(' ');
  const full = new Program(['sh', '-c', `${words} > /dev/full`]);
  await until('it has ended', async () => {
    await one.cli(['pub', 'full', 'x']);
    return full.child.exitCode !== null;
  });
  assert.is(await full.exited, 1);
  assert.match(full.stderr, /^meshchat: the output cannot be written: .*no space left on device/i);
  assert.equal(await two.cli(['sub', 'full', '-t', '1']), { status: 0, stdout: '', stderr: '' });
  assert.equal(await two.cli(['sub', 'full', '-c', '0']), { status: 0, stdout: '', stderr: '' });
});

cli('a reader that stops for a while is told what it missed', async () => {
  const words = one.cliCommand('sub', 'flood').map((word) => `'${word}'`).join(' ');
  const pipe = new Program(['sh', '-c', `${words} | (read -r first; echo "$first"; read -r _ < "$GO"; cat)`], { env: { GO: join(folder, 'go') } });
  assert.is((await run(['mkfifo', join(folder, 'go')])).status, 0);
  await until('subscribed', async () => (await one.cli(['groups'])).stdout.includes('flood'));
  await until('the first', async () => {
    await one.cli(['pub', 'flood', 'first']);
    return pipe.stdout.startsWith('first');
  });
  const line = 'x'.repeat(999);
  assert.is((await one.cli(['pub', 'flood'], `${line}\n`.repeat(1500))).status, 0);
  await run(['sh', '-c', `echo > '${join(folder, 'go')}'`]);
  await until('the gap', () => /missed \d+ messages of .*this program read too slowly/.test(pipe.stderr));
  const missed = Number(/missed (\d+) messages/.exec(pipe.stderr)?.[1]);
  await until('the rest', () => pipe.lines.filter((text) => text === line).length + missed === 1500);
  await pipe.stop();
});

cli('call, listen and monitor', async () => {
  const { status, stdout } = await one.cli(['call', 'meshchat', 'status']);
  assert.is(status, 0);
  assert.equal((JSON.parse(stdout) as { addresses: string[] }).addresses, [one.address]);
  const listener = new Program(one.cliCommand('listen', 'test.*', '-t', '20'));
  const monitor = new Program(one.cliCommand('monitor', '-t', '20'));
  await until('an event', async () => {
    await one.cli(['call', 'meshchat.groups', 'list']);
    const client = await run([...one.cliCommand('call', 'meshchat', 'peers')]);
    assert.is(client.status, 0);
    return /invoke: .*"method":"list"/.test(monitor.stdout);
  });
  await listener.stop();
  await monitor.stop();
});

cli('exit codes: 1 refused, 2 usage, 3 no daemon, 4 something to mend', async () => {
  const refused = await one.cli(['join', 'x'.repeat(65)]);
  assert.equal([refused.status, refused.stderr], [1, 'meshchat: a group name has 1 to 64 bytes, this one 65\n']);
  assert.is((await one.cli(['call', 'meshchat', 'nope'])).status, 1);
  const deaf = await one.cli(['listen', '']);
  assert.equal([deaf.status, deaf.stderr], [1, "meshchat: '': PERMISSION_DENIED\n"]);
  const long = await one.cli(['pub', 'weather', '--whole'], 'x'.repeat(70_000));
  assert.equal([long.status, /more than 65536 bytes in one message/.test(long.stderr)], [1, true]);
  const wrong = [
    [], ['nonsense'], ['sub'], ['sub', 'g', '--lst'], ['call', 'meshchat', 'status', '{bad'], ['leave', 'one', 'two'],
    ['sub', 'g', '-c', 'many'], ['call', 'meshchat', 'status', '-t', '1s'], ['log', '--last=-1'],
  ];
  for (const args of wrong) {
    assert.is((await one.cli(args)).status, 2, args.join(' '));
  }
  const absent = [...one.cliCommand().slice(0, -1), join(folder, 'absent.sock')];
  const status = await run([...absent, 'status']);
  assert.equal([status.status, /no daemon on/.test(status.stderr)], [3, true]);
  const doctor = await run([...absent, 'doctor']);
  assert.is(doctor.status, 3);
  assert.match(doctor.stdout, /no daemon on .*absent\.sock: .*\n +try: +service meshchat start/);
  const sick = await one.cli(['doctor', '--json']);
  const checks = (JSON.parse(sick.stdout) as { checks: { ok: boolean }[] }).checks;
  assert.is(sick.status, checks.every(({ ok }) => ok) ? 0 : 4);
  assert.is((await one.cli(['--help'])).status, 0);
});

cli('sub waits for a daemon that restarts', async () => {
  const [node] = await startNodes(1, NODE) as [UbusNode];
  const sub = new Program(node.cliCommand('sub', 'g', '--count', '1'));
  await until('subscribed', async () => (await node.cli(['groups'])).stdout.includes('g '));
  await node.program.stop('SIGKILL');
  await until('it notices', () => sub.stderr.includes('the daemon is away; waiting'));
  const again = new Program(node.program.child.spawnargs, { env: { UBUS_NODE_PORT: '14693' } });
  await until('it is back', () => sub.stderr.includes('the daemon is back'));
  await until('it hears', async () => {
    await node.cli(['pub', 'g', 'after']);
    return sub.stdout === 'after\n';
  });
  assert.match(sub.stderr, /messages may be missing/);
  await again.stop();
});

cli('stop', async () => {
  await Promise.all([one.stop(), two.stop()]);
});
cli.run();
