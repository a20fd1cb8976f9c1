import { describe, expect, it } from 'vitest';
import { BLOCK, blockAt, heightOf, layOut, likelyHeight, ratioOf } from '../../src/pure/rows';

const ratios = Array.from({ length: BLOCK }, (_, i) => ratioOf({ width: 100 + ((i * 37) % 300), height: 80 + ((i * 91) % 250) }));
const measures = { width: 1000, target: 180, gap: 6 };

describe('justified rows', () => {
  it('fill the width, all of them in a block that others follow', () => {
    const rows = layOut(ratios, 0, measures, false);
    for (const row of rows) {
      const last = row.cells.at(-1)!;
      expect(last.left + last.width).toBe(1000);
      expect(Math.abs(Math.log(row.height / 180))).toBeLessThan(0.35);
    }
  });
  it('leave the last row of a list as it comes', () => {
    const rows = layOut(ratios.slice(0, 23), 0, measures, true);
    const last = rows.at(-1)!;
    expect(last.height).toBeLessThanOrEqual(180);
    expect(last.cells.at(-1)!.left + last.cells.at(-1)!.width).toBeLessThanOrEqual(1000);
  });
  it('hold each picture once, in order, without overlaps', () => {
    const rows = layOut(ratios, 240, { width: 713, target: 150, gap: 4 }, false);
    expect(rows.flatMap((row) => row.cells.map((cell) => cell.index))).toEqual(ratios.map((_, i) => 240 + i));
    for (const row of rows) row.cells.slice(1).forEach((cell, i) => expect(cell.left).toBe(row.cells[i]!.left + row.cells[i]!.width + 4));
    rows.slice(1).forEach((row, i) => expect(row.top).toBe(rows[i]!.top + rows[i]!.height + 4));
    expect(heightOf(rows, 4)).toBe(rows.at(-1)!.top + rows.at(-1)!.height + 4);
  });
  it('do not enlarge a lone picture beyond the target', () => {
    const [row] = layOut([1], 0, measures, true);
    expect(row!.height).toBe(180);
    expect(row!.cells[0]!.width).toBe(180);
  });
  it('bear pictures without a size, wide ones on a narrow screen, and no room', () => {
    expect(ratioOf({ width: 0, height: 0 })).toBe(1);
    expect(ratioOf({ width: 10000, height: 1 })).toBe(3);
    expect(layOut([], 0, measures, true)).toEqual([]);
    expect(layOut(ratios, 0, { ...measures, width: 0 }, true)).toEqual([]);
    expect(layOut([3, 3, 3], 0, { width: 300, target: 280, gap: 6 }, false).flatMap((row) => row.cells)).toHaveLength(3);
  });
  it('are about as high as was estimated', () => {
    const mean = ratios.reduce((sum, one) => sum + one, 0) / BLOCK;
    const real = heightOf(layOut(ratios, 0, measures, false), 6);
    expect(Math.abs(likelyHeight(BLOCK, mean, measures) / real - 1)).toBeLessThan(0.1);
  });
  it('are found by their place', () => {
    const tops = [0, 100, 250, 300];
    expect([-5, 0, 99, 100, 249, 250, 299, 900].map((place) => blockAt(tops, place))).toEqual([0, 0, 0, 1, 1, 2, 2, 2]);
    expect(blockAt([0], 10)).toBe(0);
  });
});
