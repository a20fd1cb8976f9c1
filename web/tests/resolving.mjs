// Duplicates whose files the server moves away and puts back. Called by the script `run` beside it.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { accessible, conclude, fits, open as openIn, step } from './hands.mjs';
import { checked, expect, key, picture, put, serve, settled } from './stand.mjs';

const [resight, executablePath, work, dist] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const open = (address, options) => openIn(browser, address, options);
const PAIRS = [1, 2, 3];

const folder = join(work, 'pictures');
const files = {};
for (const seed of PAIRS) {
  files[`pair-${seed}.png`] = await picture(browser, 40 + seed, { type: 'png', width: 480, height: 360 });
  files[`pair-${seed}.jpg`] = await picture(browser, 40 + seed, { width: 480, height: 360 });
}
await put(folder, files);
const quarantine = join(work, 'away');
const world = join(work, 'moves');
const settings = { folder, dist, options: ['--open', '--quarantine', quarantine] };
let server = await serve(resight, world, settings);
const all = async () => (await (await fetch(`${server.own}/v1/images?limit=50`)).json()).images;
const moved = () => (existsSync(quarantine) ? readdirSync(quarantine, { recursive: true }) : []).filter((name) => /\.(jpg|png)$/.test(name));
await settled(server.own, 2 * PAIRS.length);
const pending = async () => (await (await fetch(`${server.own}/v1/duplicates?limit=1`)).json()).pending;
for (let i = 0; i < 600 && (await pending()) > 0; i += 1) await new Promise((done) => setTimeout(done, 200));

/** Accepts all groups by the rule, and opens what that would do. */
async function plan(page, { move }) {
  await page.click('#accept-all:enabled');
  await page.click('#remove-chosen');
  if (move) await page.click('#files-quarantine');
  await page.waitForSelector('#resolve-facts');
}

