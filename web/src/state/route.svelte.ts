// Which view is shown. The address bar holds all of it but an uploaded query, which `history.state` names.

import { collection } from '../api/server';
import { DEFAULTS, HOME, type Place, placeOfQuery, queryOfPlace } from '../pure/address';

export interface Route extends Place {
  /** The number of an uploaded query, which only this visit of the page knows. */
  upload: number | null;
}

const read = (): Route => {
  const place = placeOfQuery(location.search);
  const upload = (history.state as { upload?: number; match?: string } | null)?.upload ?? null;
  const match = upload ? ((history.state as { match?: string }).match ?? null) : place.match;
  const view = upload && place.view === 'library' ? (match ? 'match' : 'search') : place.view;
  return { ...place, view, upload, match };
};

class Routes {
  now = $state.raw<Route>(read());
  private scrolls = new Map<string, number>();
  /** How many steps this visit has made, so that closing can go back instead of leaving. */
  private depth = 0;

  constructor() {
    addEventListener('popstate', () => {
      this.depth = Math.max(0, this.depth - 1);
      this.now = read();
      this.restore();
    });
    history.scrollRestoration = 'manual';
  }

  /** Goes to what differs from where we are. */
  go(change: Partial<Route>, { replace = false }: { replace?: boolean } = {}): void {
    const next: Route = { ...this.now, ...change };
    this.scrolls.set(this.key(this.now), scrollY);
    const state = next.upload ? { upload: next.upload, match: next.match } : null;
    const query = queryOfPlace(next.upload ? { ...next, image: null, match: null, region: null } : next);
    history[replace ? 'replaceState' : 'pushState'](state, '', `./${query}`);
    if (!replace) this.depth += 1;
    const moved = this.key(next) !== this.key(this.now);
    this.now = next;
    if (moved) scrollTo(0, 0);
  }

  /** The place that a link to a change leads to. */
  link(change: Partial<Place>): string {
    return `./${queryOfPlace({ ...HOME, collection, ...change })}`;
  }

  home(change: Partial<Route> = {}): void {
    this.go({ ...HOME, options: this.now.options ?? DEFAULTS, sort: this.now.sort, collection, upload: null, ...change });
  }

  back(otherwise: Partial<Route>): void {
    if (this.depth > 0) history.back();
    else this.go(otherwise, { replace: true });
  }

  private key = (route: Route): string => `${route.view} ${route.image} ${route.upload} ${route.region} ${route.match}`;

  private restore(): void {
    const top = this.scrolls.get(this.key(this.now)) ?? 0;
    requestAnimationFrame(() => requestAnimationFrame(() => scrollTo(0, top)));
  }
}

export const routes = new Routes();
