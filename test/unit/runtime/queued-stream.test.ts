/** What needs a clock or a misbehaving other end; the rest is in the contract suite. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Guard } from '../../../src/runtime/guard.ts';
import type { Loop } from '../../../src/runtime/guard.ts';
import { QueuedStream } from '../../../src/runtime/queued-stream.ts';
import type { Transport } from '../../../src/runtime/queued-stream.ts';
import { plain, text } from './contract.ts';

class FakeTransport implements Transport {
  readonly remoteAddress = '192.0.2.1';
  stream?: QueuedStream;
  readonly calls: string[] = [];
  write(bytes: Uint8Array): void {
    this.calls.push(`write ${plain(bytes)}`);
  }
  startReading(): void {
    this.calls.push('start');
  }
  stopReading(): void {
    this.calls.push('stop');
  }
  shutdown(): void {
    this.calls.push('shutdown');
  }
  close(): void {
    this.calls.push('close');
  }
}

function setup() {
  const tasks: (() => void)[] = [];
  const timers: { at: number; fire: () => void }[] = [];
  const guard = new Guard(() => {});
  const loop: Loop = {
    guard, now: () => 1000, open: new Set(),
    later: (task) => tasks.push(task),
    timer: (fire) => {
      const timer = { at: Infinity, fire };
      timers.push(timer);
      return { set(at) { timer.at = at; }, cancel() { timer.at = Infinity; } };
    },
  };
  const transport = new FakeTransport();
  const stream = new QueuedStream(transport, loop, { writeQueueBytesMax: 10, readBytesMax: 4 });
  const told: string[] = [];
  stream.start({
    onData: (bytes) => told.push(plain(bytes)),
    onDrain: () => told.push('drain'),
    onClose: (error) => told.push(`close ${error?.message ?? ''}`),
  });
  const runTasks = (): void => {
    for (const task of tasks.splice(0)) task();
  };
  return { stream, transport, told, timers, runTasks, loop, guard };
}

const streams = suite('queued stream');
streams('joins what one turn writes, and writes the next only when the last is done', async () => {
  const { stream, transport } = setup();
  stream.write(text('ab'));
  stream.write(text('cd'));
  assert.equal(transport.calls, ['start'], 'nothing inside the call');
  await null;
  stream.write(text('ef'));
  await null;
  assert.equal(transport.calls, ['start', 'write abcd']);
  transport.stream?.onWritten();
  assert.equal(transport.calls, ['start', 'write abcd', 'write ef']);
  assert.is(stream.queuedBytes, 2);
});
streams('shared bytes leave at once and as they are when nothing waits, else in their turn', async () => {
  const { stream, transport } = setup();
  const sent: Uint8Array[] = [];
  const write = transport.write.bind(transport);
  transport.write = (bytes) => void (sent.push(bytes), write(bytes));
  const shared = text('ab');
  assert.ok(stream.write(shared, true));
  assert.is(sent[0], shared);
  assert.ok(stream.write(text('cd'), true));
  assert.ok(stream.write(text('ef')));
  assert.not(stream.write(text('too long'), true));
  transport.stream?.onWritten();
  assert.equal(transport.calls, ['start', 'write ab', 'write cdef']);
  transport.stream?.onWritten();
  stream.write(text('gh'));
  stream.write(text('ij'), true);
  await null;
  assert.is(transport.calls.at(-1), 'write ghij');
});
streams('counts bytes that are being written against the limit', async () => {
  const { stream, told, transport } = setup();
  assert.ok(stream.write(text('0123456789')));
  await null;
  assert.not(stream.write(text('x')));
  transport.stream?.onWritten();
  assert.ok(stream.write(text('x')));
  assert.equal(told, [], 'no write had to wait: no drain');
});
streams('tells the drain after a write that had to wait', async () => {
  const { stream, told, transport } = setup();
  stream.write(text('a'));
  await null;
  stream.write(text('b'));
  transport.stream?.onWritten();
  assert.equal(told, []);
  transport.stream?.onWritten();
  assert.equal(told, ['drain']);
});
streams('gives reads in pieces of at most readBytesMax', () => {
  const { transport, told } = setup();
  transport.stream?.onData(text('abcdefghi'));
  assert.equal(told, ['abcd', 'efgh', 'i']);
});
streams('end() of a stream whose other end never reads closes after 5 s', async () => {
  const { stream, transport, told, timers, runTasks } = setup();
  stream.write(text('a'));
  stream.end();
  await null;
  assert.equal(timers.map(({ at }) => at), [6000]);
  timers[0]?.fire();
  runTasks();
  assert.equal(transport.calls, ['start', 'write a', 'close']);
  assert.equal(told, ['close ']);
});
streams('end() says the last when all is written, and waits for their end', async () => {
  const { stream, transport, told, runTasks, timers } = setup();
  stream.write(text('a'));
  stream.end();
  await null;
  transport.stream?.onWritten();
  assert.equal(transport.calls.slice(1, 3), ['write a', 'shutdown']);
  transport.stream?.onData(text('late')); // of no interest
  transport.stream?.onEnd();
  runTasks();
  assert.is(transport.calls.at(-1), 'close');
  assert.equal(told, ['close ']);
  assert.equal(timers.map(({ at }) => at), [Infinity]);
});
streams('an error is told once, whatever follows', () => {
  const { stream, transport, told, runTasks, loop } = setup();
  transport.stream?.fail(new Error('reset'));
  transport.stream?.fail(new Error('again'));
  transport.stream?.onEnd();
  stream.close();
  assert.equal(told, [], 'never inside the call');
  runTasks();
  assert.equal(told, ['close reset']);
  assert.is(loop.open.size, 0);
});
streams('a transport that throws closes the stream', async () => {
  const { stream, transport, told, runTasks } = setup();
  transport.write = () => {
    throw new Error('EBADF');
  };
  stream.write(text('a'));
  await null;
  runTasks();
  assert.equal(told, ['close EBADF']);
});
streams.run();
