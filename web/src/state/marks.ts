// Asks the server where the days, letters and sizes of a list begin.

import { type Picture, send } from '../api/server';
import { type Filters, filterParameters, type Sort } from '../pure/address';
import { axisOf, beginnings, type Boundary, descends, type Mark, marksOf, sizesBetween, timesBetween } from '../pure/marks';
import { bytes } from '../pure/numbers';
import { settings } from './settings.svelte';

const AT_ONCE = 4;

const count = async (filters: Filters): Promise<number> => (await send<{ count: number }>(`count?${new URLSearchParams(filterParameters(filters))}`)).count;

/** The counts of several conditions, some at a time. */
async function counts(conditions: readonly Filters[]): Promise<number[]> {
  const found: number[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < conditions.length; at = next++) found[at] = await count(conditions[at] ?? {});
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

async function first(filters: Filters, sort: Sort): Promise<Picture | null> {
  const { images } = await send<{ images: Picture[] }>(`images?${new URLSearchParams([['limit', '1'], ['sort', sort], ...filterParameters(filters)])}`);
  return images[0] ?? null;
}

async function marksOfNames(filters: Filters, sort: Sort, total: number): Promise<Mark[]> {
  const prefix = filters.name_prefix?.[0] ?? '';
  const of = async (signsToo: boolean) => {
    const letters = beginnings(signsToo);
    return { letters, each: await counts(letters.map((one) => ({ ...filters, name_prefix: [prefix + one] }))) };
  };
  let { letters, each } = await of(false);
  const sum = (list: readonly number[]) => list.reduce((all, one) => all + one, 0);
  if (sum(each) < total) ({ letters, each } = await of(true));
  const rest = total - sum(each);
  let before = 0;
  const below = each.map((one) => (before += one) - one);
  const marks = marksOf(letters.map((one) => ({ label: one, value: one })), below, total - rest, sort, filters);
  // What begins with none of these comes after them: names in other scripts.
  if (rest <= 0) return marks;
  return descends(sort) ? [{ label: '…', at: 0, narrower: {} }, ...marks.map((one) => ({ ...one, at: one.at + rest }))] : [...marks, { label: '…', at: total - rest, narrower: {} }];
}

export async function findMarks(filters: Filters, sort: Sort, total: number): Promise<Mark[]> {
  const axis = axisOf(sort);
  if (axis === 'name') return marksOfNames(filters, sort, total);
  const [low, high] = await Promise.all([first(filters, axis), first(filters, `-${axis}`)]);
  if (!low || !high) return [];
  let boundaries: Boundary[];
  if (axis === 'bytes') boundaries = sizesBetween(low.bytes, high.bytes, (value) => bytes(value, settings.locale));
  else {
    const [from, to] = [low[axis], high[axis]];
    if (!from || !to) return [];
    boundaries = timesBetween(from, to, settings.locale);
  }
  if (boundaries.length < 2) return [];
  const below = (value: string): Filters => (axis === 'bytes' ? { ...filters, max_bytes: [String(Number(value) - 1)] } : { ...filters, [`${axis}_before`]: [value] });
  const found = await counts(boundaries.slice(1).map((one) => below(one.value)));
  // Pictures without a time of taking come last.
  const dated = axis === 'taken' ? await count({ ...filters, taken_after: ['0001'] }).catch(() => total) : total;
  return marksOf(boundaries, [0, ...found], dated, sort, filters);
}
