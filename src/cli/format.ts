/** Tables and times for people. */

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

/** Unix ms as "2026-01-31 23:59:59" UTC (proleptic Gregorian calendar, Hinnant's days to civil). */
export function formatTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const days = Math.floor(seconds / 86400);
  const z = days + 719468;
  const era = Math.floor(z / 146097);
  const dayOfEra = z - era * 146097;
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36524) + Math.floor(dayOfEra / 146096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const time = seconds - days * 86400;
  const clock = [Math.floor(time / 3600), Math.floor(time / 60) % 60, time % 60].map(two).join(':');
  return `${year}-${two(month)}-${two(day)} ${clock}`;
}
