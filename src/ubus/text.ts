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
/** A byte order mark is a part of the text like any other. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const strictDecoder = new TextDecoder('utf-8', { fatal: true });

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

/** What is not UTF-8 stays bytes, for nothing else to be made of it. */
export function textOrBytes(bytes: Uint8Array): string | Uint8Array {
  const text = decodeUtf8(bytes);
  return text.includes('\ufffd') && !isText(bytes) ? bytes.slice() : text;
}

/** Whether `bytes` can be a ubus string unchanged: UTF-8 (RFC 3629 §4, no surrogates, nothing overlong) without NUL. */
export function isText(bytes: Uint8Array): boolean {
  // Most are plain ASCII, and a regular expression sees that sooner.
  if (bytes.length <= ASCII_CHECK_MAX && PLAIN.test(String.fromCharCode.apply(null, bytes as unknown as number[]))) return true;
  if (bytes.includes(0)) return false;
  try {
    strictDecoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
