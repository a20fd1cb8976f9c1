// Serves pictures whose names, labels and bytes carry scripts, opens the page and every address that sends what
// strangers gave, and fails if a script ran or another origin could read or change anything.
// Called by the script `check` beside it.

import { spawn, spawnSync } from 'node:child_process';
import { createServer, request as httpRequest } from 'node:http';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';

const [resight, executablePath, work, protection, dist] = process.argv.slice(2);
/** For a machine that does much else. */
const PATIENCE = 120_000;
const port = 20000 + (process.pid % 20000);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });

// What runs if it is ever taken for markup: it calls the catcher, another origin, and marks the window.
const caught = [];
const catcher = createServer((request, response) => {
  if (request.url.startsWith('/caught')) caught.push(request.url);
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('content-type', 'text/html');
  response.end('<!doctype html><title>another origin</title>');
});
await new Promise((ready) => catcher.listen(0, '127.0.0.1', ready));
const other = `http://127.0.0.1:${catcher.address().port}`;
// To see that this check can fail, `unprotected` sends all answers without the headers that protect, and pictures as pages.
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };
const policy = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => /^(content-security-policy|x-|cross-origin-|referrer-policy)/.test(name)));
const bare = createServer(async (request, response) => {
  const body = [];
  for await (const part of request) body.push(part);
  const asked = httpRequest({ port, path: request.url, method: request.method, headers: { ...request.headers, host: `127.0.0.1:${port}`, ...(request.headers.origin && { origin: `http://127.0.0.1:${port}` }) } }, (answer) => {
    const headers = { ...answer.headers };
    if (protection === 'unprotected') for (const name of ['content-security-policy', 'x-content-type-options', 'content-disposition', 'cross-origin-resource-policy', 'x-frame-options']) delete headers[name];
    if (protection === 'unprotected' && /^image.jpeg/.test(headers['content-type']) && request.url.endsWith('/file')) headers['content-type'] = 'text/html';
    const file = dist && join(dist, request.url.split('?')[0] === '/' ? 'index.html' : request.url.split('?')[0]);
    if (file && existsSync(file) && statSync(file).isFile()) {
      // The page of the sources, with the headers that the program sends with its own.
      answer.resume();
      for (const name of ['content-length', 'content-encoding', 'etag']) delete headers[name];
      response.writeHead(200, { ...policy(headers), 'content-type': TYPES[extname(file)] });
      response.end(readFileSync(file));
      return;
    }
    response.writeHead(answer.statusCode, headers);
    answer.pipe(response);
  });
  asked.on('error', () => response.destroy());
  asked.end(Buffer.concat(body));
});
await new Promise((ready) => bare.listen(0, '127.0.0.1', ready));
const base = `http://127.0.0.1:${protection === 'unprotected' || dist ? bare.address().port : port}`;
const script = (where) => `window.__ran='${where}';fetch('${other}/caught?${where}')`;
const markups = {
  image: (where) => `<img src=x onerror="${script(where)}">`,
  element: (where) => `<script>${script(where)}</script>`,
  attribute: (where) => `"><svg onload="${script(where)}">`,
  address: (where) => `javascript:${script(where)}`,
  template: (where) => `\${${script(where)}}{{${script(where)}}}`,
};

async function picture(seed, type) {
  const page = await browser.newPage({ viewport: { width: 320, height: 240 } });
  let boxes = '';
  let state = seed;
  const next = (below) => (state = (state * 48271) % 2147483647) % below;
  for (let i = 0; i < 90; i += 1) {
    boxes += `<i style="left:${next(300)}px;top:${next(220)}px;width:${4 + next(40)}px;height:${4 + next(40)}px;background:hsl(${next(360)} 70% ${20 + next(60)}%)"></i>`;
  }
  await page.setContent(`<style>body{margin:0}i{position:absolute}</style>${boxes}`);
  const bytes = await page.screenshot({ type });
  await page.close();
  return bytes;
}

