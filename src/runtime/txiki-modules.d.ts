/** Modules inside txiki.js. */
declare module 'tjs:hashing' {
  export function createHash(name: string): { update(bytes: Uint8Array): { bytes(): Uint8Array } };
}
