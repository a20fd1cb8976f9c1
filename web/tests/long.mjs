// A library of many pictures: its list, its scrubber, and what is chosen of pictures that were never loaded. They
// exist only in the stub of the bench, so that this needs no program. Called by the script `run` beside it.
import { chromium } from 'playwright-core';
import { accessible, conclude, fits, open, step } from './hands.mjs';
import { checked, expect, picture } from './stand.mjs';
import { stub } from './stub.mjs';

const [executablePath, dist] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const PICTURES = 20_000;
const thumbnails = await Promise.all([1, 2, 3, 4].map((seed) => picture(browser, seed, { width: 240, height: 180 })));
const server = await stub(dist, PICTURES, thumbnails);
const seen = (page) => page.waitForFunction(() => {
  const near = [...document.querySelectorAll('#grid li')].filter((one) => { const { top, bottom } = one.getBoundingClientRect(); return bottom > 60 && top < innerHeight; });
  return near.length > 3 && near.every((one) => one.querySelector('img')?.complete);
});
const names = (page) => page.evaluate(() => [...document.querySelectorAll('#grid li')].filter((one) => { const { top } = one.getBoundingClientRect(); return top > 60 && top < innerHeight - 100; }).map((one) => one.querySelector('.open').getAttribute('aria-label')));

await step('only what is near is loaded, and the place is kept', async () => {
  const page = await open(browser, server.base);
  await seen(page);
  expect((await page.locator('#grid li').count()) < 150, 'too many elements');
  await page.waitForSelector('#scrubber .label');
  await accessible(page, 'a long library');
  const box = await page.locator('#scrubber').boundingBox();
  await page.mouse.click(box.x + 20, box.y + box.height / 2);
  await seen(page);
  const [middle] = await names(page);
  const number = Number(middle.match(/(\d{6})/)[1]);
  expect(Math.abs(number - PICTURES / 2) < PICTURES * 0.03, `in the middle stands number ${number}`);
  const before = await names(page);
  await page.waitForTimeout(300);
  expect(JSON.stringify(before) === JSON.stringify(await names(page)), 'the pictures move by themselves');
  // Back up: rows that turn out otherwise than they were thought to be must not move what is seen.
  for (let i = 0; i < 6; i += 1) {
    const top = await page.evaluate(() => { const one = [...document.querySelectorAll('#grid li')].find((li) => li.getBoundingClientRect().top > 300); return [one.dataset.index, one.getBoundingClientRect().top]; });
    await page.mouse.move(500, 400);
    await page.mouse.wheel(0, -200);
    await page.waitForTimeout(150);
    const now = await page.evaluate((index) => document.querySelector(`#grid li[data-index="${index}"]`)?.getBoundingClientRect().top, top[0]);
    expect(now !== undefined && Math.abs(now - top[1] - 200) < 3, `after a step of 200 up the picture ${top[0]} went from ${top[1]} to ${now}`);
  }
  await page.context().close();
});

await step('the scrubber goes by keyboard from mark to mark, in every order', async () => {
  const page = await open(browser, `${server.base}/?sort=name`);
  await seen(page);
  await page.waitForSelector('#scrubber .label');
  await page.focus('#scrubber');
  for (let i = 0; i < 12; i += 1) await page.keyboard.press('ArrowDown');
  await seen(page);
  expect((await page.getAttribute('#scrubber', 'aria-valuetext')) === 'M', `after twelve steps from A it says ${await page.getAttribute('#scrubber', 'aria-valuetext')}`);
  await page.waitForFunction(() => [...document.querySelectorAll('#grid li')].filter((one) => { const { top, bottom } = one.getBoundingClientRect(); return bottom > 200 && top < 600; }).every((one) => /^[LMN]/.test(one.querySelector('.open')?.getAttribute('aria-label') ?? '')));
  for (const [sort, test] of [['-name', (list) => list.at(-1) <= list[0]], ['taken', (list) => list.length > 0], ['-bytes', (list) => list.length > 0], ['added', (list) => Number(list[0].match(/(\d{6})/)[1]) > PICTURES * 0.6]]) {
    await page.selectOption('#sort', sort);
    await page.evaluate(() => scrollTo(0, 0));
    await seen(page);
    await page.waitForSelector('#scrubber .label');
    await page.focus('#scrubber');
    await page.keyboard.press('End');
    await seen(page);
    expect(test(await names(page)), `${sort} ends with ${(await names(page)).slice(0, 3)}`);
  }
  await page.context().close();
});

await step('all of a long list are chosen without loading them, and one less', async () => {
  const page = await open(browser, server.base);
  await seen(page);
  const asked = [];
  page.on('request', (request) => { if (request.url().includes('/v1/images?')) asked.push(request.url()); });
  await page.locator('#grid .open').first().focus();
  await page.keyboard.press('Control+a');
  await page.waitForFunction(() => document.querySelector('#selection strong').textContent.startsWith('20,000'));
  // What is near the screen may still be on its way; the whole list has hundreds of pages.
  expect(asked.length < 5, `choosing all asked for ${asked.length} pages`);
  await accessible(page, 'all are chosen');
  await page.keyboard.press('Space');
  await page.waitForFunction(() => document.querySelector('#selection strong').textContent.startsWith('19,999'));
  await page.keyboard.press('Escape');
  // A range from the first to one that is far away.
  await page.keyboard.press('Space');
  await page.keyboard.press('End');
  await page.waitForFunction((last) => document.activeElement.closest('[data-index]')?.dataset.index === String(last), PICTURES - 1);
  await page.keyboard.press('Shift+Space');
  await page.waitForFunction(() => document.querySelector('#selection strong').textContent.startsWith('20,000'));
  await page.context().close();
});

await step('filters are set in one form, shown as chips and taken away', async () => {
  const page = await open(browser, server.base);
  await seen(page);
  await page.click('#add-filter');
  await accessible(page, 'filters');
  await page.fill('#filter-value', 'tag 7');
  await page.fill('#filter-taken_after', '2018-01-01');
  await page.fill('#filter-min_bytes', '2.5');
  await page.click('#apply-filters');
  await page.waitForFunction(() => /tag=tag\+7.*taken_after=2018-01-01.*min_bytes=2500000/.test(location.search));
  await seen(page);
  expect((await page.locator('#filters .chip').count()) === 4, 'not each condition is a chip');
  expect((await page.textContent('#filters')).includes('2.5 MB'), 'the size is not said as people say it');
  await page.click('#add-filter');
  expect((await page.inputValue('#filter-min_bytes')) === '2.5' && (await page.inputValue('#filter-value')) === 'tag 7', 'the form forgot the conditions');
  await page.keyboard.press('Escape');
  await page.click('#clear-filters');
  await page.waitForFunction(() => document.querySelector('#library-summary').textContent.includes('20,000'));
  await page.context().close();
});

await step('a long library on a phone, dark, in Chinese', async () => {
  const page = await open(browser, server.base, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, locale: 'zh-CN', colorScheme: 'dark' });
  await seen(page);
  await page.waitForSelector('#scrubber');
  await fits(page, 'a long library on a phone');
  await accessible(page, 'a long library on a phone');
  await page.tap('#add-filter');
  await fits(page, 'filters on a phone');
  await accessible(page, 'filters on a phone');
  await page.context().close();
});

await browser.close();
server.stop();
conclude(checked);
