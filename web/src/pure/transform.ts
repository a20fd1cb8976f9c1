// What a 3×3 matrix from query to result does to the query, and which part of a picture a polygon covers.

export type Matrix = readonly number[];
export type Point = readonly [number, number];
export interface Size { width: number; height: number }

export interface Motion {
  scale: number;
  /** Degrees, clockwise, from -179 to 180. */
  turn: number;
  mirrored: boolean;
}

const at = (h: Matrix, i: number): number => h[i] ?? 0;

/** Scale, turn and mirroring of a homography, taken at the query's centre. */
export function motionOf(h: Matrix, { width, height }: Size): Motion {
  const [x, y] = [width / 2, height / 2];
  const w = at(h, 6) * x + at(h, 7) * y + at(h, 8);
  const u = (at(h, 0) * x + at(h, 1) * y + at(h, 2)) / w;
  const v = (at(h, 3) * x + at(h, 4) * y + at(h, 5)) / w;
  const a = (at(h, 0) - at(h, 6) * u) / w;
  const b = (at(h, 1) - at(h, 7) * u) / w;
  const c = (at(h, 3) - at(h, 6) * v) / w;
  const d = (at(h, 4) - at(h, 7) * v) / w;
  const mirrored = a * d - b * c < 0;
  // A mirrored one is turned after it was mirrored left to right.
  const angle = mirrored ? Math.atan2(-c, -a) : Math.atan2(c, a);
  const turn = Math.round((angle * 180) / Math.PI) || 0;
  return { scale: Math.sqrt(Math.abs(a * d - b * c)), turn: turn === -180 ? 180 : turn, mirrored };
}

/**
 * The CSS matrix that lays the query over the result. Both are drawn `s` times their size, so that their
 * pixels map by S·H·S⁻¹.
 */
export function overlayMatrix(h: Matrix, s: number): string {
  const [a, b, c, d, e, f, g, i, j] = [at(h, 0), at(h, 1), at(h, 2) * s, at(h, 3), at(h, 4), at(h, 5) * s, at(h, 6) / s, at(h, 7) / s, at(h, 8)];
  return `matrix3d(${[a, d, 0, g, b, e, 0, i, 0, 0, 1, 0, c, f, 0, j].map((n) => n.toFixed(12)).join(',')})`;
}

export const PLACES = ['whole', 'most', 'centre', 'left', 'right', 'top', 'bottom', 'upper_left', 'upper_right', 'lower_left', 'lower_right'] as const;
export type Place = (typeof PLACES)[number];

/** The area of a polygon, in square pixels. */
export function areaOf(polygon: readonly Point[]): number {
  let twice = 0;
  polygon.forEach(([x, y], i) => {
    const [u, v] = polygon[(i + 1) % polygon.length] ?? [x, y];
    twice += x * v - u * y;
  });
  return Math.abs(twice) / 2;
}

/** Where in a picture a polygon lies, as a person would say it. */
export function placeOf(polygon: readonly Point[], { width, height }: Size): Place {
  if (polygon.length === 0 || width <= 0 || height <= 0) return 'whole';
  const share = areaOf(polygon) / (width * height);
  if (share >= 0.75) return 'whole';
  if (share >= 0.5) return 'most';
  const xs = polygon.map(([x]) => x);
  const ys = polygon.map(([, y]) => y);
  const side = (low: number, high: number) => {
    const middle = (low + high) / 2;
    return middle < 0.42 ? -1 : middle > 0.58 ? 1 : 0;
  };
  const across = side(Math.min(...xs) / width, Math.max(...xs) / width);
  const down = side(Math.min(...ys) / height, Math.max(...ys) / height);
  if (across === 0 && down === 0) return 'centre';
  if (across === 0) return down < 0 ? 'top' : 'bottom';
  if (down === 0) return across < 0 ? 'left' : 'right';
  return `${down < 0 ? 'upper' : 'lower'}_${across < 0 ? 'left' : 'right'}`;
}

/** Where a point of the query lies in the result. */
export function project(h: Matrix, [x, y]: Point): Point {
  const w = at(h, 6) * x + at(h, 7) * y + at(h, 8);
  return [(at(h, 0) * x + at(h, 1) * y + at(h, 2)) / w, (at(h, 3) * x + at(h, 4) * y + at(h, 5)) / w];
}

/** The matrix from result to query, up to a factor; null where there is none. */
export function inverse(h: Matrix): Matrix | null {
  const [a, b, c, d, e, f, g, i, j] = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => at(h, n)) as [number, number, number, number, number, number, number, number, number];
  const all = [e * j - f * i, c * i - b * j, b * f - c * e, f * g - d * j, a * j - c * g, c * d - a * f, d * i - e * g, b * g - a * i, a * e - b * d];
  const determinant = a * all[0]! + b * all[3]! + c * all[6]!;
  return Math.abs(determinant) > 1e-15 ? all.map((value) => value / determinant) : null;
}

/** How much larger the surroundings of a point become. */
export function scaleAt(h: Matrix, [x, y]: Point): number {
  const step = 1;
  const [u, v] = project(h, [x, y]);
  const [ux, vx] = project(h, [x + step, y]);
  const [uy, vy] = project(h, [x, y + step]);
  return Math.sqrt(Math.abs((ux - u) * (vy - v) - (vx - v) * (uy - u))) / step;
}

/** Of matched points those that the transform brings to their partner, within `reach` pixels of the result. */
export function fitting<T extends readonly [number, number, number, number]>(h: Matrix, points: readonly T[], reach: number): T[] {
  return points.filter(([a, b, c, d]) => {
    const [x, y] = project(h, [a, b]);
    return Math.hypot(x - c, y - d) <= reach;
  });
}
