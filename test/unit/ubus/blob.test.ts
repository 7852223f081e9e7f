import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Table, Value } from '../../../src/ubus/blob.ts';
import { BlobReader, BlobWriter, decodeTable, DEPTH_MAX, encodeTable } from '../../../src/ubus/blob.ts';

const blob = suite('blob');

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const fromHex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** As the stock tool encodes the same JSON (recorded from `ubus call`). */
const VECTORS: [string, Value, string][] = [
  ['INT32', -5, '8500001000036e756d000000fffffffb'],
  ['a whole number past 32 bits is INT64', 5_000_000_000, '8400001400036e756d000000000000012a05f200'],
  ['a negative one too', -5_000_000_000, '8400001400036e756d000000fffffffed5fa0e00'],
  ['other numbers are DOUBLE', 1.5, '8800001400036e756d0000003ff8000000000000'],
  ['booleans are INT8', true, '8700000d00036e756d00000001000000'],
  ['null is UNSPEC', null, '8000000c00036e756d000000'],
  ['text has its NUL', 'hi', '8300000f00036e756d00000068690000'],
  ['arrays have nameless elements', [1], '8100001800036e756d0000008500000c0000000000000001'],
  ['tables have named ones', { a: 1 }, '8200001800036e756d0000008500000c0001610000000001'],
];

blob('a string that is not UTF-8 stays as it is', () => {
  for (const text of [Uint8Array.from([0x63, 0xe9]), '\ufffd é']) {
    const encoded = encodeTable({ text });
    const { text: decoded } = decodeTable(encoded) as Table;
    assert.equal(decoded, text);
    assert.is(hex(encodeTable({ text: decoded })), hex(encoded));
  }
});

/** `num` with 3 letters takes 2 + 3 + 1 bytes, padded to 8. */
for (const [name, value, expected] of VECTORS) {
  blob(`${name}: encodes and decodes`, () => {
    const encoded = encodeTable({ num: value });
    assert.is(hex(encoded), expected);
    assert.equal(JSON.parse(JSON.stringify(decodeTable(encoded))), { num: value });
  });
}

blob('bytes become a string as they are', () => {
  const bytes = new TextEncoder().encode('grüße');
  assert.is(hex(encodeTable({ num: bytes })), hex(encodeTable({ num: 'grüße' })));
});

blob('INT16 and unknown values of other programs are read', () => {
  assert.is(decodeTable(fromHex('8600000a00016100fffe0000'))?.['a'], -2);
  assert.is(decodeTable(fromHex('8900000a00016100fffe0000')), undefined, 'no such type');
});

blob('a name of a prototype is only a name', () => {
  const table = decodeTable(encodeTable(JSON.parse('{"__proto__":{"polluted":1},"constructor":2}') as Table))!;
  assert.is(Object.getPrototypeOf(table), null);
  assert.is(table['constructor'], 2);
  assert.is((table['__proto__'] as Table)['polluted'], 1);
  assert.is(({} as Record<string, unknown>)['polluted'], undefined);
});

blob('nesting is limited on both ways', () => {
  let value: Value = 1;
  for (let depth = 0; depth < DEPTH_MAX; depth++) value = [value];
  assert.ok(decodeTable(encodeTable({ a: value })) !== undefined);
  assert.throws(() => encodeTable({ a: [value] }), /nested/);
  const deep = new BlobWriter();
  const open: number[] = [];
  for (let depth = 0; depth < 10_000; depth++) open.push(deep.openNamed(1, ''));
  for (const at of open.reverse()) deep.close(at);
  assert.is(decodeTable(deep.bytes), undefined);
});

blob('malformed tables are told apart, not thrown', () => {
  const good = encodeTable({ text: 'hi', n: 1, list: [true, { x: 'y' }] });
  for (let length = 1; length < good.length; length++) {
    const cut = decodeTable(good.slice(0, length));
    assert.ok(cut === undefined || Object.keys(cut).length < 3, `cut at ${length}`);
  }
  let state = 7;
  for (let round = 0; round < 3000; round++) {
    const bytes = good.slice();
    for (let i = 0; i < 3; i++) {
      state = (state * 48271) % 2147483647;
      bytes[state % bytes.length] = state >> 8;
    }
    decodeTable(bytes);
  }
  assert.is(decodeTable(fromHex('8300000f00036e756d00000068696969')), undefined, 'text without its NUL');
  assert.is(decodeTable(fromHex('0300000868690000')), undefined, 'a blob without a name');
});

blob('a writer grows while nested blobs are open', () => {
  const table: Table = { list: Array.from({ length: 500 }, (_, i) => ({ i, text: 'x'.repeat(i) })) };
  assert.equal(JSON.parse(JSON.stringify(decodeTable(encodeTable(table)))), table);
});

blob('a reader stops at the last whole blob', () => {
  const bytes = fromHex('0100000800000001' + '020000ff');
  const reader = new BlobReader(bytes, new DataView(bytes.buffer), 0, bytes.length);
  assert.ok(reader.next());
  assert.is(reader.id, 1);
  assert.not(reader.next());
  assert.ok(reader.broken);
});

blob('what is undefined is left out of a table', () => {
  assert.equal({ ...decodeTable(encodeTable({ a: 1, b: undefined, c: null })) }, { a: 1, c: null });
});

blob.run();
