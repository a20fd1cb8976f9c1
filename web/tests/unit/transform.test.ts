import { describe, expect, it } from 'vitest';
import { areaOf, motionOf, overlayMatrix, placeOf, type Point } from '../../src/pure/transform';

const size = { width: 400, height: 300 };
const turned = (degrees: number, scale = 1, mirrored = false) => {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180) * scale, Math.sin((degrees * Math.PI) / 180) * scale];
  return mirrored ? [-c, -s, 500, -s, c, 20, 0, 0, 1] : [c, -s, 10, s, c, 20, 0, 0, 1];
};
const box = (x: number, y: number, w: number, h: number): Point[] => [[x, y], [x + w, y], [x + w, y + h], [x, y + h]];

describe('what a transform does', () => {
  it.each([[0, 1], [12, 1], [-30, 0.5], [90, 2], [180, 1.3]])('turns by %d and scales by %d', (turn, scale) => {
    const motion = motionOf(turned(turn, scale), size);
    expect(motion).toMatchObject({ turn, mirrored: false });
    expect(motion.scale).toBeCloseTo(scale, 6);
  });
  it('mirrors left to right before it turns', () => {
    expect(motionOf(turned(0, 1, true), size)).toMatchObject({ turn: 0, mirrored: true });
    expect(motionOf([-1, 0, 400, 0, 1, 0, 0, 0, 1], size)).toMatchObject({ turn: 0, mirrored: true });
  });
  it('is taken at the centre where the plane is tilted', () => {
    const { scale } = motionOf([1, 0, 0, 0, 1, 0, 0.0005, 0, 1], size);
    expect(scale).toBeCloseTo(1 / 1.1 ** 1.5, 2);
  });
  it('becomes a matrix of CSS', () => {
    expect(overlayMatrix([1, 0, 0, 0, 1, 0, 0, 0, 1], 0.5)).toMatch(/^matrix3d\(1\.0+,0\.0+,0\.0+,/);
    const numbers = overlayMatrix([2, 0, 30, 0, 2, 40, 0, 0, 1], 0.5).slice(9, -1).split(',').map(Number);
    expect([numbers[0], numbers[12], numbers[13]]).toEqual([2, 15, 20]);
  });
});

describe('where a part lies', () => {
  it.each([
    [box(0, 0, 400, 300), 'whole'], [box(0, 0, 300, 250), 'most'], [box(150, 100, 100, 100), 'centre'],
    [box(0, 0, 100, 100), 'upper_left'], [box(300, 0, 100, 100), 'upper_right'], [box(0, 200, 100, 100), 'lower_left'],
    [box(300, 200, 90, 90), 'lower_right'], [box(0, 50, 100, 200), 'left'], [box(280, 50, 100, 200), 'right'],
    [box(100, 0, 200, 80), 'top'], [box(100, 220, 200, 80), 'bottom'],
  ])('%j is %s', (polygon, place) => expect(placeOf(polygon, size)).toBe(place));
  it('says the whole where nothing is known', () => expect(placeOf([], size)).toBe('whole'));
  it('measures areas in either direction', () => {
    expect(areaOf(box(5, 5, 10, 20))).toBe(200);
    expect(areaOf(box(5, 5, 10, 20).toReversed())).toBe(200);
  });
});
