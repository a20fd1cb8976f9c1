// Deciding: the same thing or no match, and of duplicates which one to keep. The last step removes pictures.
import { readFile } from 'node:fs/promises';
import { expect } from './stand.mjs';

export async function deciding({ step, open, accessible, fits, base, own, idOf }) {
  const image = async (name) => (await fetch(`${own}/v1/images/${idOf(name)}`)).json();

  await step('two pictures are made one object, and that is undone', async () => {
    const page = await open(`${base}/?image=${idOf('picture-1.jpg')}&match=${idOf('again-1.png')}`);
    await page.waitForSelector('#same-thing');
    await page.keyboard.press('s');
    await page.waitForFunction(() => document.querySelector('#same-name')?.value);
    await accessible(page, 'the same thing');
    await page.fill('#same-name', 'the statue');
    await page.click('#same-yes');
    await page.waitForSelector('.notice button');
    expect((await image('again-1.png')).object === 'the statue' && (await image('picture-1.jpg')).object === 'the statue', 'the object is not set');
    await page.locator('.notice button').first().click();
    await page.waitForFunction(() => document.querySelectorAll('.notice').length === 1);
    await page.waitForTimeout(300);
    expect((await image('again-1.png')).object === null, 'the object is not taken back');
    await page.context().close();
  });

  await step('all that a search found is labelled, and that is undone', async () => {
    const page = await open(`${base}/?image=${idOf('picture-2.jpg')}`);
    await page.click('#label-all');
    await page.waitForSelector('#label-hits li');
    expect((await page.locator('#label-hits li').count()) === 2, 'not the query and its crop are to be labelled');
    await accessible(page, 'labels for results');
    await page.fill('#label-object', 'the vase');
    await page.fill('#label-tags', 'blue');
    await page.click('#label-yes');
    await page.waitForSelector('.notice button');
    const labelled = await image('crop-2.jpg');
    expect(labelled.object === 'the vase' && labelled.tags.includes('blue'), `the result has ${labelled.object} and ${labelled.tags}`);
    await page.locator('.notice button').first().click();
    await page.waitForFunction(() => document.querySelectorAll('.notice').length === 1);
    await page.waitForTimeout(500);
    expect((await image('picture-2.jpg')).object === null && !(await image('crop-2.jpg')).tags.length, 'the labels are not taken back');
    await page.context().close();
  });

  await step('decisions are listed, filtered, exported and taken back', async () => {
    const page = await open(`${base}/?image=${idOf('picture-1.jpg')}&match=${idOf('again-1.png')}`);
    await page.waitForSelector('#not-a-match');
    await page.keyboard.press('n');
    await page.waitForSelector('.notice');
    await page.goto(`${base}/?view=decisions`);
    await page.waitForSelector('#decided li');
    await accessible(page, 'decisions');
    await page.fill('#decisions-find', 'nothing like it');
    await page.waitForFunction(() => !document.querySelector('#decided li'));
    await page.fill('#decisions-find', 'AGAIN');
    await page.waitForSelector('#decided li');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#decisions-csv')]);
    const csv = (await readFile(await download.path(), 'utf8')).split('\r\n');
    expect(csv.length === 3 && csv[1].includes(idOf('again-1.png')), `the table is ${csv}`);
    await page.click('#decided .back');
    await page.waitForSelector('#decisions .empty');
    await page.locator('.notice button').first().click();
    await page.waitForSelector('#decided li');
    await page.click('#decided .back');
    await page.waitForSelector('#decisions .empty');
    await page.click('#decisions-same');
    await accessible(page, 'objects');
    await page.context().close();
  });

  await step('duplicates are compared and decided on', async () => {
    const page = await open(`${base}/?view=duplicates`);
    await page.waitForSelector('#duplicate-groups article');
    const groups = await page.locator('#duplicate-groups article').count();
    await accessible(page, 'duplicates');
    await page.locator('.not').last().click();
    await page.waitForFunction((before) => document.querySelectorAll('#duplicate-groups article').length === before - 1, groups);
    await page.locator('.notice button').first().click();
    await page.waitForFunction((before) => document.querySelectorAll('#duplicate-groups article').length === before, groups);
    await page.locator('#duplicate-groups a').first().click();
    await page.waitForSelector('#stage canvas');
    expect(/image=.*match=/.test(page.url()), 'a pair has no address');
    await page.reload();
    await page.waitForSelector('#match-facts');
    await page.context().close();
  });

  await step('duplicates are accepted by a rule, exported, removed, and all of it undone', async () => {
    const total = async () => (await (await fetch(`${own}/v1/images?limit=1`)).json()).total;
    const before = await total();
    await fetch(`${own}/v1/images/${idOf('picture-1.jpg')}`, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{"tags": ["seaside"]}' });
    const page = await open(`${base}/?view=duplicates`);
    await page.waitForSelector('#accept-all');
    const groups = await page.locator('#duplicate-groups article').count();
    const kept = () => page.locator('#duplicate-groups .keep .name').allTextContents();
    await page.selectOption('#rule', 'folder');
    await page.fill('#rule-folder', 'crop-');
    expect((await kept()).includes('crop-2.jpg'), `by folder ${await kept()} are kept`);
    await accessible(page, 'a rule with a folder');
    await page.selectOption('#rule', 'best');
    expect((await kept()).includes('picture-2.jpg'), `by quality ${await kept()} are kept`);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#duplicates-csv')]);
    const table = (await readFile(await download.path(), 'utf8')).trim().split('\r\n');
    expect(table.length === 1 + 2 * groups && table.filter((row) => /,true,/.test(row.slice(0, 40))).length === groups, `the table is ${table}`);
    await page.click('#accept-all');
    await page.waitForSelector('#selection');
    const chosen = Number((await page.textContent('#selection strong')).match(/\d+/)[0]);
    expect(chosen === groups, `of ${groups} pairs ${chosen} pictures are to go`);
    await page.click('#step-back');
    await page.waitForSelector('#selection', { state: 'detached' });
    await page.locator('.accept').first().click();
    expect((await page.locator('article.accepted').count()) === 1, 'a group is not accepted');
    await page.locator('.keep-other').first().click();
    await page.click('#accept-all');
    await accessible(page, 'accepted duplicates');
    await page.click('#remove-chosen');
    await page.waitForSelector('#resolve-facts');
    await accessible(page, 'what a removal would do');
    await fits(page, 'what a removal would do');
    const facts = (await page.locator('#resolve-facts dd').allTextContents()).map(Number);
    expect(facts[0] === chosen && facts[1] === groups, `a dry run tells ${facts}`);
    expect((await total()) === before, 'a dry run removed something');
    expect((await page.locator('#quarantine-off').count()) === 1 && (await page.locator('#files-quarantine').count()) === 0, 'files are said to be moved where the server moves none');
    await page.click('#confirm-yes');
    await page.waitForSelector('#duplicates .empty');
    expect((await total()) === before - chosen, `${await total()} pictures are left`);
    const tagged = await (await fetch(`${own}/v1/images?tag=seaside`)).json();
    expect(tagged.total === 1, `${tagged.total} pictures have the tag that was to be carried over`);
    await page.click('#undo-removal');
    await page.waitForFunction((count) => document.querySelectorAll('#duplicate-groups article').length === count, groups, { timeout: 60_000 });
    expect((await total()) === before, `${await total()} pictures are there after undoing`);
    expect((await image('picture-1.jpg')).tags.includes('seaside'), 'a label was lost');
    await page.goto(`${base}/?view=resolutions`);
    await page.waitForSelector('#resolutions .empty code');
    await accessible(page, 'no moved files');
    await page.goto(`${base}/?view=duplicates`);
    await page.click('#accept-all');
    await page.click('#remove-chosen');
    await page.click('#confirm-yes');
    await page.waitForSelector('#duplicates .empty');
    await page.context().close();
  });
}
