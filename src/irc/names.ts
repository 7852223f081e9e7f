/**
 * The grammar of nicks, user names, channels and masks, and how they compare (CASEMAPPING=ascii: mesh nodes must agree
 * on it, and every client knows it). A nick shown as `nick~ab12` belongs to another node's user; nobody can choose a
 * `~`.
 */
import { hashText } from '../encoding/hash.ts';
import { byteLength, cleanText } from './text.ts';

export const NICK_LENGTH_MAX = 30;
export const USER_LENGTH_MAX = 18;
export const REAL_BYTES_MAX = 150;
/** A channel's group is named "irc/" and the channel, and a group name has at most 64 bytes. */
export const CHANNEL_BYTES_MAX = 60;
export const TOPIC_BYTES_MAX = 390;
export const AWAY_BYTES_MAX = 200;
export const REASON_BYTES_MAX = 300;
export const KEY_LENGTH_MAX = 32;
export const CHANNELS_PER_USER_MAX = 100;

const NICK = /^[A-Za-z[\]\\`_^{|}][A-Za-z0-9[\]\\`_^{|}-]*$/;

export function fold(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

export function isNick(text: unknown): text is string {
  return typeof text === 'string' && text.length <= NICK_LENGTH_MAX && NICK.test(text);
}

export function isChannel(text: unknown): text is string {
  return typeof text === 'string' && text.length > 1 && text[0] === '#' && byteLength(text) <= CHANNEL_BYTES_MAX &&
    // eslint-disable-next-line no-control-regex
    !/[\x00-\x20,\x7f-\xa0\u2028\u2029\ud800-\udfff]/u.test(text);
}

/** @returns a user name of safe characters, 'user' when none is left. */
export function cleanUser(text: unknown): string {
  return (typeof text === 'string' && text.replace(/[^A-Za-z0-9._-]/g, '').slice(0, USER_LENGTH_MAX)) || 'user';
}

export function cleanReal(text: unknown): string {
  return cleanText(text, REAL_BYTES_MAX);
}

/** Glob match with `*` and `?`, iterative, at most quadratic; both sides folded by the caller. */
export function matches(mask: string, text: string): boolean {
  let m = 0;
  let star = -1;
  let mark = 0;
  for (let t = 0; t < text.length; ) {
    if (m < mask.length && mask[m] === '*') {
      star = m++;
      mark = t;
    } else if (m < mask.length && (mask[m] === '?' || mask[m] === text[t])) {
      m++;
      t++;
    } else if (star >= 0) {
      m = star + 1;
      t = ++mark;
    } else return false;
  }
  while (mask[m] === '*') m++;
  return m === mask.length;
}

/** Whether the owner of this node lists the mesh address, itself or by a mask. */
export function isListed(masks: readonly string[], address: string): boolean {
  return masks.some((mask) => matches(fold(mask), fold(address)));
}

/** @returns `nick!user@host` with `*` for what is missing. */
export function fullMask(mask: string): string {
  const bang = mask.indexOf('!');
  const at = mask.indexOf('@');
  if (bang < 0 && at < 0) return /[.:]/.test(mask) ? `*!*@${mask}` : `${mask}!*@*`;
  if (bang < 0) return `*!${mask}`;
  return at < 0 ? `${mask}@*` : mask;
}

/** The nick of one of several people who have it. */
export function suffixed(nick: string, address: string): string {
  return `${nick}~${addressSuffix(address)}`;
}

/** @returns the four characters that tell users of one nick apart: the end of the mesh address, else a hash of it. */
export function addressSuffix(address: string): string {
  const end = /^[0-9a-f:]*:([0-9a-f]{1,4})$/.exec(address);
  if (end !== null) return (end[1] as string).padStart(4, '0');
  return (hashText(address) >>> 16).toString(16).padStart(4, '0');
}
