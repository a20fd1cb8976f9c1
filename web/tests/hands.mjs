// What a visitor of the page does and sees, for the files of checks beside this one.
import { expect, failures } from './stand.mjs';

const AxeBuilder = await import('@axe-core/playwright').then((module) => module.default, () => null);
if (!AxeBuilder) console.log('SKIPPED: accessibility: axe-core cannot be fetched');

/** What the console of any page said that no check provoked. */
export const problems = [];

export async function open(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => problems.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    // Refusals of the server that a test provokes are also told to the console.
    if (message.type() === 'error' && !/status of (401|403|404|409|422|502)/.test(message.text())) problems.push(`${page.url()}: ${message.text()}`);
  });
  await page.goto(address);
  return page;
}

/** No element breaks a rule of accessibility. */
export async function accessible(page, where) {
  if (!AxeBuilder) return;
  const { violations } = await new AxeBuilder({ page }).analyze();
  for (const { id, nodes } of violations) failures.push(`${where}: ${id}: ${nodes[0].html.slice(0, 160)}`);
  expect(violations.length === 0, `${where}: ${violations.length} rules of accessibility are broken`);
}

export const fits = async (page, where) => expect((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${where} is wider than its window`);

export async function step(name, does) {
  if (process.env.ONLY && !name.includes(process.env.ONLY)) return;
  if (process.env.LEAVE_OUT && name.includes(process.env.LEAVE_OUT)) {
    console.log(`left out ${name}`);
    return;
  }
  const before = failures.length;
  const began = Date.now();
  try {
    await does();
  } catch (error) {
    failures.push(`${name}: ${error.message.split('\n').slice(0, 4).join(' ')}`);
  }
  console.log(`${failures.length === before ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
}

/** Says what failed and ends with the right status. */
export function conclude(checked) {
  for (const problem of problems) failures.push(`the console says: ${problem}`);
  for (const failure of failures) console.error(`FAILED: ${failure}`);
  console.log(`${checked()} checks, ${failures.length} failures`);
  process.exitCode = failures.length ? 1 : 0;
}
