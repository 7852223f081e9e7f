/** Base64 (RFC 4648 §4): bytes on the control socket, SASL, password hashes, the WebSocket handshake. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CODES = new Uint8Array(64);
const VALUES = new Uint8Array(256).fill(255);
for (let i = 0; i < 64; i++) {
  CODES[i] = ALPHABET.charCodeAt(i);
  VALUES[ALPHABET.charCodeAt(i)] = i;
}

/** Base64 with padding, as ASCII bytes. */
export function encodeBase64(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  const out = new Uint8Array(Math.ceil(length / 3) * 4).fill(61);
  let at = 0;
  for (let i = 0; i < length; i += 3) {
    const left = length - i;
    const bits = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    out[at++] = CODES[bits >> 18] as number;
    out[at++] = CODES[(bits >> 12) & 63] as number;
    if (left > 1) out[at++] = CODES[(bits >> 6) & 63] as number;
    if (left > 2) out[at++] = CODES[bits & 63] as number;
  }
  return out;
}

/** The same as text, of at most some thousand bytes. */
export function base64Text(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, encodeBase64(bytes) as unknown as number[]);
}

/** Takes it with or without padding. @returns undefined when it is not base64. */
export function decodeBase64(text: string): Uint8Array | undefined {
  let { length } = text;
  while (length > 0 && text.length - length < 2 && text.charCodeAt(length - 1) === 61) length--;
  if (length % 4 === 1) return undefined;
  const out = new Uint8Array(Math.floor((length * 3) / 4));
  let bits = 0;
  let at = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    const value = code < 256 ? (VALUES[code] as number) : 255;
    if (value === 255) return undefined;
    bits = (bits << 6) | value;
    if (i % 4 > 0) out[at++] = (bits >> (6 - 2 * (i % 4))) & 255;
  }
  return out;
}
