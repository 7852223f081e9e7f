/** What differs between two configurations, and which of it a running daemon cannot take. */
import type { DaemonOptions } from './options.ts';
import { optionName, SCHEMA } from './schema.ts';

export interface OptionChange {
  section: keyof DaemonOptions;
  /** Which one of several, by its `name`; '' for meshchat and irc. */
  name: string;
  /** The UCI option; '': the whole section came or went. */
  option: string;
  /** In force only after a restart. */
  restart: boolean;
}

type Values = Record<string, unknown>;

/** Changes in schema order; empty when nothing differs. */
export function diffOptions(before: DaemonOptions, after: DaemonOptions): OptionChange[] {
  const changes: OptionChange[] = [];
  for (const [type, schema] of Object.entries(SCHEMA)) {
    const section = type as keyof DaemonOptions;
    const olds = byName(before[section]);
    const news = byName(after[section]);
    const sectionRestart = schema.restart ?? false;
    for (const name of new Set([...olds.keys(), ...news.keys()])) {
      const old = olds.get(name);
      const now = news.get(name);
      if (!old || !now) {
        changes.push({ section, name, option: '', restart: sectionRestart });
        continue;
      }
      for (const [key, field] of Object.entries(schema.fields)) {
        if (JSON.stringify(old[key]) === JSON.stringify(now[key])) continue;
        changes.push({ section, name, option: optionName(key), restart: field.restart ?? sectionRestart });
      }
    }
  }
  return changes;
}

/** "mesh.home.port": how a change is told. */
export function changeName(change: OptionChange): string {
  return [change.section, change.name, change.option].filter((part) => part !== '').join('.');
}

function byName(sections: object): Map<string, Values> {
  const named = new Map<string, Values>();
  for (const values of [sections].flat() as Values[]) {
    named.set(Array.isArray(sections) ? String(values['name']) : '', values);
  }
  return named;
}
