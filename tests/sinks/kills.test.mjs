// The platform is killed again and again while boards post: what was acknowledged reaches every target at least once, and
// in order. TERCET_KILLS says how often (5; the long form is 100).
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { api, makeDevice, makeProduct, startServer, until } from '../harness.mjs';
import { board, makeRule, sqlite } from './world.mjs';

const kills = Number(process.env.TERCET_KILLS ?? 5);
const boards = 4;

test(`what is acknowledged reaches its targets over ${kills} kills of the platform`, { timeout: 60000 + kills * 20000 }, async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tercet-kills-'));
  let server = await startServer({ directory });
  const productKey = await makeProduct(server);
  const triples = [];
  for (let i = 0; i < boards; ++i) triples.push(await makeDevice(server, productKey));
  await makeRule(server, { name: 'keep', productKey, select: 'deviceName() AS d, n', where: 'n > 0', actions: [
    ['SQLITE', { path: 'k.db', table: 't', create: true, columns: { d: '${d}', n: { value: '${n}', type: 'integer' } } }],
    ['FILE', { path: 'k.csv', format: 'csv', columns: { d: '${d}', n: '${n}' } }],
  ] });
  const acknowledged = triples.map(() => 0); // the last number of each that was acknowledged; numbers go on from there
  let sent = 0, slowest = 0;
  for (let life = 0; life <= kills; ++life) {
    let is_over = false;
    const work = triples.map(async (triple, i) => {
      const one = await board(server, triple);
      one.link.on('error', () => {});
      const closed = new Promise((resolve) => one.link.once('close', () => resolve(false)));
      while (!is_over) {
        const n = acknowledged[i] + 1;
        // A link that dies never answers: whatever was on its way is sent again in the next life.
        const done = await Promise.race([one.update({ n }).then(() => true, () => false), closed]);
        if (!done) return;
        acknowledged[i] = n;
        ++sent;
      }
      await one.stop();
    });
    if (life === kills) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      is_over = true;
      await Promise.all(work);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 150 + Math.random() * 250));
    const gone = server.kill();
    await gone;
    await Promise.all(work.map((one) => one.catch(() => {})));
    const before = Date.now();
    server = await startServer({ directory });
    slowest = Math.max(slowest, Date.now() - before);
  }
  const total = acknowledged.reduce((a, b) => a + b, 0);
  const database = path.join(directory, 'data', 'sinks', 'k.db');
  const rows = await until(async () => { const got = await sqlite(database, 'SELECT COUNT(DISTINCT d || n) AS c FROM t'); return got[0].c >= total && sqlite(database, 'SELECT d, n FROM t ORDER BY rowid'); }, `${total} rows`, 60000);
  const text = () => readFileSync(path.join(directory, 'data', 'sinks', 'k.csv'), 'utf8').trimEnd().split('\r\n').slice(1);
  await until(() => new Set(text()).size >= total, `${total} lines`, 60000);
  const check = (all) => {
    for (const [i, triple] of triples.entries()) {
      const seen = new Set(), order = [];
      for (const [d, n] of all) if (d === triple.deviceName && !seen.has(n)) { seen.add(n); order.push(n); }
      // Every number up to the last acknowledged one, in order; one more may have come whose acknowledgement was lost.
      assert.ok(order.length >= acknowledged[i]);
      assert.deepEqual(order, Array.from({ length: order.length }, (_, k) => k + 1));
    }
    return all.length;
  };
  const inDatabase = check(rows.map((row) => [row.d, row.n]));
  const inFile = check(text().map((line) => [line.split(',')[0], Number(line.split(',')[1])]));
  console.log(`${kills} kills, ${sent} acknowledged, 0 lost; ${inDatabase - total} came twice in SQLite, ${inFile - total} in the file; slowest start ${slowest} ms`);
  assert.equal((await api(server, 'ListRule', { CurrentPage: 1, PageSize: 1 })).Data.RuleInfo[0].Status, 'RUNNING');
  await server.stop();
});
