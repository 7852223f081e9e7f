/** Files, hashes and the rest: what every adapter must do alike. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { plain, refusal, text, until } from './contract.ts';

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** The permissions of a file: the runtime itself never asks for them. */
async function modeOf(path: string): Promise<number> {
  const { tjs } = globalThis as { tjs?: { stat(path: string): Promise<{ mode: number }> } };
  const { mode } = await (tjs ?? await import('node:fs/promises')).stat(path);
  return mode & 0o777;
}

export function filesContract(name: string, runtime: Runtime, folder: string): void {
  const test = suite(`${name}: files`);
  const { files } = runtime;
  test('are written whole, with their mode, and leave nothing beside', async () => {
    const path = `${folder}/f`;
    await files.write(path, text('first'), 0o600);
    await files.write(path, text('second'), 0o600);
    assert.is(plain(await files.read(path)), 'second');
    assert.is(await modeOf(path), 0o600);
    assert.not((await files.list(folder)).some((entry) => entry.includes('~')));
    await files.write(path, new Uint8Array(0));
    assert.is((await files.read(path)).length, 0);
    await files.remove(path);
    assert.not(await files.exists(path));
  });
  test('of any size are read up to the limit', async () => {
    const path = `${folder}/big`;
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7);
    await files.write(path, bytes);
    assert.equal(await files.read(path, 100_000), bytes);
    assert.is(await refusal(files.read(path, 99_999)), 'EFBIG');
    assert.ok((await files.read('/proc/self/status')).length > 100);
  });
  test('that are not there, or folders, are refused by name', async () => {
    assert.is(await refusal(files.read(`${folder}/none`)), 'ENOENT');
    assert.is(await refusal(files.remove(`${folder}/none`)), 'ENOENT');
    assert.is(await refusal(files.list(`${folder}/none`)), 'ENOENT');
    assert.is(await refusal(files.read(folder)), 'EISDIR');
    assert.is(await refusal(files.write(`${folder}/none/x`, text(''))), 'ENOENT');
  });
  test('a folder is made with its parents, twice without harm, and never removed as a file', async () => {
    await files.makeFolder(`${folder}/a/b`, 0o700);
    await files.makeFolder(`${folder}/a/b`);
    await files.write(`${folder}/a/b/x`, text(''));
    assert.equal(await files.list(`${folder}/a/b`), ['x']);
    assert.ok(['EISDIR', 'EPERM'].includes(await refusal(files.remove(`${folder}/a`))));
    assert.ok(await files.exists(`${folder}/a/b/x`));
  });
  test.run();
}

export function systemContract(name: string, runtime: Runtime): void {
  const test = suite(`${name}: system`);
  test('hashes as FIPS 180-4 says', () => {
    assert.is(hex(runtime.sha256(text('abc'))), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    assert.is(hex(runtime.sha512(text('abc'))), 'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a'
      + '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f');
    assert.is(hex(runtime.sha256(new Uint8Array(0)).subarray(0, 4)), 'e3b0c442');
  });
  test('random bytes are as many as asked, and not the same twice', () => {
    assert.is(runtime.randomBytes(70_000).length, 70_000);
    assert.ok(runtime.randomBytes(70_000).subarray(66_000).some((byte) => byte !== 0));
    assert.not.equal(runtime.randomBytes(16), runtime.randomBytes(16));
    const one = runtime.random();
    assert.ok(one >= 0 && one < 1);
  });
  test('random numbers do not follow from Math.random', () => {
    const { random } = Math;
    Math.random = () => 0.5;
    const drawn = new Set(Array.from({ length: 20 }, () => runtime.random()));
    Math.random = random;
    assert.is(drawn.size, 20);
  });
  test('the clock counts whole milliseconds and never goes back', () => {
    let last = runtime.now();
    for (let i = 0; i < 1000; i++) {
      const now = runtime.now();
      assert.ok(Number.isInteger(now) && now >= last);
      last = now;
    }
    assert.ok(Math.abs(runtime.wallMs() - Date.now()) < 1000);
  });
  test('loopback is among the network interfaces', () => {
    const found = runtime.networkInterfaces().find((one) => one.address === '127.0.0.1');
    assert.is(found?.internal, true);
  });
  test('knows its memory', async () => {
    runtime.residentBytes();
    await until(runtime, () => runtime.residentBytes() > 1_000_000, 'a megabyte');
    assert.ok(runtime.residentBytes() < 2_000_000_000);
  });
  test('names itself', () => {
    assert.ok(runtime.name === 'node' || runtime.name === 'txiki');
    assert.match(runtime.version, /^\d+\.\d+\.\d+/);
    assert.is(runtime.env('MESHCHAT_NO_SUCH_VARIABLE'), undefined);
    assert.ok(runtime.env('PATH') !== undefined);
  });
  test.run();
}
