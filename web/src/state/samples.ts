// Pictures for a first visit, drawn by the page: the same ones each time.

import { type Schemas, send } from '../api/server';

/** All of them have this tag, by which they are removed again. */
export const SAMPLE_TAG = 'resight-sample';
export const SAMPLES = 6;
const [WIDTH, HEIGHT] = [800, 600];

/** Numbers that look random and are the same each time (Lehmer's generator with the multiplier 48271). */
function numbers(seed: number): (below: number) => number {
  let state = seed * 7919 + 1;
  return (below) => (state = (state * 48271) % 2147483647) % below;
}

function canvas(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const made = document.createElement('canvas');
  [made.width, made.height] = [width, height];
  const context = made.getContext('2d');
  if (!context) throw new Error('this browser has no canvas');
  return [made, context];
}

/** A town of coloured houses, windows and signs: much to find it again by. */
export function draw(seed: number): HTMLCanvasElement {
  const [made, paint] = canvas(WIDTH, HEIGHT);
  const next = numbers(seed);
  const hue = (seed * 67) % 360;
  const sky = paint.createLinearGradient(0, 0, 0, HEIGHT);
  sky.addColorStop(0, `hsl(${hue} 45% 62%)`);
  sky.addColorStop(1, `hsl(${(hue + 40) % 360} 55% 86%)`);
  paint.fillStyle = sky;
  paint.fillRect(0, 0, WIDTH, HEIGHT);
  paint.fillStyle = `hsl(${(hue + 180) % 360} 80% 88%)`;
  paint.beginPath();
  paint.arc(120 + next(560), 90 + next(60), 34 + next(24), 0, 7);
  paint.fill();
  for (let row = 0; row < 3; row += 1) {
    for (let left = -20 - next(40); left < WIDTH; ) {
      const [width, height] = [54 + next(80), 130 + next(150) + row * 20];
      const top = HEIGHT - height - (2 - row) * 80;
      paint.fillStyle = `hsl(${(hue + next(150)) % 360} ${30 + next(35)}% ${34 + next(34)}%)`;
      paint.fillRect(left, top, width, HEIGHT - top);
      if (next(2)) {
        paint.beginPath();
        paint.moveTo(left - 4, top);
        paint.lineTo(left + width / 2, top - 24 - next(30));
        paint.lineTo(left + width + 4, top);
        paint.fill();
      }
      for (let y = top + 12; y < HEIGHT - 20; y += 24) for (let x = left + 9; x < left + width - 14; x += 19) {
        paint.fillStyle = next(3) ? `hsl(${(hue + 200) % 360} 30% ${12 + next(20)}%)` : `hsl(48 95% ${66 + next(20)}%)`;
        paint.fillRect(x, y, 7 + next(6), 9 + next(8));
      }
      left += width + next(5);
    }
  }
  return made;
}

/** A part of the third picture, turned, as a photograph of it might show it. */
export function drawQuery(): HTMLCanvasElement {
  const [made, paint] = canvas(420, 340);
  paint.fillStyle = '#e9e6df';
  paint.fillRect(0, 0, 420, 340);
  paint.translate(210, 170);
  paint.rotate((17 * Math.PI) / 180);
  paint.drawImage(draw(3), 250, 200, 380, 300, -190, -150, 380, 300);
  return made;
}

export const fileOfCanvas = (from: HTMLCanvasElement, name: string): Promise<File> => new Promise((done, failed) => from.toBlob((blob) => (blob ? done(new File([blob], name, { type: 'image/jpeg' })) : failed(new Error('the picture cannot be written'))), 'image/jpeg', 0.9));

/** Adds one of the pictures to the shown collection. */
export async function addSample(seed: number): Promise<void> {
  const form = new FormData();
  form.append('tag', SAMPLE_TAG);
  const file = await fileOfCanvas(draw(seed), `sample-${seed}.jpg`);
  form.append('file', file, file.name);
  await send<Schemas['AddedPicture']>('images', { method: 'POST', body: form });
}

export async function removeSamples(): Promise<void> {
  await send(`images?${new URLSearchParams([['tag', SAMPLE_TAG]])}`, { method: 'DELETE' });
}
