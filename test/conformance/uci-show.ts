/** What the `uci` program prints of a parsed file, for comparing the parser with it. Strings are bytes (latin1). */
import { parseUci, type UciSection } from '../../src/config/uci.ts';

export interface UciOutput {
  rc: number;
  out: string;
  err: string;
}

/** `uci -X show PACKAGE` when `names` is true, else `uci show PACKAGE`. */
export function uciShow(input: Uint8Array, packageName: string, names: boolean): UciOutput {
  return print(input, (sections) => {
    let out = '';
    const indices = new Map<string, number>();
    for (const section of sections) {
      const index = indices.get(section.type) ?? 0;
      indices.set(section.type, index + 1);
      const name = section.anonymous && !names ? `@${section.type}[${index}]` : section.name;
      out += `${packageName}.${name}=${section.type}\n`;
      for (const [option, value] of section.options) {
        out += `${packageName}.${name}.${option}=${[value].flat().map(quote).join(' ')}\n`;
      }
    }
    return out;
  });
}

/** `uci export PACKAGE`, with `-N` when `names` is true. */
export function uciExport(input: Uint8Array, packageName: string, names: boolean): UciOutput {
  return print(input, (sections) => {
    let out = `package ${packageName}\n`;
    for (const section of sections) {
      out += `\nconfig ${section.type.replaceAll("'", "'\\''")}${section.anonymous && !names ? '' : ` '${section.name}'`}\n`;
      for (const [option, value] of section.options) {
        if (typeof value === 'string') out += `\toption ${option} ${quote(value)}\n`;
        else for (const item of value) out += `\tlist ${option} ${quote(item)}\n`;
      }
    }
    return `${out}\n`;
  });
}

function print(input: Uint8Array, format: (sections: UciSection[]) => string): UciOutput {
  const file = parseUci(input, (bytes) => String.fromCharCode(...bytes));
  return file.error === undefined
    ? { rc: 0, out: format(file.sections), err: '' }
    : { rc: 1, out: '', err: `${file.error}\n` };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
