// Rows as comma-separated values (RFC 4180).

/** A text that a spreadsheet would take for a formula gets an apostrophe before it, as these programs expect. */
const cell = (value: string | number | boolean | null): string => {
  const text = value === null ? '' : String(value);
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** All rows have the keys of the first one. */
export function csvOf(rows: readonly Record<string, string | number | boolean | null>[]): string {
  const names = Object.keys(rows[0] ?? {});
  return [names.join(','), ...rows.map((row) => names.map((name) => cell(row[name] ?? null)).join(','))].map((line) => `${line}\r\n`).join('');
}
