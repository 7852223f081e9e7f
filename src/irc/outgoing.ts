/**
 * A line that goes to many clients: written once per variant (server-time, message-tags, account-tag or not) however
 * many clients take it. A line for one client alone is a string.
 */
import { CAP_ACCOUNT_TAG, CAP_MESSAGE_TAGS, CAP_SERVER_TIME, CAP_VARIANTS } from './capabilities.ts';
import { formatLine, formatTags } from './line.ts';
import { encodeText } from './text.ts';
import { formatTime } from '../encoding/time.ts';

export interface OutgoingTags {
  /** Unix ms. */
  timeMs: number;
  msgid?: string | undefined;
  account?: string | undefined;
  bot?: boolean;
  /** Mesh address that vouches for a line which its source did not bring itself. */
  via?: string | undefined;
  /** Client-only tags, names with '+'. */
  client?: ReadonlyMap<string, string> | undefined;
}

/** The parameters of a line that may say why. */
export function withReason(params: string[], reason: string): string[] {
  return reason === '' ? params : [...params, reason];
}

export class Outgoing {
  readonly #body: string;
  readonly #tags: OutgoingTags;
  readonly #variants: (Uint8Array | undefined)[] = [];

  constructor(source: string, command: string, params: readonly string[], tags: OutgoingTags) {
    this.#body = `${formatLine(source, command, params)}\r\n`;
    this.#tags = tags;
  }

  /** The encoded line, shared: not to be changed. */
  bytes(caps: number): Uint8Array {
    const variant = caps & CAP_VARIANTS;
    return (this.#variants[variant] ??= encodeText(this.text(variant, [])));
  }

  /** @param first tags before the others: label or batch. */
  text(caps: number, first: readonly (readonly [string, string])[]): string {
    const tags = [...first];
    const { timeMs, msgid, account, bot, via, client } = this.#tags;
    if ((caps & CAP_SERVER_TIME) !== 0) tags.push(['time', formatTime(timeMs)]);
    if ((caps & CAP_ACCOUNT_TAG) !== 0 && account !== undefined) tags.push(['account', account]);
    if ((caps & CAP_MESSAGE_TAGS) !== 0) {
      if (msgid !== undefined) tags.push(['msgid', msgid]);
      if (bot === true) tags.push(['bot', '']);
      if (via !== undefined) tags.push(['meshchat/via', via]);
      if (client !== undefined) tags.push(...client);
    }
    return formatTags(tags) + this.#body;
  }
}
