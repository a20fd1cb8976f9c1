// Shared by every part of the page: building elements, writing numbers, talking to the server and
// telling of problems.
//
// What must hold: names come from strangers' files, so text reaches the page as text, never as markup.

const SVG = 'http://www.w3.org/2000/svg';

export const $ = (id) => document.getElementById(id);
export const number = new Intl.NumberFormat('en-GB');
export const percent = (share) => (share == null ? '–' : `${Math.round(share * 100)} %`);
export const fixed = (value, digits) => (value == null ? '–' : value.toFixed(digits).replace('-', '−'));
export const many = (n, one, more) => `${number.format(n)} ${n === 1 ? one : more}`;

export function bytes(n) {
  if (n < 1000) return `${n} B`;
  return n < 1e6 ? `${Math.round(n / 1e3)} kB` : `${(n / 1e6).toFixed(1)} MB`;
}

/** A path as people read it: bytes that are no UTF-8 as `\xE9`, control characters as `?`. */
export const readable = (path) => path
  .replace(/[\u{10ff80}-\u{10ffff}]/gu, (stand) => `\\x${(stand.codePointAt(0) - 0x10ff00).toString(16).toUpperCase()}`)
  .replace(/\p{Cc}/gu, '?');

/** An element with properties (or attributes, where no such property exists) and children. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export const icon = (name) => svg('svg', { 'aria-hidden': 'true' }, svg('use', { href: `#icon-${name}` }));

/** Says in words, not by colour alone, whether a hit is verified. */
export function mark(hit) {
  return hit.verified
    ? el('span', { className: 'mark' }, icon('check'),
      [hit.identical ? 'Identical file' : hit.evidence === 'mark' ? 'Verified, a shared mark' : 'Verified', hit.mirrored && 'mirrored', hit.inverted && 'inverted'].filter(Boolean).join(', '))
    : el('span', { className: 'mark unsure' }, hit.alike ? 'Similar' : 'Not verified');
}

/** An `img` that tries each address in turn; browsers cannot show every format that we can read. */
export function picture(addresses, props = {}, { placeholder = true } = {}) {
  const left = addresses.filter(Boolean);
  const img = el('img', { alt: '', decoding: 'async', ...props });
  const next = () => {
    if (left.length) img.src = left.shift();
    else if (placeholder) img.replaceWith(el('span', { className: 'no-picture' }, 'No preview'));
    else img.remove();
  };
  img.onerror = next;
  next();
  return img;
}

/** The part that matches at each place where the query is seen in a hit, the surest first; the query's outline where that is not known. */
export const outlines = (hit) => (hit.instances?.length ? hit.instances : [hit]).map((one) => one.shared ?? one.region).filter(Boolean);

/** Which page or frame a hit is about, where the file has several; empty otherwise. */
export function viewOf(hit) {
  if (hit.page != null) return `page ${number.format(hit.page)}`;
  if (hit.frame == null) return '';
  const time = hit.time_ms == null ? '' : `, ${fixed(hit.time_ms / 1000, 1)} s`;
  return `frame ${number.format(hit.frame)}${time}`;
}

/** Its number in the file; null where the file has one page, or the hit is about the first. */
const further = (hit) => [hit.page, hit.frame].find((at) => at > 1) ?? null;

/** Width and height of what a hit's places are in: the page or frame, or the picture. */
export const sizeOf = (hit) => (hit.view_size ? { width: hit.view_size[0], height: hit.view_size[1] } : { width: hit.image.width, height: hit.image.height });

/** Addresses of a hit's picture, the best first: its file where a browser shows what the hit is about, and its thumbnail. */
export function shownOf(hit) {
  const page = further(hit);
  return page == null ? [fileOf(hit.image), thumbnailOf(hit.image)] : [smallOf(hit)];
}

/** Address of a small copy of what a hit is about. */
export function smallOf(hit) {
  const page = further(hit);
  return page == null ? thumbnailOf(hit.image) : `${thumbnailOf(hit.image)}?page=${page}`;
}

/** Labels of a picture in one line; empty where nothing is. */
export function labels(image) {
  return [image.object, image.tags.map((tag) => `#${tag}`).join(' ')].filter(Boolean).join('  ');
}

/** Tags as they are typed: between commas, or in quotation marks where they hold some themselves. */
export function tagsOf(text) {
  const words = text.match(/\s*-?\s*"[^"]*"|[^,]+/g) ?? [];
  return words.map((word) => word.trim().replace(/^(-?)\s*"([^"]*)"$/, '$1$2').trim()).filter(Boolean);
}

