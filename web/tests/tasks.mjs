// Three tasks as people do them, with every step counted: a click, a key, a file chosen, a field filled in.
//   SCRIPT=tasks web/tests/run PATH_OF_RESIGHT [PATH_OF_CHROMIUM]
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { picture, put, serve, settled } from './stand.mjs';

const [resight, executablePath, work, dist] = process.argv.slice(2);
const GROUPS = Number(process.env.DOUBLES ?? 50);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });

/** A picture as a phone sees it: turned, in perspective, on a table, a little blurred. */
async function photographed(bytes, { turn, tilt, colour }) {
  const page = await browser.newPage({ viewport: { width: 800, height: 600 } });
  await page.setContent(`<style>body{margin:0;display:grid;place-items:center;height:100vh;background:${colour};perspective:1100px;overflow:hidden}img{width:480px;transform:rotateX(${tilt}deg) rotateZ(${turn}deg);filter:blur(.6px) brightness(.94)}</style><img src="data:image/jpeg;base64,${bytes.toString('base64')}">`);
  const photo = await page.screenshot({ type: 'jpeg', quality: 85 });
  await page.close();
  return photo;
}

class Person {
  steps = [];
  constructor(page) { this.page = page; }
  async click(selector, what) { await this.page.locator(selector).first().click(); this.steps.push(`click ${what}`); }
  async press(key, what) { await this.page.keyboard.press(key); this.steps.push(`press ${key} (${what})`); }
  async type(selector, text, what) { await this.page.fill(selector, text); this.steps.push(`type ${what}`); }
  async choose(selector, file) { await this.page.setInputFiles(selector, file); this.steps.push('choose the file'); }
  sees = (selector, options) => this.page.waitForSelector(selector, { timeout: 120_000, ...options });
}

const results = [];
async function task(name, address, does) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'en', acceptDownloads: true });
  await page.goto(address);
  const person = new Person(page);
  await does(person);
  results.push({ task: name, steps: person.steps.length, list: person.steps });
  await page.close();
}

const size = { width: 360, height: 270 };
const covers = await Promise.all([1, 2, 3, 4, 5].map((seed) => picture(browser, 100 + seed)));
const statue = await picture(browser, 200);
const views = await Promise.all([{ turn: 4, tilt: 10, colour: '#b8c4d0' }, { turn: -12, tilt: 24, colour: '#8f7a60' }, { turn: 20, tilt: 18, colour: '#445544' }, { turn: 0, tilt: 32, colour: '#ddd' }].map((one) => photographed(statue, one)));
const doubles = {};
for (let i = 0; i < GROUPS; i += 1) {
  doubles[`double-${i}.png`] = await picture(browser, 1000 + i, { ...size, type: 'png' });
  doubles[`double-${i}.jpg`] = await picture(browser, 1000 + i, size);
}
const folder = join(work, 'pictures');
await put(folder, { ...Object.fromEntries(covers.map((cover, i) => [`cover-${i + 1}.jpg`, cover])), ...Object.fromEntries(views.map((view, i) => [`view-${i + 1}.jpg`, view])), ...doubles });
const count = covers.length + views.length + 2 * GROUPS;
const server = await serve(resight, join(work, 'tasks'), { folder, dist, options: ['--open'] });
const total = async (query = '') => (await (await fetch(`${server.own}/v1/images?limit=1&${query}`)).json()).total;
try {
  await settled(server.own, count, 6000);
  for (let left = 1; left > 0;) ({ pending: left } = await (await fetch(`${server.own}/v1/duplicates?limit=1`)).json());

  await task('Find a cover from a phone photo, show why, take the evidence away', `${server.base}/`, async (person) => {
    await person.choose('#query-file', { name: 'phone.jpg', mimeType: 'image/jpeg', buffer: await photographed(covers[2], { turn: 14, tilt: 28, colour: '#6b5a48' }) });
    await person.sees('#hits li');
    await person.click('#hits a', 'the first result');
    await person.sees('#match-facts');
    if ((await person.page.textContent('#match-name')) !== 'cover-3.jpg') throw new Error('the wrong cover was found');
    await person.press('e', 'evidence');
    await person.sees('#evidence img.sheet');
    await Promise.all([person.page.waitForEvent('download'), person.click('#evidence-png', 'PNG')]);
  });

  await task(`Clear ${GROUPS} groups of doubles, keeping the best of each and all labels`, `${server.base}/`, async (person) => {
    await person.click('#to-duplicates', 'Duplicates');
    await person.sees('#kind-re-encoded');
    await person.click('#kind-re-encoded', 'the kind “Saved again”');
    await person.sees('#accept-all:enabled');
    await person.click('#accept-all', 'accept for all groups');
    await person.sees('#remove-chosen');
    await person.click('#remove-chosen', 'remove');
    await person.click('#confirm-yes', 'confirm');
    await person.sees('#undo-removal', { timeout: 600_000 });
    if ((await total()) !== count - GROUPS) throw new Error(`${await total()} pictures are left`);
    if ((await total('name_prefix=double')) !== GROUPS) throw new Error('others than doubles were removed');
  });

  const { images } = await (await fetch(`${server.own}/v1/images?limit=50&name_prefix=view-1`)).json();
  await task('Find every picture with one statue and tag them as one object', `${server.base}/?open=${images[0].id}`, async (person) => {
    await person.sees('#panel-find');
    await person.click('#panel-find', 'find this, on one of its pictures');
    await person.sees('#label-all');
    await person.click('#label-all', 'label all of these');
    await person.sees('#label-hits li');
    await person.type('#label-object', 'the statue', 'the object’s name');
    await person.click('#label-yes', 'label');
    await person.sees('#label-hits', { state: 'detached' });
    if ((await total('object=the%20statue')) !== views.length) throw new Error(`${await total('object=the%20statue')} of ${views.length} pictures have the object`);
  });
} finally {
  server.stop();
  await browser.close();
  for (const { task: name, steps, list } of results) console.log(`${steps} steps: ${name}\n  ${list.join('\n  ')}`);
}
