/**
 * Where cjdns's admin port and its password are written: our own option, OpenWrt's UCI, ~/.cjdnsadmin (which cjdns's
 * own tools read), cjdroute.conf, and last what cjdns itself has by default. Only the admin settings are taken out of
 * these files: some hold the node's private key.
 */
import type { Runtime } from '../../runtime/runtime.ts';
import { parseEndpoint } from '../../wire/address.ts';
import { looseValues } from './loose-json.ts';

export interface Credentials {
  address: string;
  port: number;
  password: string;
  /** Where they are written, for messages. */
  origin: string;
}

export interface CredentialOptions {
  /** "127.0.0.1:11234". '': none of our own, as below. */
  admin?: string;
  password?: string;
}

const FILE_BYTES_MAX = 256 * 1024;
const DEFAULT_ADDRESS = '127.0.0.1';
const DEFAULT_PORT = 11234;
/** What `cjdroute --genconf` writes since version 20: no password is needed. */
const NO_PASSWORD = 'NONE';

/** All that is found, the most special first, without repetitions. */
export async function findCredentials(runtime: Runtime, options: CredentialOptions): Promise<Credentials[]> {
  const found: Credentials[] = [];
  const add = (endpoint: string | undefined, password: string | undefined, origin: string): void => {
    const { address = DEFAULT_ADDRESS, port = 0 } = endpoint === undefined ? {} : (parseEndpoint(endpoint) ?? {});
    const entry = { address, port: port || DEFAULT_PORT, password: password ?? NO_PASSWORD, origin };
    const same = (other: Credentials): boolean =>
      other.address === entry.address && other.port === entry.port && other.password === entry.password;
    if (!found.some(same)) found.push(entry);
  };
  if (options.password) add(options.admin, options.password, 'option admin_password');
  const uci = uciAdmin(await readText(runtime, '/etc/config/cjdns'));
  if (uci.size > 0) {
    const endpoint = joinEndpoint(uci.get('admin_address'), uci.get('admin_port'));
    add(endpoint, uci.get('admin_password'), '/etc/config/cjdns');
  }
  const home = `${runtime.env('HOME') ?? '/root'}/.cjdnsadmin`;
  const user = looseValues(await readText(runtime, home), ['addr', 'port', 'password']);
  if (user.size > 0) add(joinEndpoint(user.get('addr'), user.get('port')), user.get('password'), home);
  for (const path of ['/tmp/etc/cjdroute.conf', '/etc/cjdroute.conf']) {
    const conf = looseValues(await readText(runtime, path), ['admin.bind', 'admin.password']);
    if (conf.size > 0) add(conf.get('admin.bind'), conf.get('admin.password'), path);
  }
  add(undefined, undefined, 'the default');
  if (!options.admin) return found;
  // The option says where cjdns is: passwords found elsewhere are tried there.
  const endpoint = parseEndpoint(options.admin);
  if (endpoint === undefined) return found;
  const { address, port } = endpoint;
  return found.map((entry) => ({ ...entry, address, port: port || DEFAULT_PORT }));
}

/** Of one that is absent, '' or 0 it is as cjdns has it by default. */
export function joinEndpoint(address: string | undefined, port: string | number | undefined): string {
  const host = address || DEFAULT_ADDRESS;
  return `${host.includes(':') ? `[${host}]` : host}:${port || DEFAULT_PORT}`;
}

async function readText(runtime: Runtime, path: string): Promise<string> {
  try {
    return new TextDecoder().decode(await runtime.files.read(path, FILE_BYTES_MAX));
  } catch {
    return ''; // not there or not for us: one place less to look at
  }
}

/** The admin_… options of the section `config cjdns`. */
function uciAdmin(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let inside = false;
  for (const line of text.split('\n')) {
    const section = /^\s*config\s+['"]?(\w+)/.exec(line);
    if (section !== null) inside = section[1] === 'cjdns';
    const option = /^\s*option\s+['"]?(admin_\w+)['"]?\s+(?:'([^']*)'|"([^"]*)"|(\S+))/.exec(line);
    if (inside && option !== null) found.set(option[1]!, option[2] ?? option[3] ?? option[4] ?? '');
  }
  return found;
}
