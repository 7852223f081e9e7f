/** The contract suite over the internal sockets of txiki.js 26. */
import { suite } from 'uvu';
import { createRuntime } from '../../../src/runtime/detect.ts';
import { datagramContract } from './contract.ts';
import { socketFileContract, streamContract } from './stream-contract.ts';

if ('UDPSocket' in globalThis) {
  const runtime = await createRuntime({ internalSockets: true });
  const folder = `/tmp/meshchat-test-${Math.random().toString(36).slice(2)}`;
  await runtime.files.makeFolder(folder, 0o700);
  datagramContract('internal', runtime);
  streamContract('internal', runtime, folder);
  socketFileContract('internal', runtime, folder);
} else {
  console.log('skipped: internal sockets are only in txiki.js 26');
  suite('internal').run();
}
