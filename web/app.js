// Resight's page. This part holds the query, its results, and which view is shown; the list of
// pictures is in library.js, the groups of duplicates in duplicates.js, the close view of one match
// in match.js, choosing a part in region.js.
//
// What must hold: `history.state` is {key, hit}: which search is shown (null: the list of pictures,
// `duplicates`: the groups of duplicates) and which of its results is open. Every view is reached
// through `show`, so Back works everywhere.

import { setUpDuplicates, showDuplicates } from './duplicates.js';
import { refreshCount, reloadPictures, setUpLibrary, showLibrary } from './library.js';
import { closeMatch, openMatch, setUpMatch } from './match.js';
import { openRegion, pixelsOf, regionOutline, setUpRegion } from './region.js';
import { setUpSignIn } from './sign-in.js';
import { $, Problem, api, base, collection, el, fileForm, filterParameters, fixed, labels, many, mark, number, outlines, pageAddress, percent, picture, say, showProblem, sizeOf, smallOf, svg, viewOf } from './page.js';

const HITS = 50;
const KEPT_UPLOADS = 8;

// ---- A search and its results ----

// key → {key, name, file | id, region (`x,y,w,h`; none: all of it), addresses (of the query's picture),
// answer, hits, ended, revealed}
const searches = new Map();
let current = null;
let running = null;
let uploads = 0;
let libraryScroll = 0;

function searchFile(file) {
  if (file.type && !file.type.startsWith('image/')) {
    showProblem(new Problem({ title: 'This is not a picture', detail: `“${file.name}” is of type ${file.type}.`, next_step: 'Choose a picture, for example a JPEG or PNG file.' }));
    return;
  }
  uploads += 1;
  const search = { key: `upload:${uploads}`, name: file.name || 'Pasted picture', file, addresses: [URL.createObjectURL(file)] };
  searches.set(search.key, search);
  const kept = [...new Set([...searches.values()].flatMap((one) => one.file ?? []))];
  if (kept.length > KEPT_UPLOADS) {
    const of = [...searches.values()].filter((one) => one.file === kept[0]);
    URL.revokeObjectURL(of[0].addresses[0]);
    for (const { key } of of) searches.delete(key);
  }
  go({ key: search.key });
}

function imageSearch(id, image, region = null) {
  const key = keyOf(`image:${id}`, region);
  const path = `${base}/images/${encodeURIComponent(id)}`;
  const search = searches.get(key) ?? { key, id, region, name: 'Stored picture', addresses: [`${path}/file`, `${path}/thumbnail`] };
  if (image) search.name = image.name;
  searches.set(key, search);
  return search;
}

const keyOf = (whole, region) => (region ? `${whole}@${region}` : whole);

/** Searches with another part of the same picture; null: with all of it. */
function searchRegion(of, region) {
  const whole = of.key.split('@')[0];
  const key = keyOf(whole, region);
  if (of.id) imageSearch(of.id, null, region).name = of.name;
  else if (!searches.has(key)) searches.set(key, { key, region, name: of.name, file: of.file, addresses: of.addresses });
  go({ key });
}

/** Runs the search from its start, or its next page where it has an answer already. */
async function run(search) {
  running?.abort();
  const controller = running = new AbortController();
  const { signal } = controller;
  const next = search.answer ? search.hits.length : 0;
  $('banner').hidden = true;
  busy(true);
  try {
    const request = search.file
      ? { body: fileForm(search.file) }
      : { body: JSON.stringify({ image_id: search.id }), headers: { 'content-type': 'application/json' } };
    const answer = await api(`${base}/search?offset=${next}&limit=${HITS}&matches=true${search.region ? `&region=${encodeURIComponent(search.region)}` : ''}${grouping()}${filterParameters()}`, { method: 'POST', signal, ...request });
    const known = next ? search.hits : [];
    const ids = new Set(known.map((hit) => hit.image.id));
    search.hits = [...known, ...answer.hits.filter((hit) => !ids.has(hit.image.id))];
    if (next === 0) search.revealed = false;
    search.ended = answer.hits.length === 0 || next + answer.hits.length >= answer.total;
    search.answer = answer;
    search.name = answer.query.name ?? search.name;
    if (search === current) {
      showResults(next);
      say(`${number.format(answer.verified_hits)} verified of ${many(answer.total, 'result', 'results')}, ${time(answer.took_ms)}`);
    }
  } catch (error) {
    if (search !== current || running !== controller) return;
    if (error.name === 'AbortError') say('Search cancelled.');
    else showProblem(error); // "Search again" or "Load more" stays at hand.
  } finally {
    if (running === controller) {
      running = null;
      busy(false);
    }
  }
}

