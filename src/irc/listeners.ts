/**
 * Where clients come in: plain, over WebSocket, over TLS. TLS that cannot be had (no such runtime, no such certificate)
 * is told in the log and holds nothing else up; a new certificate is taken over with the next reload, and whoever is
 * connected stays so.
 */
import type { Log } from '../runtime/log.ts';
import type { Listener, ListenOptions, Runtime, SystemError } from '../runtime/runtime.ts';
import type { IrcOptions, ListenAddress } from './options.ts';

type OnStream = ListenOptions['onStream'];
type Pem = NonNullable<ListenOptions['tls']>;

export class Listeners {
  /** Bound ports, in the order of `listen`, `websocket`, `tlsListen`. */
  readonly ports: number[] = [];
  readonly #runtime: Runtime;
  readonly #options: () => IrcOptions;
  readonly #log: Log;
  readonly #open: Listener[] = [];
  #tls: Listener[] = [];
  #pem: Pem | undefined;

  constructor(runtime: Runtime, options: () => IrcOptions, log: Log) {
    this.#runtime = runtime;
    this.#options = options;
    this.#log = log;
  }

  /** @throws SystemError when an address of those without TLS cannot be listened on. */
  async open(serveTcp: OnStream, serveWebSocket: OnStream): Promise<void> {
    const { listen, websocket } = this.#options();
    for (const at of listen) this.#open.push(await this.#listen(at, serveTcp));
    for (const at of websocket) this.#open.push(await this.#listen(at, serveWebSocket));
    await this.reloadTls(serveTcp);
  }

  async #listen(at: ListenAddress, onStream: OnStream, tls?: Pem): Promise<Listener> {
    const writeQueueBytesMax = this.#options().sendQueueBytesMax;
    const options = { at, writeQueueBytesMax, readBytesMax: 2048, onStream };
    const listener = await this.#runtime.listen(tls === undefined ? options : { ...options, tls });
    this.ports.push(listener.port);
    this.#log.info(`irc: listening on ${at.address} port ${listener.port}${tls === undefined ? '' : ' with TLS'}`);
    return listener;
  }

  /** Listens with the certificate that is in the files now, unless it does already. */
  async reloadTls(serveTcp: OnStream): Promise<void> {
    const { tlsListen, tlsCert, tlsKey } = this.#options();
    if (tlsListen.length === 0) return;
    const before = this.#pem;
    try {
      const pem = { cert: await this.#text('irc.tls_cert', tlsCert), key: await this.#text('irc.tls_key', tlsKey) };
      if (pem.cert === before?.cert && pem.key === before.key) return;
      await this.#listenTls(serveTcp, pem);
    } catch (error) {
      const kept = before === undefined ? 'nobody can connect there' : 'the old certificate is kept';
      this.#log.error(`irc.tls_listen: ${(error as SystemError).message}: ${kept}`);
      if (before !== undefined && this.#pem === undefined) await this.#listenTls(serveTcp, before).catch(() => {});
    }
  }

  async #listenTls(serveTcp: OnStream, pem: Pem): Promise<void> {
    this.#closeTls();
    for (const at of this.#options().tlsListen) this.#tls.push(await this.#listen(at, serveTcp, pem));
    this.#pem = pem;
  }

  async #text(option: string, path: string): Promise<string> {
    if (path === '') throw new Error(`${option} names no file`);
    try {
      return new TextDecoder().decode(await this.#runtime.files.read(path));
    } catch (error) {
      throw new Error(`${option} ${path}: ${(error as SystemError).message}`);
    }
  }

  #closeTls(): void {
    this.ports.length -= this.#tls.length;
    for (const listener of this.#tls) listener.close();
    this.#tls = [];
    this.#pem = undefined;
  }

  close(): void {
    this.#closeTls();
    for (const listener of this.#open) listener.close();
  }
}
