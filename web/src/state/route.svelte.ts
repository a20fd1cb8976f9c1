// Which view is shown. The address bar holds all of it.

import { collection } from '../api/server';
import { DEFAULTS, HOME, type Place, placeOfQuery, queryOfPlace } from '../pure/address';

export type Route = Place;

const read = (): Route => placeOfQuery(location.search);

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
    history[replace ? 'replaceState' : 'pushState'](null, '', `./${queryOfPlace(next)}`);
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
    this.go({ ...HOME, options: this.now.options ?? DEFAULTS, sort: this.now.sort, collection, ...change });
  }

  back(otherwise: Partial<Route>): void {
    if (this.depth > 0) history.back();
    else this.go(otherwise, { replace: true });
  }

  private key = (route: Route): string => JSON.stringify([route.view, route.image, route.upload, route.url, route.more, route.region, route.polygon, route.match]);

  private restore(): void {
    const top = this.scrolls.get(this.key(this.now)) ?? 0;
    requestAnimationFrame(() => requestAnimationFrame(() => scrollTo(0, top)));
  }
}

export const routes = new Routes();
