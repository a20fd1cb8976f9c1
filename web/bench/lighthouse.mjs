// Has Lighthouse judge the page with pictures of the stub. Called by the script `lighthouse` beside it.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { stub } from './stub.mjs';

if (isMainThread) {
  const [chromium, dist, work, thumbnail] = process.argv.slice(2);
  // Lighthouse is waited for, so the stub answers from a thread of its own.
  const server = new Worker(new URL(import.meta.url), { workerData: { dist, thumbnail: readFileSync(thumbnail) } });
  const base = await new Promise((done) => server.once('message', done));
  const scores = {};
  let ended = 0;
  for (const [form, options] of [['phone', []], ['desktop', ['--preset=desktop']]]) {
    const to = join(work, `${form}.json`);
    const run = spawnSync(join(work, 'node_modules/.bin/lighthouse'), [base, '--quiet', '--output=json', `--output-path=${to}`, '--chrome-flags=--headless=new --no-sandbox', ...options], { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, CHROME_PATH: chromium } });
    if (run.status !== 0) ended = 1;
    else {
      const report = JSON.parse(readFileSync(to, 'utf8'));
      scores[form] = Object.fromEntries(Object.values(report.categories).map((one) => [one.id, Math.round(one.score * 100)]));
      for (const category of Object.values(report.categories)) for (const { id, weight } of category.auditRefs) {
        const { score, title, displayValue } = report.audits[id];
        if (weight > 0 && score !== null && score < 0.9) console.error(`${form}: ${category.id}: ${title} (${id}): ${score} ${displayValue ?? ''}`);
      }
    }
  }
  writeFileSync(join(work, 'scores.json'), JSON.stringify(scores));
  console.log(JSON.stringify(scores));
  await server.terminate();
  process.exitCode = ended || Object.values(scores).some((one) => Object.values(one).some((score) => score < 95)) ? 1 : 0;
} else {
  const { base } = await stub(workerData.dist, 500, [Buffer.from(workerData.thumbnail)]);
  parentPort.postMessage(base);
}
