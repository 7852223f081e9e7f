/**
 * Addresses as bytes and as text. An address is 16 bytes; IPv4 is written as a mapped address (::ffff:a.b.c.d). The
 * text of an identity is the canonical text (RFC 5952, mapped addresses as dotted quads), with ":port" only where the
 * port is not the default: "fc00::1", "127.0.0.2", "[fc00::1]:9999", "127.0.0.1:9999".
 */

export const ADDRESS_LENGTH = 16;
export const DEFAULT_PORT = 14627;

function parseQuad(text: string, out: Uint8Array, offset: number): boolean {
  const parts = text.split('.');
  if (parts.length !== 4) return false;
  for (const [index, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return false;
    out[offset + index] = Number(part);
  }
  return true;
}

/** Writes the 16-bit groups of `text` (colon-separated hex, last a dotted quad). @returns the bytes used, or -1. */
function parseGroups(text: string, out: Uint8Array): number {
  if (text === '') return 0;
  const groups = text.split(':');
  let used = 0;
  for (const [index, group] of groups.entries()) {
    if (index === groups.length - 1 && group.includes('.')) {
      if (used > 12 || !parseQuad(group, out, used)) return -1;
      used += 4;
    } else {
      if (used > 14 || !/^[0-9a-fA-F]{1,4}$/.test(group)) return -1;
      const value = parseInt(group, 16);
      out[used++] = value >> 8;
      out[used++] = value & 255;
    }
  }
  return used;
}

/** Reads IPv4 or IPv6 text (no scope, no port). @returns 16 bytes, or undefined when malformed. */
export function parseAddress(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(ADDRESS_LENGTH);
  if (!text.includes(':')) {
    bytes[10] = bytes[11] = 255;
    return parseQuad(text, bytes, 12) ? bytes : undefined;
  }
  const halves = text.split('::');
  if (halves.length > 2 || (halves.length === 2 && halves[0]!.includes('.'))) return undefined;
  const head = parseGroups(halves[0]!, bytes);
  if (halves.length === 1) return head === ADDRESS_LENGTH ? bytes : undefined;
  const tail = new Uint8Array(ADDRESS_LENGTH);
  const tailLength = parseGroups(halves[1]!, tail);
  if (head < 0 || tailLength < 0 || head + tailLength > 14) return undefined;
  bytes.set(tail.subarray(0, tailLength), ADDRESS_LENGTH - tailLength);
  return bytes;
}

function isMapped(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[offset + i] !== 0) return false;
  return bytes[offset + 10] === 255 && bytes[offset + 11] === 255;
}

/** The canonical text of the 16 bytes at `offset`. */
export function formatAddress(bytes: Uint8Array, offset = 0): string {
  if (isMapped(bytes, offset)) return bytes.subarray(offset + 12, offset + 16).join('.');
  const groups: number[] = [];
  for (let i = 0; i < 8; i++) groups.push((bytes[offset + 2 * i]! << 8) | bytes[offset + 2 * i + 1]!);
  // RFC 5952 §4.2: the longest run of zeros, at least two, the first of equals.
  let best = 0;
  let bestAt = -1;
  for (let i = 0, run = 0; i < 8; i++) {
    run = groups[i] === 0 ? run + 1 : 0;
    if (run > best && run > 1) {
      best = run;
      bestAt = i - run + 1;
    }
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestAt < 0) return hex.join(':');
  return `${hex.slice(0, bestAt).join(':')}::${hex.slice(bestAt + best).join(':')}`;
}

/** Canonical text of an address in any spelling (zero-padded, upper case, mapped); a scope (%eth0) stays. */
export function canonicalAddress(text: string): string | undefined {
  const percent = text.indexOf('%');
  const bytes = parseAddress(percent < 0 ? text : text.slice(0, percent));
  return bytes && formatAddress(bytes) + (percent < 0 ? '' : text.slice(percent));
}

/** The text of an identity. `address` must be canonical. */
export function endpointId(address: string, port: number, defaultPort: number): string {
  if (port === defaultPort) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** By which text all nodes agree on a node, whichever port each of them takes for the usual one. */
export function identityText({ address, port }: { address: string; port: number }): string {
  return endpointId(address, port, DEFAULT_PORT);
}

/** Reads "address", "v4:port" or "[v6]:port". @returns undefined when malformed; port 0 when none is given. */
export function parseEndpoint(text: string): { address: string; port: number } | undefined {
  const match = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text) ?? /^([^:]+):(\d{1,5})$/.exec(text);
  const address = canonicalAddress(match ? match[1]! : text);
  const port = Number(match?.[2] ?? 0);
  if (address === undefined || port > 65535) return undefined;
  return { address, port };
}
