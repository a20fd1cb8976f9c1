// The list of pictures: the grid, one picture's panel, adding and removing.

import { $, api, base, bytes, closeOnBackdrop, el, fileForm, fileOf, filterParameters, many, number, picture, problemOf, readable, say, showProblem, tagsOf, thumbnailOf, typedTags } from './page.js';

const PAGE = 60;

// Set by `setUpLibrary`: what to do with "Find this again", and after the stored pictures changed.
let find = () => {};
let changed = () => {};

/** Writes the number of stored pictures into the page's head. */
export async function refreshCount() {
  try {
    const { count } = await api(`${base}/count`);
    $('count').textContent = many(count, 'picture', 'pictures');
  } catch (error) {
    $('count').textContent = '';
    showProblem(error, { retry: refreshCount });
  }
}

// `total` is null until the first answer. `turn` grows with each reload, so that a page asked for earlier is not put into the new list.
const library = { total: null, busy: false, stopped: false, turn: 0, shown: new Map() };

/** Loads the list's first page, unless it is there. */
export function showLibrary() {
  if (library.total === null) loadPictures();
}

async function loadPictures() {
  if (library.busy) return;
  const turn = library.turn;
  library.busy = true;
  library.stopped = false;
  try {
    const page = await api(`${base}/images?offset=${library.shown.size}&limit=${PAGE}${filterParameters()}`);
    if (turn !== library.turn) return;
    library.total = page.images.length ? page.total : Math.min(page.total, library.shown.size);
    for (const image of page.images) {
      if (library.shown.has(image.id)) continue;
      const tile = pictureTile(image);
      library.shown.set(image.id, tile);
      $('grid').append(tile);
    }
  } catch (error) {
    if (turn !== library.turn) return;
    library.stopped = true; // Scrolling must not repeat a failing request; the button may.
    showProblem(error, { retry: loadPictures });
  } finally {
    if (turn === library.turn) {
      library.busy = false;
      showLibraryState();
    }
  }
}

/** Loads the list again, as after another filter. */
export function reloadPictures() {
  library.turn += 1;
  Object.assign(library, { total: null, busy: false });
  library.shown.clear();
  $('grid').replaceChildren();
  changed();
  refreshCount();
  return loadPictures();
}

function showLibraryState() {
  const { total, shown } = library;
  const filtered = filterParameters() !== '';
  $('empty').hidden = total !== 0 || filtered;
  $('none-tagged').hidden = total !== 0 || !filtered;
  $('more-pictures').hidden = total !== null ? shown.size >= total : !library.stopped;
  $('library-summary').textContent = total ? `${number.format(shown.size)} of ${number.format(total)} shown` : '';
  // An observer reports changes only: observe again, or a tall window would stop after one page.
  nearEnd.unobserve($('more-pictures'));
  nearEnd.observe($('more-pictures'));
}

const nearEnd = new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting) && !library.stopped) loadPictures();
}, { rootMargin: '400px' });

function pictureTile(image) {
  return el('li', {}, el('button', { type: 'button', className: 'tile', title: image.name, onclick: () => openPanel(image) },
    el('span', { className: 'thumb' }, picture([thumbnailOf(image)], { loading: 'lazy' })),
    el('span', { className: 'tile-name' }, image.name)));
}

let panelImage = null;

function openPanel(image) {
  panelImage = image;
  $('panel-name').textContent = image.name;
  $('panel-picture').replaceChildren(picture([fileOf(image), thumbnailOf(image)]));
  const facts = [
    ['Size', `${image.width} × ${image.height} pixels, ${bytes(image.bytes)}`],
    ['Format', image.media_type],
    ['Features', number.format(image.features)],
    ['Added', new Date(image.added).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })],
    ['Id', image.id],
    ...(image.metadata ? [['Metadata', JSON.stringify(image.metadata)]] : []),
  ];
  $('panel-facts').replaceChildren(...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
  $('panel-tags').value = typedTags(image.tags);
  $('panel-object').value = image.object ?? '';
  $('panel-file').href = fileOf(image);
  $('panel-problem').hidden = true;
  confirmRemoval(false);
  $('panel').showModal();
  $('panel-find').focus();
  showPaths(image);
}

/** What is said of a path beside it. */
const pathStates = {
  present: () => '',
  link: (one) => `, a link to ${readable(one.link_to)}`,
  hard_link: (one) => `, the same file as ${readable(one.link_to)}`,
  missing: () => ', missing',
  unreachable: () => ', cannot be reached',
};

