/**
 * Text and bytes: UTF-8 and base64 (RFC 4648 §4). Short texts are converted here, because the runtime's TextEncoder costs
 * more than it does for a name of ten letters; long ones are left to it.
 */

const SHORT = 96;
/** Bytes decoded without the runtime's TextDecoder, which takes 4 µs a byte on txiki.js 24. */
const DECODED_HERE_MAX = 2048;
/** What String.fromCharCode surely takes at once. */
const ASCII_CHECK_MAX = 4096;
const NOT_ASCII = /[^\x00-\x7f]/;
const PLAIN = /^[\x01-\x7f]*$/;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CODES = new Uint8Array(64);
const VALUES = new Uint8Array(256).fill(255);
for (let i = 0; i < 64; i++) {
  CODES[i] = ALPHABET.charCodeAt(i);
  VALUES[ALPHABET.charCodeAt(i)] = i;
}
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeUtf8(text: string): Uint8Array {
  const { length } = text;
  if (length > SHORT) return encoder.encode(text);
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return encoder.encode(text);
    bytes[i] = code;
  }
  return bytes;
}

/** What is not UTF-8 becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  if (bytes.length > DECODED_HERE_MAX) return decoder.decode(bytes);
  const text = String.fromCharCode.apply(null, bytes as unknown as number[]);
  return NOT_ASCII.test(text) ? decoder.decode(bytes) : text;
}

/** Whether `bytes` can be a ubus string unchanged: UTF-8 (RFC 3629 §4, no surrogates, nothing overlong) without NUL. */
export function isText(bytes: Uint8Array): boolean {
  const { length } = bytes;
  // Most are plain ASCII, and a regular expression sees that sooner than a loop.
  if (length <= ASCII_CHECK_MAX && PLAIN.test(String.fromCharCode.apply(null, bytes as unknown as number[]))) return true;
  for (let i = 0; i < length; ) {
    const lead = bytes[i++] as number;
    if (lead === 0) return false;
    if (lead < 0x80) continue;
    const more = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
    if (more === 0 || i + more > length) return false;
    const second = bytes[i] as number;
    const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < least || second > most) return false;
    for (let last = i + more; ++i < last; ) if (((bytes[i] as number) & 0xc0) !== 0x80) return false;
  }
  return true;
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
