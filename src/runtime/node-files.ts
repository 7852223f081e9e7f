/** The file calls of Node. */
import type * as NodeFs from 'node:fs/promises';
import type { FileCalls } from './files.ts';

export function nodeFileCalls(fs: typeof NodeFs): FileCalls {
  return {
    pid: process.pid,
    async open(path, flags, mode) {
      const file = await fs.open(path, flags, mode);
      return {
        read: async (buffer) => (await file.read(buffer)).bytesRead,
        write: async (bytes) => (await file.write(bytes)).bytesWritten,
        sync: () => file.sync(),
        close: () => file.close(),
      };
    },
    rename: fs.rename,
    remove: fs.unlink,
    list: (folder) => fs.readdir(folder),
    makeFolder: (path, mode) => fs.mkdir(path, { recursive: true, mode }),
    stat: (path) => fs.stat(path),
  };
}
