// Numbers, sizes and times as people of a language write them.

export function fixed(value: number | null | undefined, digits: number, locale: string): string {
  if (value == null) return '–';
  return new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export const whole = (value: number, locale: string): string => new Intl.NumberFormat(locale).format(value);

export function bytes(value: number, locale: string): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let at = 0;
  let left = value;
  while (left >= 1000 && at < units.length - 1) {
    left /= 1000;
    at += 1;
  }
  return `${fixed(left, at > 0 && left < 10 ? 1 : 0, locale)} ${units[at]}`;
}

export function day(text: string | null, locale: string): string {
  const date = text ? new Date(text) : null;
  return date && !Number.isNaN(date.getTime()) ? new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(date) : (text ?? '');
}

export const took = (ms: number, locale: string): string => (ms < 1000 ? `${fixed(ms, 0, locale)} ms` : `${fixed(ms / 1000, 1, locale)} s`);

/** A name as it can be shown: a byte that is no UTF-8 as \xNN, other control characters as a question mark. */
export const readable = (text: string): string => text
  .replace(/[\u{10ff80}-\u{10ffff}]/gu, (one) => `\\x${((one.codePointAt(0) ?? 0) - 0x10ff00).toString(16).toUpperCase()}`)
  .replace(/\p{Cc}/gu, '?');
