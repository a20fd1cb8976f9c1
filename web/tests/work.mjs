// Collections, plug-ins, the server's figures, refused files. Called by the script `run` beside it.
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { accessible, conclude, fits, open, step } from './hands.mjs';
import { checked, expect, picture, put, serve, settled } from './stand.mjs';

const [resight, executablePath, work, dist] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.log('SKIPPED: functions of plug-ins: python3 is not installed');

const folder = join(work, 'pictures');
await put(folder, { 'one.jpg': await picture(browser, 1), 'two.jpg': await picture(browser, 2), 'three.jpg': await picture(browser, 3), 'broken.jpg': Buffer.from('\xff\xd8\xff\xe0 no more', 'latin1') });
const plugin = join(work, 'shapes.py');
await writeFile(plugin, `"""Shapes."""
from typing import Literal


def describe(word: str, times: int = 2, loud: bool = False, way: Literal["plain", "turned"] = "plain"):
    """Says a word again and again."""
    text = word * times
    return {"said": text.upper() if loud else text, "way": way}


def size(data: bytes):
    """The length of a file."""
    return {"bytes": len(data)}


def fails(depth: int = 1):
    """Always fails."""
    raise ValueError("the depth is %d" % depth)
`);
const { base, own, stop } = await serve(resight, join(work, 'work'), { folder, dist, options: ['--open', ...(hasPython ? ['--plugin', plugin] : [])] });
await settled(own, 3);

await step('collections are made, filled, opened, renamed and removed', async () => {
  const page = await open(browser, `${base}/?view=collections`);
  await page.waitForSelector('#collections li');
  await accessible(page, 'collections');
  await page.fill('#collection-name', 'statues');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('#collections li').length === 2);
  await page.click('#home');
  await page.waitForSelector('#grid .open');
  await page.locator('#grid .open').first().focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Space');
  await page.click('#copy-chosen');
  await page.waitForSelector('#copy[open]');
  await accessible(page, 'copying to a collection');
  await page.click('#copy-go');
  await page.waitForSelector('.notice');
  expect((await page.textContent('.notice')).includes('2'), `the notice says ${await page.textContent('.notice')}`);
  const { count } = await (await fetch(`${own}/v1/collections/statues/count`)).json();
  expect(count === 2, `the other collection has ${count} pictures`);
  await page.goto(`${base}/?view=collections`);
  await page.locator('#collections a.button').first().click();
  await page.waitForFunction(() => document.querySelectorAll('#grid li').length === 2);
  expect(page.url().includes('collection=statues'), 'the collection is not in the address');
  await page.goto(`${base}/?view=collections`);
  await page.click('#rename-statues');
  await page.fill('#new-name', 'default');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#rename-reason.bad');
  await accessible(page, 'a name that is taken');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.activeElement?.id === 'rename-statues');
  await page.keyboard.press('Enter');
  await page.fill('#new-name', 'sculptures');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#rename-sculptures');
  const renamed = await (await fetch(`${own}/v1/collections/sculptures/count`)).json();
  expect(renamed.count === 2, `the renamed collection has ${renamed.count} pictures`);
  expect((await page.locator('#collection option').allTextContents()).includes('sculptures'), 'the header has the old name');
  // The shown one takes its new name into the address.
  await page.goto(`${base}/?collection=sculptures&view=collections`);
  await page.click('#rename-sculptures');
  await page.fill('#new-name', 'statues-of-the-19th-century');
  await page.keyboard.press('Enter');
  await page.waitForURL(/collection=statues-of-the-19th-century/);
  await page.waitForSelector('#rename-statues-of-the-19th-century');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.click('#rename-statues-of-the-19th-century');
  await fits(page, 'renaming on a phone');
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(`${base}/?view=collections`);
  await page.locator('#collections .danger').click();
  await accessible(page, 'removing a collection');
  await page.click('#confirm-yes');
  await page.waitForFunction(() => document.querySelectorAll('#collections li').length === 1);
  await page.context().close();
});

if (hasPython) await step('a function of a plug-in is tried, and its failure is shown with the traceback', async () => {
  const page = await open(browser, `${base}/?view=plugins`);
  await page.waitForFunction(() => document.querySelectorAll('#plugins .functions > li').length === 3);
  const of = (name) => page.locator('#plugins .functions > li', { hasText: `${name}(` });
  await of('describe').locator('summary').click();
  await accessible(page, 'the form of a function');
  await of('describe').locator('[name=word]').fill('echo ');
  await of('describe').locator('[name=times]').fill('3');
  await of('describe').locator('[name=loud]').selectOption('true');
  await of('describe').locator('[name=way]').selectOption('turned');
  await of('describe').locator('button[type=submit]').click();
  await of('describe').locator('pre').waitFor();
  const said = JSON.parse(await of('describe').locator('pre').textContent());
  expect(said.said === 'ECHO ECHO ECHO ' && said.way === 'turned', `the answer is ${JSON.stringify(said)}`);
  await of('size').locator('summary').click();
  await of('size').locator('[name=data]').setInputFiles({ name: 'some.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(1234) });
  await of('size').locator('button[type=submit]').click();
  await of('size').locator('pre').waitFor();
  expect((await of('size').locator('pre').textContent()).includes('1234'), 'the file did not arrive as it is');
  await of('fails').locator('summary').click();
  await of('fails').locator('button[type=submit]').click();
  await of('fails').locator('.problem pre').waitFor();
  expect((await of('fails').locator('.problem').textContent()).includes('the depth is 1'), 'the failure is not told');
  await page.waitForSelector('#plugins .failure');
  await page.click('#plugins .failure summary');
  expect((await page.textContent('#plugins .failure pre')).includes('raise ValueError'), 'the plug-in’s last error has no traceback');
  await accessible(page, 'a failed function');
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page, 'plug-ins on a phone');
  await page.context().close();
});

await step('the server shows its figures', async () => {
  const page = await open(browser, `${base}/?view=server`);
  await page.waitForSelector('#charts figure path', { state: 'attached' });
  expect(/of/.test(await page.locator('#charts figure').nth(2).textContent()), 'memory is not shown beside its budget');
  if (await page.locator('#storage').count()) expect((await page.locator('#storage .legend li').count()) > 0, 'the storage has no kinds');
  else console.log('SKIPPED: storage by kind: this program does not tell it');
  await accessible(page, 'server');
  for (const width of [390, 1600]) {
    await page.setViewportSize({ width, height: 900 });
    await fits(page, `the server's figures at ${width}`);
  }
  await page.context().close();
});

await step('a refused file has its reason and is tried again', async () => {
  const page = await open(browser, `${base}/?view=refused`);
  await page.waitForSelector('#refused li');
  expect(/broken\.jpg/.test(await page.textContent('#refused li')), 'the broken file is not listed');
  await accessible(page, 'refused files');
  const registered = (await (await fetch(`${own}/v1/folders`)).json()).folders.length;
  if (registered) {
    await page.click('#retry');
    await page.waitForSelector('#jobs li');
  } else expect((await page.locator('#retry').count()) === 0, 'a retry is offered where no folder is registered');
  await page.context().close();
});

stop();
await browser.close();
conclude(checked);
