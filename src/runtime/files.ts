/** Files over the few calls that Node and txiki.js have alike: bounded reads, and writes that nobody sees half done. */
import { SystemError } from './runtime.ts';
import type { Files } from './runtime.ts';
import { systemError } from './socket-path.ts';

const FILE_BYTES_MAX = 1024 * 1024;
const CHUNK_BYTES = 16384;

export interface FileHandle {
  /** @returns bytes read, 0 at the end. */
  read(buffer: Uint8Array): Promise<number>;
  /** @returns bytes written. */
  write(bytes: Uint8Array): Promise<number>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileCalls {
  readonly pid: number;
  open(path: string, flags: 'r' | 'w', mode?: number): Promise<FileHandle>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  list(folder: string): Promise<string[]>;
  makeFolder(path: string, mode: number): Promise<unknown>;
  stat(path: string): Promise<unknown>;
}

export function makeFiles(calls: FileCalls): Files {
  return {
    read: (path, bytesMax = FILE_BYTES_MAX) => told(async () => {
      const file = await calls.open(path, 'r');
      return await readToEnd(file, path, bytesMax).finally(() => file.close());
    }),
    write: (path, bytes, mode = 0o644) => told(async () => {
      const temporary = `${path}.${calls.pid}~`;
      try {
        const file = await calls.open(temporary, 'w', mode);
        try {
          for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
          await file.sync(); // else a loss of power may leave an empty file under the new name
        } finally {
          await file.close();
        }
        await calls.rename(temporary, path);
      } catch (error) {
        await calls.remove(temporary).catch(() => {});
        throw error;
      }
    }),
    remove: (path) => told(() => calls.remove(path)),
    list: (folder) => told(() => calls.list(folder)),
    makeFolder: (path, mode = 0o755) => told(async () => void (await calls.makeFolder(path, mode))),
    exists: (path) => calls.stat(path).then(() => true, () => false),
  };
}

async function readToEnd(file: FileHandle, path: string, bytesMax: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const buffer = new Uint8Array(CHUNK_BYTES);
  let length = 0;
  for (;;) { // a device or /proc file tells no size: read until its end
    const count = await file.read(buffer);
    if (count === 0) break;
    length += count;
    if (length > bytesMax) throw new SystemError('EFBIG', `${path}: more than ${bytesMax} bytes`);
    pieces.push(buffer.slice(0, count));
  }
  return joinBytes(pieces, length);
}

export function joinBytes(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

async function told<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw systemError(error);
  }
}
