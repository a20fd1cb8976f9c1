import { describe, expect, it } from 'vitest';
import { partsOf, wantedOf } from '../../src/pure/resolve';

const group = (...ids: string[]) => ({ members: ids.map((id) => ({ image: { id }, missing: id.startsWith('missing') })) });
const first = (one: ReturnType<typeof group>) => one.members[0]?.image.id ?? null;

describe('what is asked of the server', () => {
  it('is one group a kept picture, and each removed picture once', () => {
    expect(wantedOf([group('a', 'b', 'c'), group('d', 'c'), group('a', 'e')], new Set(['b', 'c', 'e']), first))
      .toEqual({ wanted: [{ keep: 'a', remove: ['b', 'c', 'e'] }], left: [] });
  });
  it('keeps what stays where the suggested one is chosen, and not a missing one before another', () => {
    expect(wantedOf([group('a', 'missing', 'b')], new Set(['a']), first).wanted).toEqual([{ keep: 'b', remove: ['a'] }]);
    expect(wantedOf([group('a', 'missing')], new Set(['a']), first).wanted).toEqual([{ keep: 'missing', remove: ['a'] }]);
  });
  it('leaves out what is chosen of a group of which nothing would stay', () => {
    expect(wantedOf([group('a', 'b'), group('b', 'c')], new Set(['a', 'b']), first)).toEqual({ wanted: [{ keep: 'c', remove: ['b'] }], left: ['a'] });
  });
  it('comes in parts of the size that the server takes', () => {
    const wanted = [{ keep: 'a', remove: ['1', '2', '3', '4', '5'] }, { keep: 'b', remove: ['6'] }, { keep: 'c', remove: ['7'] }, { keep: 'd', remove: ['8'] }];
    const parts = partsOf(wanted, 2, 3);
    expect(parts).toEqual([[{ keep: 'a', remove: ['1', '2', '3'] }], [{ keep: 'a', remove: ['4', '5'] }, { keep: 'b', remove: ['6'] }], [{ keep: 'c', remove: ['7'] }, { keep: 'd', remove: ['8'] }]]);
    expect(partsOf([])).toEqual([]);
  });
});
