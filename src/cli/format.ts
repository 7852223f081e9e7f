/** Tables, times and messages for people. */
import { encodeBase64 } from '../encoding/base64.ts';
import { formatTime as formatIso } from '../encoding/time.ts';
import { decodeUtf8, isText } from '../ubus/text.ts';

/** Columns as wide as their widest cell; numbers to the right. @param rows the first one is the heading */
export function formatTable(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, String(cell).length);
  }
  const numeric = (rows[1] ?? []).map((cell) => typeof cell === 'number');
  return rows.map((row) => row.map((cell, column) => {
    const width = widths[column] as number;
    return numeric[column] ? String(cell).padStart(width) : String(cell).padEnd(width);
  }).join('  ').trimEnd());
}

/** "5 s", "3 min", "2 h 5 min", "4 d 2 h". */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`;
  return bytes < 10_000_000 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;
}

/** Unix ms as "2026-01-31 23:59:59" UTC. */
export function formatTime(ms: number): string {
  return formatIso(ms).slice(0, 19).replace('T', ' ');
}

/** A message as a part of JSON. */
export function textOf(data: Uint8Array): { text: string } | { data: string } {
  return isText(data) ? { text: decodeUtf8(data) } : { data: decodeUtf8(encodeBase64(data)) };
}
