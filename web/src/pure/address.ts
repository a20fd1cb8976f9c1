// The page's state as a query string, and back. Addresses of earlier versions of the page stay valid:
// `?collection=NAME`, `?image=ID&region=x,y,w,h`, `?view=duplicates`.

export const FILTERS = ['tag', 'any_tag', 'not_tag', 'object', 'name_prefix', 'taken_after', 'taken_before', 'added_after', 'added_before', 'min_width', 'max_width', 'min_height', 'max_height', 'min_bytes', 'max_bytes', 'folder', 'media_type', 'paired', 'weak'] as const;
export type FilterName = (typeof FILTERS)[number];
/** Each condition may be given several times. */
export type Filters = Partial<Record<FilterName, string[]>>;

export const VIEWS = ['library', 'search', 'match', 'duplicates', 'resolutions', 'decisions', 'refused', 'work', 'server', 'collections', 'keys', 'plugins'] as const;
export type View = (typeof VIEWS)[number];
export const SORTS = ['-added', 'added', 'name', '-name', '-taken', 'taken', '-bytes', 'bytes'] as const;
export type Sort = (typeof SORTS)[number];
export const MODES = ['auto', 'exact', 'similar'] as const;
export type Mode = (typeof MODES)[number];

export const WAYS = ['side', 'overlay', 'swipe', 'blink', 'difference'] as const;
/** How the two pictures of a match are shown. */
export type Way = (typeof WAYS)[number];

export interface Options { mirrored: boolean; inverted: boolean; expand: boolean; verifiedOnly: boolean; byObject: boolean; mode: Mode }
export const DEFAULTS: Options = { mirrored: true, inverted: true, expand: true, verifiedOnly: false, byObject: false, mode: 'auto' };

export interface Place {
  collection: string;
  view: View;
  /** The stored picture that is searched for. */
  image: string | null;
  /** Or one that this browser keeps, by its key. */
  upload: string | null;
  /** Or one that the server fetches from an address. */
  url: string | null;
  /** Further pictures of the same thing: ids of stored ones, and keys of uploads. */
  more: string[];
  region: string | null;
  /** Corners of the part that counts, in percent of width and height: x,y,x,y,… */
  polygon: string | null;
  /** The stored picture that the query is compared with. */
  match: string | null;
  way: Way;
  /** Which of the places where the query is seen, from 0. */
  instance: number;
  zoomed: boolean;
  /** The picture whose panel is open. */
  open: string | null;
  filters: Filters;
  sort: Sort;
  options: Options;
}

export const HOME: Place = { collection: 'default', view: 'library', image: null, upload: null, url: null, more: [], region: null, polygon: null, match: null, way: 'side', instance: 0, zoomed: false, open: null, filters: {}, sort: '-added', options: DEFAULTS };

const oneOf = <T extends string>(list: readonly T[], value: string | null): T | null => list.find((one) => one === value) ?? null;

export function placeOfQuery(text: string): Place {
  const given = new URLSearchParams(text);
  const filters: Filters = {};
  for (const name of FILTERS) {
    const values = given.getAll(name).filter(Boolean);
    if (values.length) filters[name] = values;
  }
  const image = given.get('image') || null;
  const upload = image ? null : given.get('upload') || null;
  const url = image || upload ? null : given.get('url') || null;
  const query = image ?? upload ?? url;
  const match = query ? given.get('match') || null : null;
  const named = oneOf(VIEWS, given.get('view'));
  const own: View = match ? 'match' : query ? 'search' : 'library';
  return {
    collection: given.get('collection') || 'default',
    view: named && named !== 'match' && (named !== 'search' || !match) ? named : own,
    image,
    upload,
    url,
    more: image || upload ? given.getAll('also').filter(Boolean) : [],
    region: query ? given.get('region') || null : null,
    polygon: query ? given.get('polygon') || null : null,
    match,
    way: (match && oneOf(WAYS, given.get('way'))) || 'side',
    instance: match ? Math.max(0, Math.floor(Number(given.get('place')) || 1) - 1) : 0,
    zoomed: Boolean(match) && given.get('zoom') === 'true',
    open: given.get('open') || null,
    filters,
    sort: oneOf(SORTS, given.get('sort')) ?? '-added',
    options: {
      mirrored: given.get('mirrored') !== 'false',
      inverted: given.get('inverted') !== 'false',
      expand: given.get('expand') !== 'false',
      verifiedOnly: given.get('verified_only') === 'true',
      byObject: given.get('group_by') === 'object',
      mode: oneOf(MODES, given.get('mode')) ?? 'auto',
    },
  };
}