// Files that are pictures and documents with scripts at once, after their names' endings.
function polyglots(jpeg, png, gif) {
  const html = Buffer.from(`<!doctype html><html><body><script>${script('polyglot')}</script></body></html>`);
  const javascript = Buffer.from(`=1;${script('polyglot')};/*`);
  return {
    'html-after.jpg': Buffer.concat([jpeg, html]),
    'html-after.png': Buffer.concat([png, html]),
    // A GIF whose width reads as the beginning of a script's comment.
    'script.gif': Buffer.concat([gif, javascript]),
    'comment.jpg': Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xfe, (html.length + 2) >> 8, (html.length + 2) & 255]), html, jpeg.subarray(2)]),
  };
}

// 48 x 48 pixels in a few values, coded without compression (LZW codes of nine bits with a clear code now and then).
function gif() {
  const size = 48;
  const head = [...Buffer.from('GIF89a'), size, 0, size, 0, 0xf6, 0, 0];
  const palette = Array.from({ length: 128 }, (_, i) => [i * 2, (i * 53) % 256, (i * 91) % 256]).flat();
  const bits = [];
  const code = (value) => { for (let i = 0; i < 8; i += 1) bits.push((value >> i) & 1); };
  for (let i = 0; i < size * size; i += 1) {
    if (i % 100 === 0) code(128);
    code(((i % size >> 2) * 37 + (Math.floor(i / size) >> 2) * 61) % 128);
  }
  code(129);
  const bytes = [];
  for (let i = 0; i < bits.length; i += 8) bytes.push(bits.slice(i, i + 8).reduce((sum, bit, at) => sum | (bit << at), 0));
  const blocks = [];
  for (let i = 0; i < bytes.length; i += 255) { const part = bytes.slice(i, i + 255); blocks.push(part.length, ...part); }
  return Buffer.from([...head, ...palette, 0x2c, 0, 0, 0, 0, size, 0, size, 0, 0, 7, ...blocks, 0, 0x3b]);
}

const folder = join(work, 'pictures');
await mkdir(folder, { recursive: true });
const names = Object.entries(markups).map(([kind, markup]) => [kind, markup(`name-${kind}`).replaceAll('/', '\u2215')]);
let seed = 1;
for (const [, name] of names) await writeFile(join(folder, `${name.slice(0, 200)}.jpg`), await picture((seed += 1), 'jpeg'));
const [jpeg, png] = [await picture(91, 'jpeg'), await picture(92, 'png')];
await writeFile(join(folder, 'copy <b>one<\u2215b>.jpg'), jpeg);
await writeFile(join(folder, 'copy <b>two<\u2215b>.jpg'), jpeg);
await writeFile(join(folder, `broken ${markups.image('refused').replaceAll('/', '\u2215')}.jpg`.slice(0, 200)), jpeg.subarray(0, 400));
await writeFile(join(work, 'query.jpg'), jpeg);
const plugin = join(work, 'shown.py');
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>${script('plugin-svg')}</script></svg>`;
await writeFile(plugin, `PAGE = ${JSON.stringify(`<!doctype html><script>${script('plugin')}</script>`)}
SVG = ${JSON.stringify(svg)}

def page():
    return PAGE.encode(), "text/html"

def drawing():
    return SVG.encode(), "image/svg+xml"

def code():
    return ${JSON.stringify(script('plugin-code'))}.encode(), "text/javascript"

def text():
    return PAGE

def failing():
    raise ValueError(PAGE)
