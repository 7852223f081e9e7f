/**
 * The table of commands, and the checks that hold for all of them: so no handler counts parameters or asks about
 * registration. The grammar of each is at the end of its file, and is what HELP shows.
 */
import { CAP_LABELED_RESPONSE } from './capabilities.ts';
import { batchCommands } from './command-batch.ts';
import { channelCommands } from './command-channel.ts';
import { replyHelp } from './command-help.ts';
import { historyCommands } from './command-history.ts';
import { joinCommands } from './command-join.ts';
import { listCommands } from './command-list.ts';
import { messageCommands } from './command-message.ts';
import { modeCommands } from './command-mode.ts';
import { queryCommands } from './command-query.ts';
import { redactCommands } from './command-redact.ts';
import { registrationCommands } from './command-registration.ts';
import { serverCommands } from './command-server.ts';
import { userCommands } from './command-user.ts';
import type { Ircd } from './ircd.ts';
import { parseLine } from './line.ts';
import type { Line } from './line.ts';
import * as numeric from './numerics.ts';
import { replyMissing } from './replies.ts';
import type { Session } from './session.ts';
import type { User } from './user.ts';

export interface Command {
  /** Default 0. */
  paramsMin?: number;
  /** May come before registration is complete. */
  early?: boolean;
  /** Comes before it only. */
  registers?: boolean;
  /** Who has not asked for it does not know the command. Default 0: none. */
  capability?: number;
  /** Its grammar, for HELP; default: its name alone. */
  usage?: string;
  /**
   * A promise makes the client's next line wait for it, and resolves with what is to be done then.
   * @param user whose command it is: there is none yet for an early one
   */
  handle(ircd: Ircd, session: Session, line: Line, user: User): void | Promise<() => void>;
}
export type CommandTable = Record<string, Command>;

const COMMANDS: ReadonlyMap<string, Command> = new Map(Object.entries({
  ...registrationCommands, ...joinCommands, ...channelCommands, ...listCommands, ...modeCommands, ...messageCommands,
  ...batchCommands, ...redactCommands, ...queryCommands, ...userCommands, ...historyCommands, ...serverCommands,
  HELP: { usage: 'HELP [<command>]', handle: handleHelp },
  HELPOP: { usage: 'HELPOP [<command>]', handle: handleHelp },
}));

function handleHelp(_ircd: Ircd, session: Session, line: Line): void {
  replyHelp(COMMANDS, session, line);
}

const LABEL_BYTES_MAX = 64;

export function handleLine(ircd: Ircd, session: Session, text: string): void {
  const line = parseLine(text);
  if (line === undefined) return;
  const label = line.tags.get('label') ?? '';
  const known = label.length <= LABEL_BYTES_MAX && session.has(CAP_LABELED_RESPONSE);
  session.labelled(known ? label : '', () => dispatch(ircd, session, line));
}

function dispatch(ircd: Ircd, session: Session, line: Line): void {
  const command = COMMANDS.get(line.command);
  if (session.user === undefined && command?.early !== true && command?.registers !== true) {
    session.reply(numeric.ERR_NOTREGISTERED, 'You have not registered');
  } else if (command === undefined || (~session.caps & (command.capability ?? 0)) !== 0) {
    const name = /^[A-Z0-9]{1,32}$/.test(line.command) ? line.command : '*';
    session.reply(numeric.ERR_UNKNOWNCOMMAND, name, 'Unknown command');
  } else if (line.params.length < (command.paramsMin ?? 0)) {
    replyMissing(session, line.command);
  } else if (session.user !== undefined && command.registers === true) {
    session.reply(numeric.ERR_ALREADYREGISTERED, 'You may not reregister');
  } else {
    const pending = command.handle(ircd, session, line, session.user as User);
    if (pending === undefined) return;
    const label = session.takeLabel();
    session.inbox.wait(pending.then((answer) => {
      if (!session.closed) session.labelled(label, answer);
    }));
  }
}
