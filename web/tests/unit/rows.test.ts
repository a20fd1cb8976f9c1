import { describe, expect, it } from 'vitest';
import { heightOf, layOut, ratioOf, rowsBetween } from '../../src/pure/rows';

const many = Array.from({ length: 1000 }, (_, i) => ({ width: 100 + ((i * 37) % 300), height: 80 + ((i * 91) % 250) }));

describe('justified rows', () => {
  it('fill the width, but for the last', () => {
    const rows = layOut(many, 1000, 180, 6);
    for (const row of rows.slice(0, -1)) {
      const last = row.cells.at(-1)!;
      expect(last.left + last.width).toBe(1000);
      expect(row.height).toBeLessThanOrEqual(181);
    }
    expect(rows.at(-1)!.height).toBeLessThanOrEqual(180);
  });
  it('hold each picture once, in order, without overlaps', () => {
    const rows = layOut(many, 713, 150, 4);
    expect(rows.flatMap((row) => row.cells.map((cell) => cell.index))).toEqual(many.map((_, i) => i));
    for (const row of rows) row.cells.slice(1).forEach((cell, i) => expect(cell.left).toBe(row.cells[i]!.left + row.cells[i]!.width + 4));
    rows.slice(1).forEach((row, i) => expect(row.top).toBe(rows[i]!.top + rows[i]!.height + 4));
  });
  it('do not enlarge a lone picture beyond the target', () => {
    const [row] = layOut([{ width: 100, height: 100 }], 1000, 180, 6);
    expect(row!.height).toBe(180);
    expect(row!.cells[0]!.width).toBe(180);
  });
  it('bear pictures without a size', () => {
    expect(ratioOf({ width: 0, height: 0 })).toBe(1);
    expect(ratioOf({ width: 10000, height: 1 })).toBe(3);
    expect(layOut([], 1000, 180, 6)).toEqual([]);
    expect(layOut(many, 0, 180, 6)).toEqual([]);
  });
  it('are found by their place', () => {
    const rows = layOut(many, 1000, 180, 6);
    const [from, to] = rowsBetween(rows, 2000, 3000);
    rows.forEach((row, i) => expect(i >= from && i < to).toBe(row.top + row.height >= 2000 && row.top <= 3000));
    expect(rowsBetween(rows, -500, -100)).toEqual([0, 0]);
    expect(rowsBetween(rows, heightOf(rows) + 1, heightOf(rows) + 9)).toEqual([rows.length, rows.length]);
  });
  it('are laid out quickly for a large library', () => {
    const pictures = Array.from({ length: 100_000 }, (_, i) => many[i % many.length]!);
    expect(layOut(pictures, 1600, 190, 6).flatMap((row) => row.cells)).toHaveLength(100_000);
  });
});
