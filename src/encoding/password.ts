/**
 * Password hashes of accounts: `pbkdf2-sha256$ITERATIONS$SALT$HASH` (RFC 8018 with HMAC-SHA-256, 32 bytes; salt and
 * hash in base64). The work is cut into pieces, so that a router goes on with everything else while it checks one.
 */
import { base64Text, decodeBase64 } from './base64.ts';
import { joinChunks } from './bytes.ts';

type Sha256 = (bytes: Uint8Array) => Uint8Array;

const BLOCK_BYTES = 64;
const ITERATIONS_MAX = 1_000_000;
const ITERATIONS_PER_TURN = 100;
export const DEFAULT_ITERATIONS = 2000;

/** @returns HMAC-SHA-256 with a fixed key (RFC 2104). */
function hmac(sha256: Sha256, key: Uint8Array): (bytes: Uint8Array) => Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? sha256(key) : key);
  const inner = block.map((byte) => byte ^ 0x36);
  const outer = block.map((byte) => byte ^ 0x5c);
  return (bytes) => sha256(joinChunks([outer, sha256(joinChunks([inner, bytes]))]));
}

/** Resolves with the 32 bytes. `later` runs the next piece on a later turn. */
export function pbkdf2(
  sha256: Sha256, password: string, salt: Uint8Array, iterations: number, later: (task: () => void) => void,
): Promise<Uint8Array> {
  const mac = hmac(sha256, new TextEncoder().encode(password));
  let last = mac(joinChunks([salt, Uint8Array.of(0, 0, 0, 1)]));
  const sum = last.slice();
  let done = 1;
  return new Promise((resolve) => {
    const piece = (): void => {
      for (const end = Math.min(iterations, done + ITERATIONS_PER_TURN); done < end; done++) {
        last = mac(last);
        for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) ^ (last[i] as number);
      }
      if (done >= iterations) resolve(sum);
      else later(piece);
    };
    piece();
  });
}

export async function hashPassword(
  sha256: Sha256, password: string, salt: Uint8Array, later: (task: () => void) => void,
  iterations = DEFAULT_ITERATIONS,
): Promise<string> {
  const hash = await pbkdf2(sha256, password, salt, iterations, later);
  return `pbkdf2-sha256$${iterations}$${base64Text(salt)}$${base64Text(hash)}`;
}

/** @returns false also for a hash that is not in our format. */
export async function checkPassword(
  sha256: Sha256, password: string, stored: string, later: (task: () => void) => void,
): Promise<boolean> {
  const [scheme, iterations, salt, hash] = stored.split('$');
  const saltBytes = decodeBase64(salt ?? '');
  const expected = decodeBase64(hash ?? '');
  const count = Number(iterations);
  if (scheme !== 'pbkdf2-sha256' || saltBytes === undefined || expected?.length !== 32) return false;
  if (!Number.isInteger(count) || count < 1 || count > ITERATIONS_MAX) return false;
  const actual = await pbkdf2(sha256, password, saltBytes, count, later);
  let difference = 0;
  for (let i = 0; i < actual.length; i++) difference |= (actual[i] as number) ^ (expected[i] as number);
  return difference === 0;
}
