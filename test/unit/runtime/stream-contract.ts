/** Streams and listeners: what every adapter must do alike. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Listener, Runtime, Stream, StreamAddress, StreamOptions } from '../../../src/runtime/runtime.ts';
import { Collector, pause, plain, refusal, text, until } from './contract.ts';
import type { Pair } from './contract.ts';

const LINE = `${'x'.repeat(79)}\n`;

async function connectPair(
  runtime: Runtime, at: StreamAddress, listeners: Listener[], options: StreamOptions,
): Promise<Pair> {
  const clientSide = new Collector();
  const serverSide = new Collector();
  let server: Stream | undefined;
  const listener = await runtime.listen({
    ...options, at,
    onStream(stream) {
      server = stream;
      return serverSide;
    },
  });
  listeners.push(listener);
  const to = 'path' in at ? at : { address: at.address, port: listener.port };
  const client = await runtime.connect({ ...options, at: to }, clientSide);
  await until(runtime, () => server !== undefined, 'a connection');
  return { client, clientSide, server: server as Stream, serverSide };
}

export function streamContract(name: string, runtime: Runtime, folder: string): void {
  const kinds: [string, () => StreamAddress][] = [
    ['tcp', () => ({ address: '127.0.0.1', port: 0 })],
    ['tcp6', () => ({ address: '::1', port: 0 })],
    ['unix', () => ({ path: `${folder}/${Math.random().toString(36).slice(2)}.sock` })],
  ];
  for (const [kind, address] of kinds) oneKind(`${name}: ${kind}`, kind, runtime, address);
}

function oneKind(name: string, kind: string, runtime: Runtime, address: () => StreamAddress): void {
  const streams = suite(name);
  const listeners: Listener[] = [];
  const open: Stream[] = [];
  const pair = async (options: StreamOptions = {}): Promise<Pair> => {
    const made = await connectPair(runtime, address(), listeners, options);
    open.push(made.client, made.server);
    return made;
  };
  streams.after.each(() => {
    for (const stream of open.splice(0)) stream.close();
    for (const listener of listeners.splice(0)) listener.close();
  });

  streams('carry both ways and tell the addresses', async () => {
    const { client, clientSide, server, serverSide } = await pair();
    assert.ok(client.write(text('to server')));
    assert.ok(server.write(text('to client')));
    await until(runtime, () => clientSide.data !== '' && serverSide.data !== '', 'both');
    assert.is(serverSide.data, 'to server');
    assert.is(clientSide.data, 'to client');
    const expected = kind === 'unix' ? '' : kind === 'tcp' ? '127.0.0.1' : '::1';
    assert.equal([server.remoteAddress, client.remoteAddress], [expected, expected]);
  });
  streams('a thousand lines arrive in order, and reads are as small as asked', async () => {
    const lengths: number[] = [];
    const { client, serverSide } = await pair({ readBytesMax: 512 });
    const onData = serverSide.onData.bind(serverSide);
    serverSide.onData = (bytes) => {
      lengths.push(bytes.length);
      onData(bytes);
    };
    let expected = '';
    for (let i = 0; i < 1000; i++) {
      expected += `line ${i}\n`;
      assert.ok(client.write(text(`line ${i}\n`)));
    }
    await until(runtime, () => serverSide.data.length === expected.length, 'all lines');
    assert.is(serverSide.data, expected);
    assert.ok(Math.max(...lengths) <= 512);
  });
  streams('write() copies', async () => {
    const { client, serverSide } = await pair();
    const bytes = text('before');
    client.write(bytes);
    bytes.fill(120);
    await until(runtime, () => serverSide.data.length === 6, 'six bytes');
    assert.is(serverSide.data, 'before');
  });
  streams('a full write queue refuses, then drains', async () => {
    const { client, clientSide, server, serverSide } = await pair({ writeQueueBytesMax: 300_000, readBytesMax: 65536 });
    serverSide.bytesCounted = 0;
    server.pause();
    const piece = new Uint8Array(60_000);
    let sent = 0;
    for (let i = 0; i < 5000; i++) {
      if (!client.write(piece)) break;
      sent += piece.length;
      await pause(runtime, 1); // until the system takes no more
    }
    assert.ok(client.queuedBytes <= 300_000);
    assert.not(client.write(piece));
    const before = client.queuedBytes;
    assert.not(client.write(piece));
    assert.is(client.queuedBytes, before, 'a refused write queues nothing');
    server.resume();
    await until(runtime, () => serverSide.bytesCounted === sent, 'all that was accepted');
    await until(runtime, () => client.queuedBytes === 0 && clientSide.drainCount > 0, 'the drain');
    assert.ok(client.write(piece));
  });
  streams('pause() holds back what comes, resume() gives it in order', async () => {
    const { client, server, serverSide } = await pair();
    server.pause();
    client.write(text('one '));
    await pause(runtime, 20);
    client.write(text('two '));
    await pause(runtime, 20);
    assert.is(serverSide.data, '');
    server.resume();
    await until(runtime, () => serverSide.data === 'one two ', 'both');
  });
  streams('pause() in onData holds back the rest', async () => {
    const { client, server, serverSide } = await pair({ readBytesMax: 16 });
    serverSide.onData = (bytes) => {
      serverSide.data += plain(bytes);
      server.pause();
      runtime.later(() => server.resume());
    };
    client.write(text(LINE));
    await until(runtime, () => serverSide.data === LINE, 'the line');
  });
  streams('end() sends what is queued, then both sides close once, without an error', async () => {
    const { client, clientSide, serverSide } = await pair();
    for (let i = 0; i < 1000; i++) client.write(text(LINE));
    client.end();
    assert.not(client.write(text('late')));
    await until(runtime, () => clientSide.closeCount > 0 && serverSide.closeCount > 0, 'both ends');
    assert.is(serverSide.data.length, 80_000);
    await pause(runtime, 20);
    assert.equal([clientSide.closeCount, serverSide.closeCount], [1, 1]);
    assert.equal([clientSide.error, serverSide.error], [undefined, undefined]);
  });
  streams('the end of a paused stream comes after its data', async () => {
    const { client, server, serverSide } = await pair();
    server.pause();
    client.write(text('last words'));
    client.end();
    await pause(runtime, 30);
    assert.is(serverSide.closeCount, 0);
    server.resume();
    await until(runtime, () => serverSide.closeCount === 1, 'its end');
    assert.is(serverSide.data, 'last words');
  });
  streams('an end at once after the connection closes both sides without waiting', async () => {
    const { client, clientSide, server, serverSide } = await pair();
    let accepted = false;
    serverSide.onData = () => {
      accepted = server.write(text('answer'));
    };
    client.write(text('question'));
    client.end();
    await until(runtime, () => accepted, 'the question', 2000);
    await until(runtime, () => serverSide.closeCount === 1 && clientSide.closeCount === 1, 'both ends', 2000);
  });
  streams('close() tells its own side too, once and later', async () => {
    const { client, clientSide, serverSide } = await pair();
    client.close();
    client.close();
    assert.is(clientSide.closeCount, 0, 'never inside the call');
    client.pause();
    client.resume();
    client.end();
    assert.not(client.write(text('late')));
    await until(runtime, () => clientSide.closeCount > 0 && serverSide.closeCount > 0, 'both ends');
    await pause(runtime, 20);
    assert.equal([clientSide.closeCount, serverSide.closeCount], [1, 1]);
  });
  streams('writing to an end that has gone closes, and ends nothing else', async () => {
    const { client, clientSide, server } = await pair();
    server.close();
    for (let i = 0; i < 20 && clientSide.closeCount === 0; i++) {
      client.write(text(LINE));
      await pause(runtime, 2);
    }
    await until(runtime, () => clientSide.closeCount === 1, 'its end');
  });
  streams('a handler that throws is counted, and reading goes on', async () => {
    const before = runtime.handlerErrorCount;
    const { client, serverSide } = await pair();
    let count = 0;
    serverSide.onData = () => {
      if (count++ === 0) throw new Error('expected by the test');
    };
    client.write(text('x'));
    await until(runtime, () => count === 1, 'the first');
    client.write(text('y'));
    await until(runtime, () => count === 2, 'the second');
    assert.is(runtime.handlerErrorCount, before + 1);
  });
  streams('a hundred clients at once are all accepted, while onStream is slow', async () => {
    const at = address();
    let count = 0;
    const listener = await runtime.listen({
      at,
      onStream(stream) {
        count++;
        const end = runtime.now() + 1;
        while (runtime.now() < end); // busy
        open.push(stream);
        return new Collector();
      },
    });
    listeners.push(listener);
    const to = 'path' in at ? at : { address: at.address, port: listener.port };
    const clients = Array.from({ length: 100 }, () => runtime.connect({ at: to }, new Collector()));
    open.push(...await Promise.all(clients));
    await until(runtime, () => count === 100, 'a hundred streams');
    open.push(await runtime.connect({ at: to }, new Collector()));
    await until(runtime, () => count === 101, 'one more');
  });
  streams('an onStream that throws closes that connection only', async () => {
    const at = address();
    let count = 0;
    const listener = await runtime.listen({
      at,
      onStream() {
        if (count++ === 0) throw new Error('expected by the test');
        return new Collector();
      },
    });
    listeners.push(listener);
    const to = 'path' in at ? at : { address: at.address, port: listener.port };
    const first = new Collector();
    await runtime.connect({ at: to }, first);
    await until(runtime, () => first.closeCount === 1, 'the first to be closed');
    open.push(await runtime.connect({ at: to }, new Collector()));
    await until(runtime, () => count === 2, 'the second');
  });
  if (kind !== 'unix') {
    streams('a port in use, an address that is not ours, nobody listening: refused by name', async () => {
      const at = address() as { address: string; port: number };
      const listener = await runtime.listen({ at, onStream: () => new Collector() });
      const taken = { address: at.address, port: listener.port };
      assert.is(await refusal(runtime.listen({ at: taken, onStream: () => new Collector() })), 'EADDRINUSE');
      const foreign = { address: kind === 'tcp' ? '203.0.113.9' : '2001:db8::9', port: 0 };
      assert.is(await refusal(runtime.listen({ at: foreign, onStream: () => new Collector() })), 'EADDRNOTAVAIL');
      listener.close();
      await pause(runtime, 5);
      assert.is(await refusal(runtime.connect({ at: taken }, new Collector())), 'ECONNREFUSED');
    });
  }
  streams.run();
}

export function socketFileContract(name: string, runtime: Runtime, folder: string): void {
  const files = suite(`${name}: socket files`);
  const listen = (path: string, mode?: number): Promise<Listener> => runtime.listen({
    at: { path }, onStream: () => new Collector(), ...(mode === undefined ? {} : { mode }),
  });
  files('a live one is EADDRINUSE and stays live', async () => {
    const path = `${folder}/live.sock`;
    const listener = await listen(path);
    assert.is(await refusal(listen(path)), 'EADDRINUSE');
    (await runtime.connect({ at: { path } }, new Collector())).close();
    listener.close();
  });
  files('is gone after close()', async () => {
    const path = `${folder}/gone.sock`;
    const listener = await listen(path, 0o660);
    assert.ok(await runtime.files.exists(path));
    listener.close();
    await pause(runtime, 5);
    assert.not(await runtime.files.exists(path));
    assert.is(await refusal(runtime.connect({ at: { path } }, new Collector())), 'ENOENT');
  });
  files('a file that is no socket is left alone', async () => {
    const path = `${folder}/precious`;
    await runtime.files.write(path, text('data'));
    assert.is(await refusal(listen(path)), 'EADDRINUSE');
    assert.is(plain(await runtime.files.read(path)), 'data');
  });
  files('a path of over 107 bytes is refused, not cut', async () => {
    const path = `${folder}/${'x'.repeat(107 - folder.length)}`;
    assert.is(path.length, 108);
    assert.is(await refusal(listen(path)), 'ENAMETOOLONG');
    assert.is(await refusal(runtime.connect({ at: { path } }, new Collector())), 'ENAMETOOLONG');
    const listener = await listen(path.slice(0, 107));
    assert.ok(await runtime.files.exists(path.slice(0, 107)));
    listener.close();
  });
  files('in a folder that is not there is ENOENT', async () => {
    const code = await refusal(listen(`${folder}/none/x.sock`));
    assert.ok(code === 'ENOENT' || code === 'EACCES', code); // Node says EACCES
  });
  files.run();
}
