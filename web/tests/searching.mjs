// Every way to search: uploads that come back, several pictures, a polygon, the camera, an address.
import { expect, picture } from './stand.mjs';

export async function searching({ step, open, accessible, fits, base, own, idOf, crop, browser }) {
  const jpeg = (name, buffer) => ({ name, mimeType: 'image/jpeg', buffer });

  await step('an uploaded query comes back by its address, in this browser alone', async () => {
    const page = await open(`${base}/`);
    await page.setInputFiles('#query-file', jpeg('query.jpg', crop));
    await page.waitForSelector('#hits li');
    const address = page.url();
    expect(/upload=u\w{20}/.test(address), `the address is ${address}`);
    await page.reload();
    await page.waitForSelector('#hits li');
    expect((await page.textContent('#asked-name')) === 'query.jpg', 'the upload lost its name');
    await page.locator('#hits a').first().click();
    await page.waitForSelector('#match-facts');
    await page.reload();
    await page.waitForSelector('#match-facts');
    expect(Number((await page.textContent('#match-facts .value')).match(/\d+/)[0]) > 10, 'an upload is not compared after a reload');
    const other = await open(address);
    await other.waitForSelector('#gone-files', { state: 'attached' });
    await accessible(other, 'a query of another browser');
    await other.context().close();
    await page.context().close();
  });

  await step('several pictures are searched by, each hit names its own', async () => {
    const page = await open(`${base}/`);
    await page.setInputFiles('#query-file', [jpeg('one.jpg', await picture(browser, 3, { crop: { x: 30, y: 30, width: 400, height: 300 } })), jpeg('two.jpg', await picture(browser, 4, { crop: { x: 60, y: 60, width: 400, height: 300 } }))]);
    await page.waitForSelector('#hits li');
    const by = Object.fromEntries(await page.locator('#hits li').evaluateAll((list) => list.map((one) => [one.querySelector('.name').textContent, one.querySelector('.by')?.textContent ?? ''])));
    expect(/one\.jpg/.test(by['picture-3.jpg']) && /two\.jpg/.test(by['picture-4.jpg']), `hits are by ${JSON.stringify(by)}`);
    await accessible(page, 'several queries');
    expect((await page.locator('#queries li').count()) === 2, 'the queries are not shown');
    await page.locator('#hits li', { hasText: 'picture-4.jpg' }).locator('a').click();
    await page.waitForSelector('#match-facts');
    expect(/two\.jpg/.test(await page.textContent('#stage')), 'the match shows another query');
    await page.keyboard.press('Escape');
    await page.locator('#queries button').last().click();
    await page.waitForSelector('#asked-name');
    await page.setInputFiles('#more-files', jpeg('three.jpg', await picture(browser, 5, { crop: { x: 10, y: 10, width: 400, height: 300 } })));
    await page.waitForFunction(() => document.querySelectorAll('#queries li').length === 2 && [...document.querySelectorAll('#hits .name')].some((name) => name.textContent === 'picture-5.jpg'));
    await page.context().close();
  });

  await step('a polygon is drawn by mouse and by keyboard, and kept by a name', async () => {
    const page = await open(`${base}/?image=${idOf('picture-2.jpg')}`);
    await page.waitForSelector('#hits li');
    await page.click('#part');
    await page.click('#zone-polygon');
    const area = await page.locator('#polygon-picture').boundingBox();
    for (const [x, y] of [[0.2, 0.2], [0.8, 0.25], [0.75, 0.8], [0.25, 0.75]]) await page.mouse.click(area.x + area.width * x, area.y + area.height * y);
    expect((await page.locator('.corner').count()) === 4, 'four clicks make no four corners');
    await accessible(page, 'polygon');
    const place = (corner) => page.evaluate((at) => parseFloat(document.querySelector(`[data-corner="${at}"]`).style.left), corner);
    const first = await place(0);
    await page.locator('[data-corner="0"]').focus();
    await page.keyboard.press('ArrowRight');
    expect((await place(0)) > first, 'an arrow does not move a corner');
    await page.keyboard.press('+');
    expect((await page.locator('.corner').count()) === 5, 'plus adds no corner');
    await page.keyboard.press('Delete');
    expect((await page.locator('.corner').count()) === 4, 'Delete removes no corner');
    await page.fill('#zone-name', 'the middle');
    await page.click('#zone-keep');
    await page.waitForSelector('.zone');
    await page.click('#region-search');
    await page.waitForFunction(() => location.search.includes('polygon='));
    await page.waitForSelector('#whole');
    await page.waitForFunction(() => [...document.querySelectorAll('#hits .name')].some((name) => name.textContent === 'crop-2.jpg'));
    const { metadata } = await (await fetch(`${own}/v1/images/${idOf('picture-2.jpg')}`)).json();
    expect(metadata?.zones?.[0]?.name === 'the middle' && metadata.zones[0].polygon.split(',').length === 8, `the metadata is ${JSON.stringify(metadata)}`);
    await page.click('#part');
    await page.locator('.zone button').last().click();
    await page.waitForFunction(() => !document.querySelector('.zone'));
    await page.click('#zone-again');
    await page.focus('#polygon-picture');
    await page.keyboard.press('ArrowRight');
    expect((await page.locator('.corner').count()) === 4, 'the first key places no polygon');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#asked');
    await page.context().close();
  });

  await step('a polygon is drawn by touch on a phone, and its corners added and removed', async () => {
    const page = await open(`${base}/?image=${idOf('picture-2.jpg')}`, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    await page.waitForSelector('#hits li');
    await page.tap('#part');
    await page.tap('#zone-polygon');
    await page.locator('#polygon-picture').scrollIntoViewIfNeeded();
    const area = await page.locator('#polygon-picture').boundingBox();
    const corners = () => page.locator('.corner').count();
    for (const [x, y] of [[0.2, 0.2], [0.8, 0.25], [0.75, 0.8]]) await page.touchscreen.tap(area.x + area.width * x, area.y + area.height * y);
    expect((await corners()) === 3, 'three touches make no three corners');
    await page.touchscreen.tap(area.x + area.width * 0.8, area.y + area.height * 0.25);
    await page.tap('#corner-add');
    expect((await corners()) === 4, 'no corner is added by touch');
    await page.tap('#corner-remove');
    await page.tap('#corner-remove');
    expect((await corners()) === 2 && (await page.isDisabled('#region-search')), 'no corner is removed by touch');
    await fits(page, 'a polygon on a phone');
    await accessible(page, 'a polygon on a phone');
    await page.touchscreen.tap(area.x + area.width * 0.3, area.y + area.height * 0.85);
    await page.tap('#region-search');
    await page.waitForFunction(() => location.search.includes('polygon='));
    await page.context().close();
  });

  await step('the camera and an address are searched by', async () => {
    const page = await open(`${base}/?view=search`, { permissions: ['camera'] });
    await page.waitForSelector('#query-start');
    await fits(page, 'the start of a search');
    await accessible(page, 'the start of a search');
    await page.click('#start-files-camera');
    await page.waitForSelector('#camera-take:enabled');
    await accessible(page, 'camera');
    await page.click('#camera-take');
    await page.waitForSelector('#asked');
    expect(page.url().includes('upload='), 'a photo is not searched by');
    await page.goto(`${base}/?view=search`);
    await page.fill('#query-url', 'https://example.org/a.jpg');
    await page.click('#query-url-go');
    await page.waitForSelector('#banner');
    expect(/fetch_not_allowed/.test(await page.textContent('#banner')), 'the server does not say that it fetches nothing');
    await accessible(page, 'an address that is not fetched');
    await page.context().close();
  });
}