const grouping = () => ($('group').checked ? '&group_by=object' : '');

const time = (ms) => (ms < 1000 ? `${fixed(ms, ms < 10 ? 1 : 0)} ms` : `${fixed(ms / 1000, 1)} s`);

function busy(on) {
  $('busy').hidden = !on;
  $('cancel').hidden = !on;
  $('again').hidden = on || !current || current.answer != null;
  $('more-hits').disabled = on;
  $('results').setAttribute('aria-busy', String(on));
  if (on) say('Searching…');
}

function showResults(from = 0) {
  const { answer, hits, ended, id } = current;
  $('results').hidden = false;
  showQuery();
  $('results-summary').textContent = `${number.format(answer.verified_hits)} verified, ${answer.alike_hits ? `${number.format(answer.alike_hits)} similar, ` : ''}${number.format(answer.total)} in all. ${number.format(answer.shortlist)} compared closely in ${time(answer.took_ms)}.`;
  $('results-note').textContent = noteOn(answer);
  $('results-note').hidden = !$('results-note').textContent;
  if (from === 0) $('hits').replaceChildren();
  // With something verified, the rest is noise until it is asked for. A hit keeps its place in
  // `hits`, by which its match is opened, whether it is shown or not.
  const found = answer.verified_hits + answer.alike_hits;
  const whole = current.revealed || found === 0;
  $('hits').append(...hits.slice(from).flatMap((hit, i) => (whole || hit.verified || hit.alike ? [...heading(hits, from + i), hitCard(hit, from + i, id)] : [])));
  const rest = answer.total - found;
  const pending = !ended && (whole || hits.length < found);
  $('more-hits').hidden = !pending;
  $('reveal').hidden = whole || pending || rest <= 0;
  $('reveal').textContent = `Show ${number.format(rest)} more that could not be verified`;
}

/** What stands between verified hits, those that only look alike, and the rest. */
function heading(hits, index) {
  const group = (hit) => (hit.verified ? '' : hit.alike ? 'Similar pictures' : 'Others, by shared details');
  const own = group(hits[index]);
  const before = index > 0 ? group(hits[index - 1]) : '';
  // Without similar ones the cards themselves tell the two apart.
  const told = own && own !== before && (hits[index].alike || before);
  return told ? [el('li', { className: 'group' }, el('h3', {}, own))] : [];
}

function noteOn({ query, total, verified_hits: verified, alike_hits: alike }) {
  if (verified > 0) return '';
  if (query.features === 0) return 'This picture has no structure to find it by.';
  if (alike > 0) return 'Nothing could be verified. These look alike:';
  if (total === 0) return 'Nothing found: no stored picture shares enough detail with this one.';
  return 'Nothing could be verified. These share the most details:';
}

/** Shows the unverified results too, and moves the focus to the first of them. */
function reveal() {
  if (!current?.answer) return;
  current.revealed = true;
  showResults();
  if (current.hits.length <= current.answer.verified_hits + current.answer.alike_hits && !current.ended) run(current);
  else $('hits').querySelector('.unsure:not(.alike)')?.focus();
}

function figure(label, value, share) {
  const bar = el('span', { className: 'bar', hidden: share == null }, el('span'));
  bar.firstChild.style.width = `${Math.min(100, (share ?? 0) * 100)}%`;
  return [el('span', { className: 'label' }, label), el('span', { className: 'value' }, value), share == null ? el('span') : bar];
}

