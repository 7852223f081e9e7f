import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CredentialOptions } from '../../../../src/mesh/cjdns/credentials.ts';
import { findCredentials, joinEndpoint } from '../../../../src/mesh/cjdns/credentials.ts';
import { looseValues } from '../../../../src/mesh/cjdns/loose-json.ts';
import { FakeRuntime } from '../fake-runtime.ts';

const test = suite('mesh/cjdns/credentials');

const CONF = `// a comment with "quotes" and {braces}
{
    // Private key:
    "privateKey": "1111111111111111111111111111111111111111111111111111111111111111",
    "authorizedPasswords": [ {"password": "of a peer", "user": "default-login"} ], /* "admin": {"password": "no"} */
    "security": [ { "setuser": "nobody" } { "seccomp": 1 } ]
    "admin": {
        // Port to bind
        "bind": "127.0.0.1:11999"
        "password": "pa\\"ss//word"
    },
    "router": { "admin": { "password": "nested" } }
}`;
const UCI = `
config cjdns 'cjdns'
	option ipv6 'fc00::1'
	option private_key 'secret'
	option admin_address '127.0.0.1'
	option admin_port '11235'
	option admin_password 'uci word'

config udp_interface
	option admin_password 'not this'
`;

async function find(files: Record<string, string>, options: CredentialOptions = {}): Promise<string[]> {
  const runtime = new FakeRuntime();
  runtime.environment.set('HOME', '/home/u');
  for (const [path, text] of Object.entries(files)) runtime.fileText.set(path, text);
  const found = await findCredentials(runtime.asRuntime(), options);
  return found.map(({ address, port, password, origin }) => `${address} ${port} ${password} <${origin}`);
}
const DEFAULT = '127.0.0.1 11234 NONE <the default';

test('without any file it is what cjdns has by default', async () => {
  assert.equal(await find({}), [DEFAULT]);
});

test('OpenWrt\'s UCI comes before the user\'s file, and that before cjdroute.conf', async () => {
  const user = '{"addr": "127.0.0.1", "port": 11236, "password": "user word"}';
  assert.equal(await find({ '/etc/config/cjdns': UCI, '/home/u/.cjdnsadmin': user, '/etc/cjdroute.conf': CONF }), [
    '127.0.0.1 11235 uci word </etc/config/cjdns',
    '127.0.0.1 11236 user word </home/u/.cjdnsadmin',
    '127.0.0.1 11999 pa"ss//word </etc/cjdroute.conf',
    DEFAULT]);
});

test('an option comes first, and its place counts for every password', async () => {
  const found = await find({ '/etc/config/cjdns': UCI }, { admin: '[::1]:999', password: 'mine' });
  assert.equal(found, [
    '::1 999 mine <option admin_password', '::1 999 uci word </etc/config/cjdns', '::1 999 NONE <the default']);
  assert.equal(await find({}, { admin: '127.0.0.1' }), [DEFAULT], 'without a port the usual one');
  assert.equal(await find({}, { password: 'mine' }), ['127.0.0.1 11234 mine <option admin_password', DEFAULT]);
});

test('the same admin port is not tried twice with the same password', async () => {
  const conf = '{"admin":{"bind":"127.0.0.1:11234","password":"NONE"}}';
  assert.equal(await find({ '/tmp/etc/cjdroute.conf': conf, '/etc/cjdroute.conf': conf }),
    ['127.0.0.1 11234 NONE </tmp/etc/cjdroute.conf']);
});

test('files that are broken, binary or endless are passed over', async () => {
  for (const text of ['', '{', '"admin"', '}}}}', '{"admin":{"password":', '['.repeat(10_000), '\0\xff"\\', '//']) {
    const files = { '/etc/cjdroute.conf': text, '/home/u/.cjdnsadmin': text, '/etc/config/cjdns': text };
    assert.equal(await find(files), [DEFAULT]);
  }
});

test('reads only the paths it is asked for, through comments and missing commas', () => {
  const found = looseValues(CONF, ['admin.bind', 'admin.password', 'password', 'privateKeyX']);
  assert.equal([...found], [['admin.bind', '127.0.0.1:11999'], ['admin.password', 'pa"ss//word']]);
});

test('an endpoint is text that can be read again, with what is absent as cjdns has it', () => {
  assert.is(joinEndpoint('192.0.2.1', 11999), '192.0.2.1:11999');
  assert.is(joinEndpoint('::1', '11999'), '[::1]:11999');
  assert.is(joinEndpoint('', 11999), '127.0.0.1:11999');
  assert.is(joinEndpoint('fc00::1', 0), '[fc00::1]:11234');
  assert.is(joinEndpoint(undefined, undefined), '127.0.0.1:11234');
});

test.run();
