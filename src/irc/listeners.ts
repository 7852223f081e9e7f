/**
 * Where clients come in: plain, over WebSocket, over TLS. A reload changes the places; whoever is connected stays so.
 * TLS that cannot be had (no such runtime, no such certificate) is told in the log and holds nothing else up; a new
 * certificate is taken over with the next reload.
 */
import type { Log } from '../runtime/log.ts';
import type { Listener, ListenOptions, Runtime, SystemError } from '../runtime/runtime.ts';
import type { IrcOptions, ListenAddress } from './options.ts';

type OnStream = ListenOptions['onStream'];
type Pem = NonNullable<ListenOptions['tls']>;

type Option = 'listen' | 'websocket' | 'tlsListen';

const PLAIN: readonly Option[] = ['listen', 'websocket'];
const TLS: Option = 'tlsListen';

const placeOf = (option: Option, { address, port }: ListenAddress): string => `${option} ${address} ${port}`;

export class Listeners {
  readonly #runtime: Runtime;
  readonly #options: () => IrcOptions;
  readonly #log: Log;
  readonly #serve: Record<Option, OnStream>;
  readonly #open = new Map<string, Listener>();
  #pem: Pem | undefined;

  constructor(runtime: Runtime, options: () => IrcOptions, log: Log, serveTcp: OnStream, serveWebSocket: OnStream) {
    this.#runtime = runtime;
    this.#options = options;
    this.#log = log;
    this.#serve = { listen: serveTcp, websocket: serveWebSocket, tlsListen: serveTcp };
  }

  /** Bound ports, in the order of `listen`, `websocket`, `tlsListen`. */
  get ports(): number[] {
    return this.#wanted().flatMap((place) => this.#open.get(place)?.port ?? []);
  }

  #wanted(): string[] {
    const options = this.#options();
    return [...PLAIN, TLS].flatMap((option) => options[option].map((at) => placeOf(option, at)));
  }

  /** @throws SystemError when an address of those without TLS cannot be listened on. */
  async open(): Promise<void> {
    for (const option of PLAIN) for (const at of this.#options()[option]) await this.#listen(option, at);
    await this.#openTls();
  }

  /** Listens where the options say now; what cannot be had is told in the log, and tried again at the next reload. */
  async reload(): Promise<void> {
    const wanted = this.#wanted();
    for (const place of this.#open.keys()) if (!wanted.includes(place)) this.#close(place);
    for (const option of PLAIN) {
      for (const at of this.#options()[option]) {
        await this.#listen(option, at).catch(({ message }: SystemError) => {
          this.#log.error(`irc.${option}: ${at.address} port ${at.port}: ${message}: nobody can connect there`);
        });
      }
    }
    await this.#openTls();
  }

  async #listen(option: Option, at: ListenAddress, tls?: Pem): Promise<void> {
    const place = placeOf(option, at);
    if (this.#open.has(place)) return;
    const writeQueueBytesMax = this.#options().sendQueueBytesMax;
    const options = { at, writeQueueBytesMax, readBytesMax: 2048, onStream: this.#serve[option] };
    const listener = await this.#runtime.listen(tls === undefined ? options : { ...options, tls });
    this.#open.set(place, listener);
    this.#log.info(`irc: listening on ${at.address} port ${listener.port}${tls === undefined ? '' : ' with TLS'}`);
  }

  /** Listens with the certificate that is in the files now, unless it does already. */
  async #openTls(): Promise<void> {
    const { tlsListen, tlsCert, tlsKey } = this.#options();
    if (tlsListen.length === 0) return;
    const before = this.#pem;
    try {
      const pem = { cert: await this.#text('irc.tls_cert', tlsCert), key: await this.#text('irc.tls_key', tlsKey) };
      if (pem.cert !== before?.cert || pem.key !== before.key) this.#closeTls();
      await this.#listenTls(pem);
    } catch (error) {
      const kept = before === undefined ? 'nobody can connect there' : 'the old certificate is kept';
      this.#log.error(`irc.tls_listen: ${(error as SystemError).message}: ${kept}`);
      if (before !== undefined) await this.#listenTls(before).catch(() => {});
    }
  }

  async #listenTls(pem: Pem): Promise<void> {
    for (const at of this.#options().tlsListen) await this.#listen(TLS, at, pem);
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

  #close(place: string): void {
    this.#open.get(place)?.close();
    this.#open.delete(place);
  }

  #closeTls(): void {
    for (const place of this.#open.keys()) if (place.startsWith(TLS)) this.#close(place);
  }

  close(): void {
    for (const place of this.#open.keys()) this.#close(place);
  }
}
