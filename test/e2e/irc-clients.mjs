// Real IRC clients against running servers: 17 checks each, the client on the first port, a plain socket on the second.
//   node test/e2e/irc-clients.mjs PORT PORT2 [irssi] [weechat] [senpai]     (the same port twice: one node)
// Needs the clients installed, and tmux for irssi and senpai. Last line "N passed, N failed".
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [port, port2, ...wanted] = process.argv.slice(2);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const channel = `#smoke${process.pid}`;

async function until(test, ms = 6000) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(50)) if (test()) return true;
  return false;
}

/** The other side: a plain socket with its log. */
function peer(nick) {
  const socket = connect(Number(port2), '127.0.0.1');
  const self = { log: '', send: (line) => socket.write(`${line}\r\n`), end: () => socket.destroy() };
  socket.on('data', (data) => {
    self.log += data;
    for (const [, token] of String(data).matchAll(/^PING (.*)\r$/gm)) self.send(`PONG ${token}`);
  });
  socket.on('error', () => {});
  self.send(`NICK ${nick}\r\nUSER ${nick} 0 * :Peer`);
  return self;
}

const tmux = (...args) => execFileSync('tmux', ['-L', `smoke${process.pid}`, ...args], { encoding: 'utf8' });

const clients = {
  irssi(folder, nick) {
    const raw = join(folder, 'raw');
    tmux('new-session', '-d', '-s', 'irssi', '-x', '150', '-y', '40',
      `irssi --home=${folder} --config=${folder}/config -n ${nick} --noconnect`);
    const type = (text) => {
      tmux('send-keys', '-t', 'irssi', '-l', text);
      tmux('send-keys', '-t', 'irssi', 'Enter');
    };
    return {
      async start() {
        await sleep(700);
        type(`/connect 127.0.0.1 ${port}`);
        await sleep(700);
        type(`/rawlog open ${raw}`);
      },
      command: type, say: (target, text) => type(`/msg ${target} ${text}`),
      log: () => (existsSync(raw) ? readFileSync(raw, 'utf8') : ''),
      stop: () => tmux('kill-session', '-t', 'irssi'),
    };
  },
  weechat(folder, nick) {
    const fifo = join(folder, 'fifo');
    writeFileSync(join(folder, 'fifo.conf'), `[file]\nenabled = on\npath = "${fifo}"\n`);
    const child = spawn('weechat-headless', ['-d', folder, '-r',
      `/server add m 127.0.0.1/${port} -nossl;/set irc.server.m.nicks ${nick};/set logger.file.flush_delay 0;/connect m`], { stdio: 'ignore' });
    const type = (text) => appendFileSync(fifo, `irc.server.m *${text}\n`);
    const log = () => {
      const logs = join(folder, 'logs');
      return existsSync(logs) ? readdirSync(logs).map((name) => readFileSync(join(logs, name), 'utf8')).join('\n') : '';
    };
    return {
      async start() {
        await until(() => existsSync(fifo));
        await sleep(1500);
      },
      command: type, say: (target, text) => type(`/msg ${target} ${text}`), log, stop: () => child.kill(),
    };
  },
  senpai(folder, nick) {
    writeFileSync(join(folder, 'senpai.scfg'), `address irc+insecure://127.0.0.1:${port}\nnickname ${nick}\nrealname Senpai\n`);
    tmux('new-session', '-d', '-s', 'senpai', '-x', '170', '-y', '50', `${process.env.SENPAI ?? 'senpai'} -config ${folder}/senpai.scfg -debug`);
    const type = (text) => {
      tmux('send-keys', '-t', 'senpai', '-l', text);
      tmux('send-keys', '-t', 'senpai', 'Enter');
    };
    let seen = '';
    const log = () => (seen += tmux('capture-pane', '-t', 'senpai', '-p'));
    return { start: () => sleep(2000), command: type, say: (target, text) => type(`/msg ${target} ${text}`), log, stop: () => tmux('kill-session', '-t', 'senpai') };
  },
};

