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

export const CAPABILITIES: ReadonlyMap<string, number> = new Map([
  ['server-time', CAP_SERVER_TIME], ['message-tags', CAP_MESSAGE_TAGS], ['account-tag', CAP_ACCOUNT_TAG],
  ['batch', CAP_BATCH], ['labeled-response', CAP_LABELED_RESPONSE], ['echo-message', CAP_ECHO_MESSAGE],
  ['away-notify', CAP_AWAY_NOTIFY], ['account-notify', CAP_ACCOUNT_NOTIFY], ['extended-join', CAP_EXTENDED_JOIN],
  ['multi-prefix', CAP_MULTI_PREFIX], ['userhost-in-names', CAP_USERHOST_IN_NAMES],
  ['invite-notify', CAP_INVITE_NOTIFY], ['setname', CAP_SETNAME], ['chghost', CAP_CHGHOST],
  ['cap-notify', CAP_NOTIFY], ['standard-replies', CAP_STANDARD_REPLIES],
  ['extended-monitor', CAP_EXTENDED_MONITOR], ['draft/chathistory', CAP_CHATHISTORY],
  ['draft/event-playback', CAP_EVENT_PLAYBACK], ['draft/read-marker', CAP_READ_MARKER],
  ['draft/multiline', CAP_MULTILINE], ['draft/message-redaction', CAP_REDACTION],
  ['draft/no-implicit-names', CAP_NO_IMPLICIT_NAMES], ['sasl', CAP_SASL], ['znc.in/self-message', CAP_SELF_MESSAGE],
]);

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
