/** Finds and reads the configuration. Uncommitted changes of `uci set` are none of the daemon's business. */
import { SystemError, type Files } from '../runtime/runtime.ts';
import { loadOptions, type LoadResult } from './interpret.ts';

/** The first overrides the second as a whole (libuci since 2023: what a running system puts there by itself). */
export const CONFIG_FILES = ['/var/run/uci/meshchat', '/etc/config/meshchat'];
const CONFIG_BYTES_MAX = 256 * 1024;

/**
 * Reads `file`, or the first of CONFIG_FILES that is there; without any of them everything is default.
 * @param file `--config FILE`: one that cannot be read is an error
 * @param sets `--set` overrides, see loadOptions()
 */
export async function loadConfiguration(files: Files, file: string | undefined, sets: readonly string[]): Promise<LoadResult> {
  for (const path of file === undefined ? CONFIG_FILES : [file]) {
    try {
      return loadOptions(path, await files.read(path, CONFIG_BYTES_MAX), sets);
    } catch (error) {
      const code = error instanceof SystemError ? error.code : undefined;
      if (code === 'ENOENT' && file === undefined) continue;
      const why = code === 'EFBIG' ? `larger than ${CONFIG_BYTES_MAX} bytes` : `cannot be read (${code ?? String(error)})`;
      return { options: undefined, errors: [`${path}: ${why}`], warnings: [] };
    }
  }
  return loadOptions(CONFIG_FILES.at(-1)!, undefined, sets);
}
