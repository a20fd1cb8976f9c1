// Which part of a frame is looked at: enlarged `k` times, moved by x and y of the frame's own pixels.

export interface Zoomed { k: number; x: number; y: number }
export const WHOLE: Zoomed = { k: 1, x: 0, y: 0 };
const MOST = 16;

/** Nothing of the frame stays empty. */
export function within({ k, x, y }: Zoomed, width: number, height: number): Zoomed {
  const clamp = (value: number, size: number) => Math.min(0, Math.max(size * (1 - k), value)) || 0;
  return { k, x: clamp(x, width), y: clamp(y, height) };
}

/** Enlarges by a factor; what lies at a point of the frame stays there. */
export function enlarged(view: Zoomed, factor: number, [px, py]: readonly [number, number], width: number, height: number): Zoomed {
  const k = Math.min(MOST, Math.max(1, view.k * factor));
  const by = k / view.k;
  return within({ k, x: px - (px - view.x) * by, y: py - (py - view.y) * by }, width, height);
}
