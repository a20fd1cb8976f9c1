// What must hold of the page whatever it shows; needs Node.js alone. Ends with 1 when something does not.
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

const web = fileURLToPath(new URL('..', import.meta.url));
const failures = [];
const fail = (where, what) => failures.push(`${where}: ${what}`);
const under = (folder) => readdirSync(join(web, folder), { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).map((one) => join(one.parentPath ?? one.path, one.name));
const read = (path) => readFileSync(path, 'utf8');

/** What is loaded before anything is shown, compressed, in bytes. */
const MOST = 250_000;

const html = read(join(web, 'dist/index.html'));
if (/<style|<base|javascript:|srcdoc/i.test(html)) fail('dist/index.html', 'has a style, a base, a srcdoc or a javascript: address');
if (/<script(?![^>]*\ssrc=)/i.test(html)) fail('dist/index.html', 'has an inline script; the content security policy forbids it');
if (/<[^>]*\s(?:on\w+|style)\s*=/i.test(html)) fail('dist/index.html', 'has an inline handler or style');
const loaded = [];
for (const [, address] of html.matchAll(/\s(?:src|href)="([^"]*)"/g)) {
  if (address.startsWith('data:image/')) continue;
  if (!address.startsWith('./assets/')) fail('dist/index.html', `has the address ${address}; only ./assets/ may be used`);
  else loaded.push(address);
}
if (loaded.length < 2) fail('dist/index.html', 'loads no script or no style');
const size = [html, ...loaded.map((address) => read(join(web, 'dist', address)))].reduce((sum, text) => sum + brotliCompressSync(text).length, 0);
if (size > MOST) fail('dist', `its first load is ${size} bytes; at most ${MOST}`);

// Names, addresses in messages of libraries, and what they fill in outside of browsers, are no requests.
// The library of zooming knows formats by such names, and maps that nobody opens here.
const FORMATS = /^https?:\/\/(schemas\.microsoft\.com\/deepzoom\/|(library\.stanford\.edu\/iiif|iiif\.io\/api)\/|tile\.openstreetmap\.org\/$|openseadragon\.github\.io\/)/;
const NAMES = [FORMATS, /^http:\/\/www\.w3\.org\//, /^https:\/\/svelte\.dev\/e\//, /^https:\/\/paraglidejs\.com\/errors#/, /^http:\/\/(fallback|example|dummy)\.com$/];
for (const path of under('dist')) {
  const text = read(path);
  const shown = relative(web, path);
  for (const [address] of text.matchAll(/\b(?:https?|wss?):\/\/[^\s'"`)<\\]+/g)) if (!NAMES.some((name) => name.test(address))) fail(shown, `names the outside address ${address}`);
  if (path.endsWith('.css')) for (const [rule] of text.matchAll(/@import[^;]*|url\([^)]*\)/g)) fail(shown, `asks for another file: ${rule}`);
  if (/\beval\(|\bnew Function\b|document\.write\b|sourceMappingURL/.test(text)) fail(shown, 'makes code of text, or names a source map');
}

let sources = 0;
for (const path of under('src')) {
  const shown = relative(web, path);
  if (/^src\/(paraglide|api\/schema)/.test(shown)) continue;
  sources += 1;
  const text = read(path);
  if (/\{@html\b|innerHTML|outerHTML|insertAdjacentHTML/.test(text)) fail(shown, 'makes markup of text');
  if (/\sstyle="(?!\{)/.test(text)) fail(shown, 'has an inline style; the content security policy forbids it');
  if (/['"`]\/v1/.test(text.replace(/\.(?:GET|POST|PATCH|PUT|DELETE)\('\/v1/g, '').replaceAll('`${folder}/v1/`', ''))) fail(shown, 'names an address that begins at the root');
}
if (sources < 20) fail('src', 'has too few files: the pattern no longer fits them');

const [en, zh] = ['en', 'zh'].map((locale) => JSON.parse(read(join(web, `messages/${locale}.json`))));
for (const key of Object.keys(en)) if (!(key in zh)) fail('messages/zh.json', `lacks ${key}`);
for (const key of Object.keys(zh)) if (!(key in en)) fail('messages/en.json', `lacks ${key}`);
const used = new Set(under('src').filter((path) => /\.(svelte|ts)$/.test(path)).flatMap((path) => [...read(path).matchAll(/\bm\.([a-z_0-9]+)/g)].map(([, key]) => key)));
for (const key of Object.keys(en)) if (!used.has(key)) fail('messages', `${key} is used nowhere`);
if (read(join(web, 'package-lock.json')).includes('"resolved"')) fail('package-lock.json', 'names a registry');

for (const failure of failures) console.error(failure);
if (!failures.length) console.log(`web: ${sources} sources, ${Object.keys(en).length} messages in two languages, first load ${size} bytes compressed: all well`);
process.exitCode = failures.length ? 1 : 0;
