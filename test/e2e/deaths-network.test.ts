/** The network goes away under the daemons and comes back: the original ended at the first send error. */
import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hears, pause } from './chat-client.ts';
import { MESH_PORT, type TestMesh, withMesh } from './first-light-nodes.ts';
import { enterOwnNetwork } from './relay.ts';

const DOWN_MS = 2500;

async function interfaceDown(mesh: TestMesh): Promise<void> {
  const [ann, bob] = await mesh.chatters(['ann', 'bob']);
  ann.say('before');
  await hears(bob, 1);
  execFileSync('ip', ['link', 'set', 'lo', 'down']);
  for (let i = 0; i < 5; i++) {
    ann.say(`down ${i}`); // stays in the kernel until the interface is up: then the daemon reads it
    await pause(DOWN_MS / 5);
  }
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  await hears(bob, 6);
  bob.say('after');
  await hears(ann, 1);
  assert.equal(bob.said().map(({ text }) => text), ['before', ...Array.from({ length: 5 }, (_, i) => `down ${i}`)]);
}

async function cutAndHealed(mesh: TestMesh): Promise<void> {
  const [ann, bob] = await mesh.chatters(['ann', 'bob', 'cleo']);
  mesh.relay?.cut(1);
  for (let i = 0; i < 20; i++) {
    ann.say(`line ${i}`);
    await pause(100);
  }
  mesh.relay?.join(1);
  const healedAt = performance.now();
  await hears(bob, 20);
  console.log(`a node cut off for 2 s has all lines ${(performance.now() - healedAt).toFixed(0)} ms later`);
  assert.equal(bob.said().map(({ text }) => text), Array.from({ length: 20 }, (_, i) => `line ${i}`));
}

const noNetwork = enterOwnNetwork(MESH_PORT);
const deaths = suite('deaths of the network');
if (noNetwork !== '') console.log(`skipped: ${noNetwork}`);
else {
  deaths('the interface goes down while people talk and comes back: nobody ends, nothing is lost', async () => {
    const exits = await withMesh({ count: 2 }, interfaceDown);
    assert.equal(exits.map(({ status }) => status), [0, 0]);
  });
  deaths('a node is cut off and comes back: it has all that was said, in order', async () => {
    await withMesh({ count: 3, loss: 0 }, cutAndHealed);
  });
}
deaths.run();