/** The parameters of a search that differ from what the server assumes. */
export function optionParameters(options: Options): [string, string][] {
  return [
    ...(options.mirrored ? [] : [['mirrored', 'false'] as [string, string]]),
    ...(options.inverted ? [] : [['inverted', 'false'] as [string, string]]),
    ...(options.expand ? [] : [['expand', 'false'] as [string, string]]),
    ...(options.verifiedOnly ? [['verified_only', 'true'] as [string, string]] : []),
    ...(options.byObject ? [['group_by', 'object'] as [string, string]] : []),
    ...(options.mode === 'auto' ? [] : [['mode', options.mode] as [string, string]]),
  ];
}

export const filterParameters = (filters: Filters): [string, string][] => FILTERS.flatMap((name) => (filters[name] ?? []).map((value) => [name, value] as [string, string]));

export function queryOfPlace(place: Place): string {
  const parameters = new URLSearchParams();
  if (place.collection !== 'default') parameters.set('collection', place.collection);
  const query = [['image', place.image], ['upload', place.upload], ['url', place.url]].find(([, value]) => value);
  if (!['library', 'search', 'match'].includes(place.view) || (place.view === 'search' && !query)) parameters.set('view', place.view);
  if (query) {
    parameters.set(query[0] as string, query[1] as string);
    if (!place.url) for (const one of place.more) parameters.append('also', one);
    if (place.polygon) parameters.set('polygon', place.polygon);
    else if (place.region) parameters.set('region', place.region);
    if (place.match) {
      parameters.set('match', place.match);
      if (place.way !== 'side') parameters.set('way', place.way);
      if (place.instance) parameters.set('place', String(place.instance + 1));
      if (place.zoomed) parameters.set('zoom', 'true');
    }
  }
  if (place.open) parameters.set('open', place.open);
  for (const [name, value] of filterParameters(place.filters)) parameters.append(name, value);
  if (place.sort !== '-added') parameters.set('sort', place.sort);
  for (const [name, value] of optionParameters(place.options)) parameters.append(name, value);
  return parameters.size ? `?${parameters}` : '';
}

export type Box = [x: number, y: number, w: number, h: number];

/** The numbers of a region in pixels, also of one in percent where the picture's size is known; null for none. */
export function boxOf(region: string | null, size?: { width: number; height: number } | null): Box | null {
  const pixels = region?.match(/^(\d+),(\d+),(\d+),(\d+)$/);
  if (pixels) return pixels.slice(1).map(Number) as Box;
  const percent = region?.match(/^pct:([\d.]+),([\d.]+),([\d.]+),([\d.]+)$/);
  if (!percent || !size) return null;
  return percent.slice(1).map((text, i) => Math.round((Number(text) * (i % 2 ? size.height : size.width)) / 100)) as Box;
}

/** A rectangle in whole pixels inside the picture. */
export function inside([x, y, w, h]: Box, { width, height }: { width: number; height: number }): Box {
  const within = (value: number, low: number, high: number) => Math.round(Math.min(Math.max(value, low), high));
  const [left, top] = [within(x, 0, width - 1), within(y, 0, height - 1)];
  return [left, top, within(w, 1, width - left), within(h, 1, height - top)];
}
