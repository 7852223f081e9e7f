/** What differs between two configurations, and which of it a running daemon cannot take. */
import type { DaemonOptions } from './options.ts';
import { optionName, SCHEMA } from './schema.ts';

export interface OptionChange {
  /** irc.motd, mesh.home.peer; mesh.home when the whole section came or went. */
  name: string;
  /** In force only after a restart. */
  restart: boolean;
}

type Values = Record<string, unknown>;

/** Changes in schema order; empty when nothing differs. */
export function diffOptions(before: DaemonOptions, after: DaemonOptions): OptionChange[] {
  const changes: OptionChange[] = [];
  for (const [type, { fields }] of Object.entries(SCHEMA)) {
    const olds = byName(type, before[type as keyof DaemonOptions]);
    const news = byName(type, after[type as keyof DaemonOptions]);
    for (const name of new Set([...olds.keys(), ...news.keys()])) {
      const old = olds.get(name);
      const now = news.get(name);
      if (!old || !now) {
        changes.push({ name, restart: false });
        continue;
      }
      for (const [key, { restart = false }] of Object.entries(fields)) {
        if (JSON.stringify(old[key]) === JSON.stringify(now[key])) continue;
        changes.push({ name: `${name}.${optionName(key)}`, restart });
      }
    }
  }
  return changes;
}

/** By "irc", or "mesh.home" where there may be several. */
function byName(type: string, sections: object): Map<string, Values> {
  const named = (values: Values): string => (Array.isArray(sections) ? `${type}.${String(values['name'])}` : type);
  return new Map(([sections].flat() as Values[]).map((values) => [named(values), values]));
}
