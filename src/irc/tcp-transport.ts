/** IRC over a plain stream: lines as they are. */
import { joinChunks } from '../encoding/bytes.ts';
import type { Stream, StreamHandler } from '../runtime/runtime.ts';
import type { Ircd } from './ircd.ts';
import { encodeText } from './text.ts';

/** One write for all lines of a turn: neighbouring strings are encoded together. */
export function joinLines(lines: readonly (string | Uint8Array)[]): Uint8Array {
  const [only] = lines;
  if (lines.length === 1 && typeof only !== 'string') return only as Uint8Array;
  const chunks: Uint8Array[] = [];
  let text = '';
  for (const line of lines) {
    if (typeof line === 'string') {
      text += line;
      continue;
    }
    if (text !== '') chunks.push(encodeText(text));
    text = '';
    chunks.push(line);
  }
  if (text !== '') chunks.push(encodeText(text));
  return joinChunks(chunks);
}

export function serveTcp(ircd: Ircd, stream: Stream): StreamHandler {
  const write = (lines: readonly (string | Uint8Array)[]): boolean => stream.write(joinLines(lines), true);
  const opened = ircd.open({ stream, write, end: () => stream.end() });
  if (opened === undefined) return { onData: () => undefined, onClose: () => undefined };
  const { session, reader } = opened;
  return {
    onData: (bytes) => {
      reader.push(bytes);
      session.inbox.work();
    },
    onClose: (error) => ircd.close(session, error === undefined ? 'Connection closed' : 'Connection lost'),
  };
}
