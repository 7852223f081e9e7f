/** 1,000 lines in one write, and a talk at 50 lines a second, with and without loss. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChatClient, pause, until } from './chat-client.ts';
import { MESH_PORT, percentile, RUNTIME, withMesh } from './first-light-nodes.ts';
import { enterOwnNetwork } from './relay.ts';

const LINES = 1000;
const TALK_LINES = 300;
const TALK_GAP_MS = 20;
const LOSS = 0.1;

const lineText = (number: number): string => `line ${String(number).padStart(4, '0')} of a paste that has about the length of code`;

/** Each line once, in order; tells the first difference, not a thousand lines. */
function assertSame(client: ChatClient, heard: string[], expected: string[]): void {
  const first = expected.findIndex((text, i) => heard[i] !== text);
  const missing = expected.filter((text) => !heard.includes(text)).length;
  const around = JSON.stringify(heard.slice(Math.max(0, first - 1), first + 3));
  const same = first < 0 && heard.length === expected.length;
  assert.ok(same, `${client.nick}: ${heard.length} lines for ${expected.length}, ${missing} missing, differs at ${first}: ${around}`);
}

/** Writes the lines at once at node 1. @returns ms until the last receiver has as many as were sent. */
async function paste(clients: readonly ChatClient[]): Promise<number> {
  const [ann, ...others] = clients as readonly [ChatClient, ...ChatClient[]];
  const start = performance.now();
  ann.write(Array.from({ length: LINES }, (_, i) => `PRIVMSG #mesh :${lineText(i)}\r\n`).join(''));
  for (const other of others) {
    await until(`${other.nick} has all lines`, () => other.said().length >= LINES, 40_000).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${other.said().length} of ${LINES}, last ${JSON.stringify(other.said().at(-1))}`);
    });
  }
  const ms = performance.now() - start;
  await pause(500); // duplicates would come now
  const expected = Array.from({ length: LINES }, (_, i) => lineText(i));
  for (const other of others) assertSame(other, other.said().map(({ text }) => text), expected);
  return ms;
}

/** 50 lines a second from node 1. @returns the latencies at the others, ms. */
async function talk(clients: readonly ChatClient[]): Promise<number[]> {
  const [ann, ...others] = clients as readonly [ChatClient, ...ChatClient[]];
  const before = others.map((other) => other.said().length);
  const sentAt: number[] = [];
  const start = performance.now();
  for (let i = 0; i < TALK_LINES; i++) {
    await pause(Math.max(0, start + i * TALK_GAP_MS - performance.now()));
    sentAt.push(performance.now());
    ann.say(`talk ${i}`);
  }
  const latencies: number[] = [];
  for (const [index, other] of others.entries()) {
    const first = before[index] as number;
    await until(`${other.nick} has all of the talk`, () => other.said().length >= first + TALK_LINES);
    const heard = other.said().slice(first);
    assertSame(other, heard.map(({ text }) => text), sentAt.map((_, i) => `talk ${i}`));
    latencies.push(...heard.map(({ at }, i) => at - (sentAt[i] as number)));
  }
  return latencies;
}

const noNetwork = enterOwnNetwork(MESH_PORT);
const pasting = suite('paste');
pasting('1,000 lines in one write arrive at both other nodes, once and in order', async () => {
  await withMesh({ count: 3 }, async (mesh) => {
    const clients = await mesh.chatters(['ann', 'bob', 'cleo']);
    console.log(`${RUNTIME}: 1,000 lines without loss after ${(await paste(clients)).toFixed(0)} ms`);
  });
});
if (noNetwork !== '') console.log(`skipped: paste and talk with loss: ${noNetwork}`);
else pasting('likewise with 10 % of datagrams lost each way; latency at 50 lines/s is told', async () => {
  await withMesh({ count: 3, loss: LOSS, seed: 7 }, async (mesh) => {
    const clients = await mesh.chatters(['ann', 'bob', 'cleo']);
    console.log(`${RUNTIME}: 1,000 lines at 10 % loss after ${(await paste(clients)).toFixed(0)} ms`);
    const latencies = await talk(clients);
    const [p50, p99, most] = [0.5, 0.99, 1].map((share) => percentile(latencies, share).toFixed(0));
    console.log(`${RUNTIME}: 50 lines/s at 10 % loss: latency p50 ${p50}, p99 ${p99}, most ${most} ms`);
  });
});
pasting.run();
