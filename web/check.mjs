// Checks the page without any package: `node web/check.mjs`. Ends with 1 when something is wrong.

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const read = (name) => readFileSync(join(here, name), 'utf8');
const failures = [];
const fail = (where, what) => failures.push(`${where}: ${what}`);

const scripts = readdirSync(here).filter((name) => name.endsWith('.js'));
const files = new Set(readdirSync(here));
const html = read('index.html').replace(/<!--[\s\S]*?-->/g, '');

// Syntax. The scripts are modules, which `node --check` only knows by their content or ending, so
// they go in by standard input with their type stated.
for (const name of scripts) {
  const { status, stderr, error } = spawnSync(process.execPath, ['--input-type=module', '--check', '-'], { input: read(name), encoding: 'utf8' });
  if (error || status !== 0) fail(name, `syntax error\n${error ?? stderr}`);
}

// Every start tag with its attributes.
const tags = [...html.matchAll(/<([a-z][\w-]*)((?:\s+[\w:-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))?)*)\s*\/?>/gi)].map(([, tag, rest]) => ({
  tag: tag.toLowerCase(),
  attributes: new Map([...rest.matchAll(/([\w:-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)].map((m) => [m[1].toLowerCase(), m[2] ?? m[3] ?? m[4] ?? ''])),
}));
const opened = html.match(/<[a-z]/gi)?.length ?? 0;
if (tags.length !== opened) fail('index.html', `${opened} tags begin but only ${tags.length} can be read; look for a stray < or a quote left open`);

const ids = new Set();
for (const { tag, attributes } of tags) {
  const id = attributes.get('id');
  if (id !== undefined && ids.has(id)) fail('index.html', `the id "${id}" is given twice`);
  if (id !== undefined) ids.add(id);
}

const ADDRESSES = ['src', 'href', 'xlink:href', 'srcset', 'action', 'formaction', 'poster', 'data', 'ping'];
const ID_LISTS = ['for', 'aria-labelledby', 'aria-describedby', 'aria-controls'];
for (const { tag, attributes } of tags) {
  if (tag === 'style') fail('index.html', 'has a <style> element; the content security policy forbids it');
  if (tag === 'base') fail('index.html', 'has a <base> element, which changes where every address leads');
  if (tag === 'script' && !attributes.get('src')) fail('index.html', 'has an inline script; the content security policy forbids it');
  if (tag === 'button' && attributes.get('type') !== 'button') fail('index.html', `the button "${attributes.get('id')}" needs type="button"`);
  for (const [name, value] of attributes) {
    if (/^on/.test(name)) fail('index.html', `<${tag}> has the inline event handler ${name}`);
    if (name === 'style') fail('index.html', `<${tag}> has an inline style`);
    if (name === 'srcdoc') fail('index.html', `<${tag}> has a srcdoc, a page within the page`);
    if (ADDRESSES.includes(name)) {
      const file = value.match(/^([\w.-]+\.\w+)$/)?.[1];
      if (/^#/.test(value)) {
        if (!ids.has(value.slice(1))) fail('index.html', `<${tag}> points at #${value.slice(1)}, which does not exist`);
      } else if (file) {
        if (!files.has(file)) fail('index.html', `<${tag}> asks for ${value}, which is not in this folder`);
      } else if (value !== './' && !(name === 'href' && tag === 'link' && /^data:image\//.test(value))) {
        fail('index.html', `<${tag}> has the address "${value.slice(0, 60)}"; only files of this folder may be used`);
      }
    }
    if (ID_LISTS.includes(name)) {
      for (const one of value.split(/\s+/)) if (!ids.has(one)) fail('index.html', `${name}="${one}" names no element`);
    }
  }
}
if (/javascript:/i.test(html)) fail('index.html', 'has a javascript: address');

// The scripts: ids they use, imports they make, addresses they name. The SVG namespace is a name.
let used = 0;
for (const name of scripts) {
  const text = read(name);
  for (const match of text.matchAll(/(?:(?<![\w$])\$|getElementById)\(\s*['"`]([^'"`]+)['"`]\s*\)|querySelector(?:All)?\(\s*['"`]#([\w-]+)/g)) {
    const id = match[1] ?? match[2];
    used += 1;
    if (!ids.has(id)) fail(name, `uses the id "${id}", which index.html lacks`);
  }
  for (const [, names, from] of text.matchAll(/\bimport\s+\{([^}]*)\}\s*from\s+['"]([^'"]+)['"]/g)) {
    if (!from.startsWith('./') || !files.has(from.slice(2))) {
      fail(name, `imports ${from}, which is not in this folder`);
      continue;
    }
    const given = new Set([...read(from.slice(2)).matchAll(/^export\s+(?:async\s+)?(?:const|let|class|function)\s+([\w$]+)/gm)].map((m) => m[1]));
    for (const one of names.split(',').map((part) => part.trim()).filter(Boolean)) {
      if (!given.has(one)) fail(name, `imports ${one}, which ${from} does not export`);
      else if (text.split(new RegExp(`(?<![\\w$])${one.replace('$', '\\$')}(?![\\w$])`)).length < 3) fail(name, `imports ${one} without using it`);
    }
  }
  for (const [address] of text.matchAll(/(?:https?|wss?):\/\/[^\s'"`)]+/g)) {
    if (address !== 'http://www.w3.org/2000/svg') fail(name, `names the outside address ${address}`);
  }
  for (const [call] of text.matchAll(/\.(?:innerHTML|outerHTML|insertAdjacentHTML)\b|\beval\(|\bnew Function\b|document\.write\b/g)) {
    fail(name, `uses ${call}; text must not become markup or code`);
  }
}
if (used === 0) fail('check.mjs', 'found no id in any script; the pattern no longer fits them');

const css = read('style.css');
for (const [rule] of css.matchAll(/@import[^;]*|url\([^)]*\)/g)) fail('style.css', `asks for another file: ${rule.trim()}`);
if ((css.match(/{/g) ?? []).length !== (css.match(/}/g) ?? []).length) fail('style.css', 'its braces do not pair up');

for (const failure of failures) console.error(failure);
if (failures.length === 0) console.log(`web: ${scripts.length} scripts, ${ids.size} ids, ${used} uses of them: all well`);
process.exitCode = failures.length === 0 ? 0 : 1;
