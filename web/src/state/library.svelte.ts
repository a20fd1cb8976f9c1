// The stored pictures that meet the filters, each at its place in the list, as far as they were loaded; which of them
// are chosen; and what is done with those.

import { type Picture, need, pictures, send } from '../api/server';
import { type Filters, filterParameters, type Sort } from '../pure/address';
import type { Mark } from '../pure/marks';
import { findMarks } from './marks';
import { notices } from './notices.svelte';
import { search } from './search.svelte';

/** Pictures in the first request, and in each further one. */
const FIRST = 60;
const PAGE = 240;
/** When marks are asked for after the first page, in ms. */
const MARKS_AFTER = 300;
/** Lists shorter than this need no marks. */
const LONG = 400;

interface Page { images: Picture[]; total: number; next: string | null }
/** Pages that follow each other from `start` on; `at` is the place after what was loaded of them. */
interface Run { start: number; at: number; next: string | null; begun: boolean; narrower: Filters }
interface Change { add_tags?: string[]; remove_tags?: string[]; object?: string | null }

class Library {
  /** Pictures at their places; a hole where none was loaded. `version` counts its changes. */
  entries: (Picture | undefined)[] = [];
  version = $state(0);
  total = $state<number | null>(null);
  busy = $state(false);
  marks = $state.raw<Mark[]>([]);
  chosen = $state.raw<ReadonlySet<string>>(new Set());
  /** All pictures of the list are chosen, loaded or not. */
  everything = $state(false);
  /** The place that a range begins at. */
  anchor = $state<number | null>(null);
  /** How many pictures came before those that were there, since this list was first shown. */
  shifted = 0;
  private filters: Filters = {};
  private sort: Sort = '-added';
  private runs: Run[] = [];
  private wanted: [number, number] = [0, FIRST];
  private key = '';
  private turn = 0;
  private loading: Promise<void> | null = null;
  /** After a failure nothing is asked again until somebody asks for it. */
  private failed = false;

  show(filters: Filters, sort: Sort): void {
    const key = JSON.stringify([filterParameters(filters), sort]);
    if (key === this.key) return;
    this.key = key;
    this.reload(filters, sort);
  }

  reload(filters: Filters, sort: Sort): void {
    this.turn += 1;
    [this.filters, this.sort] = [filters, sort];
    this.runs = [{ start: 0, at: 0, next: null, begun: false, narrower: {} }];
    this.marks = [];
    this.chooseNone();
    this.anchor = null;
    this.failed = false;
    this.loading = null;
    this.wanted = [0, FIRST];
    void this.begin();
  }

  /** The first page: until it has come, what was shown before stays. */
  private async begin(): Promise<void> {
    const turn = this.turn;
    this.busy = true;
    try {
      const page = await this.ask(FIRST, {}, []);
      if (turn !== this.turn) return;
      this.entries = page.images;
      this.entries.length = page.total;
      this.total = page.total;
      this.shifted = 0;
      this.runs[0] = { start: 0, at: page.images.length, next: page.next, begun: true, narrower: {} };
      this.version += 1;
      this.busy = false;
      // The first pictures are shown first.
      if (page.total >= LONG) setTimeout(() => void this.mark(turn), MARKS_AFTER);
    } catch (error) {
      if (turn !== this.turn) return;
      this.busy = false;
      notices.fail(error, () => void this.begin());
    }
  }

  private async mark(turn: number): Promise<void> {
    if (turn !== this.turn) return;
    try {
      const marks = await findMarks(this.filters, this.sort, this.total ?? 0);
      if (turn !== this.turn) return;
      this.marks = marks;
      // In the default order a page may begin anywhere; in others only where a condition can say.
      if (!this.sort.endsWith('added')) this.runs.push(...marks.filter((one) => one.at > 0).map((one) => ({ start: one.at, at: one.at, next: null, begun: false, narrower: one.narrower })));
    } catch {
      // The list is complete without marks.
    }
  }

  private ask(limit: number, narrower: Filters, more: [string, string][]): Promise<Page> {
    return send<Page>(`images?${new URLSearchParams([['limit', String(limit)], ['sort', this.sort], ...filterParameters({ ...this.filters, ...narrower }), ...more])}`);
  }

  /** Says which places are shown, so that what lacks there is loaded. */
  want(low: number, high: number): void {
    this.wanted = [Math.max(0, low), Math.min(high, this.entries.length)];
    if (!this.loading && !this.failed && this.lacking() !== null) {
      const turn = this.turn;
      const work: Promise<void> = this.load(turn).finally(() => { if (this.loading === work) this.loading = null; });
      this.loading = work;
    }
  }

  private lacking(): number | null {
    const [low, high] = this.wanted;
    for (let index = low; index < high; index += 1) if (!this.entries[index]) return index;
    return null;
  }

  private async load(turn: number): Promise<void> {
    try {
      for (let at = this.lacking(); at !== null && turn === this.turn; at = this.lacking()) {
        const came = this.sort.endsWith('added') ? await this.loadAt(at, turn) : await this.loadRun(at, turn);
        if (!came) return;
      }
    } catch (error) {
      if (turn !== this.turn) return;
      this.failed = true;
      notices.fail(error, () => { this.failed = false; this.want(...this.wanted); });
    }
  }

  /** Loads the page around a place by its number. The order by time ascending is the default one read backwards. */
  private async loadAt(at: number, turn: number): Promise<boolean> {
    const first = Math.floor(at / PAGE) * PAGE;
    const total = this.entries.length;
    const end = Math.min(first + PAGE, total);
    const backwards = this.sort === 'added';
    const parameters = new URLSearchParams([['limit', String(end - first)], ['offset', String(backwards ? total - end : first)], ...filterParameters(this.filters)]);
    const page = await send<Page>(`images?${parameters}`);
    if (turn !== this.turn) return false;
    if (page.total !== total) this.resize(page.total);
    if (page.total !== total && backwards) return true;
    this.put(first, backwards ? page.images.reverse() : page.images);
    return page.images.length > 0;
  }

