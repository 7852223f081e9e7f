import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CONFIGURED } from '../../../src/broadcast/mesh-source.ts';
import type { Files } from '../../../src/runtime/runtime.ts';
import type { CorePeer } from '../../../src/service/core.ts';
import { loadPeers, savePeers } from '../../../src/service/remembered-peers.ts';

const remembered = suite('remembered peers');

function memoryFiles(content?: string): Files & { text: string | undefined } {
  const files = {
    text: content,
    read: () => (files.text === undefined ? Promise.reject(new Error('ENOENT')) : Promise.resolve(new TextEncoder().encode(files.text))),
    write: (_path: string, bytes: Uint8Array) => {
      files.text = new TextDecoder().decode(bytes);
      return Promise.resolve();
    },
  };
  return files as unknown as Files & { text: string | undefined };
}

const peer = (address: string, state: CorePeer['state']): CorePeer => ({ address, port: 14627, state }) as CorePeer;

remembered('what was there when the daemon stopped is tried first at the next start', async () => {
  const files = memoryFiles();
  await savePeers(files, '/s', [peer('fc00::1', 'alive'), peer('fc00::2', 'probing'), peer('fc00::3', 'stale'), peer('fc00::4', 'gone')]);
  assert.equal(await loadPeers(files, '/s'), [
    { address: 'fc00::1', port: 14627, hops: 0, advertised: true, origin: CONFIGURED },
    { address: 'fc00::3', port: 14627, hops: 0, advertised: true, origin: CONFIGURED },
  ]);
});

remembered('when nobody was there, those known before stay', async () => {
  const files = memoryFiles('fc00::9 14627\n');
  await savePeers(files, '/s', [peer('fc00::1', 'gone')]);
  assert.is(files.text, 'fc00::9 14627\n');
});

remembered('no file, or one full of nonsense, is no peers', async () => {
  assert.equal(await loadPeers(memoryFiles(), '/s'), []);
  const odd = memoryFiles('nonsense\nfc00::1\nfc00::g 1\nfc00::2 99999\nfc00::3 14627 x\n127.0.0.2 14627\n');
  assert.equal((await loadPeers(odd, '/s')).map(({ address }) => address), ['127.0.0.2']);
});

remembered('at most 128 are kept', async () => {
  const files = memoryFiles(Array.from({ length: 500 }, (_, i) => `10.0.${i >> 8}.${i & 255} 14627\n`).join(''));
  assert.is((await loadPeers(files, '/s')).length, 128);
});

remembered.run();
