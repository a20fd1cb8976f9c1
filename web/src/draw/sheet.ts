// One picture that shows a match: both pictures side by side with what ties them, and the facts below.

import type { Match } from '../state/match';
import type { Size } from '../pure/transform';
import { draw, type Frame } from './match';

export interface Sheet {
  match: Match; instance: number; points: Match['points'];
  title: string; sentence: string;
  captions: readonly [string, string];
  /** Name and value. */
  facts: readonly (readonly [string, string])[];
  /** Small print at the end: when and by what it was made. */
  made: string;
  none: string;
}

const WIDTH = 2000;
const EDGE = 60;
const GAP = 40;
const TALLEST = 1100;
const FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
const INK = '#1d1b18';
const SOFT = '#5d5850';

async function first(addresses: readonly string[]): Promise<HTMLImageElement | null> {
  for (const address of addresses) {
    const image = new Image();
    image.src = address;
    const loaded = await image.decode().then(() => true, () => false);
    if (loaded) return image;
  }
  return null;
}

/** Breaks a text into lines of a width; between any two letters where it has no blanks. */
function lines(pen: CanvasRenderingContext2D, text: string, width: number): string[] {
  const found: string[] = [];
  let line = '';
  for (const part of text.match(/\s+|[\u2e80-\uffef]|[^\s\u2e80-\uffef]+/g) ?? []) {
    let rest = part;
    if (line && pen.measureText(line + rest).width > width) {
      found.push(line.trimEnd());
      line = '';
      rest = rest.trimStart();
    }
    while (pen.measureText(rest).width > width && rest.length > 1) {
      let most = rest.length;
      while (most > 1 && pen.measureText(rest.slice(0, most)).width > width) most -= 1;
      found.push(rest.slice(0, most));
      rest = rest.slice(most);
    }
    line += rest;
  }
  if (line.trim()) found.push(line.trimEnd());
  return found;
}

export async function sheetOf(sheet: Sheet): Promise<Blob> {
  const { match } = sheet;
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('the browser has no canvas');
  const images = await Promise.all([first(match.query.addresses), first(match.result.addresses)]);
  const half = (WIDTH - 2 * EDGE - GAP) / 2;
  const fit = ({ width, height }: Size): Size => {
    const scale = Math.min(half / width, TALLEST / height);
    return { width: width * scale, height: height * scale };
  };
  const sizes = [fit(match.query.size), fit(match.result.size)] as const;
  const tall = Math.max(sizes[0].height, sizes[1].height);

  // All texts are laid out before the height is known.
  type Text = { text: string; x: number; y: number; font: string; colour: string };
  const texts: Text[] = [];
  const write = (text: string, x: number, y: number, width: number, px: number, { bold = false, colour = INK } = {}): number => {
    const font = `${bold ? 650 : 400} ${px}px ${FONT}`;
    pen.font = font;
    let at = y;
    for (const line of lines(pen, text, width)) {
      at += px * 1.35;
      texts.push({ text: line, x, y: at, font, colour });
    }
    return at;
  };
  let y = write(sheet.title, EDGE, 30, WIDTH - 2 * EDGE, 44, { bold: true });
  y = write(sheet.sentence, EDGE, y + 6, WIDTH - 2 * EDGE, 30, { colour: SOFT });
  const top = y + 36;
  const frames = sizes.map((size, side): Frame => ({ left: EDGE + side * (half + GAP) + (half - size.width) / 2, top: top + (tall - size.height) / 2, ...size })) as [Frame, Frame];
  const under = sheet.captions.map((caption, side) => write(caption, EDGE + side * (half + GAP), top + tall + 6, half, 24, { colour: SOFT }));
  y = Math.max(...under) + 24;
  const columns = 3;
  const column = (WIDTH - 2 * EDGE - GAP * (columns - 1)) / columns;
  for (let row = 0; row < sheet.facts.length; row += columns) {
    const ends = sheet.facts.slice(row, row + columns).map(([name, value], i) => {
      const left = EDGE + i * (column + GAP);
      return write(value, left, write(name, left, y, column, 22, { colour: SOFT }), column, 27, { bold: true });
    });
    y = Math.max(...ends) + 18;
  }
  y = write(sheet.made, EDGE, y + 14, WIDTH - 2 * EDGE, 20, { colour: SOFT });

  [canvas.width, canvas.height] = [WIDTH, Math.ceil(y + 40)];
  pen.fillStyle = '#ffffff';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  images.forEach((image, side) => {
    const frame = frames[side];
    if (!frame) return;
    pen.fillStyle = '#efede8';
    pen.fillRect(frame.left, frame.top, frame.width, frame.height);
    if (image) pen.drawImage(image, frame.left, frame.top, frame.width, frame.height);
    else texts.push({ text: sheet.none, x: frame.left + 20, y: frame.top + 50, font: `400 26px ${FONT}`, colour: SOFT });
  });
  const place = (side: 0 | 1) => ([x, y]: readonly [number, number]): readonly [number, number] => {
    const { width, height } = side ? match.result.size : match.query.size;
    return [frames[side].left + (x * frames[side].width) / width, frames[side].top + (y * frames[side].height) / height];
  };
  draw(pen, {
    pairs: sheet.points.map(([a, b, c, d]) => [place(0)([a, b]), place(1)([c, d])]),
    single: -1, lines: true, dots: true, thickness: 1.6, frames,
    outlines: [
      match.sharedQuery.length ? [{ corners: match.sharedQuery.map(place(0)), strong: true }] : [],
      match.seen.map(({ outline }, i) => ({ corners: outline.map(place(1)), strong: i === sheet.instance })),
    ],
  });
  pen.globalAlpha = 1;
  for (const { text, x, y: base, font, colour } of texts) {
    pen.font = font;
    pen.fillStyle = colour;
    pen.fillText(text, x, base);
  }
  const blob = await new Promise<Blob | null>((made) => canvas.toBlob(made, 'image/png'));
  if (!blob) throw new Error('the browser cannot save this picture');
  return blob;
}
