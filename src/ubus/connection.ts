/**
 * The client end of a bus: ours, or the system's ubusd. Requests are told apart by their seq; an answer is DATA … and one
 * STATUS. ubusd never tells a caller that its callee has died: every request has a time limit here.
 */
import type { Runtime, Stream, StreamHandler, Timer } from '../runtime/runtime.ts';
import type { BlobWriter, Table } from './blob.ts';
import { decodeTable, encodeTable } from './blob.ts';
import type { Call } from './bus-object.ts';
import { incomingCall } from './incoming-call.ts';
import type { Attributes, Frame } from './message.ts';
import {
  ATTR_DATA, ATTR_METHOD, ATTR_NO_REPLY, ATTR_OBJID, ATTR_OBJPATH, ATTR_SIGNATURE, ATTR_TARGET, decodeAttributes,
  finishMessage, FrameReader, MSG_ADD_OBJECT, MSG_DATA, MSG_HELLO, MSG_INVOKE, MSG_LOOKUP, MSG_MONITOR, MSG_NOTIFY,
  MSG_REMOVE_OBJECT, MSG_STATUS, MSG_SUBSCRIBE, OBJECT_EVENT, startMessage,
} from './message.ts';
import { STATUS_CONNECTION_FAILED, STATUS_NO_MEMORY, STATUS_OK, STATUS_TIMEOUT, STATUS_UNKNOWN_ERROR } from './status.ts';

export const REQUESTS_MAX = 4096;
export const TIMEOUT_MS = 30_000;
const QUEUE_BYTES_MAX = 2 * 1024 * 1024;

export interface FoundObject {
  path: string;
  id: number;
  /** Methods, each a table of arguments and their types (BLOBMSG_…). */
  signature: Table;
}
/** `data`: the replies in the order they came; kept as tables. */
export interface Answer {
  status: number;
  data: Table[];
}

interface Request {
  /** A DATA message of the answer; its bytes are valid during the call. */
  onData(attributes: Attributes): void;
  onStatus(status: number): void;
  deadline: number;
}

export class UbusConnection implements StreamHandler {
  /** Our client id; 0 until the bus has said hello. */
  id = 0;
  onClosed: () => void = () => {};
  onMonitor: (frame: Frame) => void = () => {};
  /** One of our objects lost what it subscribed to. */
  onTargetGone: (object: number, target: number) => void = () => {};
  /** One of our objects got its first subscriber, or lost its last. */
  onActive: (object: number, active: boolean) => void = () => {};
  readonly #runtime: Runtime;
  readonly #timer: Timer;
  readonly #reader = new FrameReader();
  readonly #requests = new Map<number, Request>();
  readonly #objects = new Map<number, (call: Call) => void>();
  #stream: Stream | undefined;
  #hello: (() => void) | undefined;
  #seq = 0;
  #closed = false;

