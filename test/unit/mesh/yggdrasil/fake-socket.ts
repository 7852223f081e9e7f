/** Yggdrasil's admin socket for tests: one answer per question, pretty-printed as Yggdrasil does. */
import { SystemError } from '../../../../src/runtime/runtime.ts';
import type { FakeConnection, FakeRuntime } from '../fake-runtime.ts';

export interface SocketRequest { request: string; arguments: Record<string, string>; keepalive: boolean }

export class FakeSocket {
  /** Where it listens: a path, or "address/port". */
  place: string;
  /** What connecting to it fails with. */
  refusal = '';
  up = true;
  requests: SocketRequest[] = [];
  connections: FakeConnection[] = [];
  /** The response; undefined: unknown action; a string: the bytes as they are; null: silence. */
  answer: (request: SocketRequest) => object | string | null | undefined = () => undefined;

  constructor(runtime: FakeRuntime, place: string) {
    this.place = place;
    const before = runtime.onConnect;
    runtime.onConnect = (connection) => {
      const { at } = connection.options;
      if (('path' in at ? at.path : `${at.address}/${at.port}`) !== this.place) return before(connection);
      if (!this.up) throw new SystemError('ECONNREFUSED', 'refused');
      if (this.refusal !== '') throw new SystemError(this.refusal, 'refused');
      this.connections.push(connection);
      return (text) => this.#onText(connection, text);
    };
  }

  #onText(connection: FakeConnection, text: string): void {
    const request = JSON.parse(text) as SocketRequest;
    this.requests.push(request);
    const answer = this.answer(request);
    if (answer === null) return;
    if (typeof answer === 'string') return connection.toClient(answer);
    const value = answer === undefined
      ? { status: 'error', error: `unknown action '${request.request}', try 'list' for help`, request, response: null }
      : { status: 'success', request, response: answer };
    connection.toClient(`${JSON.stringify(value, null, 2)}\n`);
  }

  count(name: string): number {
    return this.requests.filter((request) => request.request === name).length;
  }
}

/** Keys and the addresses that Yggdrasil itself gave them. */
export const YGG_NODES = [
  ['69e47f037f7684428b2c4fd263eacf1201460ff55a6ff1c7350bfb4412d53804', '201:586e:3f2:225:eef5:d34e:c0b6:7054'],
  ['ece65b217e74905500220cc0b681725bd7d29ef6b572bf74ca80026332a11a6c', '200:2633:49bd:316:df55:ffbb:e67e:92fd'],
  ['e8a26723cf7c42f8eb2571f8e481154e3c7142c83ab83e60b9eff3197ab1bfa9', '200:2ebb:31b8:6107:7a0e:29b5:1c0e:36fd'],
  ['732a8ac6963310326db2b52b0f2ca77180903513e12d2409da6359833745b048', '201:3355:d4e5:a733:bf36:4935:2b53:c34d'],
  ['d575f6533637051e8c399710100030de7dbf5132a9efc3cfc883207ee765896c', '200:5514:1359:9391:f5c2:e78c:d1df:dfff'],
  ['8582c2719ee52fc993ca61df4310685ce238f533aa01246c0f0d864be04a2ad9', '200:f4fa:7b1c:c235:a06c:d86b:3c41:79df'],
] as const;
