/**
 * Dialogues recorded with the admin ports of real cjdns nodes (versions 18, 19.1, 20.7, 20.7 built with SUBNODE,
 * 21.1): every answer is read as the npm bencode package reads it, every question we can ask is asked byte for byte
 * the same, and a whole round against an admin port that answers as recorded finds the nodes that are in the answers.
 */
import bencode from 'bencode';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Candidate } from '../../src/broadcast/mesh-source.ts';
import { CjdnsAdmin } from '../../src/mesh/cjdns/admin.ts';
import { decodeBencode, encodeBencode, textOf } from '../../src/mesh/cjdns/bencode.ts';
import type { BencodeValue, Question } from '../../src/mesh/cjdns/bencode.ts';
import { CjdnsRouter } from '../../src/mesh/cjdns/cjdns-mesh.ts';
import { onTxiki } from '../support/rounds.ts';
import { FakeAdmin, latin1Bytes, latin1Text, NODES } from '../unit/mesh/cjdns/fake-admin.ts';
import { FakeRuntime } from '../unit/mesh/fake-runtime.ts';
import v18 from '../vectors/cjdns/v18.jsonl';
import v19 from '../vectors/cjdns/v19.1.jsonl';
import v20 from '../vectors/cjdns/v20.7.jsonl';
import v20subnode from '../vectors/cjdns/v20.7-subnode.jsonl';
import v21 from '../vectors/cjdns/v21.1.jsonl';

interface Exchange { name: string; note: string; req: string; resp: string | null }
const PASSWORD = 'testpw';
const RECORDINGS: [string, number, Exchange[]][] = ([['18', 172, v18], ['19.1', 140, v19], ['20.7', 142, v20],
  ['20.7 SUBNODE', 147, v20subnode], ['21.1', 186, v21]] as [string, number, string][])
  .map(([name, count, text]) => [name, count, text.trim().split('\n').map((line) => JSON.parse(line) as Exchange)]);

const test = suite('conformance/mesh-cjdns-dialogues');

