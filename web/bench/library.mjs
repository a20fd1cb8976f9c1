// Scrolls through a library of many pictures in Chromium and measures. Called by the script `run` beside it.
import { chromium } from 'playwright-core';
import { stub } from './stub.mjs';

const [executablePath, dist, pictures = '100000'] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });

async function thumbnail(seed) {
  const page = await browser.newPage({ viewport: { width: 256, height: 192 } });
  await page.setContent(`<style>body{margin:0;background:linear-gradient(${seed * 37}deg,hsl(${seed * 47} 60% 40%),hsl(${seed * 91} 70% 75%))}i{position:absolute;width:70px;height:70px;border-radius:50%;left:${(seed * 53) % 190}px;top:${(seed * 31) % 130}px;background:hsl(${seed * 17} 60% 60%)}</style><i></i>`);
  const bytes = await page.screenshot({ type: 'jpeg', quality: 80 });
  await page.close();
  return bytes;
}
const thumbnails = [];
for (let seed = 1; seed <= 24; seed += 1) thumbnails.push(await thumbnail(seed));
const server = await stub(dist, Number(pictures), thumbnails);

const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
const client = await page.context().newCDPSession(page);
await page.addInitScript(() => {
  const look = () => {
    const row = [...document.querySelectorAll('#grid li')].filter((one) => one.style.top === '0px');
    const images = row.map((one) => one.querySelector('img'));
    if (row.length && images.every((one) => one?.complete && one.naturalWidth)) window.firstRow = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
});

/** The longest tasks of the page's main thread while `does` runs, in ms. */
async function traced(does) {
  const events = [];
  const take = ({ value }) => events.push(...value);
  client.on('Tracing.dataCollected', take);
  await client.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', 'disabled-by-default-devtools.timeline', 'devtools.timeline', '__metadata'] } });
  const result = await does();
  const ended = new Promise((done) => client.once('Tracing.tracingComplete', done));
  await client.send('Tracing.end');
  await ended;
  client.off('Tracing.dataCollected', take);
  const mains = new Set(events.filter((one) => one.name === 'thread_name' && one.args.name === 'CrRendererMain').map((one) => `${one.pid} ${one.tid}`));
  const tasks = events.filter((one) => /RunTask$/.test(one.name) && mains.has(`${one.pid} ${one.tid}`) && one.dur).map((one) => one.dur / 1000).sort((a, b) => b - a);
  return { result, longest: tasks[0] ?? 0, over: tasks.filter((one) => one > 50).length };
}

/** Frames while the wheel turns for some seconds. */
async function wheel(seconds, step, pause) {
  await page.mouse.move(600, 500);
  await page.evaluate(() => {
    window.frames_ = [];
    window.counting = true;
    const tick = (time) => { window.frames_.push(time); if (window.counting) requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
  });
  const until = Date.now() + seconds * 1000;
  while (Date.now() < until) {
    await page.mouse.wheel(0, step);
    await new Promise((done) => setTimeout(done, pause));
  }
  const [frames, travelled] = await page.evaluate(() => { window.counting = false; return [window.frames_, scrollY]; });
  const gaps = frames.slice(1).map((time, i) => time - frames[i]).sort((a, b) => a - b);
  const mean = gaps.reduce((sum, one) => sum + one, 0) / gaps.length;
  return { fps: 1000 / mean, p99: gaps[Math.floor(gaps.length * 0.99)], late: gaps.filter((one) => one > 25).length / gaps.length, travelled };
}

const round = (value, digits = 1) => Number(value.toFixed(digits));
const opening = await traced(async () => {
  await page.goto(server.base, { waitUntil: 'commit' });
  await page.waitForFunction(() => window.firstRow, null, { polling: 50 });
  await page.waitForTimeout(1500);
  return page.evaluate(() => window.firstRow);
});
// Tracing slows everything: frames are counted without it.
const frames = await wheel(8, 160, 16);
const scrolling = await traced(() => wheel(6, 160, 16));
const jumps = [];
const jumping = await traced(async () => {
  for (let i = 1; i <= 8; i += 1) {
    const share = (i * 0.37) % 1;
    const box = await page.locator('#scrubber').boundingBox();
    const before = await page.evaluate(() => performance.now());
    await page.mouse.click(box.x + 20, box.y + box.height * share);
    await page.waitForFunction(() => [...document.querySelectorAll('#grid li')].filter((one) => { const { top } = one.getBoundingClientRect(); return top > 60 && top < 400; }).every((one) => one.querySelector('img')?.complete), null, { polling: 'raf' });
    jumps.push((await page.evaluate(() => performance.now())) - before);
  }
});
const marks = await page.locator('#scrubber .label').count();
const filtering = await traced(async () => {
  const before = await page.evaluate(() => { scrollTo(0, 0); return performance.now(); });
  await page.evaluate(() => { history.pushState(null, '', '?tag=tag 7'); dispatchEvent(new PopStateEvent('popstate')); });
  await page.waitForFunction(() => Number(document.querySelector('#library-summary').textContent.replace(/\D/g, '')) < 5000 && document.querySelector('#grid li img')?.complete, null, { polling: 'raf' });
  return (await page.evaluate(() => performance.now())) - before;
});
const heap = (await client.send('Runtime.getHeapUsage')).usedSize / 1e6;
jumps.sort((a, b) => a - b);
console.log(JSON.stringify({
  pictures: Number(pictures), first_row_ms: round(opening.result, 0), opening_longest_task_ms: round(opening.longest), scroll_fps: round(frames.fps), scroll_frame_p99_ms: round(frames.p99), scroll_late_share: round(frames.late, 4), scrolled_px: scrolling.result.travelled,
  scroll_longest_task_ms: round(scrolling.longest), scroll_tasks_over_50: scrolling.over, jump_median_ms: round(jumps[jumps.length >> 1], 0), jump_most_ms: round(jumps.at(-1), 0), jump_longest_task_ms: round(jumping.longest), marks, filter_ms: round(filtering.result, 0), filter_longest_task_ms: round(filtering.longest), heap_mb: round(heap, 0),
}));
await browser.close();
server.stop();
