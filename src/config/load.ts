/** Finds and reads the configuration. Uncommitted changes of `uci set` are none of the daemon's business. */
import { SystemError, type Files } from '../runtime/runtime.ts';
import { loadOptions, type LoadResult } from './interpret.ts';

/** The first overrides the second as a whole (libuci since 2023: what a running system puts there by itself). */
export const CONFIG_FILES = ['/var/run/uci/meshchat', '/etc/config/meshchat'];
const CONFIG_BYTES_MAX = 256 * 1024;

/** Signs of a mesh on this machine, for a configuration that names none. */
const SIGNS: readonly [mesh: string, ...paths: string[]][] = [
  ['cjdns', '/etc/config/cjdns', '/etc/cjdroute.conf'],
  ['yggdrasil', '/var/run/yggdrasil.sock', '/var/run/yggdrasil/yggdrasil.sock'],
];

/**
 * Reads `file`, or the first of CONFIG_FILES that is there; without any of them everything is default. A
 * configuration without meshes gets those whose signs are here, or the one that the daemons of this machine make on loopback.
 * @param file `--config FILE`: one that cannot be read is an error
 * @param sets `--set` overrides, see loadOptions()
 */
export async function loadConfiguration(
  files: Files, file: string | undefined, sets: readonly string[],
): Promise<LoadResult> {
  let source = CONFIG_FILES.at(-1)!;
  let bytes: Uint8Array | undefined;
  for (const path of file === undefined ? CONFIG_FILES : [file]) {
    try {
      bytes = await files.read(path, CONFIG_BYTES_MAX);
      source = path;
      break;
    } catch (error) {
      const code = error instanceof SystemError ? error.code : undefined;
      if (code === 'ENOENT' && file === undefined) continue;
      const tooLarge = code === 'EFBIG';
      const why = tooLarge ? `larger than ${CONFIG_BYTES_MAX} bytes` : `cannot be read (${code ?? String(error)})`;
      return { options: undefined, errors: [`${path}: ${why}`], warnings: [] };
    }
  }
  const result = loadOptions(source, bytes, sets);
  if (result.options?.mesh.length !== 0) return result;
  return loadOptions(source, bytes, [...sets, ...(await findMeshes(files))]);
}

/** @returns `--set`s for each mesh whose sign is here, or for loopback. */
async function findMeshes(files: Files): Promise<string[]> {
  const found: string[] = [];
  for (const [mesh, ...paths] of SIGNS) {
    const present = await Promise.all(paths.map((path) => files.exists(path)));
    if (present.includes(true)) found.push(`${mesh}=mesh`, `${mesh}.type=${mesh}`);
  }
  return found.length > 0 ? found : ['loopback=mesh', 'loopback.type=static'];
}
