import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Message } from '../../../src/client/client.ts';
import { Listeners } from '../../../src/client/client-group.ts';
import { ITERATION_MESSAGES_MAX } from '../../../src/client/message-queue.ts';

const iteration = suite('iteration');
const message = (seq: number): Message => (
  { source: '127.0.0.2', epoch: 1, seq, data: new Uint8Array(1), addressed: false }
);

iteration('gives messages as they come, and ends with the group', async () => {
  const listeners = new Listeners({});
  const heard: number[] = [];
  const done = (async () => {
    const messages = listeners.iterate();
    for (let next = await messages.next(); next.done !== true; next = await messages.next()) heard.push(next.value.seq);
  })();
  listeners.message(message(1));
  listeners.message(message(2));
  listeners.end();
  await done;
  assert.equal(heard, [1, 2]);
  assert.equal(await listeners.iterate().next(), { done: true, value: undefined });
});

iteration('one that is too slow is told what it missed, in stream order', async () => {
  const gaps: string[] = [];
  const listeners = new Listeners({ onGap: ({ from, to, reason }) => gaps.push(`${from}-${to} ${reason}`) });
  const messages = listeners.iterate();
  const total = ITERATION_MESSAGES_MAX + 5;
  for (let seq = 1; seq <= total; seq++) listeners.message(message(seq));
  for (let seq = 1; seq < ITERATION_MESSAGES_MAX; seq++) await messages.next();
  assert.equal(gaps, []);
  await messages.next();
  assert.equal(gaps, [`${ITERATION_MESSAGES_MAX + 1}-${total} client`]);
  listeners.message(message(total + 1));
  assert.is((await messages.next()).value.seq, total + 1);
});

iteration.run();
