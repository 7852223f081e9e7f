import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressOfKey, decodeKey, parseNodeName } from '../../../../src/mesh/cjdns/node-name.ts';
import { FakeRuntime } from '../fake-runtime.ts';
import { NODES } from './fake-admin.ts';

const test = suite('mesh/cjdns/node-name');
const sha512 = (bytes: Uint8Array): Uint8Array => new FakeRuntime().sha512(bytes);

test('an address is the first half of the double hash of the key', () => {
  for (const [key, address] of NODES) assert.is(addressOfKey(key, sha512), address);
});

test('a hash that does not start with fc belongs to no node', () => {
  assert.is(addressOfKey(NODES[0][0], () => new Uint8Array(64).fill(0xfd)), undefined);
});

test('a key is 52 characters of cjdns\'s own base32, without bits to spare', () => {
  assert.is(decodeKey(NODES[0][0])?.length, 32);
  assert.equal([...decodeKey(NODES[0][0])!.subarray(0, 3)], [0xca, 0x59, 0xae]);
  for (const bad of ['', 'a', NODES[0][0].slice(1), `${NODES[0][0]}0`, NODES[0][0].replace('b', 'a'),
    `${NODES[0][0].slice(0, 51)}z`]) assert.is(decodeKey(bad), undefined, bad);
});

test('a name holds version, key and, by the length of its label, the distance', () => {
  const key = NODES[0][0];
  const hops = (label: string): number | undefined => parseNodeName(`v21.${label}.${key}.k`)?.hops;
  assert.equal(parseNodeName(`v18.0000.0000.0000.0153.${key}.k`), { version: 18, key, hops: 2 });
  assert.is(hops('0000.0000.0000.0001'), 0, 'ourselves');
  assert.is(hops('0000.0000.0000.0000'), 0);
  assert.is(hops('0000.0000.0000.0013'), 1);
  assert.is(hops('0000.0000.0000.1553'), 3);
  assert.is(hops('0000.0000.0000.017d'), 2);
  assert.is(hops('0555.5555.5555.5553'), 15, 'no 53-bit rounding');
});

test('the route ffff… is the one to a node that is lost', () => {
  assert.is(parseNodeName(`v21.ffff.ffff.ffff.ffff.${NODES[0][0]}.k`)?.hops, -1);
});

test('anything else is no name', () => {
  const good = `v21.0000.0000.0000.0013.${NODES[0][0]}.k`;
  for (const bad of ['', 'NONE', good.slice(1), `${good}x`, good.replace('.k', ''), good.toUpperCase(), `${good}\n`,
    good.replace('0013', '001'), good.replace('v21', 'v')]) assert.is(parseNodeName(bad), undefined, bad);
});

test.run();
