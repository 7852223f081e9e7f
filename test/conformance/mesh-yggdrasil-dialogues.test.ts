/**
 * Dialogues recorded with the admin sockets of real Yggdrasil nodes (0.4.7, 0.5.12, 0.5.14; chains of three): every
 * answer is read, and a round against a socket that answers as recorded finds the nodes that are in the answers.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Candidate } from '../../src/broadcast/mesh-source.ts';
import { YggdrasilAdmin } from '../../src/mesh/yggdrasil/admin.ts';
import { YggdrasilRouter } from '../../src/mesh/yggdrasil/yggdrasil-mesh.ts';
import { FakeRuntime } from '../unit/mesh/fake-runtime.ts';
import { FakeSocket } from '../unit/mesh/yggdrasil/fake-socket.ts';
import transcripts from '../vectors/yggdrasil/transcripts.jsonl';

interface Exchange { version: string; node: number; note: string; sent: string; got: unknown }
interface Sent { request: string; arguments?: { key?: string } }
interface Got { status: string; response: Record<string, unknown> | null }
const exchanges = transcripts.trim().split('\n').map((line) => JSON.parse(line) as Exchange);
const VERSIONS = ['0.4.7', '0.5.12', '0.5.14'];

const test = suite('conformance/mesh-yggdrasil-dialogues');

test('every recorded answer is read', async () => {
  const runtime = new FakeRuntime();
  const fake = new FakeSocket(runtime, '/x');
  const admin = new YggdrasilAdmin(runtime.asRuntime(), { path: '/x' });
  let count = 0;
  for (const { got, note, version } of exchanges) {
    for (const text of Array.isArray(got) ? got as string[] : [got]) {
      if (typeof text !== 'string' || text === '') continue;
      fake.answer = () => text;
      const promise = admin.call('x');
      await runtime.run(1);
      const answer = await promise;
      const first = JSON.parse(text.replace(/\}\n\{[^]*$/, '}')) as Got;
      assert.is(answer.failure?.kind, first.status === 'success' ? undefined : 'refused', `${version} ${note}`);
      if (answer.failure === undefined) assert.equal(answer.response, first.response);
      count++;
    }
  }
  assert.ok(count >= 134, `${count} answers`);
});

/** Exchanges by (node, request, key). */
function recording(version: string): Map<string, string> {
  const byQuestion = new Map<string, string>();
  for (const exchange of exchanges) {
    if (exchange.version !== version || typeof exchange.got !== 'string' || !exchange.sent.startsWith('{')) continue;
    let sent: Sent;
    try {
      sent = JSON.parse(exchange.sent) as Sent;
    } catch {
      continue; // two questions at once
    }
    const question = `${exchange.node} ${sent.request} ${sent.arguments?.key ?? ''}`;
    if (!byQuestion.has(question)) byQuestion.set(question, exchange.got);
  }
  return byQuestion;
}

for (const version of VERSIONS) {
  test(`${version}: node 1 finds node 2, its peer, and node 3 behind it`, async () => {
    const recorded = recording(version);
    const self = (node: number): Record<string, unknown> =>
      (JSON.parse(recorded.get(`${node} getself `)!) as Got).response!;
    const runtime = new FakeRuntime();
    const fake = new FakeSocket(runtime, '/var/run/yggdrasil.sock');
    fake.answer = ({ request, arguments: args }) => recorded.get(`1 ${request} ${args['key'] ?? ''}`);
    const router = new YggdrasilRouter(runtime.asRuntime(), {});
    const told: Candidate[] = [];
    const asked = router.ask((candidates) => told.push(...candidates));
    await runtime.run(10_000);
    const report = await asked;
    assert.is(report.own, self(1)['address']);
    assert.is(report.problem, undefined);
    assert.equal([...new Set(told.map((one) => one.address))], [self(2)['address']]);
    const explored = router.explore((candidates) => told.push(...candidates));
    await runtime.run(60_000);
    await explored;
    const hops = new Map(told.map((one) => [one.address, one.hops]));
    assert.is(hops.get(String(self(2)['address'])), 1);
    assert.is(hops.get(String(self(3)['address'])), 2);
    router.close();
  });
}

test.run();
