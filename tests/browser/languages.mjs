// Both languages have the same keys, the same {values}, and nothing left empty or untranslated.

import fs from 'node:fs';
import path from 'node:path';

const kSameInBoth = new Set(['nav.slos', 'slo.name', 'slo.sli', 'zone.utc']);

function values(text) {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))].sort().join(',');
}

export function checkLanguages(checks, folder) {
  const read = (name) => JSON.parse(fs.readFileSync(path.join(folder, `${name}.json`), 'utf8'));
  const en = read('en');
  const zh = read('zh');
  const missing = (a, b) => Object.keys(a).filter((key) => !(key in b));
  checks.report('languages: same keys', [
    ...missing(en, zh).map((key) => `zh lacks ${key}`),
    ...missing(zh, en).map((key) => `en lacks ${key}`),
  ]);
  const shared = Object.keys(en).filter((key) => key in zh);
  checks.report('languages: same values in each sentence', shared
    .filter((key) => values(en[key]) !== values(zh[key]))
    .map((key) => `${key}: {${values(en[key])}} and {${values(zh[key])}}`));
  checks.report('languages: every sentence is translated', shared
    .filter((key) => zh[key].trim() === '' || (zh[key] === en[key] && !kSameInBoth.has(key)))
    .map((key) => `${key}: "${zh[key]}"`));
}
