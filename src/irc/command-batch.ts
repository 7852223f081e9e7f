/** BATCH: messages of several lines (IRCv3 draft/multiline), collected line by line and said as one. */
import { CAP_MULTILINE, MULTILINE_BYTES_MAX, MULTILINE_LINES_MAX } from './capabilities.ts';
import type { CommandTable } from './commands.ts';
import type { Ircd } from './ircd.ts';
import { clientTags } from './line.ts';
import type { Line } from './line.ts';
import { fold } from './names.ts';
import { safeParam } from './replies.ts';
import { say } from './saying.ts';
import type { Session } from './session.ts';
import { byteLength } from './text.ts';

/** A message of several lines is collected, and said when its batch is closed. */
function handleBatch(ircd: Ircd, session: Session, line: Line): void {
  const [reference, type, target] = line.params as [string, string | undefined, string | undefined];
  const id = reference.slice(1);
  const open = session.openBatch;
  if (reference[0] === '+') {
    if (type !== 'draft/multiline' || target === undefined || open !== undefined || !session.has(CAP_MULTILINE)) {
      return refuseBatch(session, id, 'MULTILINE_INVALID', 'Invalid multiline batch');
    }
    session.refusedBatch = undefined;
    session.openBatch = {
      id, target, command: '', label: session.takeLabel(), tags: clientTags(line.tags), lines: [], concat: [], bytes: 0,
    };
    return;
  }
  session.openBatch = undefined;
  if (session.refusedBatch === id) {
    session.refusedBatch = undefined;
    return;
  }
  if (open?.id !== id) return session.fail('BATCH', 'MULTILINE_INVALID', 'No such batch');
  const { command, lines, concat, tags } = open;
  session.labelled(open.label, () => {
    if (lines.some((text) => text !== '')) say(ircd, session, open.target, { command, lines, concat, tags });
    else session.fail('BATCH', 'MULTILINE_INVALID', 'Multiline batch without text');
  });
}

/** What is still to come of it is dropped. */
function refuseBatch(session: Session, id: string, code: string, ...params: string[]): void {
  const label = session.openBatch?.label ?? '';
  session.openBatch = undefined;
  session.refusedBatch = id;
  session.labelled(label, () => session.fail('BATCH', code, ...params));
}

/** A line that has the tag of a batch. */
export function addToBatch(session: Session, line: Line): void {
  const id = line.tags.get('batch') as string;
  if (id === session.refusedBatch) return;
  const open = session.openBatch;
  const refuse = (code: string, ...params: string[]): void => refuseBatch(session, id, code, ...params);
  const text = line.params[1] ?? '';
  const concat = line.tags.has('draft/multiline-concat');
  if (open?.id !== id || (open.command !== '' && open.command !== line.command) || (concat && text === '')) {
    return refuse('MULTILINE_INVALID', 'Invalid multiline batch');
  }
  if (fold(line.params[0] ?? '') !== fold(open.target)) {
    return refuse(
      'MULTILINE_INVALID_TARGET', safeParam(open.target), safeParam(line.params[0] ?? ''), 'Invalid multiline target',
    );
  }
  open.command = line.command;
  open.bytes += byteLength(text) + (concat || open.lines.length === 0 ? 0 : 1);
  if (concat && open.lines.length > 0) open.concat.push(open.lines.length);
  open.lines.push(text);
  if (open.bytes > MULTILINE_BYTES_MAX) {
    refuse('MULTILINE_MAX_BYTES', String(MULTILINE_BYTES_MAX), 'Multiline batch has too many bytes');
  } else if (open.lines.length > MULTILINE_LINES_MAX) {
    refuse('MULTILINE_MAX_LINES', String(MULTILINE_LINES_MAX), 'Multiline batch has too many lines');
  }
}

export const batchCommands: CommandTable = {
  BATCH: { paramsMin: 1, usage: 'BATCH +<id> draft/multiline <target> | -<id>', handle: handleBatch },
};
