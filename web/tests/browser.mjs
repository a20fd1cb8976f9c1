// Uses the page as people do. Called by the script `run` beside it.
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { deciding } from './deciding.mjs';
import { accessible, conclude, fits, open as openIn, problems, step } from './hands.mjs';
import { searching } from './searching.mjs';
import { seeing } from './seeing.mjs';
import { checked, expect, key, picture, put, serve, settled } from './stand.mjs';

const [resight, executablePath, work, dist] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] });
const open = (address, options) => openIn(browser, address, options);

const folder = join(work, 'pictures');
const files = Object.fromEntries(await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(async (seed) => [`picture-${seed}.jpg`, await picture(browser, seed)])));
const crop = await picture(browser, 1, { crop: { x: 40, y: 30, width: 420, height: 330 } });
await put(folder, { ...files, 'again-1.png': await picture(browser, 1, { type: 'png' }), 'crop-2.jpg': await picture(browser, 2, { crop: { x: 100, y: 80, width: 400, height: 300 } }) });
const server = await serve(resight, join(work, 'open'), { folder, dist, options: ['--open'] });
const { base } = server;
await settled(server.own, 10);
const { images } = await (await fetch(`${server.own}/v1/images?limit=50`)).json();
const idOf = (name) => images.find((image) => image.name === name)?.id;

await step('the library shows what is stored', async () => {
  const page = await open(`${base}/`);
  await page.waitForSelector('#grid li');
  expect((await page.locator('#grid li').count()) === 10, 'not all pictures are in the grid');
  await accessible(page, 'library');
  await page.locator('#grid .open').first().focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Shift+Space');
  expect((await page.textContent('#selection strong')).startsWith('3'), `Shift and Space selected: ${await page.textContent('#selection strong')}`);
  await page.keyboard.press('Control+a');
  expect((await page.textContent('#selection strong')).startsWith('10'), 'Control and A did not select all');
  await accessible(page, 'selection');
  await page.keyboard.press('Escape');
  expect((await page.locator('#selection').count()) === 0, 'Escape did not clear the selection');
  await page.keyboard.press('?');
  await page.waitForSelector('#shortcuts[open]');
  await accessible(page, 'shortcuts');
  await page.context().close();
});

await step('labels are edited, undone and filtered by', async () => {
  const page = await open(`${base}/?open=${idOf('picture-3.jpg')}`);
  await page.click('#panel-exif summary');
  await page.waitForFunction(() => document.querySelector('#panel-exif').textContent.includes('no Exif'));
  await page.fill('#panel-tags', 'blue, vase');
  await accessible(page, 'panel');
  await page.click('#panel-save');
  await page.waitForSelector('.notice');
  await page.keyboard.press('Escape');
  await page.click('#add-filter');
  await page.fill('#filter-value', 'vase');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('#grid li').length === 1);
  expect(page.url().includes('tag=vase'), 'the filter is not in the address');
  await page.goBack();
  await page.waitForFunction(() => document.querySelectorAll('#grid li').length === 10);
  await page.click('#add-filter');
  await page.check('#filter-paired');
  await page.click('#apply-filters');
  await page.waitForFunction(() => location.search.includes('paired=true') && document.querySelectorAll('#filters .chip').length === 2);
  await accessible(page, 'pictures with duplicates');
  await page.context().close();
});

await step('a picture is added, and what is none is refused with a reason', async () => {
  const page = await open(`${base}/`);
  await page.waitForSelector('#grid li');
  await page.setInputFiles('.add-files', [{ name: 'new.jpg', mimeType: 'image/jpeg', buffer: await picture(browser, 50) }, { name: 'text.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') }]);
  await page.waitForSelector('#adding-lines .added');
  await page.waitForSelector('#adding-lines .refused .reason');
  await accessible(page, 'adding');
  await page.waitForFunction(() => document.querySelectorAll('#grid li').length === 11);
  await page.context().close();
});

await step('an upload is searched, its match seen closely', async () => {
  const page = await open(`${base}/`);
  await page.setInputFiles('#query-file', { name: 'query.jpg', mimeType: 'image/jpeg', buffer: crop });
  await page.waitForSelector('#hits li');
  const first = await page.textContent('#hits li');
  expect(/(picture-1|again-1)/.test(first) && /points? agree/.test(first), `the first hit is ${first}`);
  await accessible(page, 'results');
  await page.locator('#hits a').first().click();
  await page.waitForSelector('#stage canvas');
  const drawn = await page.evaluate(() => { const canvas = document.querySelector('#stage canvas'); return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0); });
  expect(drawn, 'no correspondences are drawn');
  await accessible(page, 'match');
  for (const [number, way] of [['2', 'overlay'], ['3', 'swipe'], ['4', 'blink'], ['5', 'difference']]) {
    await page.keyboard.press(number);
    await page.waitForSelector(`#laid.${way}`);
    await accessible(page, way);
  }
  // The crop laid over the whole is where it was cut out, whatever the browser made of sizes.
  const [over, under] = await page.evaluate(() => [document.querySelector('.warped').getBoundingClientRect(), document.querySelector('#laid').getBoundingClientRect()].map(({ left, top, width }) => ({ left, top, width })));
  const scale = under.width / 640;
  expect(Math.abs(over.left - under.left - 40 * scale) < 4 && Math.abs(over.top - under.top - 30 * scale) < 4, `the overlay lies at ${JSON.stringify([over, under])}`);
  await page.keyboard.press('Escape');
  await page.waitForSelector('#hits li');
  await page.context().close();
});

