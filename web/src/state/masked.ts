// A picture of which only a polygon counts. The server takes rectangles, so the page sends a copy in which everything
// else has one colour.

import type { Point } from '../pure/transform';

/** The longer side of what is sent. */
const LONGEST = 2400;

async function loaded(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

/** The copy, from the first of the addresses that the browser can show. */
export async function masked(addresses: readonly string[], corners: readonly Point[]): Promise<File> {
  let image: HTMLImageElement | null = null;
  for (const address of addresses) image ??= await loaded(address).catch(() => null);
  if (!image) throw new Error('the browser cannot show this picture');
  const scale = Math.min(1, LONGEST / Math.max(image.naturalWidth, image.naturalHeight));
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [Math.round(image.naturalWidth * scale), Math.round(image.naturalHeight * scale)];
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('the browser has no canvas');
  const path = new Path2D();
  for (const [x, y] of corners) path.lineTo((x / 100) * canvas.width, (y / 100) * canvas.height);
  path.closePath();
  // The mean of what is inside, so that the border stands out little.
  const small = document.createElement('canvas');
  [small.width, small.height] = [1, 1];
  const xs = corners.map(([x]) => (x / 100) * image.naturalWidth);
  const ys = corners.map(([, y]) => (y / 100) * image.naturalHeight);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const dot = small.getContext('2d');
  dot?.drawImage(image, left, top, Math.max(1, Math.max(...xs) - left), Math.max(1, Math.max(...ys) - top), 0, 0, 1, 1);
  const [red = 128, green = 128, blue = 128] = dot?.getImageData(0, 0, 1, 1).data ?? [];
  pen.fillStyle = `rgb(${red} ${green} ${blue})`;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.clip(path);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((made) => canvas.toBlob(made, 'image/png'));
  if (!blob) throw new Error('the browser cannot save this picture');
  return new File([blob], 'part.png', { type: 'image/png' });
}
