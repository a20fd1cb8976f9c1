// The search that is shown: its query, its options and its answer so far.

import { type Hit, type SearchAnswer, fileForm, fileOf, send, thumbnailOf } from '../api/server';
import { filterParameters, optionParameters } from '../pure/address';
import { notices } from './notices.svelte';
import { type Route, routes } from './route.svelte';

const HITS = 60;
const KEPT_UPLOADS = 8;

export interface Upload { id: number; file: File; url: string }

class Uploads {
  private kept: Upload[] = [];
  // `history.state` outlives a reload: a number of an earlier visit must not be given again.
  private next = Date.now();

  add(file: File): Upload {
    const upload = { id: this.next, file, url: URL.createObjectURL(file) };
    this.next += 1;
    this.kept.push(upload);
    const old = this.kept.length > KEPT_UPLOADS ? this.kept.shift() : undefined;
    if (old) URL.revokeObjectURL(old.url);
    return upload;
  }

  get(id: number | null): Upload | null {
    return this.kept.find((one) => one.id === id) ?? null;
  }
}

export const uploads = new Uploads();

const keyOf = (route: Route): string => JSON.stringify([route.image, route.upload, route.region, filterParameters(route.filters), optionParameters(route.options)]);

class Search {
  answer = $state.raw<SearchAnswer | null>(null);
  hits = $state.raw<Hit[]>([]);
  ended = $state(false);
  busy = $state(false);
  /** The query's uploaded file is not known any more: the page was loaded again. */
  gone = $state(false);
  private key = '';
  private running: AbortController | null = null;

  /** Where the query's own picture is, the best first. */
  addresses(route: Route): string[] {
    const upload = uploads.get(route.upload);
    if (upload) return [upload.url];
    return route.image ? [fileOf(route.image), thumbnailOf(route.image)] : [];
  }

  name(route: Route): string {
    return this.answer?.query.name ?? uploads.get(route.upload)?.file.name ?? '';
  }

  /** Makes the answer that of `route`, unless it is already. */
  show(route: Route): void {
    const key = keyOf(route);
    if (key === this.key) return;
    const sameQuery = (JSON.parse(this.key || '[]') as unknown[]).slice(0, 2).join() === [route.image, route.upload].join();
    this.key = key;
    this.running?.abort();
    this.hits = [];
    this.ended = false;
    // The picture's size and name stay while another part of it is searched.
    if (!sameQuery) this.answer = null;
    this.gone = Boolean(route.upload) && !uploads.get(route.upload);
    if (!this.gone) void this.more(route);
  }

  /** Forgets the answer, for example because pictures were removed. */
  forget(): void {
    this.key = '';
  }

  stop(): void {
    this.running?.abort();
  }

  async more(route: Route): Promise<void> {
    this.running?.abort();
    const controller = new AbortController();
    this.running = controller;
    this.busy = true;
    const from = this.hits.length;
    const parameters = new URLSearchParams([
      ['offset', String(from)], ['limit', String(HITS)], ['matches', 'true'],
      ...(route.region ? [['region', route.region]] : []),
      ...optionParameters(route.options), ...filterParameters(route.filters),
    ]);
    const upload = uploads.get(route.upload);
    try {
      const answer = await send<SearchAnswer>(`search?${parameters}`, {
        method: 'POST',
        signal: controller.signal,
        ...(upload ? { body: fileForm(upload.file) } : { body: JSON.stringify({ image_id: route.image }), headers: { 'content-type': 'application/json' } }),
      });
      const known = new Set(this.hits.map((hit) => hit.image.id));
      this.hits = [...this.hits, ...answer.hits.filter((hit) => !known.has(hit.image.id))];
      this.ended = answer.hits.length === 0 || from + answer.hits.length >= answer.total;
      this.answer = answer;
    } catch (error) {
      if (this.running !== controller) return;
      this.ended = true;
      notices.fail(error, () => { this.ended = false; void this.more(routes.now); });
    } finally {
      if (this.running === controller) {
        this.running = null;
        this.busy = false;
      }
    }
  }
}

export const search = new Search();

export function searchFile(file: File): void {
  routes.home({ view: 'search', upload: uploads.add(file).id, filters: routes.now.filters });
}

export function searchStored(id: string, region: string | null = null): void {
  routes.home({ view: 'search', image: id, region, filters: routes.now.filters });
}

