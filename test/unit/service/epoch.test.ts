import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Files } from '../../../src/runtime/runtime.ts';
import { nextEpoch } from '../../../src/service/epoch.ts';

const epoch = suite('epoch');

/** Starts daemons one after the other. @returns the epoch of each. */
function starts(content?: string): (unixS: number, drawn?: number) => Promise<number> {
  let text = content;
  const files = {
    read: () => (text === undefined ? Promise.reject(new Error('ENOENT')) : Promise.resolve(new TextEncoder().encode(text))),
    makeFolder: () => Promise.resolve(),
    write: (_path: string, bytes: Uint8Array) => {
      text = new TextDecoder().decode(bytes);
      return Promise.resolve();
    },
  } as unknown as Files;
  return (unixS, drawn = 0) => nextEpoch({ files, random: () => drawn, wallMs: () => unixS * 1000 + 999 }, '/s', { warn: () => undefined });
}

epoch('it is the time in seconds, and higher than the last one', async () => {
  const start = starts();
  assert.is(await start(1_800_000_000), 1_800_000_000);
  assert.is(await start(1_800_000_000), 1_800_000_001);
  assert.is(await start(1_700_000_000), 1_800_000_002);
  assert.is(await start(1_800_000_009), 1_800_000_009);
});

epoch('after a boot it is up to 15 higher: a router without a clock boots at the same second each time', async () => {
  assert.is(await starts()(1_800_000_000, 0.9999), 1_800_000_015);
  assert.is(await starts('nonsense')(1_800_000_000, 0.5), 1_800_000_008);
  assert.is(await starts('1800000000')(1_800_000_001, 0.5), 1_800_000_001);
});

epoch('its low half is never 0, which would mean that it is unknown', async () => {
  assert.is(await starts()(0x6b490000), 0x6b490001);
  assert.is(await starts(String(0x6b49ffff))(0), 0x6b4a0001);
  assert.is(await starts()(0), 1);
});

epoch.run();