`);
const hasPython = spawnSync('python3', ['--version']).status === 0;
const options = ['--open', '--quarantine', join(work, 'away'), '--listen', `127.0.0.1:${port}`, '--data', join(work, 'data'), '--quiet'];
const server = spawn(resight, ['serve', folder, ...options, ...(hasPython ? ['--plugin', plugin] : [])], { stdio: ['ignore', 'ignore', 'inherit'] });
const failures = [];
const expect = (holds, what) => { if (!holds) failures.push(what); };
let opened = 0;

// A new page, in which no script of ours has run, at an address.
async function open(context, address) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('dialog', (dialog) => { failures.push(`${address} opened a dialog`); dialog.dismiss(); });
  // Downloads and answers without a body end the navigation, which is as good as anything.
  await page.goto(address).catch(() => {});
  await page.waitForTimeout(300);
  opened += 1;
  const ran = await page.evaluate(() => window.__ran).catch(() => undefined);
  expect(ran === undefined, `${address} ran ${ran}`);
  return page;
}

const send = (path, options) => fetch(base + path, options);

try {
  for (let i = 0; i < 600; i += 1) {
    if ((await send('/readyz').catch(() => null))?.ok) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // Labels, uploaded names and polyglots.
  const polyglotIds = [];
  for (const [name, bytes] of Object.entries(polyglots(jpeg, png, gif()))) {
    for (const type of ['text/html', 'image/svg+xml', undefined]) {
      const form = new FormData();
      form.append('file', new Blob([bytes], type ? { type } : {}), type === 'text/html' ? name.replace(/\.\w+$/, '.html') : name);
      const answer = await send('/v1/images', { method: 'POST', body: form });
      const added = await answer.json();
      if (answer.ok) polyglotIds.push(added.image?.id ?? added.id);
    }
  }
  // The folder is read meanwhile.
  const list = async () => (await (await send('/v1/images?limit=100')).json()).images;
  for (const until = Date.now() + PATIENCE; (await list()).length < names.length + 3 && Date.now() < until;) await new Promise((resolve) => setTimeout(resolve, 500));
  const images = await list();
  expect(images.length >= names.length + 3, `only ${images.length} pictures are stored`);
  for (const [at, image] of images.entries()) {
    const markup = Object.values(markups)[at % 5];
    const body = JSON.stringify({ tags: [markup('tag').slice(0, 60)], object: markup('object').slice(0, 60), metadata: { [markup('key').slice(0, 60)]: markup('value') } });
    const answer = await send(`/v1/images/${image.id}`, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body });
    if (!answer.ok) {
      const plain = await send(`/v1/images/${image.id}`, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ metadata: { title: markup('value') } }) });
      expect(plain.ok, `labels of ${image.id}: ${plain.status}`);
    }
  }
  const context = await browser.newContext();
  // The page: list, panel, search, match, duplicates.
  const page = await open(context, `${base}/`);
  await page.waitForSelector('#grid li');
  for (let at = 0; at < (await page.locator('#grid li').count()); at += 1) {
    await page.locator('#grid li').nth(at).locator('.open').click();
    await page.waitForSelector('#panel[open] #panel-find');
    await page.waitForTimeout(100);
    await page.keyboard.press('Escape');
    opened += 1;
  }
  await page.setInputFiles('#query-file', { name: markups.image('query-name'), mimeType: 'image/jpeg', buffer: jpeg });
  await page.waitForSelector('#hits li');
  await page.locator('#hits li').locator('a').first().click();
  await page.waitForSelector('#match-facts');
  await page.waitForTimeout(300);
  for (const way of ['overlay', 'swipe', 'blink', 'difference']) if (await page.locator(`#way-${way}:enabled`).count()) await page.click(`#way-${way}`);
  await page.keyboard.press('Escape');
  await page.setInputFiles('#query-file', { name: markups.element('broken-query'), mimeType: 'image/jpeg', buffer: jpeg.subarray(0, 300) });
  await page.waitForTimeout(500);
  await page.goto(`${base}/`);
  await page.click('#to-duplicates');
  // What a removal of duplicates would do names files, too; entries alone, and with the files moved away.
  await page.click('#accept-all:enabled');
  await page.click('#remove-chosen');
  for (const files of ['keep', 'quarantine']) {
    await page.click(`#files-${files}`);
    await page.waitForSelector('#resolve-facts');
  }
  await page.keyboard.press('Escape');
  for (const view of ['resolutions', 'decisions', 'collections', 'server', 'work', 'refused', 'keys', 'plugins']) {
    await page.goto(`${base}/?view=${view}`);
    await page.waitForTimeout(400);
  }
  for (const key of ['tag', 'object', 'name_prefix', 'sort', 'view', 'open', 'image', 'region']) {
    await page.goto(`${base}/?${key}=${encodeURIComponent(markups.image(key))}`);
    await page.waitForTimeout(200);
  }
  await page.goto(`${base}/#${encodeURIComponent(markups.image('fragment'))}`);
  await page.goto(`${base}/?collection=${encodeURIComponent(markups.image('collection'))}&tag=${encodeURIComponent(markups.image('parameter'))}`);
  await page.waitForTimeout(500);
  expect((await page.evaluate(() => window.__ran)) === undefined, 'the page ran a script');
  // Every address that sends what strangers gave, opened by itself.
  for (const { id } of images) for (const what of ['file', 'thumbnail']) await open(context, `${base}/v1/images/${id}/${what}`);
  for (const path of ['/v1/refused', '/v1/images', '/v1/duplicates', '/v1/objects', `/v1/images/${encodeURIComponent(markups.image('unknown-id'))}`, `/${encodeURIComponent(markups.image('address'))}`]) await open(context, base + path);
  if (hasPython) for (const name of ['page', 'drawing', 'code', 'text', 'failing']) await open(context, `${base}/v1/plugins/shown/${name}`);
  // A picture included as a script, a style or a frame by our own page must not run either.
  for (const { id } of images) {
    await page.evaluate((address) => new Promise((done) => {
      const element = document.createElement('script');
      element.src = address;
      element.onload = element.onerror = () => { element.remove(); done(); };
      document.head.append(element);
    }), `/v1/images/${id}/file`);
  }
  expect((await page.evaluate(() => window.__ran)) === undefined, 'a picture ran as a script of the page');
  // What is opened above is really sent, scripts and all.
  const sent = async (path) => (await send(path)).text();
  if (hasPython) expect((await sent('/v1/plugins/shown/drawing')) === svg, 'the plug-in sent no drawing');
  expect(polyglotIds.length >= 6, `only ${polyglotIds.length} polyglots are stored`);
  for (const id of polyglotIds) expect((await sent(`/v1/images/${id}/file`)).includes('polyglot'), `${id} is sent without its script`);
  // A page of another origin can neither read nor change nor frame.
  const stranger = await context.newPage();
  await stranger.goto(`${other}/`);
  const first = images[0].id;
  const seen = await stranger.evaluate(async ([base, id]) => {
    const tries = { read: ['/v1/images', {}], remove: [`/v1/images/${id}`, { method: 'DELETE' }], label: [`/v1/images/${id}`, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{"tags":["x"]}' }], simple: ['/v1/search', { method: 'POST', mode: 'no-cors', body: new FormData() }] };
    const results = {};
    for (const [name, [path, options]] of Object.entries(tries)) {
      results[name] = await fetch(base + path, options).then(async (r) => (r.type === 'opaque' ? 'opaque' : await r.text()), () => 'refused');
    }
    const frame = document.createElement('iframe');
    frame.src = `${base}/`;
    document.body.append(frame);
    await new Promise((done) => setTimeout(done, 800));
    results.frame = (() => { try { return frame.contentDocument ? 'empty' : 'closed'; } catch { return 'closed'; } })();
    return results;
  }, [base, first]);
  expect(seen.read === 'refused' && seen.remove === 'refused' && seen.label === 'refused', `another origin got ${JSON.stringify(seen)}`);
  expect((await send(`/v1/images/${first}`)).ok, 'another origin removed a picture');
  const framed = stranger.frames().some((frame) => frame !== stranger.mainFrame() && frame.url().startsWith(base));
  expect(!framed, 'another origin frames the page');
} finally {
  server.kill();
  await browser.close();
  catcher.close();
  bare.close();
  bare.closeAllConnections();
  catcher.closeAllConnections();
}
expect(caught.length === 0, `scripts called the other origin: ${caught.join(' ')}`);
for (const failure of failures) console.error(`FAILED: ${failure}`);
console.log(JSON.stringify({ addresses_opened: opened, with_plugin: hasPython, scripts_run: caught.length, failures: failures.length }));
process.exitCode = failures.length ? 1 : 0;
