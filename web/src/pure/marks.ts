// Where the days, letters and sizes of an ordered list begin. The server counts pictures below each boundary; from the
// counts follow the places of the marks that a scrubber shows, and the condition that a page may begin with.

import type { Filters, Sort } from './address';

/** A stretch of the list: how it is called, where it begins, and the condition that its pictures meet. */
export interface Mark { label: string; at: number; narrower: Filters }
export interface Boundary { label: string; value: string }
type Axis = 'added' | 'taken' | 'bytes' | 'name';

export const axisOf = (sort: Sort): Axis => sort.replace('-', '') as Axis;
export const descends = (sort: Sort): boolean => sort.startsWith('-');

const MOST = 36;
/** The years, months, days or hours from one time to another, ascending: the finest of these that are few enough. */
export function timesBetween(oldest: string, newest: string, locale: string): Boundary[] {
  const [from, to] = [new Date(oldest), new Date(newest)];
  if (Number.isNaN(from.getTime()) || Number.isNaN(to.getTime()) || from > to) return [];
  const units: { start: () => Date; step: (date: Date) => void; form: Intl.DateTimeFormatOptions }[] = [
    { start: () => new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate(), from.getUTCHours())), step: (date) => date.setUTCHours(date.getUTCHours() + 1), form: { weekday: 'short', hour: 'numeric' } },
    { start: () => new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate())), step: (date) => date.setUTCDate(date.getUTCDate() + 1), form: { month: 'short', day: 'numeric' } },
    { start: () => new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth())), step: (date) => date.setUTCMonth(date.getUTCMonth() + 1), form: { year: 'numeric', month: 'short' } },
    { start: () => new Date(Date.UTC(from.getUTCFullYear(), 0)), step: (date) => date.setUTCFullYear(date.getUTCFullYear() + 1), form: { year: 'numeric' } },
    { start: () => new Date(Date.UTC(Math.floor(from.getUTCFullYear() / 10) * 10, 0)), step: (date) => date.setUTCFullYear(date.getUTCFullYear() + 10), form: { year: 'numeric' } },
  ];
  for (const { start, step, form } of units) {
    const found: Date[] = [];
    for (const date = start(); date <= to && found.length <= MOST; step(date)) found.push(new Date(date));
    if (found.length > MOST) continue;
    // Made for the unit alone that is used: one costs milliseconds.
    const shown = new Intl.DateTimeFormat(locale, { ...form, timeZone: 'UTC' });
    return found.map((date) => ({ label: shown.format(date), value: `${date.toISOString().slice(0, 13)}:00:00Z` }));
  }
  return [];
}

/** Round sizes from the smallest file to the largest, ascending. */
export function sizesBetween(smallest: number, largest: number, shown: (bytes: number) => string): Boundary[] {
  const found: Boundary[] = [{ label: `< ${shown(1000)}`, value: '0' }];
  for (let power = 3; power < 12; power += 1) for (const digit of [1, 2, 5]) {
    const value = digit * 10 ** power;
    if (value <= smallest) found.length = 0;
    if (value <= largest) found.push({ label: shown(value), value: String(value) });
  }
  return found;
}

const LETTERS = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'];
const SIGNS = [...'!"#$%&\'()+,-.;=@[]^_`{}~'];
/** What names begin with, in the order of the server, which compares bytes. The signs matter where letters are not all. */
export const beginnings = (signsToo: boolean): string[] => (signsToo ? [...LETTERS, ...SIGNS].sort() : LETTERS);

const least = (a: string | undefined, b: string): string => (a !== undefined && a < b ? a : b);

/** The condition of pictures at and after a mark in the list, beside those that the list has already. */
export function narrowerOf(axis: Axis, descending: boolean, from: string, end: string | null, filters: Filters): Filters {
  if (axis === 'name') return { name_prefix: [`${filters.name_prefix?.[0] ?? ''}${from}`] };
  if (axis === 'bytes') {
    if (descending) return end === null ? {} : { max_bytes: [String(Math.min(Number(filters.max_bytes?.[0] ?? Infinity), Number(end) - 1))] };
    return { min_bytes: [String(Math.max(Number(filters.min_bytes?.[0] ?? 0), Number(from)))] };
  }
  if (descending) return end === null ? {} : { [`${axis}_before`]: [least(filters[`${axis}_before`]?.[0], end)] };
  const given = filters[`${axis}_after`]?.[0];
  return { [`${axis}_after`]: [given !== undefined && given > from ? given : from] };
}

/**
 * The marks of a list whose boundaries ascend. `below[i]` pictures come before boundary `i` in ascending order, and
 * `all` have a place on the axis at all. Stretches without pictures have no mark.
 */
export function marksOf(boundaries: readonly Boundary[], below: readonly number[], all: number, sort: Sort, filters: Filters): Mark[] {
  const [axis, descending] = [axisOf(sort), descends(sort)];
  const marks = boundaries.flatMap(({ label, value }, i): Mark[] => {
    const [low, high] = [below[i] ?? 0, below[i + 1] ?? all];
    if (high <= low) return [];
    const narrower = narrowerOf(axis, descending, value, boundaries[i + 1]?.value ?? null, filters);
    return [{ label, at: descending ? all - high : low, narrower }];
  });
  return descending ? marks.reverse() : marks;
}

/** The mark that a place of the list belongs to. */
export function markAt(marks: readonly Mark[], index: number): Mark | null {
  let found: Mark | null = marks[0] ?? null;
  for (const mark of marks) if (mark.at <= index) found = mark;
  return found;
}
