// A part of a picture that is no rectangle: a polygon, in percent of the picture's width and height.

import type { Point } from './transform';

/** A polygon of more corners does not fit an address. */
export const MOST_CORNERS = 60;

/** The corners in an address; null where it has none or they cannot be read. */
export function cornersOf(text: string | null): Point[] | null {
  const numbers = text?.split(',').map(Number) ?? [];
  if (numbers.length < 6 || numbers.length % 2 || numbers.length > 2 * MOST_CORNERS || numbers.some((value) => !(value >= 0 && value <= 100))) return null;
  return Array.from({ length: numbers.length / 2 }, (_, i): Point => [numbers[2 * i] ?? 0, numbers[2 * i + 1] ?? 0]);
}

const short = (value: number): string => String(Math.round(value * 10) / 10);

/** The other way round, to a tenth of a percent. */
export const textOf = (corners: readonly Point[]): string => corners.flatMap(([x, y]) => [short(x), short(y)]).join(',');

/** The smallest rectangle around it, as the server takes a region. */
export function regionAround(corners: readonly Point[]): string {
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return `pct:${[left, top, Math.max(0.1, Math.max(...xs) - left), Math.max(0.1, Math.max(...ys) - top)].map(short).join(',')}`;
}

const clamp = (value: number): number => Math.min(100, Math.max(0, value));

/** Moves one corner, or all of them as one as far as the picture reaches. */
export function moved(corners: readonly Point[], which: number | 'all', dx: number, dy: number): Point[] {
  if (which !== 'all') return corners.map(([x, y], i) => (i === which ? [clamp(x + dx), clamp(y + dy)] : [x, y]));
  const within = (values: number[], by: number) => Math.min(100 - Math.max(...values), Math.max(-Math.min(...values), by));
  const [across, down] = [within(corners.map(([x]) => x), dx), within(corners.map(([, y]) => y), dy)];
  return corners.map(([x, y]) => [x + across, y + down]);
}

/** The same with a corner more, halfway after the one that is named. */
export function split(corners: readonly Point[], after: number): Point[] {
  const [from, to] = [corners[after], corners[(after + 1) % corners.length]];
  if (!from || !to || corners.length >= MOST_CORNERS) return [...corners];
  return [...corners.slice(0, after + 1), [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2], ...corners.slice(after + 1)];
}
