/** Plain lines for syslog (procd adds time and name), one per state change, never one per message. */

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Log {
  level: LogLevel;
  /** True when debug lines are wanted: ask before building an expensive one. */
  readonly debugging: boolean;
  error(line: string): void;
  warn(line: string): void;
  info(line: string): void;
  debug(line: string): void;
}

const RECENT_LINES_MAX = 100;

/**
 * A log that prints through `print` and keeps the last lines for `meshchat log`. Lines of all levels but info begin
 * with the level's name.
 */
export class LineLog implements Log {
  level: LogLevel;
  readonly recent: string[] = [];
  readonly #print: (line: string, level: LogLevel) => void;

  constructor(level: LogLevel, print: (line: string, level: LogLevel) => void) {
    this.level = level;
    this.#print = print;
  }

  get debugging(): boolean {
    return this.level === 'debug';
  }
  error(line: string): void {
    this.#write('error', line);
  }
  warn(line: string): void {
    this.#write('warn', line);
  }
  info(line: string): void {
    this.#write('info', line);
  }
  debug(line: string): void {
    this.#write('debug', line);
  }

  #write(level: LogLevel, line: string): void {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(this.level)) return;
    const text = level === 'info' ? line : `${level}: ${line}`;
    this.recent.push(text);
    if (this.recent.length > RECENT_LINES_MAX) this.recent.shift();
    this.#print(text, level);
  }
}
