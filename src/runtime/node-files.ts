/** Files through Node. */
import type * as NodeFs from 'node:fs/promises';
import { SystemError } from './runtime.ts';
import type { Files } from './runtime.ts';
import { systemError } from './socket-path.ts';

export const FILE_BYTES_MAX = 1024 * 1024;

export function nodeFiles(fs: typeof NodeFs, pid: number): Files {
  return {
    read: (path, bytesMax = FILE_BYTES_MAX) => told(async () => {
      const file = await fs.open(path, 'r');
      try {
        const bytes = new Uint8Array(bytesMax + 1);
        let length = 0;
        for (;;) { // a device or /proc file tells no size: read until its end
          const { bytesRead } = await file.read(bytes, length, bytes.length - length);
          length += bytesRead;
          if (length > bytesMax) throw new SystemError('EFBIG', `${path}: more than ${bytesMax} bytes`);
          if (bytesRead === 0) return bytes.slice(0, length);
        }
      } finally {
        await file.close();
      }
    }),
    write: (path, bytes, mode = 0o644) => told(async () => {
      const temporary = `${path}.${pid}~`;
      try {
        await fs.writeFile(temporary, bytes, { mode, flush: true });
        await fs.rename(temporary, path);
      } catch (error) {
        await fs.rm(temporary, { force: true });
        throw error;
      }
    }),
    remove: (path) => told(() => fs.unlink(path)),
    list: (folder) => told(() => fs.readdir(folder)),
    makeFolder: (path, mode = 0o755) => told(async () => void (await fs.mkdir(path, { recursive: true, mode }))),
    exists: (path) => fs.stat(path).then(() => true, () => false),
  };
}

async function told<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw systemError(error);
  }
}
