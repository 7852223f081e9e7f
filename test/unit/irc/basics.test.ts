import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as caps from '../../../src/irc/capabilities.ts';
import { LineReader } from '../../../src/irc/line-reader.ts';
import { addressSuffix, cleanUser, fold, fullMask, isChannel, isNick, matches } from '../../../src/irc/names.ts';
import { checkPassword, hashPassword } from '../../../src/encoding/password.ts';
import { Ranges } from '../../../src/irc/ranges.ts';
import { Rates } from '../../../src/irc/rate.ts';
import { sha1 } from '../../../src/irc/sha1.ts';
import { byteLength, cleanText, cutText, encodeText, splitText } from '../../../src/irc/text.ts';
import { seeded, sha256 } from './world.ts';

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

// --- text -----------------------------------------------------------------------------------------------------------

const text = suite('irc text');

text('bytes are counted as UTF-8 has them', () => {
  for (const sample of ['', 'abc', 'ä', '€', '😃', 'a😃ä€', '\ud800', '\udc00x']) assert.is(byteLength(sample), encodeText(sample).length, sample);
});
text('a cut never splits a character', () => {
  for (let max = 0; max < 12; max++) {
    const cut = cutText('a😃ä€b', max);
    assert.ok(byteLength(cut) <= max);
    assert.ok('a😃ä€b'.startsWith(cut));
    assert.not.ok(/[\ud800-\udbff]$/.test(cut));
  }
});
text('a long line becomes parts that fit and together are the line', () => {
  const long = 'word '.repeat(300) + '😃'.repeat(300);
  const parts = splitText(long, 400);
  assert.is(parts.join(''), long);
  assert.ok(parts.every((part) => byteLength(part) <= 400));
  assert.equal(splitText('', 400), ['']);
});
text('nothing in text from the mesh can end a line or drive a terminal', () => {
  assert.is(cleanText('a\r\n:root!x@y PRIVMSG\0 b\x1b[2J\x07', 100), 'a:root!x@y PRIVMSG b[2J');
  assert.is(cleanText('\x02bold\x02 \x0304red \x01ACTION x\x01', 100), '\x02bold\x02 \x0304red \x01ACTION x\x01');
  assert.is(cleanText(12, 100), '');
  assert.is(byteLength(cleanText('ä'.repeat(500), 99)), 98);
});
text.run();

// --- names ----------------------------------------------------------------------------------------------------------

const naming = suite('irc names');

naming('names compare by ASCII case only', () => {
  assert.is(fold('NicK[]\\~Ä'), 'nick[]\\~Ä');
});
naming('a nick has letters, digits and specials, and no suffix mark', () => {
  for (const good of ['a', 'Bob', '[x]', 'a-1', '_|`^{}', 'a'.repeat(30)]) assert.ok(isNick(good), good);
  for (const bad of ['', '1a', '-a', 'a b', 'a~b', 'ä', 'a!b', 'a@b', '#a', ':a', 'a'.repeat(31), 'a\n', 5]) assert.not.ok(isNick(bad), String(bad));
});
naming('a channel has no space, comma, control character and fits a group name', () => {
  for (const good of ['#a', '##', '#ä😃', `#${'a'.repeat(59)}`]) assert.ok(isChannel(good), good);
  for (const bad of ['', '#', 'a', '#a b', '#a,b', '#a\x07', '#a\r\n', `#${'ä'.repeat(30)}`, '#\u2028', 1]) assert.not.ok(isChannel(bad), String(bad));
});
naming('a user name keeps what is safe', () => {
  assert.is(cleanUser('a b!@c'), 'abc');
  assert.is(cleanUser('!!'), 'user');
  assert.is(cleanUser(undefined), 'user');
});
naming('masks match with * and ?', () => {
  assert.ok(matches('*!*@fc00:*', 'bob!u@fc00::1'));
  assert.ok(matches('b?b', 'bob'));
  assert.not.ok(matches('b?b', 'bb'));
  assert.ok(matches('*', ''));
  assert.ok(matches('a*b*c', 'aXbYbc'));
  assert.not.ok(matches('a*b*c', 'aXbYb'));
});
naming('a mask of stars does not take long', () => {
  assert.not.ok(matches('*a'.repeat(60), 'a'.repeat(59).repeat(3) + 'b'));
});
naming('a short mask is completed', () => {
  assert.equal(['bob', 'u@h', 'n!u', 'fc00::1', 'n!u@h'].map(fullMask), ['bob!*@*', '*!u@h', 'n!u@*', '*!*@fc00::1', 'n!u@h']);
});
naming('people of one nick are told apart by the end of their address', () => {
  assert.is(addressSuffix('fc12:3456:789a::ab12'), 'ab12');
  assert.is(addressSuffix('fc00::7'), '0007');
  assert.match(addressSuffix('10.0.0.1'), /^[0-9a-f]{4}$/);
  assert.is.not(addressSuffix('[fc00::1]:1'), addressSuffix('[fc00::1]:2'));
});
naming.run();

