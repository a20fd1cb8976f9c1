// Writes src/api/schema.ts, the types of the HTTP API, from what a running server says of itself:
//   node tools/api.mjs http://127.0.0.1:7777
// With --check before the address nothing is written: it ends with 1 where the file is not what the server says.
// The addresses of single collections are left out: they repeat those of the default one.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import openapi, { astToString } from 'openapi-typescript';

const check = process.argv[2] === '--check';
const server = process.argv[check ? 3 : 2] ?? 'http://127.0.0.1:7777';
const answer = await fetch(new URL('/openapi.json', server));
if (!answer.ok) throw new Error(`${server}/openapi.json: status ${answer.status}`);
const document = await answer.json();
for (const path of Object.keys(document.paths)) {
  if (path.startsWith('/v1/collections/{collection}/')) delete document.paths[path];
}
const path = fileURLToPath(new URL('../src/api/schema.ts', import.meta.url));
const types = `// Made by tools/api.mjs from /openapi.json.\n${astToString(await openapi(document))}`;
if (!check) writeFileSync(path, types);
else if (readFileSync(path, 'utf8') !== types) {
  const [held, said] = [readFileSync(path, 'utf8'), types].map((text) => text.split('\n'));
  const at = held.findIndex((line, i) => line !== said[i]);
  console.error(`src/api/schema.ts is not what the server says of its API; they differ from line ${at + 1} on:\n- ${held[at]}\n+ ${said[at]}\nRun 'npm run api -- ADDRESS' in web with a server of this program, then 'npm run build'.`);
  process.exitCode = 1;
} else console.log('src/api/schema.ts is what the server says of its API');
