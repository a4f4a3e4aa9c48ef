// The page with made-up data, for developing it without a server: node dev/mock.mjs [--port N] [--out DIR]
// Serves under the same strict CSP as nines does.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as data from './data.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const option = (name, fallback) => {
  const at = process.argv.indexOf(name);
  return at > 0 ? process.argv[at + 1] : fallback;
};
const dist = path.join(path.resolve(option('--out', path.join(here, '../../../build/ui'))), 'dist');
const kPages = /^\/(?:|slos|slos\/[^/]+|alerts|incidents|incidents\/[^/]+|remediation|maintenance|explore|query|logs|targets|rules|status)$/;
const kTypes = { '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.txt': 'text/plain; charset=utf-8', '.html': 'text/html; charset=utf-8' };
const kHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; font-src 'self'; " +
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

const prom = (value, extra = {}) => [200, { status: 'success', data: value, ...extra }];
const number = (query, name, fallback) => Number(query.get(name) ?? fallback);

function queryRange(q) {
  const text = q.get('query') ?? '';
  if (text.includes('bad(')) return [400, { status: 'error', errorType: 'bad_data', error: 'invalid parameter "query": 1:5: parse error: unknown function with name "bad"' }];
  const result = data.matrix(text, number(q, 'start'), number(q, 'end'), number(q, 'step'));
  return prom({ resultType: 'matrix', result }, text.includes('rate(up') ? { infos: ['PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "up" (1:6)'] } : {});
}

function query(q) {
  const at = data.now();
  return prom({ resultType: 'vector', result: data.matrix(q.get('query') ?? '', at, at, 1).map((one) => ({ metric: one.metric, value: one.values[0] })) });
}

function logs(q) {
  if ((q.get('query') ?? '').startsWith('sum')) {
    return prom({ resultType: 'matrix', result: data.matrix('volume', number(q, 'start'), number(q, 'end'), number(q, 'step')) });
  }
  const streams = new Map();
  for (const line of data.lines(number(q, 'start') / 1e9, number(q, 'end') / 1e9, number(q, 'limit', 100))) {
    const values = streams.get(line.job) ?? [];
    values.push([`${Math.floor(line.at * 1e6)}000`, line.text]);
    streams.set(line.job, values);
  }
  return prom({ resultType: 'streams', result: [...streams].map(([job, values]) => ({ stream: { job, filename: `/var/log/${job}.log` }, values })) });
}

