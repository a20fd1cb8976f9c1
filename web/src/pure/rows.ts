// Justified rows in blocks. All pictures of a row have one height, and each row but the last fills the width. A block
// holds a fixed number of pictures and is laid out by itself, so that a long list needs only the blocks near the
// screen: the height of the others is estimated.

export interface Cell { index: number; left: number; width: number }
/** `top` is that within the block. */
export interface Row { top: number; height: number; cells: Cell[] }

interface Shape { width: number; height: number }

/** Pictures in a block. */
export const BLOCK = 120;

/** Very wide and very tall pictures are cut to these ratios, so that neither fills a row alone nor vanishes in it. */
const WIDEST = 3;
const TALLEST = 0.5;

export const ratioOf = ({ width, height }: Shape): number => {
  const ratio = width / height;
  return Number.isFinite(ratio) && ratio > 0 ? Math.min(WIDEST, Math.max(TALLEST, ratio)) : 1;
};

export interface Measures { width: number; target: number; gap: number }

/**
 * The ends of the rows of a block whose heights differ least from `target`: those with the least sum of squared
 * logarithms of height ÷ target (dynamic programming over breaks, as Knuth and Plass break lines).
 */
function breaks(ratios: readonly number[], { width, target, gap }: Measures, isLast: boolean): number[] {
  const count = ratios.length;
  const best = new Float64Array(count + 1).fill(Infinity);
  const from = new Int32Array(count + 1);
  best[0] = 0;
  for (let end = 1; end <= count; end += 1) {
    let sum = 0;
    for (let first = end - 1; first >= 0; first -= 1) {
      sum += ratios[first] ?? 1;
      const height = (width - gap * (end - first - 1)) / sum;
      if (height < target * 0.4 && first < end - 1) break;
      const off = Math.log(Math.max(height, 1) / target);
      // The last row of a list need not be full.
      const cost = (best[first] ?? Infinity) + (isLast && end === count && height > target ? 0 : off * off);
      if (cost < (best[end] ?? Infinity)) {
        best[end] = cost;
        from[end] = first;
      }
    }
  }
  const ends: number[] = [];
  for (let end = count; end > 0; end = from[end] ?? 0) ends.unshift(end);
  return ends;
}

/** Lays the pictures out whose first has the number `start`. `isLast` says that no picture comes after them. */
export function layOut(ratios: readonly number[], start: number, measures: Measures, isLast: boolean): Row[] {
  const { width, target, gap } = measures;
  if (width <= 0) return [];
  const rows: Row[] = [];
  let top = 0;
  let first = 0;
  for (const end of breaks(ratios, measures, isLast)) {
    const own = ratios.slice(first, end);
    const full = (width - gap * (own.length - 1)) / own.reduce((sum, ratio) => sum + ratio, 0);
    const ragged = isLast && end === ratios.length && full > target;
    const height = Math.round(ragged ? target : full);
    let left = 0;
    const cells = own.map((ratio, i) => {
      const cell = { index: start + first + i, left, width: !ragged && i === own.length - 1 ? width - left : Math.round(ratio * (ragged ? target : full)) };
      left += cell.width + gap;
      return cell;
    });
    rows.push({ top, height, cells });
    top += height + gap;
    first = end;
  }
  return rows;
}

/** The height of rows with the gap below them. */
export const heightOf = (rows: readonly Row[], gap: number): number => {
  const last = rows.at(-1);
  return last ? last.top + last.height + gap : 0;
};

/** About how high `count` pictures of this ratio will be, with the gap below them. */
export const likelyHeight = (count: number, ratio: number, { width, target, gap }: Measures): number =>
  Math.max(1, Math.round((count * (ratio * target + gap)) / Math.max(width, 1))) * (target + gap);

/** The number of the block that is at `place`, where `tops` has the places of all blocks and then their end. */
export function blockAt(tops: ArrayLike<number>, place: number): number {
  let [low, high] = [0, Math.max(0, tops.length - 2)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] ?? 0) <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}
