/** From the start of three daemons to people who talk. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from './chat-client.ts';
import { RUNTIME, withMesh } from './first-light-nodes.ts';

const FIRST_CHAT_MS_MAX = 5000;

const light = suite('first light');
light('three nodes: everybody hears everybody, the first line within 5 s of the start', async () => {
  const exits = await withMesh({ count: 3 }, async (mesh) => {
    const { startedAt } = mesh.node(0);
    const listeningMs = performance.now() - startedAt;
    const clients = await mesh.chatters(['ann', 'bob', 'cleo']);
    for (const client of clients) client.say(`hello from ${client.nick}`);
    for (const client of clients) {
      await until(`${client.nick} hears both others`, () => client.said().length >= 2);
    }
    const firstChatMs = performance.now() - startedAt;
    console.log(`${RUNTIME}: listening after ${listeningMs.toFixed(0)} ms, all six lines there after ${firstChatMs.toFixed(0)} ms`);
    for (const client of clients) {
      const expected = ['ann', 'bob', 'cleo'].filter((nick) => nick !== client.nick).map((nick) => `${nick}: hello from ${nick}`);
      assert.equal(client.said().map(({ from, text }) => `${from}: ${text}`).sort(), expected);
    }
    assert.ok(firstChatMs < FIRST_CHAT_MS_MAX, `${firstChatMs} ms`);
  });
  assert.equal(exits, Array(3).fill({ status: 0, signal: null }));
});
light.run();
