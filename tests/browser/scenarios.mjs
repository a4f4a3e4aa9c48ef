// What people do with the page: keys, settings, dialogs, queries; and what it says when the server is gone.

import { runMaintenance } from './maintenance.mjs';
import { atRest, violations, watch } from './pages.mjs';

async function fresh(browser, base, url, checks, name, body, allowed) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', colorScheme: 'light' });
  const page = await context.newPage();
  await checks.run(name, async () => {
    const problems = [];
    await watch(page, problems, allowed);
    await page.goto(base + url);
    await atRest(page);
    await body(page, problems);
    return problems;
  });
  await context.close();
}

const kEmptyStorage = { path: '/x', budget_bytes: 0, zero_filled_bytes: 0, head_series: 0, head_groups: 0, series_max: 0, series_refused: 0, samples_appended: 0, log_lines_appended: 0, damaged_segments: 0, damage: [], recovery_seconds: 0, classes: [] };

const must = (problems, truth, text) => {
  if (!truth) problems.push(text);
};

export async function runScenarios({ browser, base, checks, isMock }) {
  const scenario = (name, url, body, allowed) => fresh(browser, base, url, checks, name, body, allowed);

  await scenario('keys: g and a letter goes to each page', '/', async (page, problems) => {
    for (const [key, to] of Object.entries({ s: '/slos', a: '/alerts', i: '/incidents', r: '/remediation', m: '/maintenance', e: '/explore', l: '/logs', t: '/targets', o: '/' })) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.waitForFunction((wanted) => location.pathname === wanted, to, { timeout: 5000 }).catch(() => problems.push(`g ${key} did not go to ${to}`));
      await atRest(page);
    }
  });

  await scenario('keys: / searches, ? helps, Escape closes', '/slos', async (page, problems) => {
    await page.keyboard.press('/');
    must(problems, await page.evaluate(() => document.activeElement?.matches('[data-search]')), '/ does not focus the search field');
    await page.keyboard.type('zzz-none');
    await page.waitForFunction(() => location.search.includes('filter=zzz-none'), undefined, { timeout: 5000 });
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.waitForSelector('dialog[open]');
    problems.push(...(await violations(page)));
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog[open]', { state: 'detached' });
  });

  await scenario('settings: language and theme change at once and last', '/', async (page, problems) => {
    await page.click('#set-lang');
    await page.waitForFunction(() => document.documentElement.lang === 'zh-CN', undefined, { timeout: 5000 });
    await page.click('#set-theme');
    await page.click('#set-theme');
    must(problems, (await page.evaluate(() => document.documentElement.dataset.theme)) === 'dark', 'two presses do not give the dark theme');
    await page.reload();
    await atRest(page);
    must(problems, (await page.evaluate(() => document.documentElement.lang)) === 'zh-CN', 'the language is forgotten');
    must(problems, (await page.evaluate(() => document.documentElement.dataset.theme)) === 'dark', 'the theme is forgotten');
  });

  await scenario('tables: a head sorts, the address remembers', '/slos', async (page, problems) => {
    const head = page.locator('th .sort').first();
    if ((await head.count()) === 0) return;
    await head.click();
    await page.waitForFunction(() => location.search.includes('sort=name'), undefined, { timeout: 5000 });
    must(problems, (await page.locator('th[aria-sort="ascending"]').count()) === 1, 'no head says aria-sort="ascending"');
    await page.reload();
    await atRest(page);
    must(problems, (await page.locator('th[aria-sort="ascending"]').count()) === 1, 'the order is gone after a reload');
  });

  await scenario('metrics: names complete themselves, a query runs and draws, the chart has a table', '/explore', async (page, problems) => {
    await page.fill('.query-box textarea', '');
    await page.type('.query-box textarea', 'u');
    await page.type('.query-box textarea', 'p');
    await page.type('.query-box textarea', ' or rat');
    await page.waitForSelector('.suggest li', { timeout: 5000 }).catch(() => problems.push('no name is suggested'));
    problems.push(...(await violations(page)));
    await page.fill('.query-box textarea', 'up');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.chart canvas', { timeout: 10_000 });
    must(problems, (await page.evaluate(() => location.search)).includes('q=up'), 'the query is not in the address');
    await page.click('.chart-foot .link-button');
    must(problems, (await page.locator('.chart table tbody tr').count()) > 0, 'the table of the chart is empty');
    await page.focus('.chart-plot');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => document.querySelector('.chart [aria-live]')?.textContent !== '', undefined, { timeout: 5000 }).catch(() => problems.push('the arrow keys say nothing'));
    problems.push(...(await violations(page)));
  });

  await scenario('metrics: a wrong query shows what and where', `/explore?q=${encodeURIComponent('sum(bad(up))')}`, async (page, problems) => {
    await page.waitForSelector('.query-error', { timeout: 10_000 });
    must(problems, (await page.locator('.query-error .code').textContent())?.includes('^'), 'no mark under the query');
    problems.push(...(await violations(page)));
  }, /status of (400|422)/);

  await scenario('alerts: the silence dialog says what it would match, and refuses to match everything', '/alerts', async (page, problems) => {
    await page.locator('.page-tools .button').last().click();
    await page.waitForSelector('dialog[open] textarea');
    must(problems, await page.locator('dialog .button.primary').isDisabled(), 'an empty silence can be sent');
    await page.fill('dialog textarea', 'alertname=~".*"');
    must(problems, await page.locator('dialog .button.primary').isDisabled(), 'a silence of everything can be sent');
    await page.fill('dialog textarea', 'alertname="BrowserTest"');
    const inputs = page.locator('dialog input');
    await inputs.nth(0).fill('browser test');
    await inputs.nth(1).fill('made by a test');
    problems.push(...(await violations(page)));
    await page.click('dialog .button.primary');
    await page.waitForSelector('dialog[open]', { state: 'detached', timeout: 10_000 });
    const row = page.locator('li', { hasText: 'alertname="BrowserTest"' });
    await row.waitFor({ timeout: 10_000 });
    await row.locator('button').click();
    await row.waitFor({ state: 'detached', timeout: 10_000 });
  });

  await runMaintenance(scenario);

  await scenario('remediation: the kill switch asks first, holds, and lets go', '/remediation', async (page, problems) => {
    const press = async () => {
      await page.locator('.page-tools .button').last().click();
      await page.waitForSelector('dialog[open]');
      problems.push(...(await violations(page)));
      await page.locator('dialog .form-end .button').last().click();
      await page.waitForSelector('dialog[open]', { state: 'detached', timeout: 10_000 });
    };
    await press();
    await page.waitForSelector('main > .banner.tone-warn', { timeout: 10_000 });
    await press();
    await page.waitForSelector('main > .banner.tone-warn', { state: 'detached', timeout: 10_000 });
  });

  await scenario('connection: a server that does not answer is said within 10 s, and so is its return', '/', async (page, problems) => {
    await page.route('**/api/**', (route) => route.abort());
    await page.waitForSelector('.banners .tone-bad', { timeout: 10_000 }).catch(() => problems.push('no banner'));
    problems.push(...(await violations(page)));
    await page.unroute('**/api/**');
    await page.waitForSelector('.banners .tone-bad', { state: 'detached', timeout: 15_000 }).catch(() => problems.push('the banner stays'));
  }, /ERR_FAILED/);

  await scenario('navigation: links do not reload, back goes back, an unknown path says so', '/', async (page, problems) => {
    await page.evaluate(() => { window.stayed = true; });
    await page.click('nav a[href="/targets"]');
    await page.waitForFunction(() => location.pathname === '/targets');
    must(problems, await page.evaluate(() => window.stayed === true), 'a link reloads the page');
    await page.goBack();
    await page.waitForFunction(() => location.pathname === '/');
    const answer = await page.request.get(`${base}/no-such-page`);
    must(problems, answer.status() === 404, `an unknown path is HTTP ${answer.status()}, not 404`);
  });

  await scenario('empty: a server that knows nothing yet breaks no page', '/', async (page, problems) => {
    const nothing = {
      '**/api/nines/v1/overview': { version: '0', started_at: 1, now: 2, targets: { up: 0, down: 0, unknown: 0 }, alerts: { firing: 0, pending: 0 }, slos: [], incidents: [], deliveries: { queued: 0, given_up: 0 }, paging_configured: true, remediation: { stopped: false, running: 0, configured: 0 }, storage: kEmptyStorage, host: null, reload: { ok: false, error: 'nines.toml:3:1: unknown key', at: 1 } },
      '**/api/nines/v1/slos': { slos: [] },
      '**/api/nines/v1/incidents?*': { incidents: [] },
      '**/api/nines/v1/remediations': { stopped: false, remediations: [], runs: [] },
      '**/api/nines/v1/targets': { targets: [] },
      '**/api/nines/v1/tails': { tails: [] },
      '**/api/nines/v1/deliveries?*': { deliveries: [] },
      '**/api/nines/v1/storage': kEmptyStorage,
      '**/api/nines/v1/maintenance': { maintenance: [] },
      '**/api/v2/silences': [],
      '**/api/v1/rules*': { status: 'success', data: { groups: [] } },
      '**/api/v1/query*': { status: 'success', data: { resultType: 'matrix', result: [] } },
      '**/api/v1/label/**': { status: 'success', data: [] },
      '**/loki/**': { status: 'success', data: { resultType: 'streams', result: [] } },
    };
    for (const [pattern, json] of Object.entries(nothing)) await page.route(pattern, (route) => route.fulfill({ json }));
    for (const url of ['/', '/slos', '/alerts', '/incidents', '/remediation', '/maintenance', '/explore', '/explore?q=up', '/logs', '/targets', '/rules', '/status']) {
      await page.goto(base + url);
      await atRest(page);
      must(problems, (await page.locator('main .empty, main .metric-list, main .muted').count()) > 0, `${url} shows nothing`);
      problems.push(...(await violations(page)).map((text) => `${url}: ${text}`));
    }
  });

  if (!isMock) return;
  await scenario('logs: text of a log is text, whatever it holds', '/logs', async (page, problems) => {
    must(problems, (await page.locator('.log-list img').count()) === 0, 'a log line became markup');
    await page.locator('.log-line').first().click();
    problems.push(...(await violations(page)));
  });
}