/** Adds to the panel where the picture's files lie now. */
async function showPaths(image) {
  try {
    const { folder, paths } = await api(`${base}/images/${image.id}`);
    if (panelImage !== image) return;
    const facts = [
      ...(folder === null ? [] : [['Folder', readable(folder)]]),
      ...paths.map((one, i) => [i ? '' : 'Files', readable(one.path) + pathStates[one.state](one)]),
    ];
    $('panel-facts').append(...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
  } catch (error) {
    if (panelImage === image) showProblem(error, { place: $('panel-problem') });
  }
}

function confirmRemoval(asking) {
  $('panel-confirm').hidden = !asking;
  $('panel-actions').hidden = asking;
  $('panel-really').disabled = false;
  if (asking) $('panel-keep').focus();
}

async function removePicture() {
  const image = panelImage;
  $('panel-really').disabled = true;
  try {
    await api(`${base}/images/${image.id}`, { method: 'DELETE' });
    $('panel').close();
    say(`Removed ${image.name}.`);
    if (library.busy) return reloadPictures(); // A page on its way would miss one picture.
    library.shown.get(image.id)?.remove();
    if (library.shown.delete(image.id)) library.total -= 1;
    changed(image.id);
    showLibraryState();
    refreshCount();
  } catch (error) {
    confirmRemoval(false);
    showProblem(error, { place: $('panel-problem') });
  }
}

/** Keeps what was typed in one of the boxes as soon as it is left; the other box stays. */
async function saveLabels(said) {
  const image = panelImage;
  try {
    const saved = await api(`${base}/images/${image.id}`, { method: 'PATCH', body: JSON.stringify(said), headers: { 'content-type': 'application/json' } });
    Object.assign(image, saved);
    $('panel-problem').hidden = true;
    say(`Saved for ${image.name}.`);
    changed();
    if (panelImage === image) $('panel-tags').value = typedTags(image.tags);
  } catch (error) {
    showProblem(error, { place: $('panel-problem') });
  }
}

let adding = null;

async function addPictures(files) {
  if (!files.length || adding) return;
  const controller = adding = new AbortController();
  const queue = [...files];
  let done = 0, known = 0, plain = 0, failed = 0;
  $('adding').hidden = false;
  $('adding-stop').textContent = 'Stop';
  $('adding-failures').replaceChildren();
  $('add-files').disabled = true;
  const progress = () => {
    $('adding-bar').max = files.length;
    $('adding-bar').value = done;
    const parts = [`${done} of ${files.length} sent`];
    if (known) parts.push(`${known} already here`);
    if (plain) parts.push(`${plain} that can’t be found`);
    if (failed) parts.push(`${failed} failed`);
    $('adding-text').textContent = parts.join(', ') + (adding ? '…' : '.');
  };
  const worker = async () => {
    for (let file = queue.shift(); file && !controller.signal.aborted; file = queue.shift()) {
      try {
        const answer = await api(`${base}/images`, { method: 'POST', body: fileForm(file), signal: controller.signal });
        if (answer.already_present) known += 1;
        if (answer.features === 0) {
          plain += 1;
          $('adding-failures').append(el('li', { className: 'stored' }, el('strong', {}, file.name), ': stored, but it has no structure to find it by, so it can’t be found.'));
        }
      } catch (error) {
        if (error.name === 'AbortError') return;
        failed += 1;
        const { title, detail, next_step: step } = problemOf(error);
        $('adding-failures').append(el('li', {}, el('strong', {}, file.name), `: ${[detail || title, step].filter(Boolean).join(' ')}`));
      }
      done += 1;
      progress();
    }
  };
  progress();
  await Promise.all([worker(), worker()]); // Two, so that one decodes while the other travels.
  adding = null;
  progress();
  $('adding-stop').textContent = 'Close';
  $('add-files').disabled = false;
  $('add-files').value = '';
  await reloadPictures();
}

/** Connects the list's controls; `found` takes a picture to search by, `onChange` maybe a removed id. */
export function setUpLibrary({ found, onChange }) {
  find = found;
  changed = onChange;
  $('more-pictures').onclick = loadPictures;
  $('panel-close').onclick = () => $('panel').close();
  $('panel-find').onclick = () => { $('panel').close(); find(panelImage); };
  $('panel-remove').onclick = () => confirmRemoval(true);
  $('panel-keep').onclick = () => { confirmRemoval(false); $('panel-remove').focus(); };
  $('panel-really').onclick = removePicture;
  $('panel-tags').onchange = () => saveLabels({ tags: tagsOf($('panel-tags').value) });
  $('panel-object').onchange = () => saveLabels({ object: $('panel-object').value.trim() || null });
  closeOnBackdrop($('panel'));
  $('add-files').onchange = () => addPictures($('add-files').files);
  $('adding-stop').onclick = () => {
    if (adding) adding.abort();
    else $('adding').hidden = true;
  };
}
