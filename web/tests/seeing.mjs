// Looking closely at a match: zoom, points one by one, evidence to take away.
import { readFile } from 'node:fs/promises';
import { expect } from './stand.mjs';

export async function seeing({ step, open, accessible, fits, base, idOf }) {
  const pair = () => `${base}/?image=${idOf('picture-1.jpg')}&match=${idOf('again-1.png')}`;

  await step('both pictures of a match are zoomed and moved together', async () => {
    const page = await open(pair());
    await page.waitForSelector('#match-facts');
    const zooming = [];
    page.on('request', (request) => { if (/pair-.*\.js/.test(request.url())) zooming.push(request.url()); });
    await page.keyboard.press('z');
    await page.waitForSelector('.openseadragon-canvas canvas');
    expect(zooming.length === 1, 'zooming is not loaded when it is asked for');
    expect(page.url().includes('zoom=true'), 'the zoom is not in the address');
    await page.waitForFunction(() => /\d/.test(document.querySelector('#zoom-level').textContent));
    const level = () => page.evaluate(() => parseInt(document.querySelector('#zoom-level').textContent, 10));
    const before = await level();
    await page.click('#zoom-in');
    await page.waitForFunction((old) => parseInt(document.querySelector('#zoom-level').textContent, 10) > old * 1.2, before);
    // What is drawn of the result follows what is drawn of the query: both show the same middle.
    const middles = () => page.evaluate(() => [...document.querySelectorAll('.openseadragon-canvas canvas')].map((canvas) => { const { width, height } = canvas; return [...canvas.getContext('2d').getImageData(width >> 1, height >> 1, 1, 1).data].slice(0, 3); }));
    const alike = ([a, b]) => a.every((value, i) => Math.abs(value - b[i]) < 40);
    await page.locator('.openseadragon-canvas').first().focus();
    const start = await page.textContent('#match-name');
    for (const key of ['+', '+', 'ArrowRight', 'ArrowRight', 'ArrowDown']) await page.keyboard.press(key);
    await page.waitForTimeout(900);
    expect(alike(await middles()), `the middles differ after keys: ${JSON.stringify(await middles())}`);
    expect((await page.textContent('#match-name')) === start, 'the arrows left a zoomed picture');
    const box = await page.locator('.openseadragon-canvas').last().boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 - 120, box.y + box.height / 2 - 60, { steps: 6 });
    await page.mouse.up();
    await page.waitForTimeout(900);
    expect(alike(await middles()), `the middles differ after a drag: ${JSON.stringify(await middles())}`);
    await accessible(page, 'zoom');
    await page.keyboard.press('0');
    await page.keyboard.press('.');
    await page.waitForFunction(() => /1/.test(document.querySelector('#followed').textContent));
    await page.click('#follow-next');
    expect(/2/.test(await page.textContent('#followed')), 'the next point is not followed');
    await page.reload();
    await page.waitForSelector('.openseadragon-canvas canvas');
    await page.context().close();
  });

  await step('a way of comparing has an address, and the numbers a meaning', async () => {
    const page = await open(`${pair()}&way=swipe`);
    await page.waitForSelector('#laid.swipe');
    await page.keyboard.press('2');
    await page.waitForFunction(() => location.search.includes('way=overlay'));
    const name = await page.textContent('#match-name');
    await page.click('#laid-in');
    await page.focus('#laid');
    await page.keyboard.press('+');
    const part = () => page.evaluate(() => document.querySelector('#laid .inner').style.transform);
    const before = await part();
    expect(/scale\(1\.9\d*\)/.test(before), `what is laid over is drawn by ${before}`);
    await page.keyboard.press('ArrowRight');
    expect((await part()) !== before && (await page.textContent('#match-name')) === name, 'an arrow does not move what is enlarged');
    await accessible(page, 'an enlarged overlay');
    await page.keyboard.press('0');
    expect(/scale\(1\)/.test(await part()), '0 does not show all');
    await page.locator('#match-facts .ask button').first().click();
    await page.waitForSelector('#meanings[open] .asked');
    await accessible(page, 'meanings');
    await page.context().close();
  });

  await step('the evidence of a match is saved as a picture, as data and on paper', async () => {
    const page = await open(pair());
    await page.waitForSelector('#match-facts');
    await page.keyboard.press('e');
    await page.waitForSelector('#evidence img.sheet');
    await accessible(page, 'evidence');
    const saved = async (button) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
      return readFile(await download.path());
    };
    const png = await saved('#evidence-png');
    expect(png.subarray(1, 4).toString() === 'PNG' && png.length > 50_000, `the picture has ${png.length} bytes`);
    const report = JSON.parse(await saved('#evidence-json'));
    expect(report.verified && report.inliers > 20 && report.points.length > 20, 'the report lacks points');
    expect(report.query.id === idOf('picture-1.jpg') && report.result.id === idOf('again-1.png'), 'the report names other pictures');
    expect(/^[0-9a-f]{64}$/.test(report.query.sha256) && report.query.sha256 !== report.result.sha256, 'the report lacks hashes');
    expect(/^\d+\.\d+/.test(report.program.version), `the version is ${report.program.version}`);
    const [[a, b], [c, d]] = report.places[0].transform;
    expect(Math.abs(a - 1) < 0.02 && Math.abs(d - 1) < 0.02 && Math.abs(b) + Math.abs(c) < 0.02, `the matrix is ${report.places[0].transform}`);
    await page.emulateMedia({ media: 'print' });
    expect(!(await page.isVisible('header')) && !(await page.isVisible('#match')) && (await page.isVisible('#evidence img.sheet')), 'more than the report is printed');
    await page.context().close();
  });

  await step('a match is looked at on a phone', async () => {
    const page = await open(`${pair()}&zoom=true`, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, locale: 'zh-CN', colorScheme: 'dark' });
    await page.waitForSelector('.openseadragon-canvas canvas');
    await page.tap('#zoom-in');
    await fits(page, 'zoom on a phone');
    await accessible(page, 'zoom on a phone');
    await page.tap('#evidence-open');
    await page.waitForSelector('#evidence img.sheet');
    await accessible(page, 'evidence on a phone');
    await page.context().close();
  });
}
