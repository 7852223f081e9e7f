/**
 * Which kind of address a canonical text (wire/address.ts) is: the ranges that a mesh binds to keys must never be
 * believed when they come over another one.
 */

export type AddressRange =
  | 'cjdns' // fc00::/8
  | 'yggdrasil' // 0200::/8: one key, one address
  | 'yggdrasil-subnet' // 0300::/8: one key owns 2^64 of them, so none is an identity
  | 'loopback'
  | 'link-local'
  | 'unusable' // unspecified, multicast, broadcast: nobody's own address
  | 'other';

const RANGES: readonly [RegExp, AddressRange][] = [
  [/^fc[0-9a-f]{2}:/, 'cjdns'],
  [/^2[0-9a-f]{2}:/, 'yggdrasil'],
  [/^3[0-9a-f]{2}:/, 'yggdrasil-subnet'],
  [/^(127\.|::1$)/, 'loopback'],
  [/^(fe[89ab][0-9a-f]:|169\.254\.)/, 'link-local'],
  [/^(::$|ff[0-9a-f]{2}:|0\.|22[4-9]\.|2[345]\d\.)/, 'unusable'],
];

/** @param address canonical text: lower case, no leading zeros, IPv4 with dots. */
export function addressRange(address: string): AddressRange {
  for (const [pattern, range] of RANGES) if (pattern.test(address)) return range;
  return 'other';
}

/** True for IPv4 in canonical text. */
export function isIpv4(address: string): boolean {
  return !address.includes(':');
}
