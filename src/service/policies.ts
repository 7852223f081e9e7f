/**
 * Every method of the daemon's ubus objects and its arguments: what `ubus -v list` shows, and what is checked before a method
 * runs. '!' marks what must be given.
 */
import type { Table } from '../ubus/blob.ts';
import { BLOBMSG_BOOL, BLOBMSG_INT32, BLOBMSG_STRING, encodeTable } from '../ubus/blob.ts';

export type ArgumentType = 'string' | 'string!' | 'int' | 'bool';
export type Policy = Readonly<Record<string, Readonly<Record<string, ArgumentType>>>>;

export const MESHCHAT_POLICY: Policy = {
  status: {},
  peers: {},
  metrics: {},
  doctor: {},
  log: { level: 'string', last: 'int' },
};
export const GROUPS_POLICY: Policy = {
  join: {
    name: 'string!', delivery: 'string', ordered: 'bool', start: 'string', last: 'int', slow: 'string', playout_ms: 'int',
    repair: 'string', persist: 'bool', echo: 'bool', resume: 'bool', subscriber: 'int',
  },
  leave: { name: 'string!' },
  list: {},
};
export const GROUP_POLICY: Policy = {
  publish: { text: 'string', data: 'string', to: 'string', wait: 'bool' },
  datagram: { text: 'string', data: 'string', to: 'string' },
  members: {},
  history: { last: 'int' },
  status: {},
};
export const STATUS_POLICY: Policy = { status: {} };

/** What ubus calls a type, and what people do. */
const TYPES: Record<string, readonly [number, string]> = {
  string: [BLOBMSG_STRING, 'a string (UTF-8)'], int: [BLOBMSG_INT32, 'a whole number'], bool: [BLOBMSG_BOOL, 'true or false'],
};
const bare = (type: ArgumentType): string => type.replace('!', '');

/** Attribute SIGNATURE of an object with this policy. */
export function signatureOf(policy: Policy): Uint8Array {
  const table: Table = {};
  for (const [method, args] of Object.entries(policy)) {
    const types: Table = {};
    for (const [name, type] of Object.entries(args)) types[name] = TYPES[bare(type)]![0];
    table[method] = types;
  }
  return encodeTable(table);
}

/** @returns what is wrong with the arguments as a sentence, '' when nothing. rpcd adds names that begin with ubus_. */
export function argumentsProblem(policy: Readonly<Record<string, ArgumentType>>, args: Table): string {
  for (const name of Object.keys(args)) {
    if (Object.hasOwn(policy, name)) {
      const type = bare(policy[name]!);
      if (!fits(type, args[name])) return `${name} is ${TYPES[type]![1]}`;
    } else if (!name.startsWith('ubus_')) {
      const known = Object.keys(policy);
      return `there is no argument ${name}; known: ${known.length === 0 ? 'none' : known.join(', ')}`;
    }
  }
  for (const name of Object.keys(policy)) {
    if (args[name] === undefined && policy[name]!.endsWith('!')) return `the argument ${name} is missing`;
  }
  return '';
}

function fits(type: string, value: unknown): boolean {
  if (type === 'int') return typeof value === 'number' && Number.isSafeInteger(value);
  // Shells and some bindings have no booleans.
  if (type === 'bool') return typeof value === 'boolean' || value === 0 || value === 1;
  return typeof value === type;
}
