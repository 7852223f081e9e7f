/**
 * UCI text and `--set` overrides -> options, or every reason why not. Pure. A wrong value is an error that names
 * file, section, option and what is allowed; a name that nobody knows is a warning with the nearest known one, so
 * that a configuration written for a later version still starts an older one.
 */
import { optionName, SCHEMA, type SectionSchema } from './schema.ts';
import type { DaemonOptions } from './options.ts';
import type { Field } from './field.ts';
import { parseUci, type UciSection } from './uci.ts';

export interface LoadResult {
  /** Undefined when there are errors. */
  options: DaemonOptions | undefined;
  errors: string[];
  warnings: string[];
}

/** Values of one list option, sections of one type: beyond these a file is refused. */
export const LIST_LENGTH_MAX = 1024;
export const SECTIONS_MAX = 256;
/** Errors and warnings told; the rest are only counted. */
export const COMPLAINTS_MAX = 20;
/** A known name this many edits away is told as the one that was meant. */
const NEAR_EDITS_MAX = 3;

type Values = Record<string, unknown>;

/**
 * @param file  its name, for messages
 * @param bytes its content; undefined: there is none, everything is default
 * @param sets  overrides: SECTION.OPTION=VALUE, or NAME=TYPE to add a section. SECTION is a name, or a type: its first
 *              section, made when there is none. Values of a list are separated by commas or come one by one.
 */
export function loadOptions(file: string, bytes: Uint8Array | undefined, sets: readonly string[] = []): LoadResult {
  const uci = parseUci(bytes ?? new Uint8Array(0));
  if (uci.error !== undefined) return { options: undefined, errors: [`${file}: ${uci.error}`], warnings: [] };
  const interpreter = new Interpreter(file, uci.sections);
  for (const set of sets) interpreter.override(set);
  return interpreter.result();
}

class Interpreter {
  readonly #file: string;
  readonly #sections: UciSection[];
  readonly #errors: string[] = [];
  readonly #warnings: string[] = [];
  /** Options that --set has given, `section.option`. */
  readonly #overridden = new Set<string>();

  constructor(file: string, sections: UciSection[]) {
    this.#file = file;
    this.#sections = sections;
  }

  override(set: string): void {
    const [, name, option, value] = /^(\w+)(?:\.(\w+))?=(.*)$/s.exec(set) ?? [];
    if (name === undefined || value === undefined) {
      this.#errors.push(`--set ${set}: write SECTION.OPTION=VALUE, or NAME=TYPE for a new section`);
      return;
    }
    const section = this.#section(name, option === undefined ? value : name);
    if (option === undefined) return;
    const key = `${section.name}.${option}`;
    const before = this.#overridden.has(key) ? section.options.get(option) ?? [] : [];
    this.#overridden.add(key);
    const schema = schemaOf(section.type);
    const field = schema && fieldName(schema, option);
    // In a file an unknown name may come from a newer version; somebody who types it wants it to work.
    if (schema === undefined || field === undefined) {
      const known = schema === undefined ? Object.keys(SCHEMA) : Object.keys(schema.fields).map(optionName);
      this.#errors.push(`--set ${set}: unknown ${schema ? 'option' : 'section'}${nearest(schema ? option : name, known)}`);
      return;
    }
    const { list } = schema.fields[field]!;
    section.options.set(option, list ? [before, value.split(',').filter((item) => item !== '')].flat(2) : value);
  }

