/**
 * Random and mutated datagrams at a living daemon; the originals are recorded from a real talk. They come from strangers and
 * from one peer (so the mesh says), which harms nobody but itself; what another peer has said is repeated as it was. The
 * daemon must live, answer, not grow, and hear that other peer as ever.
 *   node scripts/bundle-run.mjs test/fuzz/datagrams.ts      COUNT=20000 SEED=1, MESHCHAT_RUNTIME=node or TJS=… as for the daemon
 */
import { createSocket } from 'node:dgram';
import { type ChatClient, hears, pause } from '../e2e/chat-client.ts';
import { MESH_PORT, type TestMesh, withMesh } from '../e2e/first-light-nodes.ts';
import { enterOwnNetwork, seededRandom } from '../e2e/relay.ts';
import { Campaign, COUNT, SEED } from './support/campaign.ts';
import { below, mutate, pick, type Random, randomBytes } from './support/mutate.ts';

const LENGTH_MAX = 1500;
const RECORDED_MAX = 2000;
/** What txiki.js 24 reads in a second is some thousands. */
const BATCH = 20;
const BATCH_MS = 10;
const LOOK_EVERY = 1000;
const HEAR_MS_MAX = 10_000;
const AFTER_LINES = 20;
const BOB = 1;
const CLEO = 2;
const HEADER_LENGTH = 12;

/** By the number of the node that has sent them, all to node 0. */
type Recorded = [Uint8Array[], Uint8Array[], Uint8Array[]];

/** A talk with all that people do, seen from the wire. */
async function record(mesh: TestMesh, clients: readonly ChatClient[]): Promise<Recorded> {
  const recorded: Recorded = [[], [], []];
  const { relay } = mesh;
  if (relay === undefined) throw new Error('there is a relay');
  relay.onPass = (from, to, bytes) => {
    const list = recorded[from] as Uint8Array[];
    if (to === 0 && list.length < RECORDED_MAX) list.push(Uint8Array.from(bytes));
  };
  relay.loss = 0.1; // repairs too
  const [ann, bob, cleo] = clients as [ChatClient, ChatClient, ChatClient];
  for (let i = 0; i < 60; i++) {
    for (const client of [bob, cleo]) client.say(`${client.nick} says ${i} ${'and more '.repeat(i % 40)}`);
    if (i % 10 === 0) bob.send('PRIVMSG ann :a word', 'TOPIC #mesh :weather', 'AWAY :tea', 'NICK bobby', 'NICK bob', 'JOIN #other', 'PART #other :bye');
    await pause(20);
  }
  await hears(ann, 120);
  relay.loss = 0;
  await pause(500);
  relay.onPass = () => {};
  return recorded;
}

function invent(random: Random, recorded: readonly Uint8Array[]): Uint8Array {
  const kind = random();
  if (kind < 0.15) return randomBytes(random, below(random, LENGTH_MAX));
  const original = pick(random, recorded);
  if (kind < 0.4) { // a good header, then frames of any kind with any length
    const bytes = randomBytes(random, HEADER_LENGTH + below(random, 200));
    bytes.set(original.subarray(0, HEADER_LENGTH));
    if (bytes.length > HEADER_LENGTH + 4) {
      bytes[HEADER_LENGTH] = below(random, 17);
      bytes[HEADER_LENGTH + 2] = 0;
      bytes[HEADER_LENGTH + 3] = pick(random, [bytes.length - HEADER_LENGTH - 4, below(random, 256)]);
    }
    return bytes;
  }
  return mutate(random, original, recorded, LENGTH_MAX);
}

async function campaign(mesh: TestMesh): Promise<void> {
  const random = seededRandom(SEED);
  const clients = await mesh.chatters(['ann', 'bob', 'cleo']);
  const [ann, bob] = clients;
  const [, said, forged] = await record(mesh, clients);
  const { address } = mesh.node(0);
  const stranger = createSocket('udp4');
  await new Promise<void>((resolve) => stranger.bind(0, address.replace(/\d+$/, '77'), resolve));
  const watch = new Campaign('datagrams', mesh.node(0));
  for (let done = 0; done < COUNT; done++) {
    const sender = random();
    if (sender < 0.15) mesh.relay?.inject(BOB, 0, pick(random, said));
    else if (sender < 0.75) mesh.relay?.inject(CLEO, 0, invent(random, forged));
    else stranger.send(invent(random, random() < 0.5 ? said : forged), MESH_PORT, address);
    if (done % BATCH === 0) await pause(BATCH_MS);
    if (done % LOOK_EVERY > 0) continue;
    watch.look(done);
    await ann.answers();
  }
  await ann.answers();
  const from = ann.lines.length;
  for (let i = 0; i < AFTER_LINES; i++) bob.say(`after ${i}`);
  await ann.wait(new RegExp(`PRIVMSG #mesh :after ${AFTER_LINES - 1}$`), HEAR_MS_MAX, from);
  const heard = ann.lines.slice(from).filter(({ text }) => /PRIVMSG #mesh :after/.test(text));
  if (heard.length !== AFTER_LINES) throw new Error(`bob has said ${AFTER_LINES} lines, ${heard.length} have come`);
  watch.look(COUNT);
  watch.end();
  stranger.close();
}

const why = enterOwnNetwork(MESH_PORT);
if (why !== '') console.log(`skipped: ${why}`);
else await withMesh({ count: 3, loss: 0 }, campaign);
process.exit(0);
