// One match seen closely: query and result side by side, the matched points, the query's outline
// in the result, the query laid over the result, and the numbers.
//
// What must hold: points, outline and transform are in pixels of the full pictures, whose sizes the
// server states. Drawing scales by those sizes, never by the size of whatever the browser loaded.

import { $, closeOnBackdrop, el, fileOf, fixed, many, mark, number, outlines, percent, picture, shownOf, sizeOf, viewOf } from './page.js';

/** Most lines drawn between the two pictures. */
const MOST_LINES = 90;

const POINT = '#ffd45c';
const OUTLINE = '#3ddc97';
const HALO = 'rgb(0 0 0 / .55)';
const REACH = 14; // How near (CSS pixels) the pointer must be to single out a match.

let search = null;
let index = 0;
let hit = null;
let singled = -1;

/** Shows result `at` of `of`, a search with an answer. */
export function openMatch(of, at) {
  search = of;
  index = at;
  hit = of.hits[at];
  singled = -1;
  const { image } = hit;
  const { query } = of.answer;

  $('match-name').textContent = image.name;
  $('match-mark').replaceChildren(mark(hit));
  $('match-place').textContent = `${number.format(at + 1)} of ${number.format(of.answer.total)}`;
  $('match-prev').disabled = at === 0;
  $('match-next').disabled = at + 1 >= of.hits.length && of.ended;
  $('match-count').textContent = many(hit.matches?.length ?? 0, 'match', 'matches');
  $('match-file').href = fileOf(image);
  $('caption-query').textContent = `Query: ${of.name}, ${query.width} × ${query.height}`;
  const { width, height } = sizeOf(hit);
  const shown = [image.name, viewOf(hit), `${width} × ${height}`].filter(Boolean);
  $('caption-result').textContent = `Result: ${shown.join(', ')}`;

  $('frame-query').style.setProperty('--ratio', query.width / query.height);
  $('frame-result').style.setProperty('--ratio', width / height);
  $('frame-query').replaceChildren(picture(of.addresses, { alt: `The query, ${of.name}` }));
  $('frame-result').replaceChildren(picture(shownOf(hit), { alt: `The result, ${image.name}` }));
  $('overlay-tools').hidden = !hit.transform;
  if (hit.transform) $('frame-result').append(picture(of.addresses, { className: 'warped' }, { placeholder: false }));
  $('match-facts').replaceChildren(...facts(query));

  if (!$('match').open) {
    $('match').showModal();
    $('match-close').focus();
  }
  $('match').scrollTop = 0;
  lay();
}

export function closeMatch() {
  if ($('match').open) $('match').close();
}

function facts(query) {
  const row = (name, value, ...more) => el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, value, ...more));
  const aside = (text) => el('span', { className: 'muted' }, text);
  const rows = [
    row('Inliers', number.format(hit.inliers), aside('matched points that agree with one transform')),
    row('Coverage of the query', percent(hit.coverage_query)),
    row('Coverage of the result', percent(hit.coverage_result)),
    row('log₁₀ NFA', fixed(hit.nfa_log10, 1), hit.nfa_log10 == null ? '' : aside('expected false alarms; the lower, the surer')),
    row('Words score', fixed(hit.words, 2)),
  ];
  if (hit.cosine != null) rows.push(row('Cosine', fixed(hit.cosine, 3)));
  rows.push(row('Found by', hit.stage));
  if (hit.mirrored) rows.push(row('Mirrored', 'yes', aside('the result shows the query mirrored')));
  if (hit.inverted) rows.push(row('Inverted', 'yes', aside('the result shows light for dark, as a negative does')));
  if (hit.instances?.length > 1) rows.push(row('Seen', `${hit.instances.length} times`, aside('each place is outlined; the numbers are of the surest')));
  if (hit.transform) {
    rows.push(row('Transform', inWords(hit.transform, query), aside('query to result'), el('pre', {}, inRows(hit.transform))));
  }
  return rows;
}

function inRows(h) {
  // Four digits are enough to read; what is left of a zero after rounding is written as one.
  const cells = h.map((value) => (Math.abs(value) < 1e-9 ? '0' : String(Number(value.toPrecision(4)))));
  const width = Math.max(...cells.map((cell) => cell.length));
  return [0, 3, 6].map((at) => cells.slice(at, at + 3).map((cell) => cell.padStart(width)).join('  ')).join('\n');
}

/** Scale, turn and mirroring of a homography, taken at the query's centre. */
function inWords(h, { width, height }) {
  const [x, y] = [width / 2, height / 2];
  const w = h[6] * x + h[7] * y + h[8];
  const u = (h[0] * x + h[1] * y + h[2]) / w;
  const v = (h[3] * x + h[4] * y + h[5]) / w;
  const a = (h[0] - h[6] * u) / w;
  const b = (h[1] - h[7] * u) / w;
  const c = (h[3] - h[6] * v) / w;
  const d = (h[4] - h[7] * v) / w;
  const mirrored = a * d - b * c < 0;
  // A mirrored one is turned after it was mirrored left to right.
  const turn = Math.round(((mirrored ? Math.atan2(-c, -a) : Math.atan2(c, a)) * 180) / Math.PI);
  const parts = [`scaled by ${Math.sqrt(Math.abs(a * d - b * c)).toFixed(2)}`];
  if (mirrored) parts.push('mirrored left to right');
  if (turn !== 0) parts.push(`turned ${Math.abs(turn)}° ${turn > 0 ? 'clockwise' : 'anticlockwise'}`);
  return parts.join(', ');
}

/** Places everything that depends on the size of the stage: the laid-over query and the canvas. */
function lay() {
  if (!hit || !$('match').open) return;
  warp();
  draw();
}

