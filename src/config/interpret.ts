/**
 * UCI text and `--set` overrides -> options, or every reason why not. Pure. A wrong value is an error that names file, section,
 * option and what is allowed; a name that nobody knows is a warning with the nearest known one, so that a configuration
 * written for a later version still starts an older one.
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
    } else if (option === undefined) this.#section(name, value);
    else this.#set(this.#section(name, name), option, value);
  }

  result(): LoadResult {
    const found: Record<string, Values[]> = {};
    for (const type of Object.keys(SCHEMA)) found[type] = [];
    for (const section of this.#sections) {
      const schema = schemaOf(section.type);
      if (schema) found[section.type]!.push(this.#read(section, schema, found[section.type]!));
      else this.#warnings.push(`${this.#where(section)}: unknown section type${nearest(section.type, Object.keys(SCHEMA))}`);
    }
    const options: Values = {};
    for (const [type, schema] of Object.entries(SCHEMA)) {
      const sections = found[type]!;
      if (sections.length > (schema.single ? 1 : SECTIONS_MAX)) {
        this.#errors.push(`${this.#file}: ${sections.length} sections of type ${type}; allowed: ${schema.single ? 1 : SECTIONS_MAX}`);
      }
      options[type] = schema.single ? sections[0] ?? defaults(schema) : sections;
    }
    const good = this.#errors.length === 0;
    return {
      options: good ? (options as unknown as DaemonOptions) : undefined, errors: shorten(this.#errors), warnings: shorten(this.#warnings),
    };
  }

  #section(name: string, type: string): UciSection {
    const known = this.#sections.find((section) => section.name === name) ??
      this.#sections.find((section) => section.type === name);
    if (known) return known;
    if (name === SCHEMA.meshchat.single) type = 'meshchat';
    const made = { type, name: schemaOf(type)?.single ?? name, anonymous: false, options: new Map() };
    this.#sections.push(made);
    return made;
  }

  #set(section: UciSection, option: string, value: string): void {
    const field = fieldOf(schemaOf(section.type), option);
    const key = `${section.name}.${option}`;
    const before = section.options.get(option);
    const repeated = this.#overridden.has(key) && Array.isArray(before) ? before : [];
    this.#overridden.add(key);
    section.options.set(option, field?.list ? [...repeated, ...value.split(',').filter((item) => item !== '')] : value);
  }

  #read(section: UciSection, schema: SectionSchema, before: Values[]): Values {
    const values = defaults(schema);
    if (section.type === 'mesh') values['name'] = section.anonymous ? '' : section.name;
    const given = new Set<string>();
    for (const [option, text] of section.options) {
      const key = fieldName(schema, option);
      if (key === undefined) {
        this.#warnings.push(`${this.#where(section, option)}: unknown option${nearest(option, Object.keys(schema.fields).map(optionName))}`);
        continue;
      }
      given.add(key);
      const value = this.#value(schema.fields[key]!, text, section, option);
      if (value !== undefined) values[key] = value;
    }
    for (const [key, field] of Object.entries(schema.fields)) {
      if (field.required && !given.has(key)) this.#errors.push(`${this.#where(section, optionName(key))} is missing; allowed: ${field.allowed}`);
    }
    if (values['name'] === '') values['name'] = freeName(values['type'] as string, before);
    if (before.some((other) => other['name'] !== undefined && other['name'] === values['name'])) {
      this.#errors.push(`${this.#where(section, 'name')}: '${values['name']}' is there twice`);
    }
    return values;
  }

  #value(field: Field<unknown>, text: string | string[], section: UciSection, option: string): unknown {
    if (!field.list) {
      if (typeof text === 'string') return field.read(text) ?? this.#bad(field, text, section, option);
      this.#errors.push(`${this.#where(section, option)} is a list; allowed: one value, ${field.allowed}`);
      return undefined;
    }
    const items = [text].flat();
    if (items.length > LIST_LENGTH_MAX) {
      this.#errors.push(`${this.#where(section, option)} has ${items.length} values; allowed: ${LIST_LENGTH_MAX}`);
    }
    return items.slice(0, LIST_LENGTH_MAX).flatMap((item) => field.read(item) ?? this.#bad(field, item, section, option));
  }

  #bad(field: Field<unknown>, text: string, section: UciSection, option: string): undefined {
    const given = field.secret ? 'this value' : `'${text.slice(0, 80)}'`;
    this.#errors.push(`${this.#where(section, option)}: ${given} is not allowed; allowed: ${field.allowed}`);
  }

  #where(section: UciSection, option?: string): string {
    const set = option !== undefined && this.#overridden.has(`${section.name}.${option}`);
    const name = section.anonymous ? this.#index(section) : section.name;
    return `${set ? '--set' : this.#file}: section ${name} (${section.type})${option === undefined ? '' : `, option ${option}`}`;
  }

  /** As uci names it: @mesh[0]. */
  #index(section: UciSection): string {
    const same = this.#sections.filter((other) => other.type === section.type);
    return `@${section.type}[${same.indexOf(section)}]`;
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

function fieldOf(schema: SectionSchema | undefined, option: string): Field<unknown> | undefined {
  const name = schema && fieldName(schema, option);
  return name === undefined ? undefined : schema!.fields[name];
}

function defaults(schema: SectionSchema): Values {
  const values: Values = {};
  for (const [key, field] of Object.entries(schema.fields)) values[key] = field.fallback;
  return values;
}

/** A mesh without a name is called after its type: cjdns, cjdns2, … */
function freeName(type: string, before: Values[]): string {
  let name = type;
  for (let number = 2; before.some((other) => other['name'] === name); number++) name = type + number;
  return name;
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
