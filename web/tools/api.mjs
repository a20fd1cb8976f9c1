// Writes src/api/schema.ts, the types of the HTTP API, from what a running server says of itself:
//   node tools/api.mjs http://127.0.0.1:7777
// The addresses of single collections are left out: they repeat those of the default one.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import openapi, { astToString } from 'openapi-typescript';

const server = process.argv[2] ?? 'http://127.0.0.1:7777';
const answer = await fetch(new URL('/openapi.json', server));
if (!answer.ok) throw new Error(`${server}/openapi.json: status ${answer.status}`);
const document = await answer.json();
for (const path of Object.keys(document.paths)) {
  if (path.startsWith('/v1/collections/{collection}/')) delete document.paths[path];
}
const path = fileURLToPath(new URL('../src/api/schema.ts', import.meta.url));
writeFileSync(path, `// Made by tools/api.mjs from /openapi.json.\n${astToString(await openapi(document))}`);
