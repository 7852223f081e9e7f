import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { base64Text, decodeBase64, encodeBase64 } from '../../../src/encoding/base64.ts';

const base64 = suite('base64');

/** RFC 4648 §10. */
const BASE64: [string, string][] = [
  ['', ''], ['f', 'Zg=='], ['fo', 'Zm8='], ['foo', 'Zm9v'], ['foob', 'Zm9vYg=='], ['fooba', 'Zm9vYmE='], ['foobar', 'Zm9vYmFy'],
];
base64('has the vectors of RFC 4648', () => {
  for (const [plain, encoded] of BASE64) {
    const bytes = new TextEncoder().encode(plain);
    assert.is(base64Text(bytes), encoded);
    assert.equal(encodeBase64(bytes), new TextEncoder().encode(encoded));
    assert.equal(decodeBase64(encoded), bytes);
    assert.equal(decodeBase64(encoded.replaceAll('=', '')), bytes, 'padding may be left out');
  }
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.equal([...decodeBase64(base64Text(all))!], [...all]);
});

base64('what is not base64 is told apart', () => {
  for (const bad of ['A', 'AAAAA', 'A=AA', 'AA=A', '====', 'AA\n', 'AA-_', 'ÄÖ==', 'A===']) {
    assert.is(decodeBase64(bad), undefined, bad);
  }
});
base64.run();
