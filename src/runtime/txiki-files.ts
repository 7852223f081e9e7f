/** The file calls of txiki.js, 24 and 26 alike. */
import type { FileCalls } from './files.ts';
import { SystemError } from './runtime.ts';
import type { Txiki } from './txiki-types.ts';

export function txikiFileCalls(tjs: Txiki): FileCalls {
  return {
    pid: tjs.pid,
    async open(path, flags, mode) {
      const file = await tjs.open(path, flags, mode);
      return {
        read: async (buffer) => (await file.read(buffer)) ?? 0,
        write: (bytes) => file.write(bytes),
        sync: () => file.sync(),
        close: () => file.close(),
      };
    },
    rename: (from, to) => tjs.rename(from, to),
    async remove(path) {
      // tjs.remove() would take a folder with all that is in it
      if ((await tjs.lstat(path)).isDirectory) throw new SystemError('EISDIR', `EISDIR: ${path} is a folder`);
      await tjs.remove(path);
    },
    async list(folder) {
      const names: string[] = [];
      for await (const entry of await tjs.readDir(folder)) names.push(entry.name);
      return names;
    },
    makeFolder: (path, mode) => tjs.makeDir(path, { recursive: true, mode }),
    stat: (path) => tjs.stat(path),
  };
}
