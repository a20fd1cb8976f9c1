// Justified rows: pictures of one row have one height, and each row but the last fills the width.

export interface Cell { index: number; left: number; width: number }
export interface Row { top: number; height: number; cells: Cell[] }

interface Shape { width: number; height: number }

/** Very wide and very tall pictures are cut to these ratios, so that neither fills a row alone nor vanishes in it. */
const WIDEST = 3;
const TALLEST = 0.5;

export const ratioOf = ({ width, height }: Shape): number => {
  const ratio = width / height;
  return Number.isFinite(ratio) && ratio > 0 ? Math.min(WIDEST, Math.max(TALLEST, ratio)) : 1;
};

/** Lays pictures out in rows about `target` high. */
export function layOut(pictures: readonly Shape[], width: number, target: number, gap: number): Row[] {
  const rows: Row[] = [];
  if (width <= 0) return rows;
  let top = 0;
  let first = 0;
  let sum = 0;
  const close = (end: number, last: boolean) => {
    const count = end - first;
    const free = width - gap * (count - 1);
    const full = free / sum;
    const height = Math.round(last ? Math.min(full, target) : full);
    const cells: Cell[] = [];
    let left = 0;
    for (let index = first; index < end; index += 1) {
      const shape = pictures[index];
      if (!shape) break;
      const own = !last && index === end - 1 ? width - left : Math.round(ratioOf(shape) * (last ? height : full));
      cells.push({ index, left, width: own });
      left += own + gap;
    }
    rows.push({ top, height, cells });
    top += height + gap;
    first = end;
    sum = 0;
  };
  for (let index = 0; index < pictures.length; index += 1) {
    const shape = pictures[index];
    if (!shape) continue;
    sum += ratioOf(shape);
    if (sum * target + gap * (index - first) >= width) close(index + 1, false);
  }
  if (first < pictures.length) close(pictures.length, true);
  return rows;
}

/** The rows, as [first, one after the last], that meet the stretch from `low` to `high`. */
export function rowsBetween(rows: readonly Row[], low: number, high: number): [number, number] {
  const after = (holds: (row: Row) => boolean) => {
    let [from, to] = [0, rows.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const row = rows[middle];
      if (row && holds(row)) from = middle + 1;
      else to = middle;
    }
    return from;
  };
  return [after((row) => row.top + row.height < low), after((row) => row.top <= high)];
}

export const heightOf = (rows: readonly Row[]): number => {
  const last = rows.at(-1);
  return last ? last.top + last.height : 0;
};