  result(): LoadResult {
    const found: Record<string, Values[]> = {};
    for (const type of Object.keys(SCHEMA)) found[type] = [];
    for (const section of this.#sections) {
      const schema = schemaOf(section.type);
      const others = found[section.type]!;
      if (schema) others.push(this.#read(section, schema, others));
      else this.#warn(section, '', `unknown section type${nearest(section.type, Object.keys(SCHEMA))}`);
    }
    const options: Values = {};
    for (const [type, schema] of Object.entries(SCHEMA)) {
      const sections = found[type]!;
      const most = schema.single ? 1 : SECTIONS_MAX;
      if (sections.length > most) {
        this.#errors.push(`${this.#file}: ${sections.length} sections of type ${type}; allowed: ${most}`);
      }
      options[type] = schema.single ? sections[0] ?? defaults(schema) : sections;
    }
    return {
      options: this.#errors.length === 0 ? (options as unknown as DaemonOptions) : undefined,
      errors: shorten(this.#errors), warnings: shorten(this.#warnings),
    };
  }

  /** The section of this name, or the first of this type; made when there is none. */
  #section(name: string, type: string): UciSection {
    const sections = this.#sections;
    const known = sections.find((other) => other.name === name) ?? sections.find((other) => other.type === name);
    if (known) return known;
    if (name === SCHEMA.meshchat.single) type = 'meshchat';
    const made = { type, name: schemaOf(type)?.single ?? name, anonymous: false, options: new Map() };
    sections.push(made);
    return made;
  }

  #read(section: UciSection, schema: SectionSchema, others: Values[]): Values {
    const values = defaults(schema);
    if (section.type === 'mesh') values['name'] = section.anonymous ? '' : section.name;
    const given = new Set<string>();
    for (const [option, text] of section.options) {
      const key = fieldName(schema, option);
      if (key === undefined) {
        this.#warn(section, option, `unknown option${nearest(option, Object.keys(schema.fields).map(optionName))}`);
        continue;
      }
      given.add(key);
      const value = this.#value(schema.fields[key]!, text, section, option);
      if (value !== undefined) values[key] = value;
    }
    for (const [key, field] of Object.entries(schema.fields)) {
      if (field.required && !given.has(key)) this.#refuse(section, optionName(key), 'is missing', field.allowed);
    }
    if (values['name'] === '') values['name'] = this.#freeName(values['type'] as string, others);
    const name = values['name'];
    if (name !== undefined && others.some((other) => other['name'] === name)) {
      this.#errors.push(`${this.#where(section, 'name')}: '${name}' is there twice`);
    }
    return values;
  }

  /** A mesh without a name is called after its type: cjdns, cjdns2, … */
  #freeName(type: string, others: Values[]): string {
    const names = new Set(this.#sections.filter(({ anonymous }) => !anonymous).map(({ name }) => name));
    for (const other of others) names.add(other['name'] as string);
    let name = type;
    for (let number = 2; names.has(name); number++) name = type + number;
    return name;
  }

  /** @returns undefined when it is refused. */
  #value(field: Field<unknown>, text: string | string[], section: UciSection, option: string): unknown {
    const items = [text].flat();
    const most = field.list ? LIST_LENGTH_MAX : 1;
    if (items.length > most || (!field.list && text !== items[0])) {
      const allowed = field.list ? `${most} values` : `one value, ${field.allowed}`;
      this.#refuse(section, option, `has a list of ${items.length} values`, allowed);
      return undefined;
    }
    const values = items.flatMap((item) => field.read(item) ?? this.#bad(field, item, section, option));
    return field.list ? values : values[0];
  }

  #bad(field: Field<unknown>, text: string, section: UciSection, option: string): [] {
    this.#refuse(section, option, `is ${field.secret ? 'not right' : `'${text.slice(0, 80)}'`}`, field.allowed);
    return [];
  }

  #refuse(section: UciSection, option: string, what: string, allowed: string): void {
    this.#errors.push(`${this.#where(section, option)} ${what}; allowed: ${allowed}`);
  }

  #warn(section: UciSection, option: string, what: string): void {
    this.#warnings.push(`${this.#where(section, option)}: ${what}`);
  }

  /** An anonymous section as uci names it: @mesh[0]. */
  #where({ name, type, anonymous }: UciSection, option: string): string {
    const index = this.#sections.filter((other) => other.type === type).findIndex((other) => other.name === name);
    const source = this.#overridden.has(`${name}.${option}`) ? '--set' : this.#file;
    return `${source}: section ${anonymous ? `@${type}[${index}]` : name} (${type})${option && `, option ${option}`}`;
  }
}

function shorten(lines: string[]): string[] {
  const rest = lines.length - COMPLAINTS_MAX;
  return rest > 0 ? [...lines.slice(0, COMPLAINTS_MAX), `and ${rest} more`] : lines;
}

function schemaOf(type: string): SectionSchema | undefined {
  return Object.hasOwn(SCHEMA, type) ? SCHEMA[type as keyof DaemonOptions] : undefined;
}

function fieldName(schema: SectionSchema, option: string): string | undefined {
  return Object.keys(schema.fields).find((key) => optionName(key) === option);
}

function defaults(schema: SectionSchema): Values {
  const values: Values = {};
  for (const [key, field] of Object.entries(schema.fields)) values[key] = field.fallback;
  return values;
}

/** @returns "; did you mean X?" when a known name is near, else ''. */
function nearest(name: string, known: string[]): string {
  let best = '';
  let least = NEAR_EDITS_MAX + 1;
  for (const other of known) {
    const edits = editDistance(name.slice(0, 40), other);
    if (edits < least && edits < other.length) {
      best = other;
      least = edits;
    }
  }
  return best && `; did you mean ${best}?`;
}

/** Levenshtein's. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (a[i] === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
