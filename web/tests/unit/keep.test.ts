import { describe, expect, it } from 'vitest';
import { csvOf } from '../../src/pure/csv';
import { type Candidate, keeperOf } from '../../src/pure/keep';

const member = (id: string, change: Partial<Candidate> & Partial<Candidate['image']> = {}): Candidate => ({
  image: { id, width: 100, height: 100, bytes: 1000, taken: null, added: '2026-01-01T00:00:00Z', ...change },
  largest: change.largest ?? false, missing: change.missing ?? false, paths: change.paths ?? [{ path: `${id}.jpg` }],
});

describe('which picture is kept', () => {
  const members = [
    member('best', { largest: true, bytes: 900 }),
    member('wide', { width: 200, bytes: 800 }),
    member('long', { bytes: 5000, added: '2026-03-01T00:00:00Z' }),
    member('old', { taken: '1990-01-01T00:00:00Z', paths: [{ path: 'Scans/2019/old.jpg' }] }),
  ];
  const kept = (rule: Parameters<typeof keeperOf>[1], folder = '', of = members) => keeperOf({ kind: 'cropped', members: of }, rule, folder);

  it('follows the rule', () => {
    expect(kept('best')).toBe('best');
    expect(kept('pixels')).toBe('wide');
    expect(kept('bytes')).toBe('long');
    expect(kept('oldest')).toBe('old');
    expect(kept('newest')).toBe('long');
    expect(kept('folder', 'scans/2019')).toBe('old');
  });
  it('is the best where the folder says nothing', () => {
    expect(kept('folder', 'elsewhere')).toBe('best');
    expect(kept('folder', ' ')).toBe('best');
  });
  it('is none that is missing', () => {
    expect(kept('bytes', '', members.map((one) => (one.image.id === 'long' ? { ...one, missing: true } : one)))).toBe('old');
    expect(kept('best', '', members.map((one) => ({ ...one, missing: true })))).toBeNull();
  });
  it('is the first of equals', () => {
    expect(kept('pixels', '', [member('a'), member('b')])).toBe('a');
  });
});

describe('a table', () => {
  it('is quoted, and holds no formula', () => {
    expect(csvOf([{ name: 'a, "b"', size: -1, kept: true, tag: null }, { name: '=1+1', size: 2, kept: false, tag: '张' }])).toBe('name,size,kept,tag\r\n"a, ""b""",-1,true,\r\n\'=1+1,2,false,张\r\n');
  });
});
