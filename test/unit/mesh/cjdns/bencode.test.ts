import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  BENCODE_BYTES_MAX, BENCODE_DEPTH_MAX, decodeBencode, encodeBencode,
} from '../../../../src/mesh/cjdns/bencode.ts';
import { rounds } from '../../../support/rounds.ts';
import { latin1Bytes, latin1Text } from './fake-admin.ts';

const test = suite('mesh/cjdns/bencode');
const read = (text: string): unknown => decodeBencode(latin1Bytes(text));

test('reads strings, numbers, lists and dictionaries', () => {
  assert.equal(read('d1:ai-7e1:bli0e0:3:xyze1:cd1:d1:eee'), new Map<string, unknown>([
    ['a', -7], ['b', [0, '', 'xyz']], ['c', new Map([['d', 'e']])]]));
});

test('accepts the zeros that cjdns puts before a length', () => {
  assert.equal(read('d000001:q4:ponge'), new Map([['q', 'pong']]));
  assert.equal(read('d1:q0000004:ponge'), new Map([['q', 'pong']]));
});

test('reads keys in any order, and names from outside are only names', () => {
  const dict = decodeBencode(latin1Bytes('d1:zi1e9:__proto__i2e1:ai3ee')) as Map<string, unknown>;
  assert.equal([...dict.keys()], ['z', '__proto__', 'a']);
  assert.is(({} as Record<string, unknown>)['i'], undefined);
});

const MALFORMED: [string, string, RegExp][] = [
  ['a negative length', 'd1:al-3:ee', /not bencode at byte 5/],
  ['the list that hangs the npm package', 'l-3:e', /no bencode dictionary/],
  ['a string past the end', 'd1:a10:abce', /truncated/],
  ['an end that never comes', 'd1:q4:pong', /truncated after 10/],
  ['a length cut off', 'd1:q4', /truncated/],
  ['bytes behind the end', 'd1:q4:pongeXX', /followed by 2 bytes/],
  ['a number as a key', 'di1ei2ee', /not bencode at byte 1/],
  ['a list as a key', 'dlei2ee', /not bencode at byte 1/],
  ['a key without a value', 'd1:ae', /not bencode at byte 4/],
  ['an integer without digits', 'd1:aiee', /not bencode/],
  ['an integer that is only a sign', 'd1:ai-ee', /not bencode/],
  ['a fraction', 'd1:ai1.5ee', /not bencode/],
  ['an integer without an end', 'd1:ai15', /not bencode/],
  ['a length of many digits', 'd1:a99999999999999999999999:xe', /truncated/],
  ['a length of 2^53', 'd1:a9007199254740993:xe', /truncated/],
  ['nothing', '', /no bencode dictionary/],
  ['a number', 'i5e', /no bencode dictionary/],
  ['an end too many', 'dee', /followed by 1/],
  ['another letter', 'd1:ax', /not bencode at byte 4/],
];
for (const [what, text, reason] of MALFORMED) {
  test(`refuses ${what}`, () => {
    const result = read(text);
    assert.type(result, 'string');
    assert.match(result as string, reason);
  });
}

test('nests so deep and no deeper', () => {
  const nested = (depth: number): string => `d1:a${'l'.repeat(depth - 1)}${'e'.repeat(depth)}`;
  assert.type(read(nested(BENCODE_DEPTH_MAX)), 'object');
  assert.match(read(nested(BENCODE_DEPTH_MAX + 1)) as string, /nested deeper/);
  assert.match(read(`d1:a${'l'.repeat(16_000)}`) as string, /nested deeper/);
});

test('refuses what is longer than the limit unread', () => {
  const filled = (length: number): string => `d1:a${length - 11}:${'x'.repeat(length - 11)}e`;
  assert.is(filled(BENCODE_BYTES_MAX).length, BENCODE_BYTES_MAX);
  assert.type(read(filled(BENCODE_BYTES_MAX)), 'object');
  assert.match(read(filled(65_000)) as string, /65000 bytes long, more than 16384/);
});

test('writes canonical bencode', () => {
  const bytes = encodeBencode({ q: 'auth', args: { page: 3, b: '' }, aq: 'x' });
  assert.is(latin1Text(bytes), 'd2:aq1:x4:argsd1:b0:4:pagei3ee1:q4:authe');
});

test('random and mutated bytes never throw, hang or give anything but a dictionary', () => {
  let seed = 12345;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  const good = latin1Bytes('d000004:morei1e5:peersld4:addr5:v21.x5:bytesi-20e5:statel2:ab0:d1:xleeeee4:txid2:abe');
  const alphabet = latin1Bytes('deli0123456789:-ax');
  let accepted = 0;
  for (let round = 0; round < rounds(20_000); round++) {
    const bytes = round % 2 === 0 ? good.slice() : Uint8Array.from({ length: next(40) }, () => alphabet[next(18)]!);
    for (let change = next(4); change > 0 && bytes.length > 0; change--) bytes[next(bytes.length)] = next(256);
    const result = decodeBencode(bytes.subarray(0, next(8) === 0 ? next(bytes.length + 1) : bytes.length));
    if (result instanceof Map) accepted++;
    else assert.type(result, 'string');
  }
  assert.ok(accepted > 0);
});

test.run();
