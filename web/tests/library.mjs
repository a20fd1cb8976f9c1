// A first visit with its tour, and the panel of a picture. Called by the script `run` beside it.
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { accessible, conclude, fits, open, step } from './hands.mjs';
import { checked, expect, serve, settled } from './stand.mjs';

const [resight, executablePath, work, dist] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const { base, own, stop } = await serve(resight, join(work, 'library'), { dist, options: ['--open'] });
const images = async () => (await (await fetch(`${own}/v1/images?limit=50`)).json()).images;

await step('a first visit ends with a search that finds a sample picture again', async () => {
  const page = await open(browser, `${base}/`);
  await page.waitForSelector('#empty');
  await accessible(page, 'an empty library');
  await page.click('#take-tour');
  await page.waitForSelector('#guide-search:not([disabled])');
  await accessible(page, 'the tour');
  await page.click('#guide-search');
  await page.waitForSelector('#hits li');
  const first = await page.textContent('#hits li');
  expect(/sample-3/.test(first) && /points? agree/.test(first) && /17°/.test(first), `the first hit is ${first.replace(/\s+/g, ' ').slice(0, 200)}`);
  expect((await images()).length === 6, 'there are not six samples');
  await page.click('#home');
  await page.waitForSelector('#samples');
  await accessible(page, 'a library of samples');
  await page.context().close();
});

await step('the panel of a picture shows its features and what is near it', async () => {
  const third = (await images()).find((one) => one.name === 'sample-3.jpg');
  const page = await open(browser, `${base}/`);
  await page.waitForSelector('#grid .open');
  // A copy that is smaller, and belongs to the same object.
  await page.evaluate(async (id) => {
    const source = await createImageBitmap(await (await fetch(`v1/images/${id}/file`)).blob());
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
    canvas.getContext('2d').drawImage(source, 0, 0, 640, 480);
    const form = new FormData();
    form.append('object', 'town');
    form.append('file', await new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.8)), 'smaller.jpg');
    await fetch('v1/images', { method: 'POST', body: form });
    await fetch(`v1/images/${id}`, { method: 'PATCH', body: JSON.stringify({ object: 'town', metadata: { year: 1890 } }), headers: { 'content-type': 'application/json' } });
  }, third.id);
  await fetch(`${own}/v1/jobs`, { method: 'POST', body: JSON.stringify({ kind: 'duplicates' }), headers: { 'content-type': 'application/json' } });
  await settled(own, 7);
  await page.goto(`${base}/?open=${third.id}`);
  await page.waitForSelector('#panel-nearest li');
  expect((await page.textContent('#panel-nearest')).includes('smaller.jpg'), 'the copy is not among the nearest');
  await page.waitForSelector('#panel-siblings li');
  await page.waitForSelector('#panel-group-0 li');
  await page.click('#panel-features');
  await page.waitForSelector('#panel-points circle');
  const drawn = await page.locator('#panel-points circle').count();
  expect(drawn > third.features * 0.8, `${drawn} of ${third.features} features are drawn`);
  const [picture, points] = await page.evaluate(() => ['#panel .picture img', '#panel-points'].map((one) => document.querySelector(one).getBoundingClientRect()).map(({ left, top, width, height }) => [left, top, width, height].map(Math.round)));
  expect(picture.every((value, i) => Math.abs(value - points[i]) <= 2), `the points lie at ${points}, the picture at ${picture}`);
  await accessible(page, 'the panel');
  await page.locator('#panel-nearest a').first().click();
  await page.waitForSelector('#match-facts');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${base}/?open=${third.id}`);
  await page.waitForSelector('#panel-nearest li');
  await fits(page, 'the panel on a phone');
  await accessible(page, 'the panel on a phone');
  await page.context().close();
});

await step('one button removes the samples, in Chinese and dark too', async () => {
  const page = await open(browser, `${base}/`, { locale: 'zh-CN', colorScheme: 'dark' });
  await page.waitForSelector('#samples');
  await accessible(page, 'samples, dark');
  await page.click('#drop-samples');
  await page.waitForFunction(() => document.querySelectorAll('#grid li').length === 1);
  expect((await images()).every((one) => one.name === 'smaller.jpg'), 'more than the samples went, or less');
  await page.context().close();
});

stop();
await browser.close();
conclude(checked);
