// Draws the matched points of two pictures and the outlines of what matches, on top of both.

/** A place on the canvas. */
export type Spot = readonly [number, number];
export type Ends = readonly [Spot, Spot];
export interface Outline { corners: readonly Spot[]; strong: boolean }
/** Where a picture lies on the canvas: nothing of it is drawn outside. */
export interface Frame { left: number; top: number; width: number; height: number }

export interface Drawing {
  pairs: readonly Ends[];
  /** The pair that is followed, as its place in `pairs`; -1 for none. */
  single: number;
  lines: boolean;
  dots: boolean;
  /** Of the query and of the result. */
  outlines: readonly [readonly Outline[], readonly Outline[]];
  frames: readonly [Frame, Frame];
  /** How thick lines are, 1 on a screen. */
  thickness: number;
}

const MOST_LINES = 90;
export const POINT = '#ffd45c';
export const OUTLINE = '#3ddc97';
const HALO = 'rgb(0 0 0 / .55)';

function stroke(pen: CanvasRenderingContext2D, colour: string, thick: number, halo: number): void {
  pen.lineWidth = thick + halo;
  pen.strokeStyle = HALO;
  pen.stroke();
  pen.lineWidth = thick;
  pen.strokeStyle = colour;
  pen.stroke();
}

const holds = ({ left, top, width, height }: Frame, [x, y]: Spot): boolean => x >= left - 1 && y >= top - 1 && x <= left + width + 1 && y <= top + height + 1;

/** Whether both ends of a pair can be seen: a zoomed picture shows some of its points alone. */
export const seen = (frames: Drawing['frames'], [from, to]: Ends): boolean => holds(frames[0], from) && holds(frames[1], to);

export function draw(pen: CanvasRenderingContext2D, drawing: Drawing): void {
  const { pairs, single, lines, dots, frames, thickness } = drawing;
  pen.lineJoin = 'round';
  drawing.outlines.forEach((outlines, side) => {
    const frame = frames[side];
    if (!frame) return;
    pen.save();
    pen.beginPath();
    pen.rect(frame.left - 2, frame.top - 2, frame.width + 4, frame.height + 4);
    pen.clip();
    for (const { corners, strong } of outlines) {
      pen.beginPath();
      for (const [x, y] of corners) pen.lineTo(x, y);
      pen.closePath();
      pen.globalAlpha = strong ? 1 : 0.5;
      stroke(pen, OUTLINE, (strong ? 2.5 : 1.5) * thickness, 2 * thickness);
    }
    pen.restore();
  });

  const line = ([from, to]: Ends, thick: number) => {
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    stroke(pen, POINT, thick * thickness, thickness);
  };
  const spots = (pair: Ends, radius: number) => {
    pair.forEach((spot, side) => {
      const frame = frames[side];
      if (!frame || !holds(frame, spot)) return;
      pen.beginPath();
      pen.arc(spot[0], spot[1], radius * thickness, 0, 2 * Math.PI);
      stroke(pen, POINT, 1.5 * thickness, 2 * thickness);
    });
  };
  const others = pairs.filter((_, i) => i !== single);
  const faint = single < 0 ? 1 : 0.3;
  if (lines) {
    // Many lines would hide the pictures: an even sample is drawn, fainter the more there are. The points show all.
    const visible = others.filter((pair) => seen(frames, pair));
    const step = Math.ceil(visible.length / MOST_LINES) || 1;
    pen.globalAlpha = faint * Math.min(0.9, Math.max(0.3, 30 / (visible.length || 1)));
    visible.forEach((pair, i) => { if (i % step === 0) line(pair, 1); });
  }
  if (dots) {
    pen.globalAlpha = faint;
    for (const pair of others) spots(pair, pairs.length > 150 ? 2 : 3);
  }
  pen.globalAlpha = 1;
  const one = pairs[single];
  if (one) {
    if (seen(frames, one)) line(one, 2);
    spots(one, 6);
  }
}