  /** Loads the next page of the run that leads to a place in the fewest pages. */
  private async loadRun(at: number, turn: number): Promise<boolean> {
    const open = this.runs.filter((run) => run.at <= at && (!run.begun || run.next));
    const run = open.reduce<Run | null>((best, one) => (best && best.at >= one.at ? best : one), null);
    if (!run) return false;
    const page = await this.ask(PAGE, run.narrower, run.next ? [['cursor', run.next]] : []);
    if (turn !== this.turn) return false;
    this.put(run.at, page.images);
    [run.at, run.next, run.begun] = [run.at + page.images.length, page.next, true];
    return true;
  }

  /** Pictures came or went while the list was shown. New ones are the first, in the default order. */
  private resize(total: number): void {
    const by = total - this.entries.length;
    if (by > 0 && this.sort === '-added') {
      this.entries = [...Array<undefined>(by), ...this.entries];
      this.shifted += by;
    } else if (by < 0) this.entries = [];
    this.entries.length = total;
    this.total = total;
    this.version += 1;
  }

  private put(first: number, images: readonly Picture[]): void {
    images.forEach((image, i) => { if (first + i < this.entries.length) this.entries[first + i] = image; });
    this.version += 1;
  }

  /** Loads all places from `low` to before `high`; false where that failed. */
  async complete(low: number, high: number): Promise<boolean> {
    const turn = this.turn;
    await this.loading;
    while (turn === this.turn && !this.failed) {
      this.want(low, high);
      if (!this.loading) break;
      await this.loading;
    }
    return turn === this.turn && this.lacking() === null;
  }

  get count(): number {
    return this.everything ? (this.total ?? 0) : this.chosen.size;
  }

  has(image: Picture): boolean {
    return this.everything || this.chosen.has(image.id);
  }

  async choose(index: number, { range = false } = {}): Promise<void> {
    if (this.everything) {
      // All but one: only then their names are needed.
      if (!(await this.complete(0, this.entries.length))) return;
      this.chosen = new Set(this.loaded().map((one) => one.id));
      this.everything = false;
    }
    const image = this.entries[index];
    const chosen = new Set(this.chosen);
    if (range && this.anchor !== null) {
      const [low, high] = [Math.min(this.anchor, index), Math.max(this.anchor, index) + 1];
      if (!(await this.complete(low, high))) return;
      for (const one of this.entries.slice(low, high)) if (one) chosen.add(one.id);
    } else if (image) {
      if (chosen.has(image.id)) chosen.delete(image.id);
      else chosen.add(image.id);
      this.anchor = index;
    }
    this.chosen = chosen;
  }

  chooseAll(): void {
    this.everything = (this.total ?? 0) > 0;
    this.chosen = new Set();
  }

  chooseNone(): void {
    this.chosen = new Set();
    this.everything = false;
  }

  loaded(): Picture[] {
    return this.entries.filter((image) => image !== undefined);
  }

  /** The filters of the list as a condition, which some routes insist on: there is always one. */
  condition(): [string, string][] {
    const given = filterParameters(this.filters);
    return given.length ? given : [['min_bytes', '0']];
  }

  replace(image: Picture): void {
    const at = this.entries.findIndex((one) => one?.id === image.id);
    if (at >= 0) this.entries[at] = { ...this.entries[at], ...image };
    this.version += 1;
    search.forget();
  }

  /** Removes pictures one after the other; says how many went. */
  async remove(ids: readonly string[], progress: (done: number) => void = () => {}): Promise<number> {
    const gone = new Set<string>();
    try {
      for (const id of ids) {
        await pictures.DELETE('/v1/images/{id}', { params: { path: { id } } });
        gone.add(id);
        progress(gone.size);
      }
    } catch (error) {
      notices.fail(error);
    } finally {
      this.forget([...gone]);
    }
    return gone.size;
  }

  /** Takes pictures out of the list that are no longer stored. */
  forget(ids: readonly string[]): void {
    const gone = new Set(ids);
    const held = this.entries.length;
    this.entries = this.entries.filter((image) => !image || !gone.has(image.id));
    // `filter` leaves holes out.
    if (this.entries.length + gone.size < held) this.key = '';
    if (this.total !== null) this.total = Math.max(0, this.total - gone.size);
    this.chosen = new Set([...this.chosen].filter((id) => !gone.has(id)));
    this.version += 1;
    search.forget();
  }

  /** Removes all pictures of the list at once. */
  async removeAll(): Promise<number> {
    const { removed } = await send<{ removed: number }>(`images?${new URLSearchParams(this.condition())}`, { method: 'DELETE' });
    search.forget();
    return removed;
  }

  /** Changes the labels of pictures one after the other. */
  async label(ids: readonly string[], change: Change): Promise<number> {
    let done = 0;
    try {
      for (const id of ids) {
        this.replace(await need(pictures.PATCH('/v1/images/{id}', { params: { path: { id } }, body: change })));
        done += 1;
      }
    } catch (error) {
      notices.fail(error);
    }
    return done;
  }

  /** Changes the labels of all pictures of the list at once. */
  async labelAll(change: Change): Promise<number> {
    const { changed } = await send<{ changed: number }>(`images?${new URLSearchParams(this.condition())}`, { method: 'PATCH', body: JSON.stringify(change), headers: { 'content-type': 'application/json' } });
    this.reload(this.filters, this.sort);
    search.forget();
    return changed;
  }
}

export const library = new Library();
