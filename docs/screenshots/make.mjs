// Draws the pictures, indexes and serves them, and photographs the page: results, then one match.
// Called by the script `make` beside it.

import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { scenes } from './art.mjs';

const [resight, executablePath, work, out] = process.argv.slice(2);
const port = 20000 + (process.pid % 20000);

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

async function answers(url) {
  for (let i = 0; i < 600; i += 1) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} does not answer`);
}

async function counts(url, wanted) {
  for (let i = 0; i < 600; i += 1) {
    if ((await (await fetch(url)).json()).count >= wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} does not reach ${wanted}`);
}

await draw(join(work, 'pictures'), scenes.folder);
await draw(join(work, 'query'), scenes.query);
const options = ['--listen', `127.0.0.1:${port}`, '--data', join(work, 'data'), '--quiet'];
const server = spawn(resight, ['serve', join(work, 'pictures'), ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
try {
  await answers(`http://127.0.0.1:${port}/readyz`);
  // The folder is indexed while the server answers.
  await counts(`http://127.0.0.1:${port}/v1/count`, Object.keys(scenes.folder).length);
  const page = await browser.newPage({ viewport: { width: 1120, height: 740 }, colorScheme: 'light' });
  // The first search warms up the server; the second one is shown.
  for (const _ of ['first', 'second']) {
    await page.goto(`http://127.0.0.1:${port}/`);
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
  server.kill();
  await browser.close();
}
