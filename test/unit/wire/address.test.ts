import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalAddress, endpointId, formatAddress, identityText, parseAddress, parseEndpoint } from '../../../src/wire/address.ts';
import { bytesOf, hexOf } from './codec.ts';

const address = suite('addresses');

address('text is canonical as RFC 5952 has it', () => {
  const cases: [string, string][] = [
    ['2001:0db8::0001', '2001:db8::1'], // §4.1 no leading zeros
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'], // §4.2.1 as short as possible
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], // §4.2.2 never for one group
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'], // §4.2.3 the longest run
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], // §4.2.3 the first of equals
    ['2001:DB8::ABCD', '2001:db8::abcd'], // §4.3 lower case
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['0:0:3:4:5:6:7:8', '::3:4:5:6:7:8'],
    ['0:2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['fc00:0000:0000:0000:0000:0000:0000:0001', 'fc00::1'],
    ['0200:aa:0:0:0:0:0:1', '200:aa::1'],
  ];
  for (const [text, canonical] of cases) {
    assert.is(canonicalAddress(text), canonical, text);
    assert.is(canonicalAddress(canonical), canonical);
  }
});

address('IPv4 is a mapped address and reads as a dotted quad', () => {
  assert.is(hexOf(parseAddress('127.0.0.2')!), '00000000000000000000ffff7f000002');
  for (const text of ['127.0.0.2', '::ffff:127.0.0.2', '::ffff:7f00:2', '::FFFF:7F00:0002', '0:0:0:0:0:ffff:127.0.0.2']) {
    assert.is(canonicalAddress(text), '127.0.0.2', text);
  }
  assert.is(canonicalAddress('64:ff9b::192.0.2.33'), '64:ff9b::c000:221');
  assert.is(canonicalAddress('::fffe:1.2.3.4'), '::fffe:102:304');
});

address('what is no address is refused', () => {
  const bad = [
    '', ':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', '12345::', 'g::', '::1 ', ' ::1', '::-1',
    '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.', '1.2.3.4a', '1..2.3', '::1.2.3', '::1.2.3.256',
    '1:2:3:4:5:6:7:1.2.3.4', '[::1]', '::1/64', 'localhost', '__proto__', '1:2:3:4:5:6:7:8:', ':1:2:3:4:5:6:7', '%eth0',
  ];
  for (const text of bad) {
    assert.is(parseAddress(text), undefined, text);
    assert.is(canonicalAddress(text), undefined, text);
  }
});

address('a dotted quad stands only at the end', () => {
  assert.is(parseAddress('1.2.3.4::'), undefined);
  assert.is(parseAddress('1:1.2.3.4::1'), undefined);
});

address('16 bytes at any offset become the text of the same 16 bytes', () => {
  const random = lcg(7);
  for (let i = 0; i < 2000; i++) {
    const bytes = Uint8Array.from({ length: 20 }, () => (random() < 0.6 ? 0 : Math.floor(random() * 256)));
    if (i % 5 === 0) bytes.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255], 3);
    const text = formatAddress(bytes, 3);
    assert.equal(parseAddress(text), bytes.slice(3, 19), text);
  }
  assert.is(formatAddress(bytesOf('fc000000000000000000000000000001')), 'fc00::1');
});

address('a scope is kept with a canonical address', () => {
  assert.is(canonicalAddress('FE80::0001%eth0'), 'fe80::1%eth0');
  assert.is(parseAddress('fe80::1%eth0'), undefined);
});

address('an identity names the port only where it is not the default', () => {
  assert.is(endpointId('fc00::1', 14627, 14627), 'fc00::1');
  assert.is(endpointId('fc00::1', 9999, 14627), '[fc00::1]:9999');
  assert.is(endpointId('127.0.0.1', 14627, 14627), '127.0.0.1');
  assert.is(endpointId('127.0.0.1', 9999, 14627), '127.0.0.1:9999');
  assert.is(identityText({ address: 'fc00::1', port: 14627 }), 'fc00::1');
  assert.is(identityText({ address: 'fc00::1', port: 9999 }), '[fc00::1]:9999');
});

address('an endpoint is read with its port, 0 when there is none', () => {
  assert.equal(parseEndpoint('127.0.0.1'), { address: '127.0.0.1', port: 0 });
  assert.equal(parseEndpoint('127.0.0.1:9999'), { address: '127.0.0.1', port: 9999 });
  assert.equal(parseEndpoint('FC00::1'), { address: 'fc00::1', port: 0 });
  assert.equal(parseEndpoint('[fc00::1]'), { address: 'fc00::1', port: 0 });
  assert.equal(parseEndpoint('[FC00:0::1]:65535'), { address: 'fc00::1', port: 65535 });
  const bad = [
    '', ':1', '1.2.3.4:', '1.2.3.4:65536', '1.2.3.4:x', '[fc00::1]:65536', '[fc00::1]:', '[fc00::1', 'fc00::1]:5', 'host:80',
  ];
  for (const text of bad) {
    assert.is(parseEndpoint(text), undefined, text);
  }
});

address('the text of an identity is an endpoint again', () => {
  for (const [text, port] of [['fc00::1', 14627], ['fc00::1', 9], ['10.0.0.1', 9], ['10.0.0.1', 14627]] as const) {
    assert.equal(parseEndpoint(endpointId(text, port, 14627)), { address: text, port: port === 14627 ? 0 : port });
  }
});

function lcg(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

address.run();
