/** Kinds of option values: how each is read from UCI text, what is allowed, and its default. */
import { endpointId, parseEndpoint } from '../wire/address.ts';

export interface Field<T> {
  fallback: T;
  /** The allowed values, as a user reads them. */
  allowed: string;
  /** @returns the value, or undefined when the text is not allowed. */
  read(text: string): T | undefined;
  /** The option is a UCI list; `read` is for one item, wrapped in an array. */
  list?: true;
  /** Not in error messages. */
  secret?: true;
  /** The section is refused without it. */
  required?: true;
  /** A running daemon cannot take a new value. */
  restart?: true;
}

/** As OpenWrt's get_bool reads them. */
const BOOLEANS = new Map([
  ['1', true], ['on', true], ['true', true], ['yes', true], ['enabled', true],
  ['0', false], ['off', false], ['false', false], ['no', false], ['disabled', false],
]);

export function bool(fallback: boolean): Field<boolean> {
  return { fallback, allowed: '0 or 1', read: (text) => BOOLEANS.get(text) };
}

export function int(fallback: number, min: number, max: number, unit = ''): Field<number> {
  return {
    fallback, allowed: `${min} to ${max}${unit && ` ${unit}`}`,
    read(text) {
      const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

export function choice<T extends string>(fallback: T, ...words: T[]): Field<T> {
  return { fallback, allowed: words.join(', '), read: (text) => words.find((word) => word === text) };
}

export function text(fallback: string, allowed: string, pattern: RegExp): Field<string> {
  return { fallback, allowed, read: (value) => (pattern.test(value) ? value : undefined) };
}

export interface Endpoint {
  address: string;
  port: number;
}

/** An address with its port. */
export function endpoint(): Field<Endpoint> {
  return {
    fallback: { address: '', port: 0 }, allowed: 'IPV4:PORT or [IPV6]:PORT',
    read(value) {
      const endpoint = parseEndpoint(value);
      return endpoint?.port ? endpoint : undefined;
    },
  };
}

/** A node's address in canonical text, its port where it is not the mesh's. */
export function peer(): Field<string> {
  return {
    fallback: '', allowed: 'ADDRESS, IPV4:PORT or [IPV6]:PORT',
    read(value) {
      const peer = parseEndpoint(value);
      return peer && endpointId(peer.address, peer.port, 0);
    },
  };
}

/** The same, or a mask of several nodes: fc12:* */
export function peerMask(): Field<string> {
  const one = peer();
  return {
    ...one, allowed: 'a mesh address, * and ? match any part of it',
    read: (value) => one.read(value) ?? (/^[\da-f:.*?[\]]*[*?][\da-f:.*?[\]]*$/.test(value) ? value : undefined),
  };
}

export function fileMode(fallback: number): Field<number> {
  return {
    fallback, allowed: 'an octal file mode such as 0660',
    read: (value) => (/^0?[0-7]{3}$/.test(value) ? parseInt(value, 8) : undefined),
  };
}

export function list<T>(item: Field<T>, ...fallback: T[]): Field<T[]> {
  return {
    ...item, fallback, list: true,
    read(value) {
      const one = item.read(value);
      return one === undefined ? undefined : [one];
    },
  };
}

export function secret<T>(field: Field<T>): Field<T> {
  return { ...field, secret: true };
}

export function required<T>(field: Field<T>): Field<T> {
  return { ...field, required: true };
}

/** A new value needs a restart of the daemon. */
export function fixed<T>(field: Field<T>): Field<T> {
  return { ...field, restart: true };
}
