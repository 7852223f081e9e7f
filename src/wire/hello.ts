/**
 * HELLO: greeting, probe, keepalive and goodbye of layer 1.
 *   body offset  size  field
 *        0          4  nonce        to be echoed by the receiver; proves that it hears us under this epoch
 *        4          4  echo nonce   the receiver's nonce as we heard it, 0: none
 *        8          4  echo timestamp: that of the datagram which brought the nonce, plus the ms that we kept it
 *       12          4  subscription version we are at
 *       16          4  identity     random per daemon, the same on all its addresses
 *       20          2  keepalive    seconds after which we speak at the latest
 *       22          2  count of streams, then 12 bytes each: group id (8), highest sequence number sent (4)
 */
export const HELLO_PROBE = 1; // answer with HELLO
export const HELLO_BYE = 2; // we are stopping

export const HELLO_LENGTH = 24;
export const HELLO_STREAM_LENGTH = 12;

export class Hello {
  flags = 0;
  nonce = 0;
  echoNonce = 0;
  echoTimestamp = 0;
  keepaliveS = 0;
  subsVersion = 0;
  identity = 0;
  streamCount = 0;
  /** Where the streams begin in the datagram. */
  streamsAt = 0;
}

/** Writes the body without streams; the caller appends `hello.streamCount` of them. @returns the offset after it. */
export function encodeHello(view: DataView, at: number, hello: Hello): number {
  view.setUint32(at, hello.nonce);
  view.setUint32(at + 4, hello.echoNonce);
  view.setUint32(at + 8, hello.echoTimestamp);
  view.setUint16(at + 20, hello.keepaliveS);
  view.setUint32(at + 12, hello.subsVersion);
  view.setUint32(at + 16, hello.identity);
  view.setUint16(at + 22, hello.streamCount);
  return at + HELLO_LENGTH;
}

export function decodeHello(view: DataView, at: number, length: number, flags: number, hello: Hello): boolean {
  if (length < HELLO_LENGTH) return false;
  hello.flags = flags;
  hello.nonce = view.getUint32(at);
  hello.echoNonce = view.getUint32(at + 4);
  hello.echoTimestamp = view.getUint32(at + 8);
  hello.keepaliveS = view.getUint16(at + 20);
  hello.subsVersion = view.getUint32(at + 12);
  hello.identity = view.getUint32(at + 16);
  hello.streamCount = view.getUint16(at + 22);
  hello.streamsAt = at + HELLO_LENGTH;
  return HELLO_LENGTH + hello.streamCount * HELLO_STREAM_LENGTH <= length;
}