/** Without the zeros before lengths, for the npm package. Only between values, so a small walk is needed. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return latin1Text(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object') return new Map(Object.entries(value!).map(([key, item]) => [key, plain(item)]));
  return value;
}
function asQuestion(value: BencodeValue): Question | string | number {
  if (!(value instanceof Map)) return value as string | number;
  return Object.fromEntries([...value].map(([key, item]) => [key, asQuestion(item)]));
}

for (const [version, count, exchanges] of RECORDINGS) {
  test(`${version}: all ${count} answers are read, and as the npm package reads them`, () => {
    assert.is(exchanges.length, count);
    for (const { resp, note, name } of exchanges) {
      if (resp === null) continue;
      const dict = decodeBencode(latin1Bytes(resp));
      assert.ok(dict instanceof Map, `${name} ${note}: ${String(dict)}`);
      assert.equal(dict, plain(bencode.decode(latin1Bytes(resp))), `${name} ${note}`);
    }
  });

  test(`${version}: every canonical question is written byte for byte`, () => {
    let same = 0;
    for (const { req, note } of exchanges) {
      const dict = decodeBencode(latin1Bytes(req));
      if (typeof dict === 'string') continue; // what was sent to see cjdns refuse it
      const keys = [...dict.keys()];
      const canonical = keys.join() === [...keys].sort().join();
      if (!canonical || Array.isArray(dict.get('args')) || Array.isArray(dict.get('x'))) continue; // never ours
      assert.is(latin1Text(encodeBencode(asQuestion(dict) as Question)), req, note);
      same++;
    }
    assert.ok(same > 100, `${same} questions`);
  });

  test(`${version}: with the recorded cookie and txid every signed question is the recorded one`, async () => {
    let signed = 0;
    for (const { req, resp, note } of exchanges) {
      const dict = decodeBencode(latin1Bytes(req));
      if (/wrong password|stale|future/.test(note)) continue;
      if (typeof dict === 'string' || textOf(dict, 'q') !== 'auth') continue;
      const args = dict.get('args');
      const cookie = textOf(dict, 'cookie');
      const txid = textOf(dict, 'txid');
      if (!(args instanceof Map) || cookie === '' || txid.length !== 8 || textOf(dict, 'aq') === '') continue;
      const runtime = new FakeRuntime();
      const password = note.includes('password NONE') ? 'NONE' : PASSWORD;
      const admin = new CjdnsAdmin(runtime.asRuntime(), '127.0.0.1', 11234, password);
      const sent: string[] = [];
      runtime.randomBytes = () => Uint8Array.from(txid.match(/../g)!, (pair) => parseInt(pair, 16));
      runtime.onSent = ({ bytes, socket }) => {
        const text = latin1Text(bytes);
        const answer = text.includes('1:q6:cookie') ? `d6:cookie10:${cookie}4:txid8:${txid}e` : resp!;
        if (!text.includes('1:q6:cookie')) sent.push(text);
        runtime.later(() => socket.options.onDatagram(latin1Bytes(answer), '127.0.0.1', 11234));
      };
      const call = admin.call(textOf(dict, 'aq'), asQuestion(args) as Question, { auth: true });
      await runtime.run(10);
      const result = await call;
      assert.is(sent[0], req, note);
      const error = textOf(decodeBencode(latin1Bytes(resp!)) as Map<string, BencodeValue>, 'error');
      assert.is(result.failure === undefined, error === '' || error === 'none', `${note}: ${error}`);
      signed++;
      if (onTxiki && signed === 20) break; // hashing takes long there
    }
    assert.ok(signed >= 20, `${signed} signed questions`);
  });

  test(`${version}: a round of questions finds the nodes that are in the recorded answers`, async () => {
    const runtime = new FakeRuntime();
    const fake = new FakeAdmin(runtime, PASSWORD);
    runtime.fileText.set('/etc/cjdroute.conf', `{"admin": {"bind": "127.0.0.1:11234", "password": "${PASSWORD}"}}`);
    const recorded = new Map<string, string>();
    for (const { req, resp } of exchanges) {
      const dict = decodeBencode(latin1Bytes(req));
      if (typeof dict === 'string' || resp === null || textOf(dict, 'txid').length !== 8) continue;
      const authed = textOf(dict, 'q') === 'auth';
      const key = `${authed} ${authed ? textOf(dict, 'aq') : textOf(dict, 'q')} ${keyOfArgs(dict.get('args'))}`;
      if (!recorded.has(key)) recorded.set(key, resp);
    }
    fake.needsAuth = () => false; // the recording says it
    fake.answer = ({ name, args, authed, txid }) => {
      const answer = recorded.get(`${authed} ${name} ${keyOfArgs(args)}`);
      return answer === undefined ? undefined : answer.replace(/4:txid8:.{8}/s, `4:txid8:${txid}`);
    };
    const router = new CjdnsRouter(runtime.asRuntime(), {});
    const told: Candidate[] = [];
    const asked = router.ask((candidates) => told.push(...candidates));
    await runtime.run(60_000);
    const report = await asked;
    const explored = router.explore((candidates) => told.push(...candidates));
    await runtime.run(60_000);
    assert.is(await explored, undefined);
    assert.is(report.own, NODES[0][1]);
    assert.is(report.version, version.replace(/\D.*/, ''));
    const found = [...new Set(told.map((candidate) => candidate.address))].sort();
    const line = [NODES[1][1], NODES[3][1], NODES[4][1]].sort();
    // A line of four: without a table only the peer is known, and who was talked with.
    assert.equal(found, version.includes('SUBNODE') ? [NODES[1][1]] : line);
    if (version.includes('SUBNODE')) assert.match(report.problem!.text, /keeps no routing table/);
    else assert.is(report.problem, undefined);
    assert.is(told.find((candidate) => candidate.address === NODES[1][1])?.hops, 1);
    router.close();
  });
}

/** Pages and handles decide; paths of getPeers are recorded as addresses. */
function keyOfArgs(args: BencodeValue | undefined): string {
  if (!(args instanceof Map)) return '';
  const deciding = [...args].filter(([key]) => key === 'page' || key === 'handle');
  return deciding.map(([key, value]) => `${key}=${String(value)}`).join();
}

test.run();
