/**
 * IRC over WebSocket (RFC 6455; IRCv3 websocket: text.ircv3.net, binary.ircv3.net): a message is a line without its
 * end. Text frames unless the client asked for binary. Messages may come in fragments; one line is the longest message
 * there is.
 */
import type { Stream, StreamHandler } from '../runtime/runtime.ts';
import { base64Text } from '../encoding/base64.ts';
import { joinChunks } from '../encoding/bytes.ts';
import type { Ircd } from './ircd.ts';
import { BODY_BYTES_MAX, TAG_BYTES_MAX } from './line-reader.ts';
import type { LineReader } from './line-reader.ts';
import type { Session, Transport } from './session.ts';
import { sha1 } from './sha1.ts';
import { decodeText, encodeText } from './text.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const HEAD_BYTES_MAX = 8192;
const MESSAGE_BYTES_MAX = BODY_BYTES_MAX + TAG_BYTES_MAX + 2;
const LF = 10;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
/** Codes of a close frame. */
const PROTOCOL_ERROR = 1002;
const TOO_BIG = 1009;

const ADVICE = 'This is an IRC server for WebSocket clients.\n';
const REFUSAL = 'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n' +
  `Content-Length: ${ADVICE.length}\r\n\r\n${ADVICE}`;

/** @returns the response to a good handshake and the chosen subprotocol. */
export function answerHandshake(head: string): { response: string; protocol: string } | undefined {
  const headers = new Map<string, string>();
  const [request = '', ...lines] = head.split('\r\n');
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const key = headers.get('sec-websocket-key') ?? '';
  const upgrade = headers.get('upgrade')?.toLowerCase() === 'websocket';
  if (!request.startsWith('GET ') || !upgrade || !/^[A-Za-z0-9+/]{22}==$/.test(key)) return undefined;
  const offered = (headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
  const protocol = offered.find((name) => name === 'text.ircv3.net' || name === 'binary.ircv3.net') ?? '';
  const accept = base64Text(sha1(encodeText(key + GUID)));
  const chosen = protocol === '' ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`;
  return {
    protocol,
    response: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n${chosen}\r\n`,
  };
}

export function encodeFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const wide = payload.length > 125;
  const frame = new Uint8Array(payload.length + (wide ? 4 : 2));
  frame[0] = 0x80 | opcode;
  frame[1] = wide ? 126 : payload.length;
  if (wide) {
    frame[2] = payload.length >> 8;
    frame[3] = payload.length & 255;
  }
  frame.set(payload, wide ? 4 : 2);
  return frame;
}

