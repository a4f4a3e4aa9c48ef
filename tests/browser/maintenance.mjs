// Planned work and acknowledgements as people handle them: planned, seen, ended; taken on, given back.

import { atRest, violations } from './pages.mjs';

const must = (problems, truth, text) => {
  if (!truth) problems.push(text);
};

async function fill(page, fields) {
  for (const [name, text] of Object.entries(fields)) await page.fill(`dialog [name="${name}"]`, text);
}

async function planned(page, problems, name) {
  await page.locator('.page-tools .button').last().click();
  await page.waitForSelector('dialog[open] [name="name"]');
  const create = page.locator('dialog .button.primary');
  must(problems, await create.isDisabled(), 'maintenance without a name can be sent');
  await fill(page, { name, matchers: 'service=~".*"', by: 'browser test', comment: 'made by a test' });
  must(problems, await create.isDisabled(), 'maintenance of everything can be sent');
  await fill(page, { matchers: `service="${name}"`, duration: '30s' });
  problems.push(...(await violations(page)));
  await create.click();
  await page.waitForSelector('dialog .banner.tone-bad', { timeout: 10_000 }).catch(() => problems.push('a refusal of the server is not shown'));
  await fill(page, { duration: '90m', zone: 'Europe/Berlin' });
  await page.selectOption('dialog select', 'FREQ=DAILY');
  await create.click();
  await page.waitForSelector('dialog[open]', { state: 'detached', timeout: 10_000 });
}

async function ended(page, problems, row) {
  await row.locator('button').last().click();
  await page.waitForSelector('dialog[open]');
  problems.push(...(await violations(page)));
  await page.locator('dialog .form-end .button').first().click();  // not yet
  await page.waitForSelector('dialog[open]', { state: 'detached', timeout: 10_000 });
  must(problems, (await row.count()) === 1, 'it ended although nobody confirmed');
  await row.locator('button').last().click();
  await page.locator('dialog .button.danger').click();
  await page.waitForSelector('dialog[open]', { state: 'detached', timeout: 10_000 });
  await row.waitFor({ state: 'detached', timeout: 10_000 });
}

export async function runMaintenance(scenario) {
  const name = `browser-test-${Date.now()}`;
  await scenario('maintenance: it is planned with a rule, shown with its next windows, and ended after a question', '/maintenance', async (page, problems) => {
    await planned(page, problems, name);
    const row = page.locator('tbody tr', { hasText: name });
    await row.waitFor({ timeout: 10_000 });
    const text = await row.innerText();
    for (const wanted of ['FREQ=DAILY', 'Europe/Berlin', 'browser test', 'made by a test', `service="${name}"`, 'Running'])
      must(problems, text.includes(wanted), `the row does not show ${wanted}: ${text}`);
    await row.locator('summary').click();
    must(problems, (await row.locator('details li').count()) === 5, 'the next five windows are not shown');
    problems.push(...(await violations(page)));
    await ended(page, problems, row);
    await page.locator('.segments button').last().click();
    await page.locator('tbody tr', { hasText: name }).waitFor({ timeout: 10_000 }).catch(() => problems.push('what is over is not listed'));
    must(problems, (await page.locator('tbody tr', { hasText: name }).locator('button').count()) === 0, 'what is over can be ended');
  }, /status of 400/);

  await scenario('incidents: one that fires is acknowledged by its button, and given back', '/alerts?state=firing', async (page, problems) => {
    const link = page.locator('.alert-row a[href^="/incidents/"]').first();
    await link.waitFor({ timeout: 20_000 });
    await link.click();
    const ask = page.locator('.page-tools .button.primary');
    await ask.waitFor({ timeout: 10_000 });
    await ask.click();
    await page.waitForSelector('dialog[open] input');
    const inputs = page.locator('dialog input');
    await inputs.nth(0).fill('');
    must(problems, await page.locator('dialog .button.primary').isDisabled(), 'nobody can acknowledge');
    await inputs.nth(0).fill('browser test');
    await inputs.nth(1).fill('on it');
    problems.push(...(await violations(page)));
    await page.click('dialog .button.primary');
    await page.waitForSelector('dialog[open]', { state: 'detached', timeout: 10_000 });
    const said = page.locator('p[role="status"]', { hasText: 'browser test' });
    await said.waitFor({ timeout: 10_000 });
    must(problems, (await said.innerText()).includes('on it'), 'the comment is not shown');
    must(problems, (await ask.count()) === 0, 'what is acknowledged can be acknowledged again');
    await page.reload();
    await atRest(page);
    await said.waitFor({ timeout: 10_000 }).catch(() => problems.push('it is forgotten after a reload'));
    problems.push(...(await violations(page)));
    await said.locator('button').click();
    await said.waitFor({ state: 'detached', timeout: 10_000 });
    await ask.waitFor({ timeout: 10_000 }).catch(() => problems.push('what was given back cannot be acknowledged'));
    const events = page.locator('.events li');
    await events.filter({ hasText: 'Acknowledgement withdrawn' }).last().waitFor({ timeout: 10_000 }).catch(() => problems.push('the incident does not tell that it was given back'));
  });

  await scenario('alerts: one that fires is acknowledged in the list, which says so then', '/alerts?state=firing', async (page, problems) => {
    const row = page.locator('.alert-row', { has: page.locator('.button.primary') }).first();
    await row.waitFor({ timeout: 20_000 });
    const incident = await row.locator('a[href^="/incidents/"]').getAttribute('href');
    await row.locator('.button.primary').click();
    await page.waitForSelector('dialog[open] input');
    await page.locator('dialog input').nth(0).fill('list test');
    await page.locator('dialog input').nth(1).fill('restarting it');
    await page.click('dialog .button.primary');
    const said = page.locator('.alert-row', { has: page.locator(`a[href="${incident}"]`) }).locator('.acknowledged');
    await said.waitFor({ timeout: 10_000 });
    const text = await said.innerText();
    must(problems, text.includes('list test') && text.includes('restarting it'), `the list does not say who works on it: ${text}`);
    problems.push(...(await violations(page)));
    await page.goto(new URL('/incidents?state=firing', page.url()).href);
    await page.locator(`a[href="${incident}"] .acknowledged`).waitFor({ timeout: 10_000 }).catch(() => problems.push('the list of incidents does not say who works on it'));
    await page.goto(new URL(incident, page.url()).href);
    const withdraw = page.locator('p[role="status"] button');
    await withdraw.click();
    await withdraw.waitFor({ state: 'detached', timeout: 10_000 });
  });
}