/** A hit's numbers; an unverified hit often has none, and a row of zeros would tell nothing. */
function figures(hit) {
  const told = (value) => hit.verified || value > 0;
  const covered = (label, share) => (told(Math.round(share * 100)) ? figure(label, percent(share), share) : []);
  return [
    ...(told(hit.inliers) ? figure('Inliers', number.format(hit.inliers)) : []),
    ...covered('Query covered', hit.coverage_query),
    ...covered('Result covered', hit.coverage_result),
    ...(hit.cosine == null || !(hit.verified || hit.alike) ? [] : figure('Likeness', fixed(hit.cosine, 2), Math.max(0, hit.cosine))),
  ];
}

function hitCard(hit, index, queryId) {
  const { image } = hit;
  const thumb = el('span', { className: 'thumb' }, picture([smallOf(hit)], { loading: 'lazy' }));
  if (hit.region) {
    const { width, height } = sizeOf(hit);
    thumb.append(svg('svg', { viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' },
      ...outlines(hit).map((region) => svg('polygon', { class: 'quad', points: region.map((point) => point.join(',')).join(' ') }))));
  }
  const card = el('button', { type: 'button', className: hit.verified ? 'hit' : hit.alike ? 'hit unsure alike' : 'hit unsure', title: image.name, onclick: () => go({ key: current.key, hit: index }) },
    thumb,
    el('span', { className: 'hit-text' },
      el('span', { className: 'hit-name' }, el('span', { className: 'rank' }, String(index + 1)), image.name),
      viewOf(hit) ? el('span', { className: 'labels muted' }, viewOf(hit)) : null,
      mark(hit),
      el('span', { className: 'figures' },
        ...figures(hit)),
      labels(image) ? el('span', { className: 'labels muted' }, labels(image)) : null,
      hit.same_object?.total ? el('span', { className: 'labels muted' }, `and ${number.format(hit.same_object.total)} more of this object`) : null,
      image.id === queryId ? el('span', { className: 'muted' }, 'The query itself') : null));
  return el('li', {}, card);
}

function showQuery() {
  const query = current.answer?.query;
  $('asked-name').textContent = current.name;
  const region = pixelsOf(current.region);
  const size = region ? `a part of ${region[2]} × ${region[3]} pixels` : `${current.region ? 'a part of ' : ''}${query?.width} × ${query?.height} pixels`;
  $('asked-size').textContent = query ? `${size}, ${many(query.features, 'feature', 'features')}` : '';
  $('part').hidden = !query;
  $('part').textContent = current.region ? 'Another part' : 'Search a part';
  $('asked-picture').querySelector('.region')?.remove();
  if (query && region) $('asked-picture').append(regionOutline(region, query));
  document.title = `${current.name} – Resight`;
}

// ---- Which view is shown ----

const DUPLICATES = 'duplicates';

/** The id and the region of the stored picture that a key speaks of; nothing for other keys. */
function ofKey(key) {
  const [, id = null, region = null] = key?.match(/^image:([^@]*)(?:@(.*))?$/) ?? [];
  return { id, region };
}

function go(state, { replace = false } = {}) {
  const { id, region } = ofKey(state.key);
  const view = state.key === DUPLICATES ? DUPLICATES : null;
  history[replace ? 'replaceState' : 'pushState'](state, '', pageAddress(id, { region, view }));
  show(state);
}

function show(state) {
  const { id, region } = ofKey(state.key);
  const search = id ? imageSearch(id, null, region) : searches.get(state.key) ?? null;
  $('panel').close();
  if (search !== current) {
    if (!current) libraryScroll = scrollY;
    closeMatch();
    current = search;
    running?.abort();
    $('banner').hidden = true;
    say('');
    document.body.classList.toggle('compact', Boolean(search));
    $('asked').hidden = !search;
    $('library').hidden = Boolean(search);
    $('results').hidden = true;
    if (search) {
      $('asked-picture').replaceChildren(picture(search.addresses));
      showQuery();
      scrollTo(0, 0);
    } else {
      document.title = 'Resight';
      scrollTo(0, libraryScroll);
    }
    if (search?.answer) showResults();
  }
  const grouped = state.key === DUPLICATES;
  $('duplicates').hidden = !grouped;
  $('filters').hidden = grouped;
  $('library').hidden = grouped || Boolean(search);
  if (grouped) showDuplicates();
  else if (!search) showLibrary();
  const open = () => {
    const at = history.state?.hit;
    const hit = search === current && history.state?.key === search?.key ? search?.hits?.[at] : null;
    if (hit) openMatch(search, at);
    else closeMatch();
  };
  if (search && !search.answer) run(search).then(open);
  else open();
}

// ---- Controls ----

setUpSignIn();
setUpLibrary({
  found: (image) => find(image),
  onChange: (removed) => {
    if (removed) for (const { key, id } of [...searches.values()]) if (id === removed) searches.delete(key);
    // Earlier results no longer hold; those on the screen stay until they are left.
    for (const search of searches.values()) if (search !== current) search.answer = null;
  },
});

setUpDuplicates({ found: (image) => find(image) });
$('to-duplicates').onclick = () => go({ key: DUPLICATES });
$('from-duplicates').onclick = () => go({ key: null });

setUpRegion({ chosen: searchRegion });

setUpMatch({
  move: async (search, index) => {
    if (index >= search.hits.length && !search.ended) await run(search);
    if (search === current && search.hits[index]) go({ key: search.key, hit: index }, { replace: true });
  },
  closed: () => { if (history.state?.hit != null) history.back(); },
  find: (image) => find(image, { replace: true }),
});

function find(image, options) {
  go({ key: imageSearch(image.id, image).key }, options);
}

function takeFiles(files) {
  if (files.length > 1) {
    showProblem(new Problem({
      title: 'A search takes one picture',
      detail: `You gave ${files.length} files at once.`,
      next_step: 'Give one picture to search for it, or use “Add pictures” to store several.',
    }));
  } else if (files.length === 1) {
    searchFile(files[0]);
  }
}

function askAnew() {
  for (const search of searches.values()) search.answer = null;
  if (!current) return;
  closeMatch();
  // Nothing on the screen may ask for an answer that is gone.
  $('results').hidden = true;
  $('part').hidden = true;
  run(current);
}

$('filter').onchange = () => { reloadPictures(); askAnew(); };
$('group').onchange = askAnew;
$('collection').onchange = () => location.assign(pageAddress(null, { name: $('collection').value }));

/** Offers the collections where there are several. */
async function showCollections() {
  try {
    const { collections } = await api('v1/collections');
    const names = new Set([...collections.map((one) => one.name), collection]);
    $('collection').replaceChildren(...[...names].map((name) => el('option', { value: name, selected: name === collection }, name)));
    $('collections').hidden = names.size < 2;
  } catch (error) {
    showProblem(error, { retry: showCollections });
  }
}

$('query-file').onchange = () => {
  takeFiles([...$('query-file').files]);
  $('query-file').value = ''; // So that choosing the same file again is noticed.
};
$('cancel').onclick = () => { running?.abort(); $('clear').focus(); };
$('part').onclick = () => current?.answer && openRegion(current);
$('again').onclick = () => run(current);
$('clear').onclick = () => go({ key: null });
$('more-hits').onclick = () => run(current);
$('reveal').onclick = reveal;
$('home').onclick = (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go({ key: null });
};

document.addEventListener('paste', (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  takeFiles(files);
});

const carriesFiles = (event) => event.dataTransfer?.types.includes('Files');
document.addEventListener('dragover', (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = 'copy';
  document.body.classList.add('dragging');
});
document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) document.body.classList.remove('dragging');
});
document.addEventListener('drop', (event) => {
  document.body.classList.remove('dragging');
  if (!carriesFiles(event)) return;
  event.preventDefault();
  takeFiles([...event.dataTransfer.files]);
});

addEventListener('popstate', (event) => show(event.state ?? stateOfUrl()));

function stateOfUrl() {
  const asked = new URLSearchParams(location.search);
  if (asked.get('view') === DUPLICATES) return { key: DUPLICATES };
  const id = asked.get('image');
  return { key: id ? keyOf(`image:${id}`, asked.get('region')) : null };
}

// After a reload the browser still holds the state; an uploaded picture is gone by then, but a
// stored one's open match can be shown again.
history.scrollRestoration = 'manual';
const first = stateOfUrl();
if (first.key && history.state?.key === first.key) first.hit = history.state.hit;
history.replaceState(first, '');
$('home').href = pageAddress(null);
showCollections();
refreshCount();
show(first);
