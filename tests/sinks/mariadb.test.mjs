// Rules into a real MariaDB: rows, upserts, rows that are refused, a server that is stopped and killed.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { api, makeDevice, makeProduct, run, startServer, until } from '../harness.mjs';
import { board, freePort, listening, makeRule, state } from './world.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'tercet-maria-'));
const asUser = process.getuid() === 0 ? ['--user=mysql'] : [];
let server, productKey, port, database;

const startDatabase = () => listening('/usr/sbin/mariadbd', ['--no-defaults', ...asUser, `--datadir=${path.join(folder, 'db')}`, `--port=${port}`, '--bind-address=127.0.0.1', `--socket=${path.join(folder, 's')}`, `--pid-file=${path.join(folder, 'pid')}`, '--innodb-flush-log-at-trx-commit=2'], port, { cwd: folder });
async function query(sql) {
  const got = await run('mariadb', ['--no-defaults', '--default-character-set=utf8mb4', '-h', '127.0.0.1', '-P', String(port), '-u', 'tercet', '-phush', 'iot', '-N', '-B', '-e', sql]);
  if (got.code !== 0) throw new Error(got.err);
  return got.out.trim() === '' ? [] : got.out.trim().split('\n');
}
const target = (more) => ({ host: '127.0.0.1', port, database: 'iot', user: 'tercet', password: 'hush', delivery: { first_pause_ms: 50, longest_pause_ms: 300 }, ...more });

before(async () => {
  chmodSync(folder, 0o777);
  port = await freePort();
  const made = await run('mariadb-install-db', ['--no-defaults', ...asUser, `--datadir=${path.join(folder, 'db')}`, '--auth-root-authentication-method=normal', '--skip-test-db'], { timeout: 120000 });
  assert.equal(made.code, 0, made.out + made.err);
  database = await startDatabase();
  const root = await run('mariadb', ['--no-defaults', '-S', path.join(folder, 's'), '-u', 'root', '-e', "CREATE DATABASE iot; CREATE USER tercet@'127.0.0.1' IDENTIFIED BY 'hush'; CREATE USER tercet@localhost IDENTIFIED BY 'hush'; GRANT ALL ON iot.* TO tercet@'127.0.0.1'; GRANT ALL ON iot.* TO tercet@localhost"]);
  assert.equal(root.code, 0, root.err);
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => {
  await server?.stop();
  await database?.stop('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

test('readings become rows of a table that is made for them, texts in any language', async () => {
  const triple = await makeDevice(server, productKey);
  await makeRule(server, { name: 'rows', productKey, select: 'deviceName() AS device, t, room, on', actions: [['MARIADB', target({ table: 'readings', create: true, columns: { at: { value: '${timestamp}', type: 'time' }, device: '${device}', t: { value: '${t}', type: 'real' }, room: '${room}', lit: { value: '${on}', type: 'boolean' }, whole: { value: '${result}', type: 'json' } } })]] });
  const sensor = await board(server, triple);
  for (let i = 0; i < 30; ++i) await sensor.update({ t: 20 + i / 4, room: '厨房 \'x\' \\ 😀', on: i % 2 === 0 });
  const rows = await until(async () => { const got = await query('SELECT t FROM readings ORDER BY t').catch(() => []); return got.length >= 30 && got; }, 'thirty rows');
  assert.deepEqual(rows.map(Number), Array.from({ length: 30 }, (_, i) => 20 + i / 4));
  assert.deepEqual(await query("SELECT COUNT(*), SUM(lit) FROM readings WHERE room = '厨房 \\'x\\' \\\\ 😀' AND ABS(TIMESTAMPDIFF(SECOND, at, UTC_TIMESTAMP())) < 60 AND JSON_VALUE(whole, '$.device') = device"), ['30\t15']);
  await sensor.stop();
});

test('an upsert keeps the last reading; a row that does not fit becomes a dead letter and the others stay', async () => {
  const triple = await makeDevice(server, productKey);
  const made = await makeRule(server, { name: 'last', productKey, select: 'deviceName() AS device, n', actions: [
    ['MARIADB', target({ table: 'last', create: true, upsert: ['device'], columns: { device: '${device}', n: { value: '${n}', type: 'text' } } })],
    ['MARIADB', target({ table: 'strict', create: true, columns: { n: { value: '${n}', type: 'integer' } } })],
  ] });
  const sensor = await board(server, triple);
  for (const n of [1, 2, 'three', 4]) await sensor.update({ n });
  await until(async () => (await query('SELECT n FROM last').catch(() => [])).join() === '4', 'the last one');
  await until(async () => (await query('SELECT n FROM strict ORDER BY n').catch(() => [])).join() === '1,2,4', 'three rows');
  const letters = (await api(server, 'QueryDeadLetters', { ActionId: made.actions[1] })).Data.List.Letter;
  assert.equal(letters.length, 1);
  assert.match(letters[0].Cause, /Incorrect integer value: 'three'/);
  await sensor.stop();
});

test('while the database is stopped, and after it was killed, every reading arrives at least once', async () => {
  const triple = await makeDevice(server, productKey);
  const made = await makeRule(server, { name: 'outage', productKey, select: 'n', actions: [['MARIADB', target({ table: 'outage', create: true, columns: { n: { value: '${n}', type: 'integer' } } })]] });
  const sensor = await board(server, triple);
  let n = 0;
  const send = async (count) => { for (let i = 0; i < count; ++i) await sensor.update({ n: ++n }); };
  await send(20);
  await until(async () => (await query('SELECT n FROM outage').catch(() => [])).length >= 20, 'twenty rows');
  await database.stop('SIGTERM');
  await send(20);
  await until(async () => (await state(server, made.actions[0])).Failures > 0, 'a failure', 20000);
  database = await startDatabase();
  await until(async () => (await query('SELECT n FROM outage').catch(() => [])).length >= 40, 'forty rows', 30000);
  await send(10);
  await database.stop('SIGKILL');
  await send(10);
  database = await startDatabase();
  const seen = await until(async () => { const got = await query('SELECT DISTINCT n FROM outage ORDER BY n').catch(() => []); return got.length >= 60 && got; }, 'sixty rows', 30000);
  assert.deepEqual(seen.map(Number), Array.from({ length: 60 }, (_, i) => i + 1));
  await sensor.stop();
});