  private constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#timer = runtime.timer(() => this.#onTimeout());
  }

  /** Resolves after the bus's hello. @throws SystemError as Runtime.connect, or Error when it is no ubus. */
  static async connect(runtime: Runtime, path: string): Promise<UbusConnection> {
    const connection = new UbusConnection(runtime);
    const hello = new Promise<void>((resolve) => (connection.#hello = resolve));
    connection.#stream = await runtime.connect({ at: { path }, writeQueueBytesMax: QUEUE_BYTES_MAX }, connection);
    const late = runtime.timer(() => connection.close());
    late.set(runtime.now() + 5000);
    await hello;
    late.cancel();
    if (connection.id === 0) throw new Error(`${path} does not greet as ubus does, or has too many clients`);
    return connection;
  }

  get closed(): boolean {
    return this.#closed;
  }
  pause(): void {
    this.#stream?.pause();
  }
  resume(): void {
    this.#stream?.resume();
  }
  close(): void {
    this.#stream?.close();
    this.#onEnd();
  }

  async lookup(path?: string): Promise<{ status: number; objects: FoundObject[] }> {
    const objects: FoundObject[] = [];
    const put = (writer: BlobWriter): void => {
      if (path !== undefined) writer.putString(ATTR_OBJPATH, path);
    };
    const status = await this.#request(MSG_LOOKUP, 0, put, ({ objpath, objid, signature }) => {
      if (objpath === undefined || objid === undefined) return;
      objects.push({ path: objpath, id: objid, signature: decodeTable(signature ?? EMPTY) ?? {} });
    });
    return { status, objects };
  }

  async invoke(object: number, method: string, args: Table = {}, timeoutMs = TIMEOUT_MS): Promise<Answer> {
    const data: Table[] = [];
    const put = (writer: BlobWriter): void => {
      writer.putInt32(ATTR_OBJID, object);
      writer.putString(ATTR_METHOD, method);
      writer.putBytes(ATTR_DATA, encodeTable(args));
    };
    const onData = (attributes: Attributes): void => {
      const table = attributes.data === undefined ? undefined : decodeTable(attributes.data);
      if (table !== undefined) data.push(table);
    };
    return { status: await this.#request(MSG_INVOKE, object, put, onData, timeoutMs), data };
  }

  /** Looks the object up, then invokes. */
  async call(path: string, method: string, args: Table = {}, timeoutMs = TIMEOUT_MS): Promise<Answer> {
    const { status, objects } = await this.lookup(path);
    const [object] = objects;
    return object === undefined ? { status, data: [] } : this.invoke(object.id, method, args, timeoutMs);
  }

  /** Adds an object; without a path it can be a subscriber or listener. @returns its id, 0 when refused (path taken). */
  async addObject(onCall: (call: Call) => void, path?: string, signature?: Uint8Array): Promise<number> {
    let id = 0;
    let typed = false;
    const put = (writer: BlobWriter): void => {
      if (path === undefined) return;
      writer.putString(ATTR_OBJPATH, path);
      writer.putBytes(ATTR_SIGNATURE, signature ?? EMPTY);
    };
    const status = await this.#request(MSG_ADD_OBJECT, 0, put, ({ objid, objtype }) => {
      id = objid ?? 0;
      typed = objtype !== undefined;
      if (id !== 0) this.#objects.set(id, onCall);
    });
    // ubusd takes a malformed signature with status 0, but then never lists the object.
    return status === STATUS_OK && (path === undefined || typed) ? id : 0;
  }

  removeObject(id: number): Promise<number> {
    this.#objects.delete(id);
    return this.#request(MSG_REMOVE_OBJECT, 0, (writer) => writer.putInt32(ATTR_OBJID, id));
  }

  subscribe(object: number, target: number): Promise<number> {
    return this.#request(MSG_SUBSCRIBE, 0, (writer) => {
      writer.putInt32(ATTR_OBJID, object);
      writer.putInt32(ATTR_TARGET, target);
    });
  }

  /** Tells the subscribers of one of our objects; no answer comes. @returns false when the queue is full: dropped. */
  notify(object: number, type: string, data: Uint8Array): boolean {
    const writer = startMessage(MSG_NOTIFY, this.#nextSeq(), object, data.length + 64);
    writer.putInt32(ATTR_OBJID, object);
    writer.putString(ATTR_METHOD, type);
    writer.putInt8(ATTR_NO_REPLY, 1);
    writer.putBytes(ATTR_DATA, data);
    return this.#write(finishMessage(writer));
  }

  /** Calls `onEvent` for each event that matches (a name, or a beginning and '*'). @returns a status. */
  async listen(pattern: string, onEvent: (name: string, data: Table) => void): Promise<number> {
    const object = await this.addObject((call) => onEvent(call.method, decodeTable(call.data) ?? {}));
    if (object === 0) return STATUS_UNKNOWN_ERROR;
    return (await this.invoke(OBJECT_EVENT, 'register', { object: object | 0, pattern })).status;
  }

  // The stream tells:

  onData(bytes: Uint8Array): void {
    this.#reader.push(bytes);
    for (let frame = this.#reader.next(); frame !== undefined && !this.#closed; frame = this.#reader.next()) this.#onFrame(frame);
    if (this.#reader.broken) this.close();
  }

  onClose(): void {
    this.#onEnd();
  }

  #onFrame(frame: Frame): void {
    if (this.id === 0) {
      if (frame.type !== MSG_HELLO || frame.peer === 0) return this.close();
      this.id = frame.peer;
      return this.#hello?.();
    }
    if (frame.type === MSG_MONITOR) return this.onMonitor(frame);
    const attributes = decodeAttributes(frame);
    switch (frame.type) {
      case MSG_DATA:
        return this.#requests.get(frame.seq)?.onData(attributes);
      case MSG_STATUS:
        return this.#answered(frame.seq, attributes.status ?? STATUS_UNKNOWN_ERROR);
      case MSG_INVOKE: {
        const call = incomingCall(attributes, frame.seq, frame.peer, frame.peer, (message) => void this.#write(message));
        return this.#objects.get(attributes.objid ?? 0)?.(call);
      }
    }
    if (attributes.active !== undefined) this.onActive(attributes.objid ?? 0, attributes.active);
    if (attributes.target !== undefined) this.onTargetGone(attributes.objid ?? 0, attributes.target);
  }

  #request(
    type: number, peer: number, put: (writer: BlobWriter) => void,
    onData: (attributes: Attributes) => void = () => {}, timeoutMs = TIMEOUT_MS,
  ): Promise<number> {
    if (this.#closed) return Promise.resolve(STATUS_CONNECTION_FAILED);
    if (this.#requests.size >= REQUESTS_MAX) return Promise.resolve(STATUS_NO_MEMORY);
    const seq = this.#nextSeq();
    const writer = startMessage(type, seq, peer);
    put(writer);
    const deadline = this.#runtime.now() + timeoutMs;
    return new Promise((resolve) => {
      this.#requests.set(seq, { onData, onStatus: resolve, deadline });
      if (!this.#write(finishMessage(writer))) this.#answered(seq, STATUS_NO_MEMORY);
      else if (deadline < this.#timer.deadlineMs) this.#timer.set(deadline);
    });
  }

  #answered(seq: number, status: number): void {
    const request = this.#requests.get(seq);
    this.#requests.delete(seq);
    if (this.#requests.size === 0) this.#timer.cancel();
    request?.onStatus(status);
  }

  #nextSeq(): number {
    do this.#seq = (this.#seq + 1) & 0xffff;
    while (this.#requests.has(this.#seq));
    return this.#seq;
  }

  #write(message: Uint8Array): boolean {
    return this.#stream?.write(message) ?? false;
  }

  #onTimeout(): void {
    const now = this.#runtime.now();
    let next = Infinity;
    for (const [seq, { deadline }] of [...this.#requests]) {
      if (deadline <= now) this.#answered(seq, STATUS_TIMEOUT);
      else next = Math.min(next, deadline);
    }
    if (next !== Infinity) this.#timer.set(next);
  }

  #onEnd(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#hello?.();
    for (const seq of [...this.#requests.keys()]) this.#answered(seq, STATUS_CONNECTION_FAILED);
    this.#timer.cancel();
    this.onClosed();
  }
}

const EMPTY = new Uint8Array(0);
