/** Unix socket files: what may be bound, and who may remove an old one. */
import { SystemError } from './runtime.ts';

/** sockaddr_un has 108 bytes with the closing zero; the system cuts a longer path without a word. */
const PATH_BYTES_MAX = 107;

/** @throws SystemError ENAMETOOLONG. */
export function checkSocketPath(path: string): void {
  const length = new TextEncoder().encode(path).length;
  if (length > PATH_BYTES_MAX) {
    throw new SystemError('ENAMETOOLONG', `socket path of ${length} bytes, at most ${PATH_BYTES_MAX}: ${path}`);
  }
}

export interface SocketPathCalls<Listening> {
  listen(): Promise<Listening>;
  /** Connects and closes again. Rejects with the system's error. */
  probe(): Promise<void>;
  isSocket(): Promise<boolean>;
  remove(): Promise<void>;
}

/** Listens on a path; a socket file that nobody answers on any more is removed first. */
export async function listenOnPath<Listening>(path: string, calls: SocketPathCalls<Listening>): Promise<Listening> {
  checkSocketPath(path);
  try {
    return await calls.listen();
  } catch (error) {
    const inTheWay = systemError(error).code === 'EADDRINUSE' && await calls.isSocket().catch(() => false);
    if (!inTheWay) throw systemError(error);
  }
  const live = await calls.probe().then(() => true, (error: unknown) => systemError(error).code !== 'ECONNREFUSED');
  if (live) throw new SystemError('EADDRINUSE', `another program listens on ${path}`);
  await calls.remove().catch(() => {});
  return await calls.listen();
}

/** The same error with its errno name in `code`, whatever the runtime threw. */
export function systemError(error: unknown): SystemError {
  if (error instanceof SystemError) return error;
  const { code, message } = error as Partial<SystemError>;
  return new SystemError(code ?? 'EIO', message ?? String(error));
}
