// One page in one look: opens it, waits until it is at rest, and asks what went wrong.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const axeSource = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kTags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

// The pages, with a real SLO and a real incident where the server knows one.
// With `incident` set the server has had one on purpose: pages then must show what it left.
export async function findPages(base, incident) {
  const ask = async (url) => (await fetch(base + url)).json();
  const { slos: known } = await ask('/api/nines/v1/slos');
  const { incidents: all } = await ask('/api/nines/v1/incidents?limit=50');
  const slos = known.filter((slo) => !incident || slo.name === 'shop-availability');
  const incidents = [...all].sort((a, b) => Number(b.state === 'resolved') - Number(a.state === 'resolved')).filter((one) => !incident || one.labels.alertname === 'ShopDown');  // one with an end has the whole chain
  if (incident && (slos.length === 0 || incidents.length === 0)) throw new Error('the server knows no SLO or no incident of the shop');
  const shows = (text) => (incident ? { shows: text } : {});
  return [
    { name: 'overview', url: '/', ...shows(['BillingDown', 'shop-availability']) },
    { name: 'slos', url: '/slos' },
    ...(slos[0] ? [{ name: 'slo', url: `/slos/${encodeURIComponent(slos[0].name)}` }] : []),  // the least budget comes first
    ...(incident ? [
      { name: 'slo-group', url: `/slos/${encodeURIComponent('shop-answers{status="200"}')}`, shows: ['shop-answers{status="200"}'] },
      { name: 'slo-composite', url: '/slos/shop-whole', shows: ['shop-availability', 'all of it'] },
    ] : []),
    { name: 'alerts', url: '/alerts', ...shows(['BillingDown', '<img src=x']) },
    { name: 'incidents', url: '/incidents' },
    ...(incidents[0] ? [{ name: 'incident', url: `/incidents/${encodeURIComponent(incidents[0].episode)}`, ...shows(['restart-shop', 'oncall']) }] : []),
    { name: 'remediation', url: '/remediation', ...shows(['restart-shop']) },
    { name: 'maintenance', url: '/maintenance', ...shows(['weekly-db', 'FREQ=WEEKLY', 'service="db"']) },
    { name: 'explore', url: '/explore' },
    { name: 'graph', url: '/explore?q=up' },
    { name: 'table', url: '/explore?q=up&tab=table' },
    ...(incident ? [{ name: 'hostile', url: '/explore?q=hostile_value&tab=table', shows: ['<img src=x'] }] : []),
    ...(incident ? [{ name: 'broken', url: `/explore?q=${encodeURIComponent('sum(rate(up[5m]) by')}`, shows: ['^'], allowed: /status of (400|422)/ }] : []),
    { name: 'logs', url: `/logs?q=${encodeURIComponent('{app=~".+"} !~ "/cart/|/broken|GET / "')}`, ...shows(['<img src=x']) },
    { name: 'targets', url: '/targets', ...shows(['billing', 'onnect', 'expected a metric name']) },
    { name: 'rules', url: '/rules' },
    { name: 'status', url: '/status', ...shows(['oncall']) },
  ];
}

// Collects everything that must not happen. `allowed` is a pattern of expected console errors.
export async function watch(page, problems, allowed) {
  page.on('console', (message) => {
    if (message.type() === 'error' && !allowed?.test(message.text())) problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('response', (response) => {
    if (response.status() >= 500) problems.push(`HTTP ${response.status()} ${response.url()}`);
  });
  page.on('requestfailed', (request) => {
    if (!/ERR_ABORTED/.test(request.failure()?.errorText ?? '') && !allowed) problems.push(`request failed: ${request.url()} ${request.failure()?.errorText}`);
  });
  await page.exposeFunction('reportCsp', (text) => problems.push(`CSP: ${text}`));
  await page.addInitScript(() => {
    window.addEventListener('unhandledrejection', (event) => window.reportCsp(`unhandled rejection: ${event.reason}`));
    document.addEventListener('securitypolicyviolation', (event) => {
      window.reportCsp(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
}

export async function atRest(page) {
  await page.waitForSelector('main h1', { timeout: 15_000 });
  await page.waitForFunction(() => !document.querySelector('main .loading'), undefined, { timeout: 15_000 });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

// Through the debugger, so that the page's own CSP does not stand in the way of its examiner.
export async function violations(page) {
  await page.evaluate(axeSource);
  return page.evaluate(async (tags) => {
    const result = await window.axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] });
    return result.violations.map((one) => {
      const first = one.nodes[0];
      return `${one.id}: ${one.help}; ${one.nodes.length}x, first ${first.target.join(' ')} ${(first.any[0] ?? first.all[0] ?? first.none[0])?.message ?? ''}`;
    });
  }, kTags);
}

export function lookName(place, look) {
  return `${place.name} ${look.lang} ${look.theme} ${look.width}px`;
}

export async function openPage({ context, base, place, look, checks, shots }) {
  const name = lookName(place, look);
  const page = await context.newPage();
  await checks.run(name, async () => {
    const problems = [];
    await watch(page, problems, place.allowed);
    const response = await page.goto(base + place.url, { waitUntil: 'load' });
    if (response.status() !== 200) problems.push(`HTTP ${response.status()}`);
    await atRest(page);
    const lang = await page.evaluate(() => document.documentElement.lang);
    if (!lang.startsWith(look.lang)) problems.push(`the page says lang="${lang}"`);
    const text = await page.evaluate(() => document.querySelector('main').innerText);
    for (const wanted of place.shows ?? []) if (!text.includes(wanted)) problems.push(`does not show "${wanted}"`);
    if (await page.evaluate(() => window.hacked !== undefined)) problems.push('markup out of data was run');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) problems.push(`the page scrolls sideways by ${wide} px`);
    problems.push(...(await violations(page)));
    if (shots) await page.screenshot({ path: path.join(shots, `${place.name}-${look.lang}-${look.theme}-${look.width}.png`), fullPage: true });
    return problems;
  });
  await page.close();
}
