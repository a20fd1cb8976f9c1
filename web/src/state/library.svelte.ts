// The stored pictures that meet the filters, as far as they were loaded, and which of them are chosen.

import { type Picture, need, pictures, send } from '../api/server';
import { type Filters, filterParameters, type Sort } from '../pure/address';
import { notices } from './notices.svelte';
import { search } from './search.svelte';

const PAGE = 500;

interface Page { images: Picture[]; total: number; next: string | null }

class Library {
  images = $state.raw<Picture[]>([]);
  total = $state<number | null>(null);
  busy = $state(false);
  chosen = $state.raw<ReadonlySet<string>>(new Set());
  /** The picture that a range begins at. */
  anchor = $state<number | null>(null);
  private next: string | null = null;
  private key = '';
  private turn = 0;
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
    this.next = null;
    this.chosen = new Set();
    this.anchor = null;
    this.busy = false;
    this.failed = false;
    void this.load(filters, sort, true);
  }

  get ended(): boolean {
    return this.total !== null && this.next === null;
  }

  async load(filters: Filters, sort: Sort, first = false): Promise<void> {
    if (this.busy || this.failed || (!first && this.next === null)) return;
    const turn = this.turn;
    this.busy = true;
    try {
      const parameters = new URLSearchParams([['limit', String(PAGE)], ['sort', sort], ...filterParameters(filters), ...(this.next ? [['cursor', this.next]] : [])]);
      const page = await send<Page>(`images?${parameters}`);
      if (turn !== this.turn) return;
      this.images = first ? page.images : [...this.images, ...page.images];
      this.total = page.total;
      this.next = page.next;
    } catch (error) {
      if (turn !== this.turn) return;
      this.failed = true;
      notices.fail(error, () => {
        this.failed = false;
        void this.load(filters, sort, first);
      });
    } finally {
      if (turn === this.turn) this.busy = false;
    }
  }

  choose(index: number, { range = false } = {}): void {
    const image = this.images[index];
    if (!image) return;
    const chosen = new Set(this.chosen);
    if (range && this.anchor !== null) {
      const [low, high] = [Math.min(this.anchor, index), Math.max(this.anchor, index)];
      for (const one of this.images.slice(low, high + 1)) chosen.add(one.id);
    } else {
      if (chosen.has(image.id)) chosen.delete(image.id);
      else chosen.add(image.id);
      this.anchor = index;
    }
    this.chosen = chosen;
  }

  chooseAll(): void {
    this.chosen = new Set(this.images.map((image) => image.id));
  }

  chooseNone(): void {
    this.chosen = new Set();
  }

  put(image: Picture): void {
    this.images = this.images.map((one) => (one.id === image.id ? { ...one, ...image } : one));
    search.forget();
  }

  /** Removes pictures one after the other; says how many went. */
  async remove(ids: readonly string[], progress: (done: number) => void = () => {}): Promise<number> {
    let done = 0;
    const gone = new Set<string>();
    try {
      for (const id of ids) {
        await pictures.DELETE('/v1/images/{id}', { params: { path: { id } } });
        gone.add(id);
        done += 1;
        progress(done);
      }
    } catch (error) {
      notices.fail(error);
    } finally {
      this.images = this.images.filter((image) => !gone.has(image.id));
      if (this.total !== null) this.total = Math.max(0, this.total - gone.size);
      this.chosen = new Set([...this.chosen].filter((id) => !gone.has(id)));
      search.forget();
    }
    return done;
  }

  /** Changes the labels of pictures one after the other. */
  async label(ids: readonly string[], change: { add_tags?: string[]; remove_tags?: string[]; object?: string | null }): Promise<number> {
    let done = 0;
    try {
      for (const id of ids) {
        this.put(await need(pictures.PATCH('/v1/images/{id}', { params: { path: { id } }, body: change })));
        done += 1;
      }
    } catch (error) {
      notices.fail(error);
    }
    return done;
  }
}

export const library = new Library();
