/** HELP: how a command is written, as its entry in the table of commands says. */
import type { Command } from './commands.ts';
import type { Line } from './line.ts';
import * as numeric from './numerics.ts';
import { safeParam } from './replies.ts';
import type { Session } from './session.ts';
import { packWords } from './text.ts';

const HELP_LINE_BYTES = 80;

/** @param commands all that there are: the table is made of the files of commands */
export function replyHelp(commands: ReadonlyMap<string, Command>, session: Session, line: Line): void {
  const subject = line.params[0] ?? '';
  const name = safeParam(subject);
  const command = commands.get(subject.toUpperCase());
  if (subject !== '' && command === undefined) {
    return session.reply(numeric.ERR_HELPNOTFOUND, name, 'No help available on this topic');
  }
  const unknown = 'HELP <command> shows how a command is written. Commands:';
  const texts = [command === undefined ? unknown : (command.usage ?? subject.toUpperCase())];
  if (command === undefined) texts.push(...packWords([...commands.keys()].sort(), HELP_LINE_BYTES));
  session.reply(numeric.RPL_HELPSTART, name, texts[0] as string);
  for (const text of texts.slice(1)) session.reply(numeric.RPL_HELPTXT, name, text);
  if (command !== undefined) {
    session.reply(numeric.RPL_HELPTXT, name, 'INFO tells how this network differs from others');
  }
  session.reply(numeric.RPL_ENDOFHELP, name, 'End of /HELP');
}