class WebSocketTransport implements Transport {
  readonly stream: Stream;
  readonly #opcode: number;
  constructor(stream: Stream, opcode: number) {
    this.stream = stream;
    this.#opcode = opcode;
  }
  write(lines: readonly (string | Uint8Array)[]): boolean {
    for (const some of lines) {
      const bytes = typeof some === 'string' ? encodeText(some) : some;
      for (let from = 0; from < bytes.length; ) {
        const end = bytes.indexOf(LF, from);
        if (!this.stream.write(encodeFrame(this.#opcode, bytes.subarray(from, end - 1)))) return false;
        from = end + 1;
      }
    }
    return true;
  }
  end(): void {
    this.stream.write(encodeFrame(CLOSE, Uint8Array.of(3, 232)));
    this.stream.end();
  }
}

class Connection implements StreamHandler {
  readonly #ircd: Ircd;
  readonly #stream: Stream;
  #session: Session | undefined;
  #reader: LineReader | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #message: Uint8Array = new Uint8Array(0);
  /** More frames of the message are to come. */
  #unfinished = false;
  #ended = false;

  constructor(ircd: Ircd, stream: Stream) {
    this.#ircd = ircd;
    this.#stream = stream;
  }

  onData(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#bytes = joinChunks([this.#bytes, bytes]);
    if (this.#session === undefined && !this.#shake()) return;
    while (!this.#ended && this.#frame());
    if (!this.#ended) this.#session?.inbox.work();
  }

  onClose(): void {
    this.#ended = true;
    if (this.#session !== undefined) this.#ircd.close(this.#session, 'Connection closed');
  }

  #shake(): boolean {
    const end = this.#bytes.findIndex((byte, i) => byte === 10 && this.#bytes[i - 2] === 10);
    if (end < 0) {
      return this.#bytes.length > HEAD_BYTES_MAX && this.#refuse();
    }
    const answer = answerHandshake(decodeText(this.#bytes.subarray(0, end)) ?? '');
    if (answer === undefined) return this.#refuse();
    this.#stream.write(encodeText(answer.response));
    this.#bytes = this.#bytes.slice(end + 1);
    const opcode = answer.protocol === 'binary.ircv3.net' ? BINARY : TEXT;
    const opened = this.#ircd.open(new WebSocketTransport(this.#stream, opcode));
    this.#session = opened?.session;
    this.#reader = opened?.reader;
    this.#ended = opened === undefined;
    return !this.#ended;
  }

  #refuse(): false {
    this.#ended = true;
    this.#stream.write(encodeText(REFUSAL));
    this.#stream.end();
    return false;
  }

  #fail(code: number): void {
    this.#ended = true;
    this.#stream.write(encodeFrame(CLOSE, Uint8Array.of(code >> 8, code & 255)));
    this.#stream.end();
    if (this.#session !== undefined) this.#ircd.close(this.#session, 'WebSocket error');
  }

  /** @returns false when there is no whole frame left. */
  #frame(): boolean {
    const bytes = this.#bytes;
    if (bytes.length < 6) return false;
    const [first, second] = bytes as unknown as [number, number];
    const short = second & 0x7f;
    const head = short === 126 ? 4 : 2;
    const length = short === 126 ? ((bytes[2] as number) << 8) | (bytes[3] as number) : short;
    // Clients must mask; control frames are whole and short (§5.5); a longer frame than a line can not be one.
    const control = (first & 8) !== 0;
    const wrong = (second & 0x80) === 0 || (first & 0x70) !== 0 || (control && (short > 125 || (first & 0x80) === 0));
    if (wrong || short === 127 || length > MESSAGE_BYTES_MAX) {
      this.#fail(wrong ? PROTOCOL_ERROR : TOO_BIG);
      return false;
    }
    if (bytes.length < head + 4 + length) return false;
    const payload = bytes.slice(head + 4, head + 4 + length);
    for (let i = 0; i < length; i++) payload[i] = (payload[i] as number) ^ (bytes[head + (i & 3)] as number);
    this.#bytes = bytes.slice(head + 4 + length);
    this.#onFrame(first & 15, (first & 0x80) !== 0, payload);
    return true;
  }

  #onFrame(opcode: number, final: boolean, payload: Uint8Array): void {
    if (opcode === PING) return void this.#stream.write(encodeFrame(PONG, payload));
    if (opcode === PONG) return;
    if (opcode === CLOSE) {
      this.#ended = true;
      this.#stream.write(encodeFrame(CLOSE, payload.subarray(0, 2)));
      this.#stream.end();
      return;
    }
    // Only the frames after a message's first have opcode 0, and they have no other (§5.4).
    if (opcode > BINARY || (opcode === 0) !== this.#unfinished) return this.#fail(PROTOCOL_ERROR);
    this.#unfinished = !final;
    if (this.#message.length + payload.length > MESSAGE_BYTES_MAX) return this.#fail(TOO_BIG);
    this.#message = joinChunks([this.#message, payload]);
    if (!final) return;
    const message = this.#message;
    this.#message = new Uint8Array(0);
    // A line end inside would make two lines of one message.
    const end = message.findIndex((byte) => byte === 10 || byte === 13);
    this.#reader?.pushLine(end < 0 ? message : message.subarray(0, end));
  }
}

export function serveWebSocket(ircd: Ircd, stream: Stream): StreamHandler {
  return new Connection(ircd, stream);
}