await step('a part is chosen by mouse and by keyboard', async () => {
  const page = await open(`${base}/?image=${idOf('picture-1.jpg')}`);
  await page.waitForSelector('#hits li');
  await page.click('#part');
  const area = await page.locator('#region-picture').boundingBox();
  await page.mouse.move(area.x + area.width * 0.2, area.y + area.height * 0.2);
  await page.mouse.down();
  await page.mouse.move(area.x + area.width * 0.7, area.y + area.height * 0.7, { steps: 5 });
  await page.mouse.up();
  const drawn = await page.inputValue('#region-w');
  expect(Math.abs(Number(drawn) - 320) < 8, `the rectangle is ${drawn} wide`);
  await accessible(page, 'region');
  const grip = await page.locator('.grip.se').boundingBox();
  await page.mouse.move(grip.x + grip.width / 2, grip.y + grip.height / 2);
  await page.mouse.down();
  await page.mouse.move(grip.x + grip.width / 2 + area.width * 0.1, grip.y + grip.height / 2, { steps: 3 });
  await page.mouse.up();
  expect(Number(await page.inputValue('#region-w')) > Number(drawn) + 30, 'a corner does not resize the rectangle');
  await page.focus('#region-picture');
  const left = Number(await page.inputValue('#region-x'));
  await page.keyboard.press('ArrowLeft');
  expect(Number(await page.inputValue('#region-x')) < left, 'an arrow key does not move the rectangle');
  const width = Number(await page.inputValue('#region-w'));
  await page.keyboard.press('Shift+ArrowLeft');
  expect(Number(await page.inputValue('#region-w')) < width, 'Shift and an arrow key do not resize the rectangle');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.search.includes('region='));
  await page.waitForSelector('#whole');
  await page.waitForSelector('#hits li');
  await page.click('#options summary');
  await page.click('#option-mirrored');
  await page.waitForFunction(() => location.search.includes('mirrored=false'));
  await page.context().close();
});

const stand = { step, open, accessible, fits, base, own: server.own, idOf, crop, browser };
await seeing(stand);
await searching(stand);
await deciding(stand);

await step('every view in both languages and themes, on a phone and a screen', async () => {
  for (const [locale, title] of [['en', 'Library'], ['zh-CN', '图库'], ['fr', 'Library']]) {
    const page = await open(`${base}/`, { locale });
    await page.waitForSelector('#grid li');
    expect((await page.textContent('h1')) === title, `${locale} shows ${await page.textContent('h1')}`);
    await page.context().close();
  }
  for (const viewport of [{ width: 390, height: 844 }, { width: 1600, height: 1000 }]) for (const colorScheme of ['light', 'dark']) {
    const where = `${viewport.width} ${colorScheme}`;
    const page = await open(`${base}/`, { viewport, colorScheme, hasTouch: viewport.width < 500 });
    for (const [address, selector] of [['/', '#grid li'], [`/?image=${idOf('picture-5.jpg')}`, '#hits li'], [`/?image=${idOf('picture-5.jpg')}&match=${idOf('picture-6.jpg')}`, '#match-facts'], ['/?view=duplicates', '#duplicates .empty'], ['/?view=decisions', '#decisions .card'], ['/?view=search', '#query-start'], ['/?view=work', '#jobs li'], ['/?view=refused', '#refused-title'], ['/?view=plugins', '#plugins .empty']]) {
      await page.goto(base + address);
      await page.waitForSelector(selector);
      await fits(page, `${where} ${address}`);
      await accessible(page, `${where} ${address}`);
    }
    await page.selectOption('#language', 'zh');
    await page.waitForFunction(() => document.querySelector('h1').textContent === '插件');
    expect((await page.evaluate(() => document.documentElement.lang)) === 'zh-CN', 'the language of the document is not said');
    await page.reload();
    await page.waitForFunction(() => document.querySelector('h1').textContent === '插件');
    const dark = () => page.evaluate(() => getComputedStyle(document.body.parentElement).colorScheme);
    expect((await dark()) === colorScheme, `${where} is ${await dark()}`);
    await page.click('#theme');
    await page.click('#theme');
    expect((await dark()) === 'dark', 'the theme does not change');
    await page.context().close();
  }
});

await step('a lost connection is told, and its end', async () => {
  const page = await open(`${base}/`);
  await page.waitForSelector('#grid li');
  await page.context().setOffline(true);
  await page.selectOption('#sort', 'name');
  await page.waitForSelector('.lost');
  await page.context().setOffline(false);
  await page.waitForSelector('.lost', { state: 'detached' });
  problems.length = 0;
  await page.context().close();
});
server.stop();

await step('a key is asked for, exchanged, and given back', async () => {
  const secret = key(resight, join(work, 'keys'), 'tester', '--scope', 'admin');
  const keyed = await serve(resight, join(work, 'keys'), { dist, options: ['--require-keys'] });
  try {
    expect(secret, 'no key was made');
    const page = await open(`${keyed.base}/`);
    await page.waitForSelector('#sign-in[open]');
    await accessible(page, 'sign-in');
    await page.fill('#sign-in-key', 'resight_wrong');
    await page.click('#sign-in-go');
    await page.waitForSelector('#sign-in-problem');
    await page.fill('#sign-in-key', secret ?? '');
    await page.click('#sign-in-go');
    await page.waitForSelector('#empty');
    await accessible(page, 'empty');
    await page.click('#to-keys');
    await page.waitForSelector('#keys li');
    await page.fill('#keys form input', 'second');
    await page.click('#keys form button[type=submit]');
    await page.waitForSelector('#key-made');
    await accessible(page, 'keys');
    await page.click('#sign-out');
    await page.waitForSelector('#sign-in[open]');
    await page.context().close();
  } finally {
    keyed.stop();
  }
});

await browser.close();
conclude(checked);
