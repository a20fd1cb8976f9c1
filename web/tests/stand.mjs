// A program with pictures, a browser, and short ways to check.
import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { extname, join } from 'node:path';

export const failures = [];
let checks = 0;
export const expect = (holds, what) => {
  checks += 1;
  if (!holds) failures.push(what);
};
export const checked = () => checks;

/** A picture with much structure, drawn by the browser; `seed` makes it differ from others. */
export async function picture(browser, seed, { width = 640, height = 480, crop = null, type = 'jpeg' } = {}) {
  const page = await browser.newPage({ viewport: { width, height } });
  // A machine that builds at the same time may take long.
  page.setDefaultTimeout(120_000);
  let state = seed * 7919 + 1;
  const next = (below) => (state = (state * 48271) % 2147483647) % below;
  let shapes = '';
  for (let i = 0; i < 260; i += 1) {
    shapes += `<i style="left:${next(width)}px;top:${next(height)}px;width:${6 + next(60)}px;height:${6 + next(60)}px;background:hsl(${next(360)} 70% ${20 + next(60)}%);rotate:${next(90)}deg"></i>`;
  }
  await page.setContent(`<style>body{margin:0;overflow:hidden;background:#ccc}i{position:absolute}</style>${shapes}`);
  const bytes = await page.screenshot({ type, ...(crop ? { clip: crop } : {}) });
  await page.close();
  return bytes;
}

const POLICY = "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };

/** Passes requests on to the program, but for files of `dist`. */
async function front(dist, port) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://x');
    const file = join(dist, pathname === '/' ? 'index.html' : pathname);
    if (request.method === 'GET' && existsSync(file) && statSync(file).isFile()) {
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': POLICY });
      createReadStream(file).pipe(response);
      return;
    }
    const headers = { ...request.headers, host: `127.0.0.1:${port}`, ...(request.headers.origin && { origin: `http://127.0.0.1:${port}` }) };
    const asked = httpRequest({ port, path: request.url, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    asked.on('error', () => response.destroy());
    request.pipe(asked);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return server;
}

/** Starts the program on a folder. */
export async function serve(resight, work, { folder, dist, options = [] }) {
  await mkdir(work, { recursive: true });
  const port = 20000 + ((process.pid * 7 + work.length * 131) % 30000);
  const child = spawn(resight, ['serve', ...(folder ? [folder] : []), '--listen', `127.0.0.1:${port}`, '--data', join(work, 'data'), '--quiet', ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
  const own = `http://127.0.0.1:${port}`;
  for (let i = 0; ; i += 1) {
    if ((await fetch(`${own}/readyz`).catch(() => null))?.ok) break;
    if (i > 600) throw new Error('the program does not answer');
    await new Promise((done) => setTimeout(done, 100));
  }
  const before = dist ? await front(dist, port) : null;
  return {
    own,
    base: before ? `http://127.0.0.1:${before.address().port}` : own,
    stop: () => {
      child.kill();
      before?.close();
      before?.closeAllConnections();
    },
  };
}

/** Makes a key of the program's data folder. */
export function key(resight, work, ...options) {
  const made = spawnSync(resight, ['keys', 'create', '--data', join(work, 'data'), ...options], { encoding: 'utf8' });
  return made.stdout.match(/resight_\w+/)?.[0];
}

/** Waits until so many pictures are stored and no job runs; two minutes unless more tries are given. */
export async function settled(base, count, tries = 600) {
  for (let i = 0; i < tries; i += 1) {
    const { total } = await (await fetch(`${base}/v1/images?limit=1`)).json();
    const { jobs } = await (await fetch(`${base}/v1/jobs?state=running&state=queued`)).json();
    if (total >= count && !jobs.length) return;
    await new Promise((done) => setTimeout(done, 200));
  }
  throw new Error('the folder was not indexed');
}

export const put = (folder, files) => mkdir(folder, { recursive: true }).then(() => Promise.all(Object.entries(files).map(([name, bytes]) => writeFile(join(folder, name), bytes))));