// --- lines from bytes -----------------------------------------------------------------------------------------------

const reading = suite('irc line reader');

function read(...chunks: Uint8Array[]): string[] {
  const found: string[] = [];
  const reader = new LineReader({
    line: (line) => found.push(line), tooLong: () => found.push('TOO LONG'), notUtf8: () => found.push('NOT UTF-8'),
  });
  for (const chunk of chunks) reader.push(chunk);
  return found;
}

reading('a line ends with CR LF or LF, wherever the bytes are cut', () => {
  const bytes = encodeText('NICK ä\r\nUSER x\nPING :😃\r\n');
  const whole = ['NICK ä', 'USER x', 'PING :😃'];
  for (let i = 0; i <= bytes.length; i++) assert.equal(read(bytes.subarray(0, i), bytes.subarray(i)), whole, `cut at ${i}`);
  assert.equal(read(...[...bytes].map((byte) => Uint8Array.of(byte))), whole);
});
reading('512 bytes with the end are a line, one more is too long', () => {
  assert.equal(read(encodeText(`${'x'.repeat(510)}\r\n`)), ['x'.repeat(510)]);
  assert.equal(read(encodeText(`${'x'.repeat(511)}\r\nPING a\r\n`)), ['TOO LONG', 'PING a']);
});
reading('tags have 4096 bytes of their own', () => {
  assert.is(read(encodeText(`@a=${'x'.repeat(4092)} ${'y'.repeat(510)}\n`))[0]?.length, 4096 + 510);
  assert.equal(read(encodeText(`@a=${'x'.repeat(4093)} y\n`)), ['TOO LONG']);
});
reading('a line without end is dropped while it comes, and told once', () => {
  const chunks = Array.from({ length: 100 }, () => encodeText('x'.repeat(1000)));
  assert.equal(read(...chunks, encodeText('\nPING a\n')), ['TOO LONG', 'PING a']);
});
reading('what is not UTF-8 is told and does not hurt the next line', () => {
  assert.equal(read(Uint8Array.of(0x50, 0xff, 0xfe, 10, 0x41, 10)), ['NOT UTF-8', 'A']);
});
reading('NUL and stray CR are no part of a line', () => {
  assert.equal(read(encodeText('A\0B\rC\r\r\n\r\n\n')), ['ABC']);
});
reading.run();

// --- ranges against a dumb twin -------------------------------------------------------------------------------------

const ranges = suite('irc ranges');
ranges('say what a plain set says', () => {
  const random = seeded(7);
  for (let round = 0; round < 50; round++) {
    const set = new Ranges();
    const twin = new Set<number>();
    for (let i = 0; i < 60; i++) {
      const n = 1 + Math.floor(random() * 80);
      assert.is(set.add(n), !twin.has(n));
      twin.add(n);
    }
    for (let n = 0; n < 90; n++) assert.is(set.has(n), twin.has(n));
    const sorted = [...twin].sort((a, b) => a - b);
    const missing = (sorted.at(-1) as number) + 3 - (sorted[0] as number) + 1 - sorted.length;
    assert.is(set.missingCount((sorted.at(-1) as number) + 3), missing);
  }
});
ranges('stay few: the oldest hole is given up', () => {
  const set = new Ranges();
  for (let n = 1; n < 1000; n += 2) set.add(n);
  assert.is(set.list.length, 128);
  assert.is(set.last, 999);
  assert.ok(set.has(2));
  assert.not.ok(set.has(998));
});
ranges.run();

