/** What every adapter must do alike. Run on each runtime by contract.test.ts, over real sockets on loopback. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DatagramSocket, Runtime, Stream, StreamHandler, SystemError } from '../../../src/runtime/runtime.ts';

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const plain = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Waits until `done` holds, looking once a turn or so; fails after `msMax`. */
export async function until(runtime: Runtime, done: () => boolean, what: string, msMax = 10_000): Promise<void> {
  const end = runtime.now() + msMax;
  while (!done()) {
    if (runtime.now() > end) throw new Error(`never: ${what}`);
    await pause(runtime, 2);
  }
}

export function pause(runtime: Runtime, ms: number): Promise<void> {
  return new Promise((resolve) => runtime.timer(resolve).set(runtime.now() + ms));
}

export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as SystemError).code;
  }
  return 'accepted';
}

export function timersContract(name: string, runtime: Runtime): void {
  const timers = suite(`${name}: timers`);
  timers('never fire early', async () => {
    for (const ms of [0, 1, 2, 5, 7, 11]) {
      const deadline = runtime.now() + ms;
      await new Promise<void>((resolve) => runtime.timer(resolve).set(deadline));
      assert.ok(runtime.now() >= deadline);
    }
  });
  timers('may cancel and set themselves in their own callback', async () => {
    let count = 0;
    await new Promise<void>((resolve) => {
      const timer = runtime.timer(() => {
        timer.cancel();
        timer.set(runtime.now() + 1);
        timer.cancel();
        if (++count === 5) resolve();
        else timer.set(runtime.now());
      });
      timer.set(runtime.now());
    });
    assert.is(count, 5);
  });
  timers('may cancel another one that is due', async () => {
    const fired: string[] = [];
    const b = runtime.timer(() => fired.push('b'));
    runtime.timer(() => {
      fired.push('a');
      b.cancel();
    }).set(runtime.now() + 3);
    b.set(runtime.now() + 3);
    await pause(runtime, 10);
    assert.equal(fired, ['a']);
  });
  timers('a thousand of them fire in the order of their deadlines', async () => {
    const fired: number[] = [];
    const start = runtime.now();
    for (let i = 0; i < 1000; i++) {
      const deadline = start + ((i * 7919) % 40);
      runtime.timer(() => fired.push(deadline)).set(deadline);
    }
    await until(runtime, () => fired.length === 1000, 'all timers');
    assert.equal(fired, [...fired].sort((a, b) => a - b));
  });
  timers('a handler that throws is counted and ends nothing', async () => {
    const before = runtime.handlerErrorCount;
    runtime.timer(() => {
      throw new Error('expected by the test');
    }).set(runtime.now());
    runtime.later(() => {
      throw new Error('expected by the test');
    });
    await pause(runtime, 10);
    assert.is(runtime.handlerErrorCount, before + 2);
  });
  timers('a rejection that nobody handles is counted and ends nothing', async () => {
    const before = runtime.handlerErrorCount;
    void Promise.reject(new Error('expected by the test'));
    await pause(runtime, 10);
    assert.is(runtime.handlerErrorCount, before + 1);
  });
  timers('later() runs on a turn of its own, in order', async () => {
    const order: number[] = [];
    runtime.later(() => order.push(2));
    runtime.later(() => order.push(3));
    order.push(1);
    await pause(runtime, 5);
    assert.equal(order, [1, 2, 3]);
  });
  timers.run();
}

