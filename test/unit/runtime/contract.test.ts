/** The contract suite on the runtime that runs it: Node, txiki.js 24, or with TJS=… a txiki.js 26 and its public API. */
import { createRuntime } from '../../../src/runtime/detect.ts';
import { datagramContract, timersContract } from './contract.ts';
import { socketFileContract, streamContract } from './stream-contract.ts';
import { filesContract, systemContract } from './system-contract.ts';

const runtime = await createRuntime({ internalSockets: false });
const folder = `/tmp/meshchat-test-${Math.random().toString(36).slice(2)}`;
await runtime.files.makeFolder(folder, 0o700);
const name = `${runtime.name} ${runtime.version}`;
timersContract(name, runtime);
datagramContract(name, runtime);
streamContract(name, runtime, folder);
socketFileContract(name, runtime, folder);
systemContract(name, runtime);
filesContract(name, runtime, folder);
