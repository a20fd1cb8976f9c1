import { describe, expect, it } from 'vitest';
import { beginnings, markAt, marksOf, narrowerOf, sizesBetween, timesBetween } from '../../src/pure/marks';

describe('marks of an ordered list', () => {
  it('are of the finest unit that gives few', () => {
    expect(timesBetween('2019-03-04T10:00:00Z', '2021-05-01T00:00:00Z', 'en').map((one) => one.value.slice(0, 7)).slice(0, 3)).toEqual(['2019-03', '2019-04', '2019-05']);
    expect(timesBetween('2019-03-04T10:00:00Z', '2029-05-01T00:00:00Z', 'en').map((one) => one.label)).toEqual(['2019', '2020', '2021', '2022', '2023', '2024', '2025', '2026', '2027', '2028', '2029']);
    expect(timesBetween('1890-03-04T10:00:00Z', '2029-05-01T00:00:00Z', 'en')[0]!.value).toBe('1890-01-01T00:00:00Z');
    expect(timesBetween('2021-05-01T10:20:00Z', '2021-05-01T11:20:00Z', 'en').map((one) => one.value)).toEqual(['2021-05-01T10:00:00Z', '2021-05-01T11:00:00Z']);
    expect(timesBetween('nonsense', '2021-05-01T11:20:00Z', 'en')).toEqual([]);
  });
  it('are round sizes around those that are there', () => {
    expect(sizesBetween(1500, 12_000, String).map((one) => one.value)).toEqual(['1000', '2000', '5000', '10000']);
    expect(sizesBetween(10, 1200, String).map((one) => one.value)).toEqual(['0', '1000']);
  });
  const years = ['2019', '2020', '2021'].map((label) => ({ label, value: `${label}-01-01T00:00:00Z` }));
  it('stand where their stretch begins, in both directions', () => {
    expect(marksOf(years, [0, 10, 10], 25, 'taken', {}).map(({ label, at }) => [label, at])).toEqual([['2019', 0], ['2021', 10]]);
    expect(marksOf(years, [0, 10, 10], 25, '-taken', {}).map(({ label, at }) => [label, at])).toEqual([['2021', 0], ['2019', 15]]);
  });
  it('have the condition that their pictures meet, beside the given ones', () => {
    const [, last] = marksOf(years, [0, 10, 12], 25, 'taken', { taken_after: ['2018'] }).slice(-2);
    expect(last!.narrower).toEqual({ taken_after: ['2021-01-01T00:00:00Z'] });
    expect(marksOf(years, [0, 10, 12], 25, '-taken', {})[1]!.narrower).toEqual({ taken_before: ['2021-01-01T00:00:00Z'] });
    expect(narrowerOf('taken', true, '2019', '2020', { taken_before: ['2019-06'] })).toEqual({ taken_before: ['2019-06'] });
    expect(narrowerOf('name', false, 'C', 'D', { name_prefix: ['DS'] })).toEqual({ name_prefix: ['DSC'] });
    expect(narrowerOf('bytes', true, '1000', '2000', {})).toEqual({ max_bytes: ['1999'] });
    expect(narrowerOf('bytes', false, '1000', '2000', { min_bytes: ['1500'] })).toEqual({ min_bytes: ['1500'] });
  });
  it('are found for a place', () => {
    const marks = marksOf(years, [0, 10, 12], 25, 'taken', {});
    expect(markAt(marks, 11)!.label).toBe('2020');
    expect(markAt([], 11)).toBeNull();
  });
  it('of names follow the bytes', () => {
    expect(beginnings(true)).toEqual([...beginnings(true)].sort());
    expect(beginnings(false)).toHaveLength(62);
  });
});
