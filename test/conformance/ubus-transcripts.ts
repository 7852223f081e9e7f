/** Dialogues recorded between the real ubusd, the stock ubus tool, libubus programs and raw clients: see test/vectors. */
import lines from '../vectors/ubus-transcripts.jsonl';

export interface RecordedMessage {
  /** Order over all connections of the scenario. */
  n: number;
  dir?: 'c2s' | 's2c';
  hex?: string;
  /** Not a frame. */
  rawhex?: string;
  /** Too long to be recorded: its length and beginning; the rest are zeros. */
  len?: number;
  hexStart?: string;
  ev?: string;
}
export interface Scenario {
  name: string;
  description: string;
  conns: { role: string; msgs: RecordedMessage[] }[];
}

export const scenarios: Scenario[] = lines.trim().split('\n').map((line) => JSON.parse(line) as Scenario);

/** The bytes of a message as they were sent. */
export function bytesOf({ hex, rawhex, len, hexStart }: RecordedMessage): Uint8Array {
  if (len === undefined) return fromHex(hex ?? rawhex ?? '');
  const bytes = new Uint8Array(len);
  bytes.set(fromHex(hexStart ?? ''));
  return bytes;
}

export function fromHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
export function toHex(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex;
}
