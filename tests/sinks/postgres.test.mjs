// Rules into a real PostgreSQL: rows, upserts, a server that is stopped, killed and refuses rows.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { api, makeDevice, makeProduct, run, startServer, until } from '../harness.mjs';
import { board, freePort, listening, makeRule, state } from './world.mjs';

const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
const bin = (name) => path.join('/usr/lib/postgresql', versions.at(-1) ?? '', 'bin', name);
// PostgreSQL does not run as root: as root it is run as the package's own user.
const asUser = (command, args) => (process.getuid() === 0 ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--', command, ...args]] : [command, args]);
const folder = mkdtempSync(path.join(tmpdir(), 'tercet-pg-'));
let server, productKey, port, database;

const startDatabase = () => listening(...asUser(bin('postgres'), ['-D', path.join(folder, 'db'), '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off']), port, { cwd: folder });
async function query(sql) {
  const got = await run(...asUser(bin('psql'), ['-h', '127.0.0.1', '-p', String(port), '-U', 'tercet', '-d', 'postgres', '-At', '-c', sql]), { environment: { PGPASSWORD: 'hush' } });
  if (got.code !== 0) throw new Error(got.err);
  return got.out.trim() === '' ? [] : got.out.trim().split('\n');
}
const target = (more) => ({ host: '127.0.0.1', port, database: 'postgres', user: 'tercet', password: 'hush', delivery: { first_pause_ms: 50, longest_pause_ms: 300 }, ...more });

before(async () => {
  chmodSync(folder, 0o777);
  port = await freePort();
  const made = await run(...asUser(bin('initdb'), ['-D', path.join(folder, 'db'), '-U', 'tercet', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C']), { timeout: 60000 });
  assert.equal(made.code, 0, made.err);
  database = await startDatabase();
  await until(() => query('SELECT 1').catch(() => null), 'the database answers', 30000);
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => {
  await server?.stop();
  await database?.stop('SIGINT');
  rmSync(folder, { recursive: true, force: true });
});

test('readings become rows of a table that is made for them, in the types of its columns', async () => {
  const triple = await makeDevice(server, productKey);
  const made = await makeRule(server, {
    name: 'rows', productKey, select: 'deviceName() AS device, items.temperature.value AS temperature', topic: '+/thing/event/property/post', type: 0,
    actions: [['POSTGRESQL', target({ table: 'public.readings', create: true, columns: { at: { value: '${timestamp}', type: 'time' }, device: '${device}', temperature: { value: '${temperature}', type: 'real' }, whole: { value: '${result}', type: 'json' } } })]],
  });
  const sensor = await board(server, triple);
  const before = Date.now() - 1000;
  for (let i = 0; i < 50; ++i) await sensor.post({ temperature: 20 + i / 4 });
  const rows = await until(async () => { const got = await query('SELECT temperature FROM readings ORDER BY at, temperature').catch(() => []); return got.length >= 50 && got; }, 'fifty rows');
  assert.deepEqual(rows.map(Number), Array.from({ length: 50 }, (_, i) => 20 + i / 4));
  assert.deepEqual(await query(`SELECT count(*) FROM readings WHERE at BETWEEN to_timestamp(${before / 1000}) AND now() + interval '1 second' AND whole->>'device' = '${triple.deviceName}'`), ['50']);
  assert.equal((await state(server, made.actions[0])).Status, 'NORMAL');
  await sensor.stop();
});

test('an upsert keeps the last reading of each device', async () => {
  const triple = await makeDevice(server, productKey);
  await makeRule(server, { name: 'last', productKey, select: 'deviceName() AS device, n', actions: [['POSTGRESQL', target({ table: 'last', create: true, upsert: ['device'], columns: { device: '${device}', n: { value: '${n}', type: 'integer' } } })]] });
  const sensor = await board(server, triple);
  for (let n = 1; n <= 40; ++n) await sensor.update({ n });
  await until(async () => (await query('SELECT n FROM last').catch(() => []))[0] === '40', 'the last one');
  assert.deepEqual(await query('SELECT device, n FROM last'), [`${triple.deviceName}|40`]);
  await sensor.stop();
});

test('a row that its column does not take becomes a dead letter, the ones around it are kept', async () => {
  const triple = await makeDevice(server, productKey);
  const made = await makeRule(server, { name: 'strict', productKey, select: 'n', actions: [['POSTGRESQL', target({ table: 'strict', create: true, columns: { n: { value: '${n}', type: 'integer' } } })]] });
  const sensor = await board(server, triple);
  for (const n of [1, 2, 'three', 4]) await sensor.update({ n });
  await until(async () => (await query('SELECT n FROM strict ORDER BY n').catch(() => [])).join() === '1,2,4', 'three rows');
  const letters = (await api(server, 'QueryDeadLetters', { ActionId: made.actions[0] })).Data.List.Letter;
  assert.equal(letters.length, 1);
  assert.match(letters[0].Cause, /invalid input syntax for type bigint: "three"/);
  await sensor.stop();
});

test('while the database is stopped, and after it was killed, every reading arrives at least once and in order', async () => {
  const triple = await makeDevice(server, productKey);
  const made = await makeRule(server, { name: 'outage', productKey, select: 'n', actions: [['POSTGRESQL', target({ table: 'outage', create: true, columns: { n: { value: '${n}', type: 'integer' }, at: { value: '${messageId}', type: 'integer' } } })]] });
  const sensor = await board(server, triple);
  let n = 0;
  const send = async (count) => { for (let i = 0; i < count; ++i) await sensor.update({ n: ++n }); };
  await send(20);
  await until(async () => (await query('SELECT n FROM outage').catch(() => [])).length >= 20, 'twenty rows');
  await database.stop('SIGINT');
  await send(20);
  await until(async () => (await state(server, made.actions[0])).Failures > 0, 'a failure', 20000);
  database = await startDatabase();
  await until(async () => (await query('SELECT n FROM outage').catch(() => [])).length >= 40, 'forty rows', 30000);
  await send(10);
  await database.stop('SIGQUIT');
  await send(10);
  database = await startDatabase();
  const seen = await until(async () => { const got = await query('SELECT DISTINCT n FROM outage ORDER BY n').catch(() => []); return got.length >= 60 && got; }, 'sixty rows', 30000);
  assert.deepEqual(seen.map(Number), Array.from({ length: 60 }, (_, i) => i + 1));
  // In order: the first time each number was written follows the one before.
  const first = (await query('SELECT n FROM (SELECT n, min(ctid) AS c FROM outage GROUP BY n) AS f ORDER BY c')).map(Number);
  assert.deepEqual(first, first.slice().sort((a, b) => a - b));
  await sensor.stop();
});
