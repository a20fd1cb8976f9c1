// Draws the pictures, indexes and serves them, and photographs the page: results, then one match.
// Called by the script `make` beside it.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { scenes } from './art.mjs';
import { serve, settled } from './stand.mjs';

const [resight, executablePath, work, out] = process.argv.slice(2);

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });

async function draw(folder, pictures) {
  await mkdir(folder, { recursive: true });
  for (const [name, [html, width, height]] of Object.entries(pictures)) {
    const page = await browser.newPage({ viewport: { width, height } });
    await page.setContent(html);
    await page.screenshot({ path: join(folder, name), type: 'jpeg', quality: 88 });
    await page.close();
  }
}

await draw(join(work, 'pictures'), scenes.folder);
await draw(join(work, 'query'), scenes.query);
const server = await serve(resight, work, { folder: join(work, 'pictures'), dist: process.env.DIST });
try {
  // The folder is indexed while the server answers.
  await settled(server.base, Object.keys(scenes.folder).length);
  const page = await browser.newPage({ viewport: { width: 1120, height: 740 }, colorScheme: 'light' });
  // The first search warms up the server; the second one is shown.
  for (const _ of ['first', 'second']) {
    await page.goto(`${server.base}/`);
    await page.setInputFiles('#query-file', join(work, 'query', Object.keys(scenes.query)[0]));
    await page.waitForSelector('#hits li');
    await page.waitForLoadState('networkidle');
  }
  await page.screenshot({ path: join(out, 'results.png') });
  await page.locator('#hits li', { hasText: 'on-the-table.jpg' }).locator('a').first().click();
  await page.waitForSelector('#match-facts');
  await page.waitForLoadState('networkidle');
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(out, 'match.png') });
} finally {
  server.stop();
  await browser.close();
}
