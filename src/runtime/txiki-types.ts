/** The calls of txiki.js 24.12 and 26 that the adapters use; no published types describe both. */

export interface TxikiAddress {
  ip: string;
  port: number;
}

export interface TxikiFile {
  read(buffer: Uint8Array, position?: number): Promise<number | null | undefined>;
  write(bytes: Uint8Array): Promise<number>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface TxikiReader {
  read(buffer: Uint8Array): Promise<number | null | undefined>;
}

export interface TxikiOutput {
  write(bytes: Uint8Array): Promise<number>;
}

export interface Txiki {
  readonly version: string;
  readonly args: readonly string[];
  readonly env: Record<string, string | undefined>;
  readonly pid: number;
  readonly stdin: TxikiReader & ReadableStream<Uint8Array>;
  readonly stdout: (TxikiOutput & WritableStream<Uint8Array>) | undefined;
  readonly system: {
    networkInterfaces: { name: string; address: string; internal: boolean }[];
  };
  addSignalListener(signal: string, listener: () => void): void;
  exit(status: number): never;
  open(path: string, flags: string, mode?: number): Promise<TxikiFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
  stat(path: string): Promise<{ isFile: boolean }>;
  lstat(path: string): Promise<{ isSocket: boolean; isDirectory: boolean }>;
  makeDir(path: string, options: { recursive: boolean; mode: number }): Promise<void>;
  readDir(path: string): Promise<AsyncIterable<{ name: string }>>;
  listen(transport: string, host: string, port?: number, options?: object): Promise<never>;
  connect(transport: string, host: string, port?: number, options?: object): Promise<never>;
  setImportMap?(map: object, base: string): void;
}
