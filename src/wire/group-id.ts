/**
 * A group on the wire: the first 8 bytes of SHA-256 of its name. In memory a group is found by the low 53 bits as one
 * number (a safe integer), and the rest is compared.
 */
export const GROUP_ID_LENGTH = 8;

export interface GroupId {
  high: number;
  low: number;
}

export function groupIdOf(name: string, sha256: (bytes: Uint8Array) => Uint8Array): GroupId {
  const hash = sha256(new TextEncoder().encode(name));
  const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength);
  return { high: view.getUint32(0), low: view.getUint32(4) };
}

/** The key of a Map for a group id. */
export function groupKey(high: number, low: number): number {
  return (high & 0x1fffff) * 0x100000000 + low;
}
