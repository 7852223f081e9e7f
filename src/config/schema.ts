/**
 * Every section and option of /etc/config/meshchat, once. Validation, the commented default file, the init script's
 * check and the documentation all come from here (scripts/generate-config.mjs), so that none of them can say
 * something else.
 */
import { DEFAULT_PORT } from '../wire/address.ts';
import {
  bool, choice, endpoint, fileMode, fixed, int, list, peer, peerMask, required, secret, text, type Field,
} from './field.ts';
import type { AccountOptions, DaemonOptions, GroupOptions, IrcOptions, MainOptions, MeshOptions } from './options.ts';

type Fields<T> = { [K in keyof T]: Field<T[K]> };

/** As long as the name of a socket can be. */
const PATH = (fallback: string) => text(fallback, 'an absolute path', /^\/[!-~]{1,106}$/);
const WORD = (fallback: string) => text(fallback, 'a word of letters, digits and - _ .', /^[\w.-]{1,63}$/);
const ANY = (fallback: string) => text(fallback, 'any text', /^/);

const main: Fields<MainOptions> = {
  enabled: bool(true),
  log: choice('info', 'error', 'warn', 'info', 'debug'),
  port: fixed(int(DEFAULT_PORT, 1, 65535)),
  socket: fixed(PATH('/var/run/meshchat/meshchat.sock')),
  socketMode: fixed(fileMode(0o660)),
  socketGroup: fixed(WORD('')),
  systemBus: fixed({
    fallback: '/var/run/ubus/ubus.sock', allowed: 'an absolute path, or off',
    read: (value) => (value === 'off' ? '' : PATH('').read(value)),
  }),
  stateDir: fixed(PATH('/tmp/meshchat')),
  probesPerMinute: fixed(int(900, 0, 60000)),
  peersMax: fixed(int(1024, 2, 65535)),
  logBytes: fixed(int(262144, 4096, 16777216, 'bytes')),
  logBytesTotal: fixed(int(2097152, 65536, 268435456, 'bytes')),
  retainSeconds: fixed(int(120, 10, 3600, 'seconds')),
};

const mesh: Fields<Omit<MeshOptions, 'name'>> = {
  type: required(choice<MeshOptions['type']>('static', 'cjdns', 'yggdrasil', 'static', 'lan')),
  enabled: bool(true),
  adminAddress: text('', 'an IPv4 address', /^\d+(\.\d+){3}$/),
  adminPort: int(0, 1, 65535),
  adminPassword: secret(ANY('')),
  socket: text('', 'an absolute path or HOST:PORT', /^\/[!-~]{1,106}$|^[^/\s]+:\d+$/),
  crawl: bool(false),
  address: list(text('', 'an address or the name of an interface', /^[\w:.@-]{1,63}$/)),
  peer: list(peer()),
  interface: list(text('', 'the name of an interface', /^[^\s/]{1,15}$/)),
};

const group: Fields<GroupOptions> = {
  name: required({
    fallback: '', allowed: 'a group name of 1 to 64 bytes',
    read: (value) => (new TextEncoder().encode(value).length <= 64 ? value : undefined),
  }),
  delivery: choice('reliable', 'reliable', 'timely', 'datagram'),
  ordered: bool(true),
  start: {
    fallback: 'now', allowed: 'now, all, or how many of the last messages',
    read(value) {
      if (value === 'now' || value === 'all') return value;
      return /^\d{1,9}$/.test(value) ? { last: Number(value) } : undefined;
    },
  },
  slow: choice('lag', 'lag', 'block', 'evict'),
  repair: choice('direct', 'direct', 'srm'),
  playoutMs: int(400, 20, 10000, 'milliseconds'),
};

const irc: Fields<IrcOptions> = {
  enabled: fixed(bool(true)),
  listen: list(endpoint(), { address: '127.0.0.1', port: 6667 }),
  websocket: list(endpoint()),
  tlsListen: list(endpoint()),
  tlsCert: PATH(''),
  tlsKey: PATH(''),
  interface: list(WORD('')),
  networkName: WORD('meshchat'),
  serverName: fixed(WORD('irc.mesh')),
  password: secret(ANY('')),
  motd: list(ANY('')),
  adminInfo: list(ANY('')),
  autojoin: list(text('', "a channel in quotes, such as '#mesh'", /^#[^\s,\0\x07]{1,63}$/)),
  clientsMax: int(1000, 1, 10000),
  flood: int(0, 0, 1000),
  historyLines: int(500, 0, 100000),
  historyBytes: int(131072, 0, 16777216, 'bytes'),
  historyHours: int(24, 1, 8760, 'hours'),
  playbackLines: int(50, 0, 1000),
  hide: list(peerMask()),
  ban: list(peerMask()),
  allow: list(peerMask()),
};

const HASH = text(
  '', 'a hash as pbkdf2-sha256$ITERATIONS$SALT$HASH', /^pbkdf2-sha256\$\d{1,7}\$[\w+/=]+\$[\w+/=]+$/,
);

const account: Fields<AccountOptions> = {
  name: required(text('', 'a nick', /^[^\s,*?!@:#$\0]{1,32}$/)),
  password: required(secret(HASH)),
  operator: bool(false),
};

export interface SectionSchema {
  /** There is one section of this type, of this name; undefined: any number. */
  single?: string;
  fields: Record<string, Field<unknown>>;
}

export const SCHEMA: Record<keyof DaemonOptions, SectionSchema> = {
  meshchat: { single: 'main', fields: main },
  mesh: { fields: mesh },
  group: { fields: group },
  irc: { single: 'irc', fields: irc },
  account: { fields: account },
};

/** socketMode -> socket_mode */
export function optionName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