/** The other way round. */
export const typedTags = (tags) => tags.map((tag) => (/[,]/.test(tag) ? `"${tag}"` : tag)).join(', ');

/** The tags in the filter's box as parameters: `a, -b` means those with a and without b. */
export function filterParameters() {
  return tagsOf($('filter').value).filter((word) => word !== '-').map((word) => (word.startsWith('-')
    ? `&not_tag=${encodeURIComponent(word.slice(1).trim())}`
    : `&tag=${encodeURIComponent(word)}`)).join('');
}

/** Closes a dialog by a click beside it; its own padding counts as inside. */
export function closeOnBackdrop(dialog) {
  dialog.addEventListener('click', (event) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    const beside = x < left || x > right || y < top || y > bottom;
    if (event.target === dialog && beside) dialog.close();
  });
}

// ---- Which collection is shown ----

/** Its name; the page is loaded again for another one. */
export const collection = new URLSearchParams(location.search).get('collection') || 'default';
/** Where the server has what is in it, below the page's own folder: a proxy may have put that anywhere. */
export const base = collection === 'default' ? 'v1' : `v1/collections/${encodeURIComponent(collection)}`;
/** Addresses of a stored picture's own file and of its thumbnail. */
export const fileOf = (image) => `${base}/images/${encodeURIComponent(image.id)}/file`;
export const thumbnailOf = (image) => `${base}/images/${encodeURIComponent(image.id)}/thumbnail`;

/**
 * The page's own address for a stored picture or a region of it, or for the list where there is none, or
 * for another view of a collection.
 */
export function pageAddress(image, { name = collection, region = null, view = null } = {}) {
  const parameters = new URLSearchParams();
  if (name !== 'default') parameters.set('collection', name);
  if (image) parameters.set('image', image);
  if (region) parameters.set('region', region);
  if (view) parameters.set('view', view);
  return parameters.size ? `./?${parameters}` : './';
}

// ---- Talking to the server ----

/** A failure as the server describes it (RFC 9457), or one of our own in the same shape. */
export class Problem extends Error {
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
}

export async function api(path, options) {
  let response;
  let body = null;
  try {
    response = await fetch(path, options);
    if (response.status === 204) return null;
    body = await response.json();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    if (!response) {
      throw new Problem({
        title: 'The server did not answer',
        detail: 'The connection failed, or was cut before an answer came.',
        next_step: 'Check that Resight is still running. If the picture is very large, try a smaller one.',
      });
    }
  }
  if (response.ok && body) return body;
  if (response.status === 401) document.dispatchEvent(new CustomEvent('key-wanted', { detail: body }));
  throw new Problem(body ?? {
    title: 'The server gave an answer that this page cannot read',
    detail: `Status ${response.status} for ${path}.`,
    next_step: 'Reload the page; if it stays so, look in the server’s log.',
  });
}

export function fileForm(file) {
  const form = new FormData();
  form.append('file', file, file.name || 'pasted.png');
  return form;
}

/** The problem of any error; an error of this page's own is also written to the console. */
export function problemOf(error) {
  if (error instanceof Problem) return error.problem;
  console.error(error);
  return { title: 'Something in this page went wrong', detail: String(error), next_step: 'Reload the page.' };
}

export function showProblem(error, { retry, place = $('banner') } = {}) {
  const { title, detail, next_step: step, code } = problemOf(error);
  // The dialog asks for one.
  if (code === 'key_missing') return;
  const hide = () => { place.hidden = true; };
  place.replaceChildren(
    el('h3', {}, title || 'Something went wrong'),
    ...[[detail, ''], [step, 'next'], [code && `Code: ${code}`, 'code muted']]
      .filter(([text]) => text)
      .map(([text, className]) => el('p', { className }, text)),
    ...(retry ? [el('p', { className: 'buttons' },
      el('button', { type: 'button', className: 'button small', onclick: () => { hide(); retry(); } }, 'Try again'))] : []),
    el('button', { type: 'button', className: 'button icon', 'aria-label': 'Dismiss', onclick: hide }, icon('close')),
  );
  place.hidden = false;
  if (place === $('banner')) {
    say('');
    place.scrollIntoView({ block: 'nearest' });
  }
}

export const say = (text) => { $('status').textContent = text; };