function warp() {
  const warped = $('frame-result').querySelector('.warped');
  if (!warped) return;
  const { query } = search.answer;
  const h = hit.transform;
  const s = $('frame-result').clientWidth / sizeOf(hit).width;
  // The laid-over picture has the query's size times s, so its pixels map by S·H·S⁻¹.
  warped.style.width = `${query.width * s}px`;
  warped.style.height = `${query.height * s}px`;
  const [a, b, c, d, e, f, g, i, j] = [h[0], h[1], h[2] * s, h[3], h[4], h[5] * s, h[6] / s, h[7] / s, h[8]];
  warped.style.transform = `matrix3d(${[a, d, 0, g, b, e, 0, i, 0, 0, 1, 0, c, f, 0, j].map((n) => n.toFixed(12)).join(',')})`;
  warped.style.opacity = $('overlay').value / 100;
  warped.classList.toggle('blink', $('blink').getAttribute('aria-pressed') === 'true');
}

/** From pixels of a picture to the stage's CSS pixels. */
function placer(frame, size) {
  const stage = $('stage').getBoundingClientRect();
  const box = frame.getBoundingClientRect();
  return (x, y) => [box.left - stage.left + (x * box.width) / size.width, box.top - stage.top + (y * box.height) / size.height];
}

/** Both ends of every match on the stage, as [query point, result point]. */
function ends() {
  const onQuery = placer($('frame-query'), search.answer.query);
  const onResult = placer($('frame-result'), sizeOf(hit));
  return (hit.matches ?? []).map(([qx, qy, rx, ry]) => [onQuery(qx, qy), onResult(rx, ry)]);
}

function draw() {
  const canvas = $('canvas');
  const { width, height } = $('stage').getBoundingClientRect();
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const pen = canvas.getContext('2d');
  pen.scale(canvas.width / width, canvas.height / height);
  pen.lineJoin = 'round';
  if (hit.region) outline(pen);

  const pairs = ends();
  const others = singled < 0 ? pairs : pairs.filter((_, i) => i !== singled);
  const faint = singled < 0 ? 1 : 0.35;
  if ($('lines').checked) {
    // Many lines would hide the pictures: an even sample is drawn, fainter the more there are.
    // The points show all.
    const step = Math.ceil(others.length / MOST_LINES);
    pen.globalAlpha = faint * Math.min(0.9, Math.max(0.35, 30 / pairs.length));
    others.forEach((pair, i) => i % step === 0 && line(pen, pair, 1));
  }
  if ($('points').checked) {
    pen.globalAlpha = faint;
    for (const pair of others) dots(pen, pair, pairs.length > 150 ? 2 : 3);
  }
  pen.globalAlpha = 1;
  if (pairs[singled]) {
    line(pen, pairs[singled], 2);
    dots(pen, pairs[singled], 5);
  }
}

/** The query's outline at each place where it is seen in the result, kept inside the result's frame. */
function outline(pen) {
  const place = placer($('frame-result'), sizeOf(hit));
  const [left, top] = place(0, 0);
  const size = sizeOf(hit);
  const [right, bottom] = place(size.width, size.height);
  pen.save();
  pen.beginPath();
  pen.rect(left - 2, top - 2, right - left + 4, bottom - top + 4);
  pen.clip();
  for (const region of outlines(hit)) {
    pen.beginPath();
    for (const [x, y] of region) pen.lineTo(...place(x, y));
    pen.closePath();
    stroke(pen, OUTLINE, 2.5);
  }
  pen.restore();
}

function stroke(pen, colour, width, halo = 2) {
  pen.lineWidth = width + halo;
  pen.strokeStyle = HALO;
  pen.stroke();
  pen.lineWidth = width;
  pen.strokeStyle = colour;
  pen.stroke();
}

function line(pen, [from, to], width) {
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(...to);
  stroke(pen, POINT, width, 1);
}

function dots(pen, pair, radius) {
  for (const [x, y] of pair) {
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    stroke(pen, POINT, 1.5);
  }
}

/** Singles out the match with an end nearest to the pointer, so that it can be followed. */
function point(event) {
  const box = $('stage').getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  let nearest = -1;
  let distance = REACH;
  ends().forEach((pair, i) => {
    for (const [px, py] of pair) {
      const d = Math.hypot(px - x, py - y);
      if (d < distance) [nearest, distance] = [i, d];
    }
  });
  single(nearest);
}

function single(which) {
  if (which === singled) return;
  singled = which;
  if (hit) draw();
}

/**
 * Connects the match's controls. `move(search, index)` asks for another result, `closed()` follows
 * every closing, `find(image)` searches with the result's picture.
 */
export function setUpMatch({ move, closed, find }) {
  const step = (by) => { if (index + by >= 0) move(search, index + by); };
  $('match-prev').onclick = () => step(-1);
  $('match-next').onclick = () => step(1);
  $('match-close').onclick = closeMatch;
  $('match-find').onclick = () => find(hit.image);
  // The event comes late; by then the dialog may have been opened again.
  $('match').onclose = () => { if (!$('match').open) closed(); };
  closeOnBackdrop($('match'));
  $('match').onkeydown = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.target === $('overlay') || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    step(by);
  };
  $('lines').onchange = lay;
  $('points').onchange = lay;
  $('overlay').oninput = warp;
  $('blink').onclick = () => {
    const on = $('blink').getAttribute('aria-pressed') !== 'true';
    $('blink').setAttribute('aria-pressed', String(on));
    warp();
  };
  $('stage').onpointermove = point;
  $('stage').onpointerdown = point;
  $('stage').onpointerleave = () => single(-1);
  new ResizeObserver(lay).observe($('stage'));
}
