import type { Outgoing } from './outgoing.ts';
import type { Session } from './session.ts';

/** Groups the lines of a split or a join of a node for the clients that know batches. */
export class SessionBatches {
  readonly #type: string;
  readonly #params: string[];
  readonly #ids = new Map<Session, string>();

  constructor(type: string, params: string[]) {
    this.#type = type;
    this.#params = params;
  }
  send(session: Session, out: Outgoing): void {
    let id = this.#ids.get(session);
    if (id === undefined) this.#ids.set(session, (id = session.beginBatch(this.#type, ...this.#params)));
    session.send(out, id);
  }
  end(): void {
    for (const [session, id] of this.#ids) session.endBatch(id);
    this.#ids.clear();
  }
}