let passed = 0;
let failed = 0;
async function check(name, test, ms) {
  const good = await until(test, ms);
  if (good) passed++;
  else failed++;
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name}`);
}

async function smoke(kind) {
  const folder = mkdtempSync(join(tmpdir(), `smoke-${kind}-`));
  mkdirSync(folder, { recursive: true });
  const nick = `${kind.slice(0, 5)}${process.pid}`;
  const other = peer('peer');
  const client = clients[kind](folder, nick);
  try {
    await client.start();
    const sees = (text) => () => client.log().includes(text);
    const reaches = (text) => () => other.log.includes(text);
    other.send(`JOIN ${channel}`);
    client.command(`/join ${channel}`);
    await check(`${kind}: registration and join`, reaches(`:${nick}!`));
    other.log = '';
    other.send(`NAMES ${channel}`);
    await check(`${kind}: members, seen by the other`, () => other.log.includes(nick));
    client.command(kind === 'senpai' ? '/names' : `/names ${channel}`);
    await check(`${kind}: members, seen by the client`, sees('peer'));
    client.command(`/msg ${channel} gr\u00fc\u00dfe \u2192 \u4f60\u597d`);
    await check(`${kind}: UTF-8 from the client`, reaches('gr\u00fc\u00dfe \u2192 \u4f60\u597d'));
    other.send(`PRIVMSG ${channel} :zur\u00fcck \u2713`);
    await check(`${kind}: UTF-8 to the client`, sees('zur\u00fcck \u2713'));
    other.send(`PRIVMSG ${channel} :\x01ACTION waves-hand\x01`);
    await check(`${kind}: ACTION to the client`, sees('waves-hand'));
    other.send(`TOPIC ${channel} :topic-by-peer with words`);
    await check(`${kind}: topic to the client`, sees('topic-by-peer with words'));
    client.command(`/topic ${kind === 'senpai' ? '' : `${channel} `}topic-by-client`);
    await check(`${kind}: topic from the client`, reaches(`TOPIC ${channel} topic-by-client`));
    other.send(`NOTICE ${nick} :notice-to-client`);
    await check(`${kind}: notice`, sees('notice-to-client'));
    other.send(`PRIVMSG ${nick} :private-to-client`);
    await check(`${kind}: private message to the client`, sees('private-to-client'));
    client.say('peer', 'private-from-client');
    await check(`${kind}: private message from the client`, reaches('PRIVMSG peer private-from-client'));
    other.send('NICK peer2');
    await check(`${kind}: nick change of the other`, sees('peer2'));
    client.command(`/nick ${nick}x`);
    await check(`${kind}: nick change of the client`, reaches(`NICK ${nick}x`));
    other.send('AWAY :gone-fishing');
    await sleep(300);
    client.command('/whois peer2');
    await check(`${kind}: WHOIS with AWAY`, sees('gone-fishing'));
    other.send(`WHOIS ${nick}x`);
    await check(`${kind}: WHOIS of the client`, reaches(` 311 peer2 ${nick}x `));
    client.command(`/part ${kind === 'senpai' ? '' : `${channel}`}`);
    await check(`${kind}: part`, reaches(`PART ${channel}`));
    other.log = '';
    other.send('MONITOR + ' + `${nick}x`);
    await sleep(200);
    client.command('/quit');
    await check(`${kind}: quit`, reaches(` 731 peer2 ${nick}x`), 12_000);
  } finally {
    if (failed > 0 && process.env.VERBOSE) console.log(client.log().slice(-3000), other.log.slice(-2000));
    try {
      client.stop();
    } catch {
      // It has quit.
    }
    other.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const kind of wanted.length > 0 ? wanted : ['irssi', 'weechat']) await smoke(kind);
try {
  tmux('kill-server');
} catch {
  // It ended with its last session.
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
