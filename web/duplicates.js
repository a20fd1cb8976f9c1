// Groups of pictures that are the same or show the same. Nothing is removed here: a picture opens as a
// search, and a pair can be marked as no match, and unmarked.

import { $, api, base, bytes, el, many, number, picture, say, showProblem, svg, thumbnailOf } from './page.js';

const PAGE = 30;
const WORDS = {
  identical: 'The same bytes in several files',
  're-encoded': 'The same picture, saved again',
  derivative: 'The same picture, made from a master file',
  edited: 'Mostly the same pixels, changed',
  cropped: 'One lies within the other',
  same_scene: 'The same thing, seen twice',
};

// `turn` grows with each reload, so that a page asked for earlier is not put into the new list.
// `decided` are rows that the server no longer counts, or may count elsewhere.
const groups = { total: null, shown: 0, turn: 0, decided: 0 };
let find = () => {};

/** Loads the groups again, from the first. */
export function showDuplicates() {
  groups.turn += 1;
  Object.assign(groups, { total: null, shown: 0, decided: 0 });
  $('duplicate-groups').replaceChildren();
  return loadGroups();
}

async function loadGroups() {
  const turn = groups.turn;
  $('more-groups').disabled = true;
  try {
    const kind = $('duplicate-kind').value;
    const page = await api(`${base}/duplicates?offset=${Math.max(0, groups.shown - groups.decided)}&limit=${PAGE}${kind && `&kind=${kind}`}`);
    if (turn !== groups.turn) return;
    groups.total = page.total;
    groups.shown += page.groups.length;
    // A decision may have moved some of them here that are shown already.
    const known = new Set([...$('duplicate-groups').children].map((row) => row.dataset.members));
    $('duplicate-groups').append(...page.groups.map(groupRow).filter((row) => !known.has(row.dataset.members)));
    const left = page.complete ? '' : ` ${many(page.pending, 'picture', 'pictures')} not checked yet.`;
    $('duplicates-summary').textContent = (page.total ? `${many(page.total, 'group', 'groups')}.` : 'No duplicates found.') + left;
    $('more-groups').hidden = groups.shown - groups.decided >= page.total || page.groups.length === 0;
    say($('duplicates-summary').textContent);
  } catch (error) {
    if (turn !== groups.turn) return;
    $('more-groups').hidden = false;
    showProblem(error, { retry: loadGroups });
  } finally {
    if (turn === groups.turn) $('more-groups').disabled = false;
  }
}

function groupRow(group) {
  const row = el('li', { className: 'group' },
    el('div', { className: 'group-head' },
      el('span', { className: 'group-kind' }, group.kind.replace('_', ' ')),
      el('span', { className: 'muted' }, [WORDS[group.kind] ?? '', ...(group.mirrored ? ['mirrored'] : []), ...(group.inverted ? ['inverted'] : [])].join(', '))));
  row.dataset.members = group.members.map((member) => member.image.id).sort().join(' ');
  const alone = group.members.length === 1 ? ' alone' : '';
  row.append(el('ul', { className: `group-members${alone}` }, ...group.members.map((member) => memberTile(member, group, row))));
  return row;
}

/** Where a picture differs from older ones of its group, as outlines over its thumbnail. */
function changes(image, group) {
  const regions = group.pairs.filter((pair) => pair.b === image.id).flatMap((pair) => pair.regions);
  if (regions.length === 0) return [];
  const boxes = regions.slice(0, 16).map(([left, top, right, bottom]) => svg('rect', { class: 'quad change', x: left, y: top, width: right - left, height: bottom - top }));
  return [svg('svg', { viewBox: `0 0 ${image.width} ${image.height}`, role: 'img', 'aria-label': many(regions.length, 'changed region', 'changed regions') }, ...boxes)];
}

/** What is at a path, in words; nothing for a file that is there. */
const STATES = {
  present: () => '',
  link: (to) => `a link to ${to}`,
  hard_link: (to) => `the same file as ${to}`,
  missing: () => 'missing',
  unreachable: () => 'cannot be reached',
};

/** The paths of a picture, each with what is there. An upload has none. */
function pathList(paths) {
  if (paths.length === 0) return null;
  const line = ({ path, state, link_to: to }) => {
    const words = STATES[state]?.(to) ?? state;
    return el('li', { className: state }, path, words ? el('span', { className: 'path-state' }, ` (${words})`) : null);
  };
  return el('ul', { className: 'paths', 'aria-label': 'Files' }, ...paths.map(line));
}

function memberTile({ image, files, largest, missing, paths }, group, row) {
  const facts = [`${image.width} × ${image.height}, ${bytes(image.bytes)}`];
  if (image.pages > 1) facts.push(`1 of ${number.format(image.pages)} pages or frames`);
  if (files > 1) facts.push(`${number.format(files)} files`);
  if (group.pairs.some((pair) => pair.master === image.id)) facts.push('master');
  else if (largest && group.members.length > 1) facts.push('largest');
  if (missing) facts.push('no file is there any more');
  // Of two pictures, one mark is enough.
  const others = group.members.filter((other) => other.image.id !== image.id);
  const asks = others.length > 1 || (others.length === 1 && !largest);
  return el('li', { className: missing ? 'missing' : '' },
    el('button', { type: 'button', className: 'tile', title: `Search with ${image.name}`, onclick: () => find(image) },
      el('span', { className: 'thumb' }, picture([thumbnailOf(image)], { loading: 'lazy' }), ...changes(image, group)),
      el('span', { className: 'tile-name' }, image.name)),
    el('p', { className: 'muted' }, facts.join(', ')),
    pathList(paths),
    asks ? el('button', { type: 'button', className: 'button small', onclick: () => setApart(image, others.map((other) => other.image), row) }, 'Not a match') : null);
}

const decide = (method, a, b) => api(`${base}/not-a-match`, {
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ a: a.id, b: b.id }),
});

/** Marks a picture as no match of the others of its group; the group's row becomes an undo. */
async function setApart(image, others, row) {
  let noted = 0;
  try {
    for (const other of others) {
      await decide('POST', image, other);
      noted += 1;
    }
  } catch (error) {
    // Some marks may be stored: the server knows the groups now.
    if (noted > 0) await showDuplicates();
    showProblem(error);
    return;
  }
  const back = el('button', { type: 'button', className: 'button small', onclick: async () => {
    try {
      for (const other of others) await decide('DELETE', image, other);
      await showDuplicates();
    } catch (error) {
      showProblem(error);
    }
  } }, 'Take it back');
  groups.decided += 1;
  row.replaceChildren(el('p', { className: 'group-gone' }, el('strong', {}, image.name), ' is noted as no match of ', others.length === 1 ? others[0].name : `the other ${others.length}`, '. ', back));
  say('Noted: no match.');
  back.focus();
}

/** Connects the controls; `found` takes a picture to search by. */
export function setUpDuplicates({ found }) {
  find = found;
  $('more-groups').onclick = loadGroups;
  $('duplicate-kind').onchange = showDuplicates;
}