export function datagramContract(name: string, runtime: Runtime): void {
  const udp = suite(`${name}: datagrams`);
  const opened: DatagramSocket[] = [];
  type OnDatagram = (bytes: Uint8Array, address: string, port: number) => void;
  const open = async (onDatagram: OnDatagram, address = '127.0.0.1', port = 0): Promise<DatagramSocket> => {
    const socket = await runtime.openDatagram({ address, port, onDatagram });
    opened.push(socket);
    return socket;
  };
  udp.after.each(() => {
    for (const socket of opened.splice(0)) socket.close();
  });

  for (const address of ['127.0.0.1', '::1']) {
    udp(`go there and back over ${address}`, async () => {
      const got: string[] = [];
      const echo: DatagramSocket = await open((bytes, from, port) => echo.send(bytes, from, port), address);
      const asker = await open((bytes, from, port) => got.push(`${from} ${port} ${bytes.length} ${bytes[0]}`), address);
      for (const length of [0, 1, 80, 1200]) asker.send(new Uint8Array(length).fill(7), address, echo.port);
      await until(runtime, () => got.length === 4, 'four answers');
      const line = (length: number): string => `${address} ${echo.port} ${length} ${length > 0 ? 7 : undefined}`;
      assert.equal(got, [0, 1, 80, 1200].map(line));
    });
  }
  udp('are sent as they were at send()', async () => {
    const got: number[] = [];
    const to = await open((bytes) => got.push(bytes[0] as number));
    const from = await open(() => {});
    const buffer = new Uint8Array(100);
    for (let i = 0; i < 50; i++) {
      buffer.fill(i);
      from.send(buffer, '127.0.0.1', to.port);
    }
    buffer.fill(255);
    await until(runtime, () => got.length === 50, 'fifty datagrams');
    assert.equal(got, Array.from({ length: 50 }, (_, i) => i));
  });
  udp('that cannot be sent are counted, and the socket stays as good as new', async () => {
    const got: string[] = [];
    const a = await open((bytes) => got.push(plain(bytes)));
    const b = await open((bytes) => got.push(plain(bytes)));
    for (let i = 0; i < 3; i++) {
      a.send(text('lost'), '255.255.255.255', 9); // EACCES: no broadcast
      a.send(new Uint8Array(70_000), '127.0.0.1', b.port); // EMSGSIZE
      await pause(runtime, 20);
    }
    assert.ok(a.sendErrorCount >= 3, String(a.sendErrorCount));
    a.send(text('to b'), '127.0.0.1', b.port);
    b.send(text('to a'), '127.0.0.1', a.port);
    await until(runtime, () => got.length === 2, 'both');
    assert.equal(got.sort(), ['to a', 'to b']);
  });
  udp('are not held up by an address of the other family', async () => {
    const got: string[] = [];
    const a = await open(() => {});
    const b = await open((bytes) => got.push(plain(bytes)));
    a.send(text('x'), '::1', b.port);
    a.send(text('x'), 'not an address', b.port);
    await pause(runtime, 20);
    a.send(text('good'), '127.0.0.1', b.port);
    await until(runtime, () => got.length === 1, 'the good one');
  });
  udp('queued while we were busy all arrive', async () => {
    let count = 0;
    const to = await open(() => count++);
    const from = await open(() => {});
    for (let i = 0; i < 200; i++) from.send(new Uint8Array(100), '127.0.0.1', to.port);
    await until(runtime, () => count === 200, 'two hundred');
  });
  udp('of a busy socket do not starve a timer', async () => {
    let echoes = 0;
    const a: DatagramSocket = await open((bytes, address, port) => {
      echoes++;
      a.send(bytes, address, port);
    });
    const b: DatagramSocket = await open((bytes, address, port) => b.send(bytes, address, port));
    for (let i = 0; i < 20; i++) a.send(new Uint8Array(50), '127.0.0.1', b.port); // twenty for ever on their way
    let fired = 0;
    for (let i = 0; i < 10; i++) {
      await pause(runtime, 2);
      fired++;
    }
    assert.is(fired, 10);
    assert.ok(echoes > 0);
  });
  udp('a closed socket neither sends, receives nor fails', async () => {
    let count = 0;
    const a = await open(() => count++);
    const b = await open(() => {});
    b.send(text('x'), '127.0.0.1', a.port);
    a.close();
    a.close();
    a.send(text('x'), '127.0.0.1', b.port);
    await pause(runtime, 20);
    assert.is(count, 0);
  });
  udp('a socket may close itself in its handler', async () => {
    let count = 0;
    const a: DatagramSocket = await open(() => {
      count++;
      a.close();
    });
    const b = await open(() => {});
    for (let i = 0; i < 5; i++) b.send(text('x'), '127.0.0.1', a.port);
    await pause(runtime, 30);
    assert.is(count, 1);
  });
  udp('a handler that throws gets the next one all the same', async () => {
    const before = runtime.handlerErrorCount;
    let count = 0;
    const a = await open(() => {
      count++;
      throw new Error('expected by the test');
    });
    const b = await open(() => {});
    b.send(text('x'), '127.0.0.1', a.port);
    b.send(text('y'), '127.0.0.1', a.port);
    await until(runtime, () => count === 2, 'both');
    assert.is(runtime.handlerErrorCount, before + 2);
  });
  udp('a port in use or an address that is not ours is refused by name', async () => {
    const a = await open(() => {});
    assert.is(await refusal(open(() => {}, '127.0.0.1', a.port)), 'EADDRINUSE');
    assert.is(await refusal(open(() => {}, '203.0.113.9')), 'EADDRNOTAVAIL');
    assert.is(await refusal(open(() => {}, '2001:db8::9')), 'EADDRNOTAVAIL');
  });
  udp('a port is free again after close()', async () => {
    const a = await open(() => {});
    a.close();
    const b = await open(() => {}, '127.0.0.1', a.port);
    assert.is(b.port, a.port);
  });
  udp.run();
}

/** Collects what a stream tells. */
export class Collector implements StreamHandler {
  data = '';
  /** Set to only count bytes. */
  bytesCounted = -1;
  drainCount = 0;
  closeCount = 0;
  error: Error | undefined;
  onData(bytes: Uint8Array): void {
    if (this.bytesCounted < 0) this.data += plain(bytes);
    else this.bytesCounted += bytes.length;
  }
  onDrain(): void {
    this.drainCount++;
  }
  onClose(error?: Error): void {
    this.closeCount++;
    this.error = error;
  }
}

/** A connected pair over TCP or a Unix socket. */
export interface Pair {
  client: Stream;
  clientSide: Collector;
  server: Stream;
  serverSide: Collector;
}
