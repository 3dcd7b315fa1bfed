// Rules into Debian's InfluxDB: points with tags and fields, over a killed server.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { makeDevice, makeProduct, startServer, until } from '../harness.mjs';
import { board, freePort, listening, makeRule, state } from './world.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'tercet-influx-'));
let server, productKey, port, database;
const startDatabase = () => listening('influxd', ['-config', path.join(folder, 'influx.conf')], port, { env: { ...process.env, HOME: folder } });
async function query(q) {
  const got = await fetch(`http://127.0.0.1:${port}/query?db=iot&epoch=ms&q=${encodeURIComponent(q)}`, { method: 'POST' });
  const answer = await got.json();
  return answer.results[0].series?.[0].values ?? [];
}
before(async () => {
  port = await freePort();
  const rpc = await freePort();
  for (const one of ['meta', 'data', 'wal']) mkdirSync(path.join(folder, one));
  writeFileSync(path.join(folder, 'influx.conf'), `reporting-disabled = true\nbind-address = "127.0.0.1:${rpc}"\n[meta]\n  dir = "${folder}/meta"\n[data]\n  dir = "${folder}/data"\n  wal-dir = "${folder}/wal"\n[http]\n  bind-address = "127.0.0.1:${port}"\n`);
  database = await startDatabase();
  await until(() => fetch(`http://127.0.0.1:${port}/ping`).then((got) => got.status === 204).catch(() => false), 'InfluxDB answers', 30000);
  await query('CREATE DATABASE iot');
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => {
  await server?.stop();
  await database?.stop('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('every reading is a point, while the server is down and after it was killed', async () => {
  const triple = await makeDevice(server, productKey);
  const made = await makeRule(server, { name: 'points', productKey, select: 'n, at', actions: [['INFLUXDB', { url: `http://127.0.0.1:${port}`, database: 'iot', measurement: 'climate', tags: { device: '${deviceName}' }, fields: { n: '${n}' }, time: '${at}', delivery: { first_pause_ms: 50, longest_pause_ms: 300 } }]] });
  const sensor = await board(server, triple);
  const start = Date.now();
  let n = 0;
  const send = async (count) => { for (let i = 0; i < count; ++i) await sensor.update({ n: ++n, at: start + n }); };
  await send(30);
  await until(async () => (await query('SELECT n FROM climate')).length >= 30, 'thirty points');
  await database.stop('SIGKILL');
  await send(20);
  await until(async () => (await state(server, made.actions[0])).Failures > 0, 'a failure', 20000);
  database = await startDatabase();
  const points = await until(async () => { const got = await query(`SELECT n FROM climate WHERE device = '${triple.deviceName}'`).catch(() => []); return got.length >= 50 && got; }, 'fifty points', 30000);
  assert.deepEqual(points, Array.from({ length: 50 }, (_, i) => [start + i + 1, i + 1]));
  await sensor.stop();
});
