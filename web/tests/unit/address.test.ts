import { describe, expect, it } from 'vitest';
import { boxOf, DEFAULTS, HOME, inside, placeOfQuery, queryOfPlace } from '../../src/pure/address';
import { tagsOf, typedTags } from '../../src/pure/tags';
import { bytes, readable } from '../../src/pure/numbers';

describe('the address', () => {
  it('of earlier versions stays valid', () => {
    expect(placeOfQuery('?view=duplicates')).toEqual({ ...HOME, view: 'duplicates' });
    expect(placeOfQuery('?image=ab&region=1,2,30,40')).toEqual({ ...HOME, view: 'search', image: 'ab', region: '1,2,30,40' });
    expect(placeOfQuery('?collection=maps')).toEqual({ ...HOME, collection: 'maps' });
    expect(placeOfQuery('')).toEqual(HOME);
  });
  it('says all of a place', () => {
    const place = { ...HOME, collection: 'maps', view: 'match' as const, image: 'ab', more: ['x1', 'x2'], region: 'pct:1,2,3,4', match: 'cd', way: 'swipe' as const, instance: 2, zoomed: true, open: 'ef', filters: { tag: ['a b', 'c&d'], not_tag: ['x'], taken_after: ['2019-07'] }, sort: '-taken' as const, options: { ...DEFAULTS, mirrored: false, byObject: true, mode: 'exact' as const } };
    expect(placeOfQuery(queryOfPlace(place))).toEqual(place);
    expect(queryOfPlace(HOME)).toBe('');
  });
  it('names an upload, an address elsewhere, a polygon, and the start of a search', () => {
    for (const place of [
      { ...HOME, view: 'search' as const },
      { ...HOME, view: 'search' as const, upload: 'u1', more: ['ab'], polygon: '1,2,3,4,5,6' },
      { ...HOME, view: 'match' as const, upload: 'u1', match: 'ab' },
      { ...HOME, view: 'search' as const, url: 'https://example.org/a.jpg?b=c&d' },
      { ...HOME, view: 'decisions' as const },
    ]) expect(placeOfQuery(queryOfPlace(place))).toEqual(place);
  });
  it('bears nonsense', () => {
    expect(placeOfQuery('?view=<script>&sort=x&mode=y&region=1,2&polygon=1,2,3,4,5,6&match=z&way=up&place=-3&zoom=true&also=b&tag=')).toEqual(HOME);
  });
});

describe('a region', () => {
  it('is read in pixels and percent', () => {
    expect(boxOf('1,2,30,40')).toEqual([1, 2, 30, 40]);
    expect(boxOf('pct:25,50,50,10', { width: 400, height: 200 })).toEqual([100, 100, 200, 20]);
    expect(boxOf('pct:25,50,50,10')).toBeNull();
    expect(boxOf('1,2,3')).toBeNull();
    expect(boxOf(null)).toBeNull();
  });
  it('stays inside the picture', () => {
    expect(inside([-5, 10.4, 500, 0], { width: 100, height: 50 })).toEqual([0, 10, 100, 1]);
    expect(inside([99, 49, 10, 10], { width: 100, height: 50 })).toEqual([99, 49, 1, 1]);
  });
});

describe('texts', () => {
  it('tags come from commas and quotation marks', () => {
    expect(tagsOf('vase, "a, b",blue，vase')).toEqual(['vase', 'a, b', 'blue']);
    expect(tagsOf(typedTags(['x', 'a, b']))).toEqual(['x', 'a, b']);
    expect(tagsOf(' , ')).toEqual([]);
  });
  it('names show what is no text', () => {
    expect(readable('a\u{10ffff}b\n')).toBe('a\\xFFb?');
  });
  it('sizes are short', () => {
    expect(bytes(999, 'en')).toBe('999 B');
    expect(bytes(1500, 'en')).toBe('1.5 KB');
    expect(bytes(123_456_789, 'en')).toBe('123 MB');
  });
});
