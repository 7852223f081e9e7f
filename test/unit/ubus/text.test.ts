import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8, isText } from '../../../src/ubus/text.ts';

const text = suite('text');

text('UTF-8 of any length goes both ways', () => {
  for (const sample of ['', 'a', 'grüße', '日本', '🙂', 'x'.repeat(500), 'ü'.repeat(500)]) {
    assert.equal([...encodeUtf8(sample)], [...new TextEncoder().encode(sample)]);
    assert.is(decodeUtf8(encodeUtf8(sample)), sample);
  }
});

/** RFC 4648 §10. */
const BASE64: [string, string][] = [
  ['', ''], ['f', 'Zg=='], ['fo', 'Zm8='], ['foo', 'Zm9v'], ['foob', 'Zm9vYg=='], ['fooba', 'Zm9vYmE='], ['foobar', 'Zm9vYmFy'],
];
text('base64 has the vectors of RFC 4648', () => {
  for (const [plain, encoded] of BASE64) {
    assert.is(decodeUtf8(encodeBase64(encodeUtf8(plain))), encoded);
    assert.is(decodeUtf8(decodeBase64(encoded)!), plain);
    assert.is(decodeUtf8(decodeBase64(encoded.replaceAll('=', ''))!), plain, 'padding may be left out');
  }
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.equal([...decodeBase64(decodeUtf8(encodeBase64(all)))!], [...all]);
});

text('what is not base64 is told apart', () => {
  for (const bad of ['A', 'AAAAA', 'A=AA', 'AA=A', '====', 'AA\n', 'AA-_', 'ÄÖ==', 'A===']) {
    assert.is(decodeBase64(bad), undefined, bad);
  }
});

/** Well-formed and malformed UTF-8 (RFC 3629 §4; Unicode 3.9, table 3-7). */
text('only UTF-8 without NUL is text', () => {
  const good = [[], [0x61], [0x7f], [0xc2, 0x80], [0xdf, 0xbf], [0xe0, 0xa0, 0x80], [0xed, 0x9f, 0xbf], [0xef, 0xbf, 0xbf],
    [0xf0, 0x90, 0x80, 0x80], [0xf4, 0x8f, 0xbf, 0xbf]];
  for (const bytes of good) assert.ok(isText(Uint8Array.from(bytes)), `${bytes}`);
  const bad = [[0], [0x61, 0], [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xc2], [0xc2, 0x41], [0xe0, 0x9f, 0x80], [0xe0, 0xa0], [0xe1, 0x80, 0x41],
    [0xed, 0xa0, 0x80], [0xf0, 0x8f, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xf1, 0x80, 0x80], [0xf1, 0x80, 0x41, 0x80],
    [0xf1, 0x80, 0x80, 0x41], [0xff]];
  for (const bytes of bad) assert.not(isText(Uint8Array.from(bytes)), `${bytes}`);
});

text.run();