// --- hashes ---------------------------------------------------------------------------------------------------------

const hashes = suite('irc hashes');
hashes('SHA-1 as the standard has it', () => {
  assert.is(hex(sha1(encodeText('abc'))), 'a9993e364706816aba3e25717850c26c9cd0d89d');
  assert.is(hex(sha1(encodeText(''))), 'da39a3ee5e6b4b0d3255bfef95601890afd80709');
  assert.is(hex(sha1(encodeText('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'))), '84983e441c3bd26ebaae4aa1f95129e5e54670f1');
});
hashes('a password is known again, another is not', async () => {
  const later = (task: () => void): void => task();
  const stored = await hashPassword(sha256, 'sesame', encodeText('salt'), later, 3);
  assert.match(stored, /^pbkdf2-sha256\$3\$c2FsdA==\$/);
  assert.ok(await checkPassword(sha256, 'sesame', stored, later));
  assert.not.ok(await checkPassword(sha256, 'Sesame', stored, later));
  for (const bad of ['', 'x', 'pbkdf2-sha256$0$c2FsdA==$AA==', stored.replace('$3$', '$99999999$'), stored.replace('pbkdf2', 'md5')]) {
    assert.not.ok(await checkPassword(sha256, 'sesame', bad, later), bad);
  }
});
hashes('PBKDF2 gives the published result', async () => {
  const stored = 'pbkdf2-sha256$2$c2FsdA==$rk0Mla9rRtMtCt/5KPBt0CowP47zwlHf1uLYWpVHTEM=';
  assert.is(await hashPassword(sha256, 'password', encodeText('salt'), (task) => task(), 2), stored);
});
hashes.run();

const rates = suite('irc rates');
rates('an address gets its burst, then its rate, and others theirs', () => {
  const limits = new Rates();
  for (let i = 0; i < 5; i++) assert.ok(limits.take('a', 0, 2, 5));
  assert.not.ok(limits.take('a', 0, 2, 5));
  assert.ok(limits.take('b', 0, 2, 5));
  assert.not.ok(limits.take('a', 400, 2, 5));
  assert.ok(limits.take('a', 1000, 2, 5));
});
rates.run();

const capabilities = suite('irc capabilities');
capabilities('each name has its bit', () => {
  assert.equal([...caps.CAPABILITIES], [
    ['server-time', caps.CAP_SERVER_TIME], ['message-tags', caps.CAP_MESSAGE_TAGS], ['account-tag', caps.CAP_ACCOUNT_TAG], ['batch', caps.CAP_BATCH],
    ['labeled-response', caps.CAP_LABELED_RESPONSE], ['echo-message', caps.CAP_ECHO_MESSAGE], ['away-notify', caps.CAP_AWAY_NOTIFY],
    ['account-notify', caps.CAP_ACCOUNT_NOTIFY], ['extended-join', caps.CAP_EXTENDED_JOIN], ['multi-prefix', caps.CAP_MULTI_PREFIX],
    ['userhost-in-names', caps.CAP_USERHOST_IN_NAMES], ['invite-notify', caps.CAP_INVITE_NOTIFY], ['setname', caps.CAP_SETNAME],
    ['chghost', caps.CAP_CHGHOST], ['cap-notify', caps.CAP_NOTIFY], ['standard-replies', caps.CAP_STANDARD_REPLIES],
    ['extended-monitor', caps.CAP_EXTENDED_MONITOR], ['draft/chathistory', caps.CAP_CHATHISTORY], ['draft/event-playback', caps.CAP_EVENT_PLAYBACK],
    ['draft/read-marker', caps.CAP_READ_MARKER], ['draft/multiline', caps.CAP_MULTILINE], ['draft/message-redaction', caps.CAP_REDACTION],
    ['draft/no-implicit-names', caps.CAP_NO_IMPLICIT_NAMES], ['sasl', caps.CAP_SASL], ['znc.in/self-message', caps.CAP_SELF_MESSAGE],
  ]);
});
capabilities.run();
