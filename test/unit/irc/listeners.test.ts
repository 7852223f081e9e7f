import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Listeners } from '../../../src/irc/listeners.ts';
import { defaultIrcOptions, type IrcOptions } from '../../../src/irc/options.ts';
import { LineLog } from '../../../src/runtime/log.ts';
import type { ListenOptions, Runtime } from '../../../src/runtime/runtime.ts';

const places = suite('irc: listeners');
const at = (address: string, port = 6667) => ({ address, port });

/** Ports are in use from listen() to close(); the certificate is what `pem` says, or cannot be read. */
function setup(first: Partial<IrcOptions>) {
  const used = new Map<string, ListenOptions>();
  const calls: string[] = [];
  const lines: string[] = [];
  const world = { refused: '', pem: 'one' as string | undefined };
  const runtime = {
    listen: (wanted: ListenOptions) => {
      const { address, port } = wanted.at as { address: string; port: number };
      const place = `${address} ${port}`;
      const tls = wanted.tls;
      if (place === world.refused || used.has(place) || tls?.cert === 'bad') return Promise.reject(new Error(`no ${place}`));
      used.set(place, wanted);
      calls.push(`+${place}${tls === undefined ? '' : ` ${tls.cert}`}`);
      return Promise.resolve({ port, close: () => {
        used.delete(place);
        calls.push(`-${place}`);
      } });
    },
    files: {
      read: () => (world.pem === undefined ? Promise.reject(new Error('no file')) : Promise.resolve(new TextEncoder().encode(world.pem))),
    },
  } as unknown as Runtime;
  let options = { ...defaultIrcOptions(), ...first };
  const serve = () => ({ data: () => {}, close: () => {} });
  const serveWeb = () => ({ data: () => {}, close: () => {} });
  const listeners = new Listeners(runtime, () => options, new LineLog('info', (line) => lines.push(line)), serve as never, serveWeb as never);
  return {
    listeners, world, lines, used, serveWeb,
    /** What was opened and closed by a reload. */
    async reload(now: Partial<IrcOptions>): Promise<string[]> {
      options = { ...options, ...now };
      calls.length = 0;
      await listeners.reload();
      return [...calls];
    },
  };
}

places('a reload opens what is new, closes what is no longer wanted, and leaves the rest alone', async () => {
  const { listeners, reload } = setup({ listen: [at('127.0.0.1')] });
  await listeners.open();
  assert.equal(await reload({ listen: [at('127.0.0.1'), at('192.0.2.1')] }), ['+192.0.2.1 6667']);
  assert.equal(await reload({ listen: [at('192.0.2.1')] }), ['-127.0.0.1 6667']);
  assert.equal(await reload({}), []);
  assert.equal(listeners.ports, [6667]);
});

places('a place is free before another that includes it is taken', async () => {
  const { listeners, reload } = setup({ listen: [at('127.0.0.1')] });
  await listeners.open();
  assert.equal(await reload({ listen: [at('0.0.0.0')] }), ['-127.0.0.1 6667', '+0.0.0.0 6667']);
});

places('one that changes from IRC to WebSocket is another', async () => {
  const { listeners, reload, used, serveWeb } = setup({ listen: [at('127.0.0.1')] });
  await listeners.open();
  assert.equal(await reload({ listen: [], websocket: [at('127.0.0.1')] }), ['-127.0.0.1 6667', '+127.0.0.1 6667']);
  assert.is(used.get('127.0.0.1 6667')!.onStream, serveWeb as never);
});

places('what is refused at the start is an error, later a line in the log, and is tried again with the next reload', async () => {
  const { listeners, world, lines, reload } = setup({ listen: [at('192.0.2.1')] });
  world.refused = '192.0.2.1 6667';
  assert.match(await listeners.open().then(() => '', String), 'no 192.0.2.1 6667');
  await reload({ listen: [at('192.0.2.1'), at('127.0.0.1')] });
  assert.match(lines.join('\n'), 'error: irc.listen: 192.0.2.1 port 6667: no 192.0.2.1 6667: nobody can connect there');
  assert.equal(listeners.ports, [6667], 'and nothing else is held up');
  world.refused = '';
  assert.equal(await reload({}), ['+192.0.2.1 6667']);
});

places('ports are told in the order of the options', async () => {
  const { listeners, reload } = setup({ listen: [at('127.0.0.1', 1)], tlsListen: [at('127.0.0.1', 3)], tlsCert: '/c', tlsKey: '/k' });
  await listeners.open();
  await reload({ websocket: [at('127.0.0.1', 2)], listen: [at('127.0.0.2', 4), at('127.0.0.1', 1)] });
  assert.equal(listeners.ports, [4, 1, 2, 3]);
});

places('TLS comes and goes; a new certificate takes its place, one that is no good or not there does not', async () => {
  const { listeners, world, lines, reload } = setup({ listen: [] });
  await listeners.open();
  const place = { tlsListen: [at('127.0.0.1')], tlsCert: '/c', tlsKey: '/k' };
  assert.equal(await reload(place), ['+127.0.0.1 6667 one']);
  assert.equal(await reload({}), []);
  world.pem = 'two';
  assert.equal(await reload({}), ['-127.0.0.1 6667', '+127.0.0.1 6667 two']);
  world.pem = 'bad';
  assert.equal(await reload({}), ['-127.0.0.1 6667', '+127.0.0.1 6667 two']);
  assert.match(lines.at(-2)!, 'the old certificate is kept');
  world.pem = undefined;
  assert.equal(await reload({}), []);
  assert.match(lines.at(-1)!, 'the old certificate is kept');
  assert.equal(await reload({ tlsListen: [at('192.0.2.1')] }), ['-127.0.0.1 6667', '+192.0.2.1 6667 two']);
  assert.equal(await reload({ tlsListen: [] }), ['-192.0.2.1 6667']);
});

places('the end closes all', async () => {
  const { listeners, used } = setup({ listen: [at('127.0.0.1'), at('192.0.2.1')] });
  await listeners.open();
  listeners.close();
  assert.is(used.size, 0);
});

places.run();
