// The search that is shown: its queries, its options and its answer so far.

import { type Hit, type Schemas, type SearchAnswer, fileForm, fileOf, send, thumbnailOf } from '../api/server';
import { m } from '../paraglide/messages.js';
import { filterParameters, optionParameters } from '../pure/address';
import { cornersOf, regionAround } from '../pure/zone';
import { masked } from './masked';
import { notices } from './notices.svelte';
import { type Route, routes } from './route.svelte';
import { isUpload, uploads } from './uploads.svelte';

const HITS = 60;
/** The server searches by so many pictures at once. */
export const MOST_QUERIES = 10;

export type QueryFacts = Schemas['QueryFacts'];

/** What is searched by: ids of stored pictures and keys of uploads; nothing for an address. */
export const queriesOf = (route: Route): string[] => [route.upload ?? route.image, ...route.more].filter((one) => one !== null);

const subject = (route: Route): string => JSON.stringify([queriesOf(route), route.url]);
const keyOf = (route: Route): string => JSON.stringify([subject(route), route.region, route.polygon, filterParameters(route.filters), optionParameters(route.options)]);

class Search {
  answer = $state.raw<SearchAnswer | null>(null);
  hits = $state.raw<Hit[]>([]);
  ended = $state(false);
  busy = $state(false);
  /** A query's uploaded file is not in this browser. */
  gone = $state(false);
  private key = '';
  private subject = '';
  private running: AbortController | null = null;
  /** The name of a stored picture of which the server saw a part alone. */
  private stored = $state('');
  private cut: { key: string; file: File } | null = null;

  /** Where the picture of a query is, the best first. */
  addresses(route: Route, at = 0): string[] {
    const key = queriesOf(route)[at];
    if (!key) return [];
    return isUpload(key) ? [uploads.get(key)?.url].filter((url) => url !== undefined) : [fileOf(key), thumbnailOf(key)];
  }

  /** What the server says of a query. */
  facts(at = 0): QueryFacts | null {
    return this.answer?.queries?.[at] ?? this.answer?.query ?? null;
  }

  name(route: Route, at = 0): string {
    const upload = uploads.get(queriesOf(route)[at] ?? null);
    return upload?.file.name ?? this.facts(at)?.name ?? (route.polygon ? this.stored : route.url) ?? '';
  }

  /** Makes the answer that of `route`, unless it is already. */
  show(route: Route): void {
    const key = keyOf(route);
    if (key === this.key) return;
    this.key = key;
    this.running?.abort();
    this.hits = [];
    this.ended = false;
    this.gone = false;
    // The picture's size and name stay while another part of it is searched.
    if (subject(route) !== this.subject) this.answer = null;
    this.subject = subject(route);
    if (queriesOf(route).length || route.url) void this.begin(route, key);
  }

  private async begin(route: Route, key: string): Promise<void> {
    this.busy = true;
    const found = await Promise.all(queriesOf(route).filter(isUpload).map((one) => uploads.load(one)));
    if (key !== this.key) return;
    this.busy = false;
    this.gone = found.includes(null);
    this.stored = '';
    if (route.image && route.polygon) send<{ name: string }>(`images/${encodeURIComponent(route.image)}`).then(({ name }) => { this.stored = name; }, () => {});
    if (!this.gone) await this.more(route);
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
    const corners = route.more.length ? null : cornersOf(route.polygon);
    const region = route.more.length ? null : corners ? regionAround(corners) : route.region;
    const parameters = new URLSearchParams([
      ['offset', String(from)], ['limit', String(HITS)], ['matches', 'true'],
      ...(region ? [['region', region]] : []),
      ...optionParameters(route.options), ...filterParameters(route.filters),
    ]);
    try {
      const answer = await send<SearchAnswer>(`search?${parameters}`, { method: 'POST', signal: controller.signal, ...(await this.body(route)) });
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

  private async body(route: Route): Promise<RequestInit> {
    const json = (content: object): RequestInit => ({ body: JSON.stringify(content), headers: { 'content-type': 'application/json' } });
    if (route.url) return json({ url: route.url });
    const all = queriesOf(route);
    const corners = all.length === 1 ? cornersOf(route.polygon) : null;
    if (corners) {
      const key = JSON.stringify([all, route.polygon]);
      if (this.cut?.key !== key) this.cut = { key, file: await masked(this.addresses(route), corners) };
      return { body: fileForm(this.cut.file) };
    }
    if (!all.some(isUpload)) return json(all.length === 1 ? { image_id: all[0] } : { image_ids: all });
    const form = new FormData();
    for (const one of all) {
      const upload = uploads.get(one);
      if (upload) form.append('file', upload.file, upload.file.name || 'pasted.png');
      else form.append('image_id', one);
    }
    return { body: form };
  }
}

export const search = new Search();

/** Searches by one picture, or by several of the same thing. */
export function searchFiles(files: readonly File[]): void {
  const [first, ...others] = files.slice(0, MOST_QUERIES).map((file) => uploads.add(file).key);
  if (first) routes.home({ view: 'search', upload: first, more: others, filters: routes.now.filters });
}

export const searchFile = (file: File): void => searchFiles([file]);

export function searchStored(id: string, region: string | null = null): void {
  routes.home({ view: 'search', image: id, region, filters: routes.now.filters });
}

/** Stores the uploaded query, so that everybody can open the search. */
export async function citable(route: Route): Promise<void> {
  const upload = uploads.get(route.upload);
  if (!upload) return;
  const { id } = await send<Schemas['AddedPicture']>('images', { method: 'POST', body: fileForm(upload.file) });
  routes.go({ image: id, upload: null }, { replace: true });
  notices.tell(m.query_upload_added());
}

/** Searches by further pictures of the same thing too. */
export function addQueries(keys: readonly string[]): void {
  const { now } = routes;
  const more = [...now.more, ...keys].filter((one, i, all) => all.indexOf(one) === i && one !== now.image && one !== now.upload);
  routes.go({ more: more.slice(0, MOST_QUERIES - 1), region: null, polygon: null, match: null, view: 'search' });
}

export function dropQuery(key: string): void {
  const [first, ...others] = queriesOf(routes.now).filter((one) => one !== key);
  if (first) routes.go({ image: isUpload(first) ? null : first, upload: isUpload(first) ? first : null, more: others });
}
