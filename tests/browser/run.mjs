// Walks every page of nines in a browser: both languages, both themes, wide and 360 px.
//
//   node tests/browser/run.mjs (--base URL | --mock) [--shots DIR] [--only PATTERN]
//
// Fails on a console error, an exception, a CSP report, an answer >= 500, a WCAG violation that axe
// finds, a page that scrolls sideways, and on languages whose keys differ.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { Checks, option } from './checks.mjs';
import { checkLanguages } from './languages.mjs';
import { findPages, lookName, openPage } from './pages.mjs';
import { runScenarios } from './scenarios.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../..');
const shots = option('--shots');
const kExecutable = process.env.CHROMIUM ?? '/usr/bin/chromium';

let base = option('--base');
let mock = null;
if (process.argv.includes('--mock')) {
  const { startMock } = await import(path.join(root, 'web/ui/dev/mock.mjs'));
  mock = await startMock();
  base = mock.base;
}
if (!base) {
  console.error('usage: run.mjs (--base URL | --mock) [--shots DIR]');
  process.exit(2);
}
base = base.replace(/\/$/, '');
if (shots) fs.mkdirSync(shots, { recursive: true });

const checks = new Checks();
checkLanguages(checks, path.join(root, 'web/ui/src/i18n'));

// A browser for each look: one that dies takes no other look with it.
async function withBrowser(name, body) {
  const browser = await chromium.launch({ executablePath: kExecutable, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  try {
    await body(browser);
  } catch (error) {
    checks.report(`${name}: the browser lives to the end`, [String(error)]);
  } finally {
    await browser.close().catch(() => undefined);
  }
}

async function walk(browser, pages, look) {
  const context = await browser.newContext({ viewport: { width: look.width, height: look.width < 500 ? 780 : 900 }, colorScheme: look.theme });
  await context.addInitScript(({ lang, theme }) => {
    localStorage.setItem('nines.lang', lang);
    localStorage.setItem('nines.theme', theme);
  }, look);
  for (const place of pages) await openPage({ context, base, place, look, checks, shots });
}

const kLooks = [
  { lang: 'en', theme: 'light', width: 1280 },
  { lang: 'en', theme: 'dark', width: 1280 },
  { lang: 'zh', theme: 'light', width: 1280 },
  { lang: 'zh', theme: 'dark', width: 1280 },
  { lang: 'en', theme: 'light', width: 360 },
  { lang: 'zh', theme: 'dark', width: 360 },
];

const only = new RegExp(option('--only', ''));  // of "page language theme width"; leaves the scenarios out
const pages = await findPages(base, process.argv.includes('--incident'));
for (const look of kLooks) {
  const wanted = pages.filter((place) => only.test(lookName(place, look)));
  if (wanted.length > 0) await withBrowser(`${look.lang} ${look.theme} ${look.width}px`, (browser) => walk(browser, wanted, look));
}
if (only.source === '(?:)') await withBrowser('scenarios', (browser) => runScenarios({ browser, base, checks, isMock: mock !== null }));
mock?.close();
checks.finish();
