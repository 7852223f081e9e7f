/** The IRCv3 capabilities of this server, one bit each: what a client asked for is one number. */

export const CAP_SERVER_TIME = 1;
export const CAP_MESSAGE_TAGS = 2;
export const CAP_ACCOUNT_TAG = 4;
/** Capabilities that change how one line is written: see outgoing.ts. */
export const CAP_VARIANTS = 7;
export const CAP_BATCH = 1 << 3;
export const CAP_LABELED_RESPONSE = 1 << 4;
export const CAP_ECHO_MESSAGE = 1 << 5;
export const CAP_AWAY_NOTIFY = 1 << 6;
export const CAP_ACCOUNT_NOTIFY = 1 << 7;
export const CAP_EXTENDED_JOIN = 1 << 8;
export const CAP_MULTI_PREFIX = 1 << 9;
export const CAP_USERHOST_IN_NAMES = 1 << 10;
export const CAP_INVITE_NOTIFY = 1 << 11;
export const CAP_SETNAME = 1 << 12;
export const CAP_CHGHOST = 1 << 13;
export const CAP_NOTIFY = 1 << 14;
export const CAP_STANDARD_REPLIES = 1 << 15;
export const CAP_EXTENDED_MONITOR = 1 << 16;
export const CAP_CHATHISTORY = 1 << 17;
export const CAP_EVENT_PLAYBACK = 1 << 18;
export const CAP_READ_MARKER = 1 << 19;
export const CAP_MULTILINE = 1 << 20;
export const CAP_REDACTION = 1 << 21;
export const CAP_NO_IMPLICIT_NAMES = 1 << 22;
export const CAP_SASL = 1 << 23;
export const CAP_SELF_MESSAGE = 1 << 24;

export const MULTILINE_BYTES_MAX = 4096;
export const MULTILINE_LINES_MAX = 32;

/** Their names, in the order of their bits. */
const NAMES = [
  'server-time', 'message-tags', 'account-tag', 'batch', 'labeled-response', 'echo-message', 'away-notify',
  'account-notify', 'extended-join', 'multi-prefix', 'userhost-in-names', 'invite-notify', 'setname', 'chghost',
  'cap-notify', 'standard-replies', 'extended-monitor', 'draft/chathistory', 'draft/event-playback',
  'draft/read-marker', 'draft/multiline', 'draft/message-redaction', 'draft/no-implicit-names', 'sasl',
  'znc.in/self-message',
];

export const CAPABILITIES: ReadonlyMap<string, number> = new Map(NAMES.map((name, bit) => [name, 1 << bit]));

/** What CAP LS 302 says after the name. */
const VALUES: ReadonlyMap<string, string> = new Map([
  ['sasl', 'PLAIN'], ['draft/multiline', `max-bytes=${MULTILINE_BYTES_MAX},max-lines=${MULTILINE_LINES_MAX}`],
]);

/** @param hidden bits of capabilities that are not offered (sasl without accounts). */
export function listCapabilities(withValues: boolean, hidden: number): string[] {
  const names: string[] = [];
  for (const [name, bit] of CAPABILITIES) {
    if ((bit & hidden) !== 0) continue;
    const value = withValues ? VALUES.get(name) : undefined;
    names.push(value === undefined ? name : `${name}=${value}`);
  }
  return names;
}

export function capabilityNames(caps: number): string[] {
  return [...CAPABILITIES].filter(([, bit]) => (caps & bit) !== 0).map(([name]) => name);
}
