/** The rows of the report by name. A row measures its cells over some seeds and judges each against its bar. */
import { chatRows } from './rows-chat.ts';
import { faultRows } from './rows-faults.ts';
import { memoryRows } from './rows-memory.ts';
import { srmRows } from './rows-srm.ts';
import { streamRows } from './rows-stream.ts';

/** One line of the table. */
export interface Line {
  goal: string;
  cell: string;
  bar: string;
  measured: string;
  pass: boolean;
  seeds: number;
}

export interface Row {
  name: string;
  /** Seeds per cell when nothing else is said. */
  seeds: number;
  run(seeds: number): Line[];
}

const rows: readonly Row[] = [...streamRows, ...chatRows, ...faultRows, ...srmRows, ...memoryRows];

export function rowNames(): string[] {
  return rows.map((row) => row.name);
}

export function runRow(name: string, seeds = 0): { name: string; lines: Line[] } {
  const row = rows.find((one) => one.name === name);
  if (row === undefined) throw new Error(`no row ${name}; there are ${rowNames().join(' ')}`);
  return { name, lines: row.run(seeds > 0 ? seeds : row.seeds) };
}
