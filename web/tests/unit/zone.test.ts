import { describe, expect, it } from 'vitest';
import { fitting, inverse, project, scaleAt } from '../../src/pure/transform';
import { cornersOf, moved, regionAround, split, textOf } from '../../src/pure/zone';

describe('a polygon', () => {
  it('is read from an address and written to it', () => {
    expect(cornersOf('0,0,50.5,0,50,100')).toEqual([[0, 0], [50.5, 0], [50, 100]]);
    expect(textOf([[0, 0], [50.46, 0], [50, 100]])).toBe('0,0,50.5,0,50,100');
    for (const bad of [null, '', '1,2', '1,2,3,4', '1,2,3,4,5,101', '1,2,3,4,5,x', '1,2,3,4,5,6,7', Array(124).fill('1').join(',')]) expect(cornersOf(bad)).toBeNull();
  });
  it('has a rectangle around it', () => {
    expect(regionAround([[10, 20], [60, 25], [30, 80]])).toBe('pct:10,20,50,60');
    expect(regionAround([[10, 20], [10, 25], [10, 30]])).toBe('pct:10,20,0.1,10');
  });
  it('is moved inside the picture', () => {
    expect(moved([[10, 10], [20, 10], [15, 95]], 'all', -30, 20)).toEqual([[0, 15], [10, 15], [5, 100]]);
    expect(moved([[10, 10], [20, 10], [15, 95]], 2, -30, 20)).toEqual([[10, 10], [20, 10], [0, 100]]);
  });
  it('gets a corner between two others', () => {
    expect(split([[0, 0], [10, 0], [10, 10]], 2)).toEqual([[0, 0], [10, 0], [10, 10], [5, 5]]);
  });
});

describe('a transform', () => {
  const h = [2, 0.1, 5, -0.1, 2, 7, 0.0001, 0, 1];
  it('goes back by its inverse', () => {
    const back = inverse(h);
    const there = project(h, [30, 40]);
    const [x, y] = project(back ?? [], there);
    expect(x).toBeCloseTo(30);
    expect(y).toBeCloseTo(40);
    expect(inverse([1, 1, 0, 1, 1, 0, 0, 0, 1])).toBeNull();
  });
  it('says how much it enlarges at a place', () => {
    expect(scaleAt([3, 0, 0, 0, 3, 0, 0, 0, 1], [5, 5])).toBeCloseTo(3);
  });
  it('picks the points that it explains', () => {
    const [u, v] = project(h, [10, 10]);
    expect(fitting(h, [[10, 10, u + 1, v], [10, 10, u + 30, v]], 5)).toEqual([[10, 10, u + 1, v]]);
  });
});