const kRoutes = [
  ['GET', /^\/api\/nines\/v1\/overview$/, () => [200, data.overview()]],
  ['GET', /^\/api\/nines\/v1\/slos$/, () => [200, { slos: data.slos(), grouped: [] }]],
  ['GET', /^\/api\/nines\/v1\/contributors$/, (q) => [200, { slo: q.get('slo'), from: 0, to: 0, labels: [{ label: 'pod', bad: 100, values: [{ value: 'shop-1', bad: 93, valid: 4000, share: 0.93, budget_share: 0.21 }] }] }]],
  ['GET', /^\/api\/nines\/v1\/slos\/([^/]+)\/incidents$/, () => [200, { incidents: data.incidents().slice(0, 2).map((incident) => ({ incident, cost: { slo: 'shop-availability', bad: 120, valid: 9000, share: 0.3 } })) }]],
  ['GET', /^\/api\/nines\/v1\/slos\/([^/]+)$/, (_q, name) => {
    const slo = data.slos().find((one) => one.name === name);
    return slo ? [200, slo] : [404, { error: `there is no SLO "${name}"` }];
  }],
  ['GET', /^\/api\/nines\/v1\/slos\/([^/]+)\/budget$/, (q) => [200, { points: data.budget(number(q, 'start'), number(q, 'end'), number(q, 'points', 240)) }]],
  ['GET', /^\/api\/nines\/v1\/slos\/([^/]+)\/minutes$/, (q) => [200, { minutes: data.minutes(number(q, 'start'), number(q, 'end')) }]],
  ['GET', /^\/api\/nines\/v1\/incidents$/, () => [200, { incidents: data.incidents() }]],
  ['GET', /^\/api\/nines\/v1\/incidents\/([^/]+)$/, (_q, episode) => {
    const incident = data.incidents().find((one) => one.episode === episode);
    return incident ? [200, { incident, acknowledged: data.acknowledged(episode), events: [...(episode === data.kEpisode ? data.events() : data.events().slice(0, 2)), ...data.deedsOf(episode)] }] : [404, { error: `there is no incident "${episode}"` }];
  }],
  ['POST', /^\/api\/nines\/v1\/incidents\/([^/]+)\/acknowledgement$/, (_q, episode, body) => [200, { episode, acknowledged: data.acknowledge(episode, JSON.parse(body)) }]],
  ['DELETE', /^\/api\/nines\/v1\/incidents\/([^/]+)\/acknowledgement$/, (_q, episode) => [200, { episode, acknowledged: data.acknowledge(episode, null) }]],
  ['GET', /^\/api\/nines\/v1\/maintenance$/, () => [200, { maintenance: data.maintenance() }]],
  ['POST', /^\/api\/nines\/v1\/maintenance$/, (_q, _name, body) => data.planMaintenance(JSON.parse(body))],
  ['DELETE', /^\/api\/nines\/v1\/maintenance\/([^/]+)$/, (_q, name) => data.endMaintenance(name)],
  ['GET', /^\/api\/v1\/alerts$/, () => prom(data.alerts())],
  ['GET', /^\/api\/nines\/v1\/deliveries$/, () => [200, { deliveries: data.deliveries() }]],
  ['GET', /^\/api\/nines\/v1\/remediations$/, () => [200, data.remediations()]],
  ['POST', /^\/api\/nines\/v1\/remediations\/stop$/, (_q, _name, body) => {
    data.setStopped(JSON.parse(body).stopped === true);
    return [200, data.remediations()];
  }],
  ['GET', /^\/api\/nines\/v1\/targets$/, () => [200, { targets: data.targets() }]],
  ['GET', /^\/api\/nines\/v1\/tails$/, () => [200, { tails: data.tails() }]],
  ['GET', /^\/api\/nines\/v1\/storage$/, () => [200, data.storage()]],
  ['GET', /^\/api\/nines\/v1\/config$/, () => [200, data.config()]],
  ['GET', /^\/api\/v1\/rules$/, (q) => prom(data.rules(q.get('type')))],
  ['GET', /^\/api\/v1\/query_range$/, queryRange],
  ['GET', /^\/api\/v1\/query$/, query],
  ['GET', /^\/api\/v1\/label\/__name__\/values$/, () => prom(data.kMetrics)],
  ['GET', /^\/loki\/api\/v1\/query_range$/, logs],
  ['GET', /^\/api\/v2\/silences$/, () => [200, data.silences]],
  ['POST', /^\/api\/v2\/silences$/, (_q, _name, body) => {
    const id = `mock-${data.silences.length}`;
    data.silences.push({ ...JSON.parse(body), id, status: { state: 'active' } });
    return [200, { silenceID: id }];
  }],
  ['DELETE', /^\/api\/v2\/silence\/([^/]+)$/, (_q, id) => {
    const silence = data.silences.find((one) => one.id === id);
    if (silence) silence.status.state = 'expired';
    return [200, ''];
  }],
];

function answer(method, url, body) {
  for (const [wanted, pattern, handler] of kRoutes) {
    const match = pattern.exec(url.pathname);
    if (match && wanted === method) return handler(url.searchParams, decodeURIComponent(match[1] ?? ''), body);
  }
  return null;
}

export function startMock(port = 0) {
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://mock');
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const file = url.pathname.startsWith('/assets/') ? path.join(dist, path.normalize(url.pathname)) : kPages.test(url.pathname) ? path.join(dist, 'index.html') : null;
      if (file && request.method === 'GET' && fs.existsSync(file)) {
        response.writeHead(200, { ...kHeaders, 'Content-Type': kTypes[path.extname(file)] });
        response.end(fs.readFileSync(file));
        return;
      }
      const [status, value] = answer(request.method, url, Buffer.concat(chunks).toString()) ?? [404, null];
      response.writeHead(status, { 'Content-Type': value === null ? 'text/plain' : 'application/json', 'X-Content-Type-Options': 'nosniff' });
      response.end(value === null ? '404 page not found' : value === '' ? '' : JSON.stringify(value));
    });
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve({ base: `http://127.0.0.1:${server.address().port}`, close: () => server.close() })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { base } = await startMock(Number(option('--port', '9988')));
  console.log(`${base}  (made-up data; build the page first: npm run build)`);
}
