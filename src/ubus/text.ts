/**
 * Text and bytes: UTF-8. Short texts are converted here, because the runtime's TextEncoder costs more than it does for a
 * name of ten letters; long ones are left to it.
 */

const SHORT = 96;
/** Bytes decoded without the runtime's TextDecoder, which takes 4 µs a byte on txiki.js 24. */
const DECODED_HERE_MAX = 2048;
/** What String.fromCharCode surely takes at once. */
const ASCII_CHECK_MAX = 4096;
const NOT_ASCII = /[^\x00-\x7f]/;
const PLAIN = /^[\x01-\x7f]*$/;
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
