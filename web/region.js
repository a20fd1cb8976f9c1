// Choosing a part of the query: a rectangle drawn on it, or four numbers.
//
// What must hold: the rectangle is in whole pixels of the full picture, whose size the server states,
// and lies inside it; drawing scales by that size, never by that of whatever the browser loaded.

import { $, closeOnBackdrop, picture, svg } from './page.js';

/** A rectangle with a smaller side, in pixels, is taken for a click. */
const LEAST = 8;
/** The numbers of the rectangle: left, top, width and height. */
const sides = [$('region-x'), $('region-y'), $('region-w'), $('region-h')];

let search = null;
let size = null; // Of the full picture.
let rectangle = null; // [x, y, w, h]
let from = null; // Where the drawing began.

/** The numbers of a region in pixels; null for one in percent, which an address may hold, or for none. */
export function pixelsOf(region) {
  return /^\d+(,\d+){3}$/.test(region ?? '') ? region.split(',').map(Number) : null;
}

/** The outline of a region over a picture of this size, as an element to lay over it. */
export function regionOutline([x, y, w, h], { width, height }) {
  return svg('svg', { class: 'region', viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' },
    svg('path', { class: 'outside', d: `M0 0H${width}V${height}H0ZM${x} ${y}v${h}h${w}v${-h}Z` }),
    svg('rect', { class: 'quad', x, y, width: w, height: h }));
}

/** Lets a part of the query of a search with an answer be chosen. */
export function openRegion(of) {
  search = of;
  size = of.answer.query;
  $('region-picture').replaceChildren(picture(of.addresses, { alt: `The query, ${of.name}`, draggable: false }));
  $('region-picture').style.aspectRatio = `${size.width} / ${size.height}`;
  $('region-picture').style.maxWidth = `calc(min(70vh, 900px) * ${size.width / size.height})`;
  $('region-whole').hidden = !of.region;
  choose(pixelsOf(of.region));
  $('region').showModal();
}

/** Shows a rectangle as chosen, kept inside the picture; null: none is. */
function choose(chosen) {
  rectangle = chosen && inside(chosen);
  $('region-picture').querySelector('.region')?.remove();
  if (rectangle) $('region-picture').append(regionOutline(rectangle, size));
  sides.forEach((side, i) => { side.value = rectangle?.[i] ?? ''; });
  $('region-search').disabled = !rectangle;
}

function inside([x, y, w, h]) {
  const within = (value, low, high) => Math.round(Math.min(Math.max(value, low), high));
  const [left, top] = [within(x, 0, size.width - 1), within(y, 0, size.height - 1)];
  return [left, top, within(w, 1, size.width - left), within(h, 1, size.height - top)];
}

/** The pointer's place in pixels of the full picture, inside it. */
function place(event) {
  const box = $('region-picture').getBoundingClientRect();
  const along = (at, start, length, pixels) => Math.min(Math.max((at - start) / length, 0), 1) * pixels;
  return [along(event.clientX, box.left, box.width, size.width), along(event.clientY, box.top, box.height, size.height)];
}

function draw(event) {
  if (!from) return;
  const to = place(event);
  const corner = [0, 1].map((i) => Math.min(from[i], to[i]));
  const extent = [0, 1].map((i) => Math.abs(from[i] - to[i]));
  choose(Math.min(...extent) < LEAST ? null : [...corner, ...extent]);
}

/** Connects the controls. `chosen(search, region)` gets `x,y,w,h`, or null for the whole picture. */
export function setUpRegion({ chosen }) {
  const frame = $('region-picture');
  frame.onpointerdown = (event) => {
    if (event.button) return;
    event.preventDefault();
    frame.setPointerCapture(event.pointerId);
    from = place(event);
    choose(null);
  };
  frame.onpointermove = draw;
  frame.onpointerup = (event) => { draw(event); from = null; };
  frame.onpointercancel = () => { from = null; };
  for (const side of sides) {
    side.onchange = () => {
      // Nothing is chosen until all four are there.
      if (sides.every((one) => one.value !== '')) choose(sides.map((one) => Number(one.value)));
    };
  }
  const done = (region) => {
    $('region').close();
    chosen(search, region);
  };
  $('region-search').onclick = () => done(rectangle.join(','));
  $('region-whole').onclick = () => done(null);
  $('region-close').onclick = () => $('region').close();
  closeOnBackdrop($('region'));
}