await step('duplicates are removed and their files moved, but for one that changed, and all is put back', async () => {
  const copy = (await all()).find((one) => one.name === 'pair-1.jpg');
  await fetch(`${server.own}/v1/images/${copy.id}`, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{"tags": ["seaside"]}' });
  const page = await open(`${server.base}/?view=duplicates`);
  await plan(page, { move: false });
  expect(/come back/i.test(await page.textContent('#resolve-facts')), 'that pictures come back with their folder is not said');
  await page.click('#files-quarantine');
  await page.waitForFunction(() => /Files to move/.test(document.querySelector('#resolve-facts')?.textContent ?? ''));
  const facts = (await page.locator('#resolve-facts > div').allTextContents()).map((text) => text.trim());
  expect(facts.some((text) => /^Pictures that go\s*3/.test(text)) && facts.some((text) => /^Files to move\s*3/.test(text)), `a dry run tells ${facts}`);
  const detail = await page.textContent('#resolve .groups');
  expect(/pair-1\.png/.test(detail) && /Kept: The best quality/.test(detail) && /file is moved/.test(detail), `the plan says ${detail}`);
  await accessible(page, 'a plan with files');
  expect((await all()).length === 6 && moved().length === 0 && PAIRS.every((seed) => existsSync(join(folder, `pair-${seed}.jpg`))), 'a dry run did something');
  // As long as before, so that only a look at its bytes tells.
  const changed = Buffer.from(readFileSync(join(folder, 'pair-2.jpg')));
  changed[changed.length - 20] ^= 1;
  writeFileSync(join(folder, 'pair-2.jpg'), changed);
  await page.click('#confirm-yes');
  await page.waitForSelector('#resolve-close');
  const outcome = await page.textContent('#resolve');
  expect(/2 pictures removed, not all/.test(outcome) && /These stayed\s*pair-2\.jpg\s*Its file has changed/.test(outcome), `the outcome says ${outcome}`);
  await accessible(page, 'an outcome with a picture that stayed');
  await page.click('#resolve-close');
  const left = (await all()).map((one) => one.name).sort().join(' ');
  expect(left === 'pair-1.png pair-2.jpg pair-2.png pair-3.png', `left are ${left}`);
  expect(moved().length === 2 && !existsSync(join(folder, 'pair-1.jpg')) && existsSync(join(folder, 'pair-2.jpg')), `moved are ${moved()}`);
  expect((await all()).find((one) => one.name === 'pair-1.png').tags.includes('seaside'), 'the tag is not carried over');
  // Where somebody has put another file since, nothing is written over.
  writeFileSync(join(folder, 'pair-3.jpg'), 'a text');
  await page.click('#to-resolutions');
  await page.waitForSelector('#resolutions .back');
  expect(/2 pictures\s*·\s*2 files/.test(await page.textContent('#resolutions')), `the list says ${await page.textContent('#resolutions')}`);
  await accessible(page, 'moved files');
  await page.click('#resolutions .back');
  await page.waitForSelector('#resolutions .away li');
  expect(/pair-3\.jpg/.test(await page.textContent('#resolutions .away')), 'the file that stays away is not named');
  await accessible(page, 'a file that stays away');
  expect(existsSync(join(folder, 'pair-1.jpg')) && readFileSync(join(folder, 'pair-3.jpg'), 'utf8') === 'a text', 'files are not where they should be');
  rmSync(join(folder, 'pair-3.jpg'));
  await page.click('#resolutions .back');
  await page.waitForSelector('#resolutions .away', { state: 'detached' });
  expect(readFileSync(join(folder, 'pair-3.jpg')).equals(files['pair-3.jpg']), 'asked again, the file is not put back');
  writeFileSync(join(folder, 'pair-2.jpg'), files['pair-2.jpg']);
  await page.context().close();
});

await step('a removal with moved files is undone at once by the notice', async () => {
  const before = (await all()).length;
  const page = await open(`${server.base}/?view=duplicates`, { locale: 'zh-CN', colorScheme: 'dark', viewport: { width: 390, height: 844 }, hasTouch: true });
  await plan(page, { move: true });
  await fits(page, 'a plan on a phone');
  await accessible(page, 'a plan on a phone, dark');
  await page.click('#confirm-yes');
  await page.waitForSelector('#undo-removal');
  expect((await all()).length < before && !existsSync(join(folder, 'pair-1.jpg')), 'nothing was moved');
  await page.click('#undo-removal');
  await page.waitForSelector('#duplicate-groups article');
  await page.waitForSelector('#undo-removal', { state: 'detached' });
  for (let i = 0; i < 50 && (await all()).length < before; i += 1) await new Promise((done) => setTimeout(done, 100));
  expect((await all()).length === before && existsSync(join(folder, 'pair-1.jpg')), 'not all is back');
  await page.goto(`${server.base}/?view=resolutions`);
  await page.waitForSelector('#resolutions .undone');
  await fits(page, 'moved files on a phone');
  await accessible(page, 'moved files on a phone, dark');
  await page.context().close();
});
server.stop();

await step('without the scope admin only entries are removed', async () => {
  const keys = join(work, 'keys');
  const secret = key(resight, keys, 'remover', '--scope', 'read', '--scope', 'add', '--scope', 'delete');
  server = await serve(resight, keys, { folder, dist, options: ['--require-keys', '--quarantine', join(work, 'never')] });
  try {
    const asked = { headers: { authorization: `Bearer ${secret}` } };
    for (let i = 0, total = 0; i < 600 && total < 5; i += 1) {
      ({ total } = await (await fetch(`${server.own}/v1/images?limit=1`, asked)).json());
      await new Promise((done) => setTimeout(done, 200));
    }
    const page = await open(`${server.base}/`);
    await page.fill('#sign-in-key', secret);
    await page.click('#sign-in-go');
    await page.waitForSelector('#grid li');
    await page.goto(`${server.base}/?view=duplicates`);
    await page.waitForSelector('#duplicate-groups article', { timeout: 120_000 });
    await plan(page, { move: false });
    const text = await page.textContent('#resolve');
    expect((await page.locator('#files-quarantine').count()) === 0 && /keys that allow everything/.test(text), `the plan says ${text}`);
    await page.click('#confirm-yes');
    await page.waitForSelector('#undo-removal');
    expect(existsSync(join(folder, 'pair-1.jpg')), 'a file was moved');
    await page.context().close();
  } finally {
    server.stop();
  }
});

await browser.close();
conclude(checked);
