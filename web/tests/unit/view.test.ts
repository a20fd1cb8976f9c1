import { describe, expect, it } from 'vitest';
import { enlarged, WHOLE, within } from '../../src/pure/view';

describe('a part of a frame', () => {
  it('keeps the point under the pointer', () => {
    const view = enlarged(WHOLE, 2, [30, 40], 100, 80);
    expect(view).toEqual({ k: 2, x: -30, y: -40 });
    // The point (30, 40) of the whole is drawn at 30 * 2 - 30, 40 * 2 - 40.
    expect(enlarged(view, 0.5, [30, 40], 100, 80)).toEqual(WHOLE);
  });
  it('never leaves the frame or the bounds of zooming', () => {
    expect(within({ k: 2, x: 50, y: -500 }, 100, 80)).toEqual({ k: 2, x: 0, y: -80 });
    expect(enlarged(WHOLE, 0.1, [0, 0], 100, 80)).toEqual(WHOLE);
    expect(enlarged(WHOLE, 1000, [0, 0], 100, 80).k).toBe(16);
  });
});
