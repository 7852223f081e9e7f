/** IRC over TLS on a real daemon, where the runtime has it; a clear line in the log where not. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { join, resolve } from 'node:path';
import { connect } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from './chat-client.ts';
import { RUNTIME, TestMesh } from './first-light-nodes.ts';

const VECTORS = 'test/vectors/tls';
const PORT = 6697;

/** One connection that trusts this certificate alone: registers, and ends. @returns what the server said. */
function visit(address: string, certificate: string, nick: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const ca = readFileSync(join(VECTORS, certificate));
    const socket = connect({ host: address, port: PORT, ca, servername: 'localhost', timeout: 5000 });
    let text = '';
    // Right behind the handshake, as clients do.
    socket.write(`NICK ${nick}\r\nUSER ${nick} 0 * :${nick}\r\nPRIVMSG ${nick} :${'long '.repeat(80)}\r\nQUIT\r\n`);
    socket.setEncoding('utf8').on('data', (chunk) => { text += String(chunk); });
    socket.on('close', () => resolve(text)).on('error', reject).on('timeout', () => socket.destroy(new Error('timeout')));
  });
}

/** What is no TLS, or breaks off: must cost nobody else anything. */
async function intrude(address: string): Promise<void> {
  for (const bytes of ['NICK plain\r\n', '\x16\x03\x01\x02\x00\x01\x00', '']) {
    const socket = connectPlain(PORT, address).on('error', () => {});
    socket.write(Buffer.from(bytes, 'latin1'));
    if (bytes === '') socket.resetAndDestroy();
    else setTimeout(() => socket.destroy(), 100);
    await new Promise((resolve) => socket.once('close', resolve));
  }
}

const tls = suite('IRC over TLS');
tls('clients register; a renewed certificate is taken over with a reload, a broken one is not', async () => {
  const mesh = TestMesh.create({ count: 1, env: { MESHCHAT_RUNTIME: 'node' } });
  const [address = ''] = mesh.addresses;
  const pem = join(mesh.folder, 'irc.pem');
  const key = join(mesh.folder, 'irc.key');
  const renew = (name: string): void => {
    copyFileSync(join(VECTORS, `${name}.pem`), pem);
    copyFileSync(join(VECTORS, `${name}.key`), key);
  };
  renew('one');
  const sets = [`irc.tls_listen=${address}:${PORT}`, `irc.tls_cert=${pem}`, `irc.tls_key=${key}`];
  const node = mesh.startNode(0, sets.flatMap((set) => ['--set', set]));
  try {
    await mesh.listening();
    const count = (pattern: RegExp): number => node.lines.filter((line) => pattern.test(line)).length;
    const told = (pattern: RegExp): Promise<void> => until(String(pattern), () => count(pattern) > 0, 5000);
    await told(/with TLS$/); // its listener comes after the plain one
    assert.match(await visit(address, 'one.pem', 'ann'), / 001 ann [^]*PRIVMSG ann :long long [^]*ERROR/);
    await intrude(address);
    assert.match(await visit(address, 'one.pem', 'bob'), / 001 bob /);
    renew('two');
    node.child.kill('SIGHUP');
    await until('the new certificate', () => count(/with TLS$/) === 2, 5000);
    assert.match(await visit(address, 'two.pem', 'cat'), / 001 cat /);
    writeFileSync(pem, 'no certificate');
    node.child.kill('SIGHUP');
    await told(/irc\.tls_listen: .*the old certificate is kept/);
    assert.match(await visit(address, 'two.pem', 'dan'), / 001 dan /);
  } finally {
    await mesh.stop();
  }
});

tls('on txiki.js the log says that there is none, and the plain listener works', async () => {
  if (RUNTIME.startsWith('node')) return;
  const file = join(VECTORS, 'one.key');
  const sets = [`irc.tls_listen=127.0.0.1:${PORT}`, `irc.tls_cert=${resolve(file)}`, `irc.tls_key=${resolve(file)}`];
  const mesh = TestMesh.create({ count: 1, args: sets.flatMap((set) => ['--set', set]) });
  const { lines } = mesh.startNode(0);
  try {
    await mesh.listening();
    await until('the log says so', () => lines.some((line) => /irc\.tls_listen: txiki.*nobody can connect there/.test(line)));
    await mesh.chatter(0, 'ann');
  } finally {
    await mesh.stop();
  }
});
tls.run();
