// Turns the built files of a folder into one assembler file that holds their bytes and one C++ file that lists them:
//   node pack.mjs <dist> <assets.S> <assets_list.cc>
// Text is packed with zlib's best, so that the server sends it as it is.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { constants, gzipSync } from 'node:zlib';

const [dist, assembler, list] = process.argv.slice(2);
const types = {
  '.html': 'text/html;charset=utf-8',
  '.js': 'text/javascript;charset=utf-8',
  '.css': 'text/css;charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

function filesBelow(folder) {
  return readdirSync(folder).sort().flatMap((name) => {
    const file = path.join(folder, name);
    return statSync(file).isDirectory() ? filesBelow(file) : [file];
  });
}

const lines = ['  .section .rodata'];
const rows = [];
const externs = [];
filesBelow(dist).forEach((file, index) => {
  const bytes = readFileSync(file);
  const name = '/' + path.relative(dist, file).split(path.sep).join('/');
  const type = types[path.extname(file)];
  if (!type) throw new Error(`pack.mjs knows no content type for ${name}; add one to its table`);
  const gzip = gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION });
  const packed = gzip.length < bytes.length * 0.9;
  if (packed) writeFileSync(`${file}.gz`, gzip);
  for (const [suffix, source] of [['raw', file], ['gz', packed ? `${file}.gz` : null]]) {
    const symbol = `tercet_console_${index}_${suffix}`;
    lines.push('  .balign 16', `  .global ${symbol}`, `  .global ${symbol}_end`, `${symbol}:`);
    if (source) lines.push(`  .incbin ${JSON.stringify(path.resolve(source))}`);
    lines.push(`${symbol}_end:`, '  .byte 0');
    externs.push(`extern const unsigned char ${symbol}[], ${symbol}_end[];`);
  }
  const etag = createHash('sha256').update(bytes).digest('hex').slice(0, 20);
  const immutable = name.startsWith('/assets/'); // Vite puts a hash of the content into these names
  const span = (suffix) => `between(tercet_console_${index}_${suffix}, tercet_console_${index}_${suffix}_end)`;
  rows.push(`    {"${name}", {${span('raw')}, ${span('gz')}, "${type}", "\\"${etag}\\"", ${immutable}}},`);
});
lines.push('  .section .note.GNU-stack,"",%progbits', '');
writeFileSync(assembler, lines.join('\n'));
writeFileSync(
  list,
  `// Made by pack.mjs.
#include "console/asset_list.h"

extern "C" {
${externs.join('\n')}
}

namespace tercet::console {
namespace {
Bytes between(const unsigned char* begin, const unsigned char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }
}  // namespace

const std::vector<NamedAsset>& asset_list() {
  static const std::vector<NamedAsset> kList = {
${rows.join('\n')}
  };
  return kList;
}

}  // namespace tercet::console
`,
);
