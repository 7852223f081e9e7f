// The load of irc.mjs, in a process of its own: clients of one IRC server on this machine, whatever program it is.
//   node irc-load.mjs '{"what": "memory" | "fanout" | "latency" | "storm" | "drops", "port": N, "pid": N, …}'
// Prints one line of JSON. The server's CPU time and memory are read from /proc.
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

const TICK_MS = 10; // of /proc/PID/stat
const SETTLE_MS = 1500;
const CHANNEL = '#bench';
const LF = 10;
/** All sockets read into one buffer: what has come is looked at before the next is read. */
const buffer = Buffer.allocUnsafe(256 * 1024);
const { what, port, pid, ...options } = JSON.parse(process.argv[2]);

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const perSecond = (count, ms) => Math.round((count * 1000) / ms);

function residentBytes() {
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4096;
}

function cpuMs() {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

class Member {
  bytes = 0;
  onBytes = () => {};
  #rest = '';
  #waiting = undefined;

  constructor(index) {
    this.nick = `m${index}`;
    this.socket = connect({
      port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback: (length) => this.#read(length) },
    });
    this.socket.on('error', (error) => this.#waiting?.reject(error));
    this.socket.on('close', () => this.#waiting?.reject(new Error(`${this.nick} was closed`)));
  }

  #read(length) {
    this.bytes += length;
    if (this.#waiting === undefined) this.onBytes(buffer, length);
    else this.#lines(buffer.latin1Slice(0, length));
    return true;
  }

  #lines(text) {
    const lines = (this.#rest + text).split('\r\n');
    this.#rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith('PING ')) this.send(line.replace('PING', 'PONG'));
      if (!line.includes(this.#waiting?.word ?? '\n')) continue;
      this.#waiting.resolve();
      this.#waiting = undefined;
    }
  }

  send(line) {
    this.socket.write(`${line}\r\n`);
  }
  /** Until a line with `word` has come. */
  until(word) {
    return new Promise((resolve, reject) => {
      this.#waiting = { word, resolve, reject };
    });
  }
  async enter() {
    this.send(`NICK ${this.nick}\r\nUSER ${this.nick} 0 * :A member`);
    await this.until(' 001 ');
    this.send(`JOIN ${CHANNEL}`);
    await this.until(' 366 ');
  }
}

/** Members join one after the other, a few at a time. */
async function enter(count, from = 0) {
  const members = Array.from({ length: count }, (_, i) => new Member(from + i));
  for (let at = 0; at < count; at += 8) await Promise.all(members.slice(at, at + 8).map((one) => one.enter()));
  return members;
}

/** Until nothing more comes. */
async function settle(members) {
  for (let before = -1, sum = 0; before !== sum;) {
    before = sum;
    await wait(SETTLE_MS / 3);
    sum = members.reduce((total, one) => total + one.bytes, 0);
  }
}

/** Bytes per joined client; the first one, whose coming warms the server up, is not counted. */
async function memory() {
  const idle = residentBytes();
  const members = [];
  const found = { idle };
  for (const count of options.counts) {
    const cpu = cpuMs();
    const start = performance.now();
    members.push(...await enter(count - members.length, members.length));
    await settle(members);
    await wait(SETTLE_MS);
    found[count] = { resident: residentBytes(), cpuMs: cpuMs() - cpu, ms: Math.round(performance.now() - start) };
  }
  return found;
}

/** `count` more members that join and then read nothing. @returns how many of them the server has closed so far */
async function enterStuck(count, from) {
  const stuck = await enter(count, from);
  let closed = 0;
  for (const { socket } of stuck) {
    socket.pause();
    socket.on('close', () => closed++);
  }
  return async () => {
    for (const { socket } of stuck) socket.resume(); // so that their end is seen
    await wait(SETTLE_MS);
    return closed;
  };
}

/** As fast as it goes, each sender `window` lines ahead of what the last member has received. */
async function fanout() {
  const members = await enter(options.members);
  const closed = await enterStuck(options.stuck ?? 0, options.members);
  await settle(members);
  const senders = members.slice(0, options.senders);
  const last = members.at(-1);
  const line = `PRIVMSG ${CHANNEL} :${'x'.repeat(options.textBytes ?? 80)}\r\n`;
  let lineBytes = 0; // all have one length: the senders' nicks have one digit
  last.onBytes = (_bytes, length) => (lineBytes = length);
  senders[0].socket.write(line);
  await settle(members);
  let sent = 0, received = 0, rest = 0, due = 0;
  let running = true;
  /** Sends `count` lines, shared out among the senders. */
  const pump = (count) => {
    const each = new Array(senders.length).fill(0);
    for (let i = 0; i < count; i++) each[sent++ % each.length]++;
    each.forEach((lines, i) => lines > 0 && senders[i].socket.write(line.repeat(lines)));
  };
  last.onBytes = (_bytes, length) => {
    due = Math.floor((rest + length) / lineBytes);
    rest = (rest + length) % lineBytes;
    received += due;
    if (running && due > 0) pump(due);
  };
  const before = members.map((one) => one.bytes);
  const cpu = cpuMs();
  const own = process.cpuUsage();
  const start = performance.now();
  let residentMax = residentBytes();
  pump(senders.length * options.window);
  while (performance.now() - start < options.seconds * 1000) {
    await wait(100);
    residentMax = Math.max(residentMax, residentBytes());
  }
  running = false;
  const ms = performance.now() - start;
  const serverMs = cpuMs() - cpu;
  const usage = process.cpuUsage(own);
  const delivered = members.reduce((total, one, i) => total + (one.bytes - before[i]) / lineBytes, 0);
  await settle(members);
  return {
    linesPerSecond: perSecond(delivered, ms), cpuUsPerLine: (serverMs * 1000) / delivered, serverCpu: serverMs / ms,
    loadCpu: (usage.user + usage.system) / 1000 / ms, lost: sent - received, residentMax, closed: await closed(),
  };
}

/** Milliseconds from sending to each member's receipt, of `perSecond` lines a second from one member to the others. */
async function latency() {
  const members = await enter(options.members);
  await settle(members);
  const [sender] = members;
  const sentMs = [];
  const times = [];
  const mark = Buffer.from(' :@');
  for (const member of members.slice(1)) {
    member.onBytes = (bytes, length) => {
      const now = performance.now();
      for (let at = bytes.indexOf(mark); at >= 0 && at < length; at = bytes.indexOf(mark, at + 3)) {
        let n = 0;
        for (let i = at + 3; bytes[i] !== 0x20 && i < length; i++) n = n * 10 + bytes[i] - 48;
        if (sentMs[n] !== undefined) times.push(now - sentMs[n]);
      }
      bytes.fill(LF, 0, length); // an old line must not be found again
    };
  }
  const helper = options.drops > 0 ? await startDrops() : undefined;
  const text = 'x'.repeat(70);
  const cpu = cpuMs();
  const start = performance.now();
  const count = options.seconds * options.perSecond;
  for (let n = 0; n < count;) {
    const due = Math.min(count, Math.floor(((performance.now() - start) * options.perSecond) / 1000) + 1);
    for (; n < due; n++) {
      sentMs[n] = performance.now();
      sender.send(`PRIVMSG ${CHANNEL} :@${n} ${text}`);
    }
    await wait(1000 / options.perSecond);
  }
  await settle(members);
  const cpuUsed = cpuMs() - cpu;
  const drops = await helper?.end();
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))];
  return {
    count: times.length, wanted: count * (members.length - 1), p50: at(0.5), p99: at(0.99), max: times.at(-1),
    serverCpu: cpuUsed / (options.seconds * 1000), resident: residentBytes(), drops,
  };
}

/** Another process that connects and drops. */
async function startDrops() {
  const child = fork(process.argv[1], [JSON.stringify({ what: 'drops', port, pid, perSecond: options.drops })]);
  let done;
  child.on('message', (message) => (message === 'started' ? done() : done(message)));
  await new Promise((resolve) => (done = resolve));
  return {
    end: () => new Promise((resolve) => {
      done = resolve;
      child.send('end');
    }),
  };
}

/** Connections a second; of three one closes at once, one after NICK and USER, one resets. */
function drops() {
  const counts = { connected: 0, failed: 0, tried: 0 };
  const begin = performance.now();
  const one = () => {
    const n = counts.tried++;
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => counts.failed++);
    socket.on('connect', () => {
      counts.connected++;
      if (n % 3 === 0) socket.destroy();
      else if (n % 3 === 1) socket.resetAndDestroy();
      else socket.write(`NICK d${n}\r\nUSER d 0 * :d\r\n`, () => socket.destroy());
    });
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - begin) * options.perSecond) / 1000;
    for (let i = 0; i < 50 && counts.tried < due; i++) one();
  }, 2);
  process.send('started');
  process.on('message', () => {
    clearInterval(timer);
    counts.perSecond = perSecond(counts.connected, performance.now() - begin);
    process.send(counts, () => process.exit(0));
  });
}

const tasks = { memory, fanout, latency, drops };
const result = await tasks[what]();
if (what !== 'drops') {
  console.log(JSON.stringify(result));
  process.exit(0);
}
