// Answers as the program does for a collection of many pictures that exist only here: the list, counts and thumbnails.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };
const POLICY = "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";
const DAY = 86_400_000;

/** Records of the shape that `GET /v1/images` answers with. */
function records(count) {
  let state = 7;
  const next = (below) => (state = (state * 48271) % 2147483647) % below;
  const start = Date.UTC(2016, 2, 1);
  return Array.from({ length: count }, (_, i) => {
    const [width, height] = [[4032, 3024], [3024, 4032], [1920, 1080], [1200, 1200], [2400, 1000]][next(5)];
    const taken = start + Math.floor((i / count) * 3600 * DAY) + next(DAY);
    const id = i.toString(16).padStart(32, '0');
    return {
      id, name: `${'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[next(26)]}${['holiday', 'statue', 'street', 'cover'][next(4)]} ${String(i).padStart(6, '0')}.jpg`, object: next(20) ? null : `thing ${next(400)}`, tags: next(6) ? [] : [`tag ${next(40)}`],
      metadata: null, width, height, bytes: 20_000 + next(9_000_000), depth: 8, pages: 1, features: 300 + next(2000), media_type: 'image/jpeg',
      added: new Date(start + Math.floor((i / count) * 3600 * DAY)).toISOString(), taken: new Date(taken).toISOString(), file: `/v1/images/${id}/file`, thumbnail: `/v1/images/${id}/thumbnail`,
    };
  });
}

const KEYS = { added: (one) => one.added, taken: (one) => one.taken, name: (one) => one.name, bytes: (one) => one.bytes };

export async function stub(dist, count, thumbnails) {
  const all = records(count);
  const compressed = new Map();
  const sorted = new Map();
  const inOrder = (sort) => {
    if (!sorted.has(sort)) {
      const key = KEYS[sort.replace('-', '')];
      const list = all.map((one, i) => [key(one), i]).sort(([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : i - j)).map(([, i]) => all[i]);
      sorted.set(sort, sort.startsWith('-') ? list.reverse() : list);
    }
    return sorted.get(sort);
  };
  const meets = (given) => {
    const one = (name) => given.get(name);
    const tests = [
      ...given.getAll('tag').map((tag) => (image) => image.tags.includes(tag)),
      ...['added', 'taken'].flatMap((axis) => [one(`${axis}_after`) && ((image) => image[axis] >= one(`${axis}_after`)), one(`${axis}_before`) && ((image) => image[axis] < one(`${axis}_before`))]),
      one('name_prefix') && ((image) => image.name.startsWith(one('name_prefix'))),
      one('min_bytes') && ((image) => image.bytes >= Number(one('min_bytes'))), one('max_bytes') && ((image) => image.bytes <= Number(one('max_bytes'))),
    ].filter(Boolean);
    return tests.length ? (image) => tests.every((test) => test(image)) : null;
  };
  const list = (given) => {
    const order = inOrder(given.get('sort') ?? '-added');
    const test = meets(given);
    return test ? order.filter(test) : order;
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://x');
    const file = join(dist, pathname === '/' ? 'index.html' : pathname);
    const json = (value) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    if (/\/(thumbnail|file)$/.test(pathname)) {
      response.writeHead(200, { 'content-type': 'image/jpeg', 'cache-control': 'max-age=3600' });
      response.end(thumbnails[Number.parseInt(pathname.split('/')[3], 16) % thumbnails.length]);
    } else if (pathname === '/v1/images') {
      const found = list(searchParams);
      const limit = Number(searchParams.get('limit') ?? 50);
      const from = Number(searchParams.get('cursor') ?? searchParams.get('offset') ?? 0);
      json({ images: found.slice(from, from + limit), total: found.length, next: from + limit < found.length ? String(from + limit) : null });
    } else if (pathname === '/v1/count') json({ count: list(searchParams).length });
    else if (pathname === '/v1/session') json({ key: null });
    else if (pathname === '/v1/collections') json({ collections: [{ name: 'default' }] });
    else if (pathname === '/v1/jobs') json({ jobs: [], next: null });
    else if (existsSync(file) && statSync(file).isFile()) {
      // As the program sends them: compressed, and kept for a year where the name has a hash.
      if (!compressed.has(file)) compressed.set(file, brotliCompressSync(readFileSync(file)));
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': POLICY, 'content-encoding': 'br', 'cache-control': pathname.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache' });
      response.end(compressed.get(file));
    } else {
      response.writeHead(404, { 'content-type': 'application/problem+json' });
      response.end('{"title":"not here","status":404}');
    }
  });
  for (const sort of ['-added', 'added', 'name']) inOrder(sort);
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return { base: `http://127.0.0.1:${server.address().port}`, stop: () => { server.close(); server.closeAllConnections(); } };
}
