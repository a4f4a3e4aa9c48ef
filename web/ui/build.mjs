// Builds the page: bundles, hashes, compresses, and writes what the binary embeds.
//
//   node build.mjs [--out DIR]
//
// DIR/dist/      the files as they are served
// DIR/assets.S   each of them, raw and gzip, by .incbin
// DIR/assets.cc  the table that web/ui/assets.h promises

import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const kShellMax = 45_000;  // gzip bytes before the first screen
const kAllMax = 300_000;   // gzip bytes of everything

const here = path.dirname(fileURLToPath(import.meta.url));
const flag = process.argv.indexOf('--out');
const out = path.resolve(flag > 0 ? process.argv[flag + 1] : path.join(here, '../../build/ui'));
const dist = path.join(out, 'dist');

const kTypes = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

function digest(data) {
  return createHash('sha256').update(data).digest('hex');
}

function write(name, data) {
  const file = path.join(dist, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, data);
}

// What others wrote and the page contains, with their licences.
function licences() {
  const names = ['preact', '@preact/signals', '@preact/signals-core', 'uplot'];
  return names.map((name) => {
    const dir = path.join(here, 'node_modules', name);
    const { version } = JSON.parse(fs.readFileSync(path.join(dir, 'package.json'), 'utf8'));
    return `${name} ${version}\n\n${fs.readFileSync(path.join(dir, 'LICENSE'), 'utf8').trim()}\n`;
  }).join('\n----\n\n');
}

async function bundle() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: { main: 'src/main.tsx', style: 'src/styles/index.css' },
    outdir: path.join(dist, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  const outputs = result.metafile.outputs;
  const named = (entry) => Object.keys(outputs).find((file) => outputs[file].entryPoint === entry);
  const main = named('src/main.tsx');
  // Chunks that the entry imports at once: fetched beside it, not after it.
  const preload = new Set();
  const collect = (file) => {
    for (const one of outputs[file].imports) {
      if (one.kind !== 'import-statement' || preload.has(one.path)) continue;
      preload.add(one.path);
      collect(one.path);
    }
  };
  collect(main);
  const url = (file) => `/assets/${path.basename(file)}`;
  return { main: url(main), css: url(named('src/styles/index.css')), preload: [...preload].map(url) };
}

function assetList() {
  const files = fs.readdirSync(path.join(dist, 'assets')).sort().map((name) => `assets/${name}`);
  return ['index.html', ...files].map((name) => {
    const raw = fs.readFileSync(path.join(dist, name));
    const packed = gzipSync(raw, { level: 9 });
    const gzip = packed.length < raw.length * 0.9 ? packed : Buffer.alloc(0);
    if (gzip.length) fs.writeFileSync(path.join(dist, `${name}.gz`), gzip);
    return {
      name,
      url: name === 'index.html' ? '/' : `/${name}`,
      type: kTypes[path.extname(name)],
      hash: digest(raw).slice(0, 32),
      raw: raw.length,
      gzip: gzip.length,
      immutable: /-[0-9A-Za-z]{8}\.\w+$/.test(name),
    };
  });
}

// The digests stand in the text, so that the object is built anew whenever a file changes.
function assembly(assets) {
  const blob = (symbol, file, note) =>
    `  .balign 16\n  .globl ${symbol}\n  .hidden ${symbol}\n${symbol}:\n  .incbin "${file}"  /* ${note} */\n`;
  return `  .section .rodata\n${assets.map((asset, index) => {
    const file = path.join(dist, asset.name);
    return blob(`nines_ui_raw_${index}`, file, asset.hash) + (asset.gzip ? blob(`nines_ui_gzip_${index}`, `${file}.gz`, asset.hash) : '');
  }).join('')}  .section .note.GNU-stack,"",%progbits\n`;
}

function table(assets) {
  const quote = (text) => JSON.stringify(text);
  const symbols = assets.flatMap((asset, index) => [`nines_ui_raw_${index}`, ...(asset.gzip ? [`nines_ui_gzip_${index}`] : [])]);
  const rows = assets.map((asset, index) => {
    const gzip = asset.gzip ? `std::string_view(nines_ui_gzip_${index}, ${asset.gzip})` : 'std::string_view()';
    return `    {${quote(asset.url)}, ${quote(asset.type)}, ${quote(`"${asset.hash}"`)},\n     std::string_view(nines_ui_raw_${index}, ${asset.raw}), ${gzip}, ${asset.immutable}},\n`;
  });
  return `// Made by web/ui/build.mjs.
#include <array>

#include "web/ui/assets.h"

extern "C" {
${symbols.map((symbol) => `extern const char ${symbol}[] __attribute__((visibility("hidden")));\n`).join('')}}

namespace nines::web {

std::span<const Asset> ui_assets() {
  static const std::array<Asset, ${assets.length}> kAssets = {{
${rows.join('')}  }};
  return kAssets;
}

}  // namespace nines::web
`;
}

function report(assets, shell) {
  const sum = (list) => list.reduce((all, asset) => all + (asset.gzip || asset.raw), 0);
  const first = sum(assets.filter((asset) => shell.includes(asset.url)));
  const all = sum(assets.filter((asset) => !asset.url.endsWith('.txt')));
  for (const asset of assets) {
    console.log(`  ${asset.url.padEnd(44)} ${String(asset.raw).padStart(8)} ${String(asset.gzip || asset.raw).padStart(8)} gzip`);
  }
  console.log(`page: shell ${first} B gzip (at most ${kShellMax}), all ${all} B gzip (at most ${kAllMax})`);
  if (first > kShellMax || all > kAllMax) throw new Error('the page has grown past its limit');
}

fs.rmSync(dist, { recursive: true, force: true });
fs.mkdirSync(path.join(dist, 'assets'), { recursive: true });
const { main, css, preload } = await bundle();
const icon = fs.readFileSync(path.join(here, 'src/favicon.svg'));
const iconUrl = `/assets/favicon-${digest(icon).slice(0, 8)}.svg`;
write(iconUrl, icon);
write('assets/third-party-licenses.txt', licences());
write('index.html', fs.readFileSync(path.join(here, 'src/index.html'), 'utf8')
  .replace('%favicon.svg%', iconUrl)
  .replace('%main.css%', css)
  .replace('%preload%', preload.map((url) => `<link rel="modulepreload" href="${url}" />`).join('\n    '))
  .replace('%main.js%', main));
const assets = assetList();
fs.writeFileSync(path.join(out, 'assets.S'), assembly(assets));
fs.writeFileSync(path.join(out, 'assets.cc'), table(assets));
report(assets, ['/', main, css, ...preload]);
