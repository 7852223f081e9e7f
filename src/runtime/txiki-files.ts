/** Files through txiki.js, 24 and 26 alike. */
import { SystemError } from './runtime.ts';
import type { Files } from './runtime.ts';
import { systemError } from './socket-path.ts';
import type { Txiki, TxikiFile } from './txiki-types.ts';

const FILE_BYTES_MAX = 1024 * 1024;
const CHUNK_BYTES = 16384;

export function txikiFiles(tjs: Txiki): Files {
  return {
    read: (path, bytesMax = FILE_BYTES_MAX) => told(async () => {
      const file = await tjs.open(path, 'r');
      try {
        return await readToEnd(file, path, bytesMax);
      } finally {
        await file.close();
      }
    }),
    write: (path, bytes, mode = 0o644) => told(async () => {
      const temporary = `${path}.${tjs.pid}~`;
      try {
        const file = await tjs.open(temporary, 'w', mode);
        try {
          for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
          await file.sync();
        } finally {
          await file.close();
        }
        await tjs.rename(temporary, path);
      } catch (error) {
        await tjs.remove(temporary).catch(() => {});
        throw error;
      }
    }),
    remove: (path) => told(async () => {
      // tjs.remove() would take a folder with all that is in it
      if ((await tjs.stat(path)).isDirectory) throw new SystemError('EISDIR', `EISDIR: ${path} is a folder`);
      await tjs.remove(path);
    }),
    list: (folder) => told(async () => {
      const names: string[] = [];
      for await (const entry of await tjs.readDir(folder)) names.push(entry.name);
      return names;
    }),
    makeFolder: (path, mode = 0o755) => told(() => tjs.makeDir(path, { recursive: true, mode })),
    exists: (path) => tjs.stat(path).then(() => true, () => false),
  };
}

async function readToEnd(file: TxikiFile, path: string, bytesMax: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const buffer = new Uint8Array(CHUNK_BYTES);
  let length = 0;
  for (;;) { // a device or /proc file tells no size: read until its end
    const count = (await file.read(buffer)) ?? 0;
    if (count === 0) break;
    length += count;
    if (length > bytesMax) throw new SystemError('EFBIG', `${path}: more than ${bytesMax} bytes`);
    pieces.push(buffer.slice(0, count));
  }
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
