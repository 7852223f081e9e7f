/**
 * Random IRC lines at a living daemon, from several connections: commands with odd parameters, mutated ones, bytes. It must
 * live, answer others meanwhile, and not grow.
 *   node scripts/bundle-run.mjs test/fuzz/irc-lines.ts      COUNT=20000 SEED=1, MESHCHAT_RUNTIME=node or TJS=… as for the daemon
 */
import { type ChatClient, pause } from '../e2e/chat-client.ts';
import { type TestMesh, withMesh } from '../e2e/first-light-nodes.ts';
import { seededRandom } from '../e2e/relay.ts';
import { Campaign, COUNT, SEED } from './support/campaign.ts';
import { below, mutate, pick, type Random, randomBytes } from './support/mutate.ts';

const CLIENTS = 6;
const BATCH = 50;
const LOOK_EVERY = 1000;
const COMMANDS = [
  'ADMIN', 'AUTHENTICATE', 'AWAY', 'BATCH', 'CAP', 'CHATHISTORY', 'ERROR', 'HELP', 'INFO', 'INVITE', 'ISON', 'JOIN', 'KICK', 'KILL',
  'KNOCK', 'LINKS', 'LIST', 'LUSERS', 'METADATA', 'MODE', 'MONITOR', 'MOTD', 'NAMES', 'NICK', 'NOTICE', 'OPER', 'PART', 'PASS', 'PING',
  'PONG', 'PRIVMSG', 'QUIT', 'REDACT', 'REHASH', 'SETNAME', 'STATS', 'TAGMSG', 'TIME', 'TOPIC', 'USER', 'USERHOST', 'VERSION', 'WALLOPS',
  'WEBIRC', 'WHO', 'WHOIS', 'WHOWAS', 'privmsg', 'nonsense', '',
];
const PARAMETERS = [
  '#mesh', '#a,#b,#c', '0', '*', 'ann', 'f1,f2,ann', '#', '##', ':', '+o ann', '+bbb a!b@c d!*@* e', '-l', '+k', '+l 99999999999', '+ov-ov f1 f2 f1 f2',
  'LS 302', 'REQ :server-time message-tags batch labeled-response echo-message', 'END', 'LIST', 'LATEST #mesh * 100', 'BEFORE #mesh timestamp=2020-01-01T00:00:00.000Z 50',
  'AROUND #mesh msgid=x 5', 'TARGETS timestamp=2000-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z 10', '+x draft/multiline #mesh', '-x', 'PLAIN', '+',
  'AGFubgBhbm4=', '__proto__', 'constructor', '#__proto__', 'hasOwnProperty', '99999999999999999999', '-1', '\x01ACTION waves\x01', '\x01DCC SEND', 'a'.repeat(300),
  '#'.repeat(60), '\u0000', 'é', ':two words', ':', '%*#', '*!*@*', '127.0.0.1', '$(reboot)', '%s%n', '../../etc/passwd',
];
const TAGS = ['@label=x ', '@+typing=active ', '@batch=x ', '@a=\\:\\s\\\\;b;c= ', `@${'t'.repeat(4000)} `, '@ ', '@time=2020-01-01T00:00:00.000Z;msgid=forged '];
const ENDS = ['\r\n', '\n', '\r\n', '\r\n', '\r', '\r\n\r\n'];

function line(random: Random, others: readonly Uint8Array[]): Uint8Array {
  const kind = random();
  if (kind < 0.1) return randomBytes(random, below(random, 700));
  const words = Array.from({ length: below(random, 5) }, () => pick(random, PARAMETERS));
  const tags = random() < 0.15 ? pick(random, TAGS) : '';
  const prefix = random() < 0.05 ? ':forged!x@y ' : '';
  const text = `${tags}${prefix}${pick(random, COMMANDS)} ${words.join(' ')}${pick(random, ENDS)}`;
  const bytes = new TextEncoder().encode(text);
  return kind < 0.6 || others.length === 0 ? bytes : mutate(random, bytes, others, 9000);
}

async function campaign(mesh: TestMesh): Promise<void> {
  const random = seededRandom(SEED);
  const [ann, bob] = await mesh.chatters(['ann', 'bob']);
  const watch = new Campaign('IRC lines', mesh.node(0));
  const clients: ChatClient[] = [];
  const recent: Uint8Array[] = [];
  let connectionCount = 0;
  for (let done = 0; done < COUNT; done++) {
    const index = below(random, CLIENTS);
    let client = clients[index];
    if (client === undefined || client.closed || random() < 0.001) {
      client?.drop();
      client = await mesh.stranger(0, `f${index}`);
      clients[index] = client;
      connectionCount++;
      if (random() < 0.9) client.send(`NICK f${index}`, `USER f${index} 0 * :x`, 'JOIN #mesh');
    }
    const bytes = line(random, recent);
    if (recent.length < 200) recent.push(bytes);
    else recent[below(random, 200)] = bytes;
    client.write(bytes);
    client.lines.length = 0; // not ours to keep
    if (done % BATCH === 0) await pause(5);
    if (done % LOOK_EVERY > 0) continue;
    await ann.answers();
    watch.look(done);
    ann.lines.length = 0;
    bob.lines.length = 0;
  }
  for (const client of clients) client?.drop();
  await pause(1000);
  await ann.answers();
  ann.send('JOIN #after');
  bob.send('JOIN #after');
  await ann.wait(/^:bob!\S+ JOIN :?#after| 353 \S+ . #after :.*bob/);
  bob.send('PRIVMSG #after :still there');
  await ann.wait(/PRIVMSG #after :still there/);
  console.log(`IRC lines: ${connectionCount} connections`);
  watch.look(COUNT);
  watch.end();
}

await withMesh({ count: 2 }, campaign);
process.exit(0);
