import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashText } from '../../../src/encoding/hash.ts';

const hash = suite('hash');
hash('of a text is FNV-1a', () => {
  assert.is(hashText(''), 0x811c9dc5);
  assert.is(hashText('a'), 0xe40c292c);
  assert.is(hashText('foobar'), 0xbf9cf968);
});
hash.run();
