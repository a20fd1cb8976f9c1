// Where the pictures of the library lie on the page: blocks of rows, those near the screen laid out exactly.

import { BLOCK, blockAt, heightOf, layOut, likelyHeight, type Measures, ratioOf, type Row } from '../pure/rows';
import { library } from './library.svelte';

const GAP = 6;
/** Of a library of which nothing is known. */
const USUAL_RATIO = 1.4;

interface Laid { rows: Row[]; version: string }
/** A row at its place on the page. */
export interface Placed { top: number; row: Row }

export class Sheet {
  private laid = new Map<number, Laid>();
  private heights: number[] = [];
  private ratio = USUAL_RATIO;
  private measures: Measures = { width: 0, target: 0, gap: GAP };
  private placed = new WeakMap<Row, Placed>();
  private shown: Placed[] = [];
  /** Places of the blocks, and then their end. */
  tops: number[] = [0];

  /** Takes the width and the wished height of rows; where they differ, everything is laid out again. */
  measure(width: number, target: number, count: number): void {
    const blocks = Math.ceil(count / BLOCK);
    if (width !== this.measures.width || target !== this.measures.target) {
      this.measures = { width, target, gap: GAP };
      this.laid.clear();
      this.heights = [];
    }
    if (this.heights.length === blocks) return;
    let [sum, known] = [0, 0];
    for (let i = 0; i < library.entries.length && known < 2 * BLOCK; i += 1) {
      const one = library.entries[i];
      if (one) [sum, known] = [sum + ratioOf(one), known + 1];
    }
    this.ratio = known ? sum / known : USUAL_RATIO;
    this.heights = Array.from({ length: blocks }, (_, i) => likelyHeight(Math.min(BLOCK, count - i * BLOCK), this.ratio, this.measures));
    this.laid.clear();
    this.add();
  }

  private add(): void {
    this.tops = [0];
    for (const height of this.heights) this.tops.push((this.tops.at(-1) ?? 0) + height);
  }

  get height(): number {
    return Math.max(0, (this.tops.at(-1) ?? 0) - GAP);
  }

  /** The rows of a block as they are by what is loaded of it; an unknown picture has the usual ratio. */
  rows(block: number): Row[] {
    const [first, end] = [block * BLOCK, Math.min((block + 1) * BLOCK, library.entries.length)];
    const pictures = library.entries.slice(first, end);
    let known = 0;
    for (let i = 0; i < end - first; i += 1) if (pictures[i]) known += 1;
    const version = `${known} ${end} ${pictures[0]?.id} ${pictures.at(-1)?.id}`;
    const held = this.laid.get(block);
    if (held?.version === version) return held.rows;
    const rows = layOut(Array.from({ length: end - first }, (_, i) => (pictures[i] ? ratioOf(pictures[i]) : this.ratio)), first, this.measures, end === library.entries.length);
    this.laid.set(block, { rows, version });
    return rows;
  }

  /** Lays the blocks from one place to another out; says how much what lies above `anchor` has grown. */
  layOut(low: number, high: number, anchor: number): number {
    if (this.heights.length === 0) return 0;
    const held = blockAt(this.tops, anchor);
    const before = this.tops[held] ?? 0;
    let changed = false;
    // What is laid out may be lower than it was thought to be, so that further blocks come near.
    for (let block = blockAt(this.tops, low), end = blockAt(this.tops, high); block <= end; block += 1) {
      const height = heightOf(this.rows(block), GAP);
      if (height === this.heights[block]) continue;
      this.heights[block] = height;
      changed = true;
    }
    if (!changed) return 0;
    this.add();
    return (this.tops[held] ?? 0) - before;
  }

  /**
   * The rows that meet the stretch from `low` to `high`, each with its place. A row that did not move is the same object as
   * before, and the list is where none did: what is drawn of them is then left alone.
   */
  between(low: number, high: number): Placed[] {
    const found: Placed[] = [];
    if (this.heights.length === 0 || this.measures.width <= 0) return found;
    for (let block = blockAt(this.tops, low), end = blockAt(this.tops, high); block <= end; block += 1) {
      const start = this.tops[block] ?? 0;
      for (const row of this.rows(block)) if (start + row.top + row.height >= low && start + row.top <= high) found.push(this.place(row, start + row.top));
    }
    if (found.length !== this.shown.length || found.some((one, i) => one !== this.shown[i])) this.shown = found;
    return this.shown;
  }

  private place(row: Row, top: number): Placed {
    const before = this.placed.get(row);
    if (before?.top === top) return before;
    const now = { top, row };
    this.placed.set(row, now);
    return now;
  }

  /** The row of a picture, with its place. */
  rowOf(index: number): Placed | null {
    const block = Math.floor(index / BLOCK);
    if (block >= this.heights.length) return null;
    const row = this.rows(block).find((one) => (one.cells.at(-1)?.index ?? -1) >= index);
    return row ? { top: (this.tops[block] ?? 0) + row.top, row } : null;
  }

  /** The picture that begins the row at a place. */
  indexAt(place: number): number {
    if (this.heights.length === 0) return 0;
    const block = blockAt(this.tops, place);
    const within = place - (this.tops[block] ?? 0);
    const rows = this.rows(block);
    return (rows.find((row) => row.top + row.height > within) ?? rows.at(-1))?.cells[0]?.index ?? block * BLOCK;
  }

  /** About where a picture is: no block is laid out for that. */
  placeOf(index: number): number {
    const block = Math.floor(index / BLOCK);
    const laid = this.laid.get(block)?.rows.find((one) => (one.cells.at(-1)?.index ?? -1) >= index);
    const top = this.tops[block] ?? this.height;
    return laid ? top + laid.top : top + ((index - block * BLOCK) / BLOCK) * ((this.tops[block + 1] ?? top) - top);
  }
}
