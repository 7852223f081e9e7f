/** Shows one message to many clients, each in the form it can take: a multiline batch, or line by line. */
import { CAP_BATCH, CAP_MESSAGE_TAGS, CAP_MULTILINE, CAP_SERVER_TIME } from './capabilities.ts';
import { isMessage } from './history.ts';
import type { Entry } from './history.ts';
import { Outgoing } from './outgoing.ts';
import type { OutgoingTags } from './outgoing.ts';
import type { Session } from './session.ts';

const CONCAT_TAG = new Map([['draft/multiline-concat', '']]);

/** Younger lines need no time of day. */
const OLD_MS = 60_000;

export class Delivery {
  readonly entry: Entry;
  readonly #target: string;
  #plain: Outgoing[] | undefined;
  #inner: Outgoing[] | undefined;

  /** @param target as this client should see it, when it is not the one in the entry */
  constructor(entry: Entry, target = entry.target) {
    this.entry = entry;
    this.#target = target;
  }

  /** Clients with the same variant of a line get the same bytes: anything but several lines, which may be a batch. */
  get uniform(): boolean {
    return this.entry.lines.length <= 1;
  }

  /** What a client gets of it that has these capabilities; undefined: nothing. Only when uniform. */
  bytes(caps: number): Uint8Array | undefined {
    if (this.entry.command === 'TAGMSG' && (caps & CAP_MESSAGE_TAGS) === 0) return undefined;
    return (this.#plain ??= this.#lines())[0]?.bytes(caps);
  }

  /** @param batch an open batch (history); @param aside see Session.send */
  to(session: Session, batch = '', aside = false): void {
    const { entry } = this;
    if (entry.command === 'TAGMSG' && !session.has(CAP_MESSAGE_TAGS)) return;
    session.shownEarly?.add(entry);
    if (entry.lines.length > 1 && isMessage(entry) && session.has(CAP_MULTILINE) && session.has(CAP_BATCH)) {
      return this.#multiline(session, batch);
    }
    for (const out of (this.#plain ??= this.#lines())) session.send(out, batch, aside);
  }

  /** For clients without server-time: old lines carry the time of day in their text. */
  oldTo(session: Session, batch: string, wallMs: number): void {
    const { entry } = this;
    if (session.has(CAP_SERVER_TIME) || wallMs - entry.timeMs < OLD_MS) return this.to(session, batch);
    const minutes = Math.floor(entry.timeMs / 60_000) % 1440;
    const clock = `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
    const lines = entry.lines.map((line) => (line.startsWith('\x01') ? line : `[${clock}] ${line}`));
    new Delivery({ ...entry, lines }, this.#target).to(session, batch);
  }

  #tags(): OutgoingTags {
    const { timeMs, msgid, account, bot, tags, via, origin } = this.entry;
    // What only passes by comes from its node without a number: all of it would have one id.
    return { timeMs, msgid: origin?.n === 0 ? undefined : msgid, account, bot, client: tags, via };
  }

  #lines(): Outgoing[] {
    const { source, command, lines } = this.entry;
    if (!isMessage(this.entry)) {
      // Who quits leaves no channel in particular.
      const params = command === 'QUIT' ? lines : [this.#target, ...lines];
      return [new Outgoing(source, command, [...params], this.#tags())];
    }
    const shown = lines.length > 1 ? lines.filter((line) => line !== '') : lines;
    // Only the first line has the id: it names the message.
    const { msgid: _, ...rest } = this.#tags();
    return shown.map((line, i) => new Outgoing(source, command, [this.#target, line], i === 0 ? this.#tags() : rest));
  }

  #multiline(session: Session, batch: string): void {
    const { source, command, lines, concat } = this.entry;
    const id = session.newBatchId();
    const start = [`+${id}`, 'draft/multiline', this.#target];
    session.send(new Outgoing(source, 'BATCH', start, this.#tags()), batch);
    const tags = { timeMs: this.entry.timeMs };
    this.#inner ??= lines.map(
      (line, i) => new Outgoing(
        source, command, [this.#target, line], concat.includes(i) ? { ...tags, client: CONCAT_TAG } : tags,
      ),
    );
    for (const out of this.#inner) session.send(out, id);
    session.endBatch(id);
  }
}
