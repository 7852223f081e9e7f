/** Saying things: PRIVMSG, NOTICE, TAGMSG. What becomes of them is in saying.ts. */
import { CAP_MESSAGE_TAGS, CAP_MULTILINE } from './capabilities.ts';
import { addToBatch } from './command-batch.ts';
import type { CommandTable } from './commands.ts';
import type { Ircd } from './ircd.ts';
import { clientTags } from './line.ts';
import type { Line } from './line.ts';
import * as numeric from './numerics.ts';
import { say } from './saying.ts';
import type { Session } from './session.ts';
import { byteLength } from './text.ts';
import type { User } from './user.ts';

/**
 * Text that is passed on whole even when its source makes the line longer than 512 bytes; more is refused, never cut.
 */
const WHOLE_TEXT_BYTES_MAX = 490;
const LINE_BYTES_MAX = 512;

/** PRIVMSG and NOTICE. */
function handleText(ircd: Ircd, session: Session, line: Line, user: User): void {
  const quiet = line.command === 'NOTICE';
  const [targets, text] = line.params as [string | undefined, string | undefined];
  if (line.tags.has('batch') && session.has(CAP_MULTILINE)) return addToBatch(session, line);
  if (targets === undefined || targets === '') {
    if (!quiet) session.reply(numeric.ERR_NORECIPIENT, `No recipient given (${line.command})`);
  } else if (text === undefined || text === '') {
    if (!quiet) session.reply(numeric.ERR_NOTEXTTOSEND, 'No text to send');
  } else {
    const bytes = byteLength(text);
    const overhead = user.prefix.length + line.command.length + byteLength(targets) + 7;
    if (bytes > WHOLE_TEXT_BYTES_MAX && bytes + overhead > LINE_BYTES_MAX) {
      return session.reply(numeric.ERR_INPUTTOOLONG, 'Input line was too long');
    }
    const tags = session.has(CAP_MESSAGE_TAGS) ? clientTags(line.tags) : undefined;
    say(ircd, session, targets, { command: line.command, lines: [text], concat: [], tags });
  }
}

function handleTagmsg(ircd: Ircd, session: Session, line: Line): void {
  const tags = session.has(CAP_MESSAGE_TAGS) ? clientTags(line.tags) : undefined;
  if (tags === undefined) return;
  say(ircd, session, line.params[0] as string, { command: 'TAGMSG', lines: [], concat: [], tags });
}

export const messageCommands: CommandTable = {
  PRIVMSG: { usage: 'PRIVMSG <target>{,<target>} :<text>', handle: handleText },
  NOTICE: { usage: 'NOTICE <target>{,<target>} :<text>', handle: handleText },
  TAGMSG: { paramsMin: 1, usage: 'TAGMSG <target>{,<target>}', handle: handleTagmsg },
};
