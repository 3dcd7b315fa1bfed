// Between the platform and each target stands a bad line: it delays, garbles, cuts half-way, turns away, and answers 500. Every
// record reaches its target in the end, those of a device in order, and a rule beside it goes on meanwhile.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { makeDevice, makeProduct, run, startServer, until } from '../harness.mjs';
import { board, freePort, letterBody, listening, makeRule, postOffice, state, webServer } from './world.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'tercet-faults-'));
const quick = { first_pause_ms: 20, longest_pause_ms: 200 };
let server, productKey;
before(async () => {
  chmodSync(folder, 0o777);
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});
const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

// Forwards to a port of this machine, in the way that `how` says: well, slow, garbage, cut (after some bytes of an answer), shut.
async function badLine(target) {
  const line = { how: 'well', bad: 0 };
  const open = new Set();
  const proxy = createServer((near) => {
    open.add(near);
    near.on('close', () => open.delete(near));
    near.on('error', () => {});
    const { how } = line;
    if (how !== 'well') ++line.bad;
    if (how === 'shut') return near.destroy();
    if (how === 'garbage') return near.on('data', () => near.end(Buffer.from('\x00\xff\x7f garbage \r\n\r\n{]}\x00\x00\x00\x09', 'latin1')));
    const far = connect(target, '127.0.0.1');
    open.add(far);
    far.on('close', () => open.delete(far));
    let left = how === 'cut' ? 40 : Infinity;
    const later = how === 'slow' ? 30 : 0;
    const pass = (to, piece) => (later ? setTimeout(() => to.writable && to.write(piece), later) : to.writable && to.write(piece));
    near.on('data', (piece) => pass(far, piece));
    far.on('data', (piece) => {
      left -= piece.length;
      if (left < 0) return near.destroy();
      pass(near, piece);
    });
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => setTimeout(() => near.destroy(), later + 10));
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  line.port = proxy.address().port;
  line.become = (how) => {
    line.how = how;
    line.bad = 0;
    if (how !== 'well' && how !== 'slow') for (const socket of open) socket.destroy();
  };
  line.stop = () => new Promise((resolve) => {
    for (const socket of open) socket.destroy();
    proxy.close(resolve);
  });
  return line;
}

// `target(line.port)` is the action; `got()` the numbers that have arrived, in their order.
async function endure(name, line, action, got, { states = ['slow', 'garbage', 'cut', 'shut'], become = (how) => line.become(how) } = {}) {
  const triple = await makeDevice(server, productKey);
  const keep = path.join(server.directory, 'data', 'sinks', `${name}.csv`);
  const made = await makeRule(server, { name, productKey, select: 'n, d', where: `d = '${name}'`, actions: [action] });
  await makeRule(server, { name: `${name}_beside`, productKey, select: 'n', where: `d = '${name}'`, actions: [['FILE', { path: `${name}.csv`, format: 'csv', columns: { n: '${n}' } }]] });
  const beside = () => (existsSync(keep) ? readFileSync(keep, 'utf8').trim().split('\n').slice(1).length : 0);
  const sensor = await board(server, triple);
  let n = 0;
  const send = async (count) => {
    for (let i = 0; i < count; ++i) await sensor.update({ n: ++n, d: name });
    const wanted = n;
    await until(() => beside() >= wanted, `${name}: the rule beside it has ${wanted} lines`);
  };
  await send(5);
  await until(async () => (await got()).length >= 5, `${name}: the first five`, 30000);
  for (const how of states) {
    become(how);
    await send(10);
    const failed = (await state(server, made.actions[0])).Failures;
    if (how === 'slow') await until(async () => new Set(await got()).size >= n, `${name}: all of it over a slow line`, 60000);
    else await until(async () => (await state(server, made.actions[0])).Failures > failed, `${name}: a failure by ${how}`, 60000);
    if (how !== 'slow') assert.ok((await state(server, made.actions[0])).Cause, `${name}: the cause of ${how} is told`);
  }
  become('well');
  await send(5);
  const all = await until(async () => { const now = await got(); return new Set(now).size >= n && now; }, `${name}: all ${n} of it: ${JSON.stringify(await state(server, made.actions[0]))}`, 60000);
  assert.deepEqual([...new Set(all)], numbers(1, n), `${name}: the first of each in order`);
  assert.equal((await state(server, made.actions[0])).DeadLetters, 0, `${name}: nothing was given up`);
  await sensor.stop();
}

test('PostgreSQL over a bad line', async () => {
  const versions = readdirSync('/usr/lib/postgresql');
  const bin = (name) => path.join('/usr/lib/postgresql', versions.at(-1), 'bin', name);
  const asUser = (command, args) => (process.getuid() === 0 ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--', command, ...args]] : [command, args]);
  const port = await freePort(), data = path.join(folder, 'pg');
  const made = await run(...asUser(bin('initdb'), ['-D', data, '-U', 'tercet', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C']), { timeout: 60000 });
  assert.equal(made.code, 0, made.err);
  const database = await listening(...asUser(bin('postgres'), ['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off']), port, { cwd: folder });
  const line = await badLine(port);
  const got = async () => {
    const rows = await run(...asUser(bin('psql'), ['-h', '127.0.0.1', '-p', String(port), '-U', 'tercet', '-d', 'postgres', '-At', '-c', 'SELECT n FROM faults ORDER BY ctid']));
    return rows.out.trim() === '' ? [] : rows.out.trim().split('\n').map(Number);
  };
  await endure('pg', line, ['POSTGRESQL', { host: '127.0.0.1', port: line.port, database: 'postgres', user: 'tercet', tls: 'disable', table: 'faults', create: true, columns: { n: { value: '${n}', type: 'integer' } }, delivery: quick }], got);
  await line.stop();
  await database.stop('SIGINT');
});

test('MariaDB over a bad line', async () => {
  const asUser = process.getuid() === 0 ? ['--user=mysql'] : [];
  const data = path.join(folder, 'maria'), socket = path.join(folder, 'm');
  const made = await run('mariadb-install-db', ['--no-defaults', ...asUser, `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'], { timeout: 120000 });
  assert.equal(made.code, 0, made.out + made.err);
  const port = await freePort();
  // A line that breaks while somebody connects would shut the host out after a hundred times.
  const database = await listening('/usr/sbin/mariadbd', ['--no-defaults', ...asUser, `--datadir=${data}`, `--port=${port}`, '--bind-address=127.0.0.1', `--socket=${socket}`, `--pid-file=${path.join(folder, 'pid')}`, '--innodb-flush-log-at-trx-commit=2', '--max-connect-errors=100000'], port, { cwd: folder });
  const sql = (text) => run('mariadb', ['--no-defaults', '-S', socket, '-u', 'root', '-N', '-B', '-e', text]);
  const root = await sql("CREATE DATABASE iot; CREATE USER tercet@'127.0.0.1' IDENTIFIED BY 'hush'; CREATE USER tercet@localhost IDENTIFIED BY 'hush'; GRANT ALL ON iot.* TO tercet@'127.0.0.1'; GRANT ALL ON iot.* TO tercet@localhost; CREATE TABLE iot.faults (i BIGINT AUTO_INCREMENT PRIMARY KEY, n INT)");
  assert.equal(root.code, 0, root.err);
  const line = await badLine(port);
  const got = async () => {
    const rows = await sql('SELECT n FROM iot.faults ORDER BY i');
    return rows.out.trim() === '' ? [] : rows.out.trim().split('\n').map(Number);
  };
  await endure('maria', line, ['MARIADB', { host: '127.0.0.1', port: line.port, database: 'iot', user: 'tercet', password: 'hush', table: 'faults', columns: { n: { value: '${n}', type: 'integer' } }, delivery: quick }], got);
  await line.stop();
  await database.stop('SIGTERM');
});

test('another MQTT broker over a bad line', async () => {
  const port = await freePort();
  writeFileSync(path.join(folder, 'mosquitto.conf'), `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  const broker = await listening('/usr/sbin/mosquitto', ['-c', path.join(folder, 'mosquitto.conf')], port);
  const heard = [];
  const link = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`);
  link.on('message', (_topic, payload) => heard.push(JSON.parse(payload).n));
  await link.subscribeAsync('faults', { qos: 1 });
  const line = await badLine(port);
  // A broker's CONNACK is four bytes: what is cut must be shorter.
  await endure('mqtt', line, ['MQTT', { url: `mqtt://127.0.0.1:${line.port}`, topic: 'faults', body: '{"n":${n}}', delivery: quick }], async () => heard, { states: ['slow', 'garbage', 'shut'] });
  await link.endAsync(true);
  await line.stop();
  await broker.stop();
});

test('NATS over a bad line', async () => {
  const port = await freePort();
  const broker = await listening('nats-server', ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', path.join(folder, 'js')], port);
  const heard = [];
  let rest = '';
  const ear = connect(port, '127.0.0.1');
  ear.on('error', () => {});
  ear.on('data', (piece) => {
    rest += piece;
    if (/PING\r\n/.test(piece)) ear.write('PONG\r\n');
    for (const one of rest.matchAll(/\{"n":(\d+)\}\r\n/g)) heard.push(Number(one[1]));
    rest = rest.slice(rest.lastIndexOf('}\r\n') + 1);
  });
  ear.write('CONNECT {"verbose":false}\r\nSUB faults.n 1\r\n');
  const line = await badLine(port);
  await endure('nats', line, ['NATS', { url: `nats://127.0.0.1:${line.port}`, subject: 'faults.n', body: '{"n":${n}}', stream: 'FAULTS', stream_subjects: ['faults.>'], delivery: quick }], async () => heard);
  ear.destroy();
  await line.stop();
  await broker.stop();
});

test('MAIL over a bad line, to a post office that is too busy, and one that never answers', async () => {
  let mood = '';
  const office = await postOffice({ refuse: () => mood || undefined });
  const line = await badLine(office.port);
  const become = (how) => {
    mood = { busy: '451 too busy', silent: 'silence' }[how];
    line.become(mood ? 'well' : how);
  };
  const got = async () => office.letters.flatMap((one) => letterBody(one).trimEnd().split('\r\n').map(Number));
  await endure('mail', line, ['MAIL', { url: `smtp://127.0.0.1:${line.port}`, from: 'a@x.org', to: ['b@x.org'], subject: 's', text: '${n}', tls: false, timeout_ms: 1000, per_minute: 600, delivery: quick }], got, { states: ['slow', 'garbage', 'shut', 'busy', 'silent'], become });
  await line.stop();
  await office.stop();
});

// Targets that are web servers: they answer 500 and nonsense as well.
const web = [
  ['web', 'HTTP', (url) => ({ url, body: '{"n":${n}}', timeout_ms: 500 }), (one) => [JSON.parse(one.body).n], () => ({})],
  ['influx', 'INFLUXDB', (url) => ({ url, database: 'iot', measurement: 'm', fields: { n: '${n}' }, timeout_ms: 500 }), (one) => [...one.body.matchAll(/n=(\d+)/g)].map((m) => Number(m[1])), () => ({ status: 204, body: '' })],
  ['wecom', 'WECOM', (url) => ({ url: `${url}/send?key=k`, text: '#${n}#', per_minute: 6000, timeout_ms: 500 }), (one) => [...one.body.matchAll(/#(\d+)#/g)].map((m) => Number(m[1])), () => ({ body: { errcode: 0, errmsg: 'ok' } })],
  ['dingtalk', 'DINGTALK', (url) => ({ url: `${url}/robot/send?access_token=t`, secret: 'SEC', text: '#${n}#', per_minute: 6000, timeout_ms: 500 }), (one) => [...one.body.matchAll(/#(\d+)#/g)].map((m) => Number(m[1])), () => ({ body: { errcode: 0, errmsg: 'ok' } })],
  ['feishu', 'FEISHU', (url) => ({ url: `${url}/hook`, secret: 'S', text: '#${n}#', per_minute: 6000, timeout_ms: 500 }), (one) => [...one.body.matchAll(/#(\d+)#/g)].map((m) => Number(m[1])), () => ({ body: { code: 0, msg: 'success' } })],
  ['wechat', 'WECHAT', (url) => ({ url, app_id: 'wx', app_secret: 's', template_id: 'T', to: ['o'], data: { n: '${n}' }, timeout_ms: 500 }), (one) => (one.body ? [Number(JSON.parse(one.body).data.n.value)] : []), (one) => ({ body: one.body ? { errcode: 0, errmsg: 'ok' } : { access_token: 'T', expires_in: 7200 } })],
];
for (const [name, type, configuration, read, well] of web)
  test(`${type} over a bad line, to a server that answers 500 and nonsense, and one that never answers`, async () => {
    let mood = 'well';
    const taken = [];
    const site = await webServer(async (request) => {
      if (mood === '500') return { status: 500, body: 'sorry' };
      if (mood === 'nonsense') return { status: 502, body: '<html>\u0000' };
      if (mood === 'silent') return new Promise((resolve) => setTimeout(() => resolve('drop'), 2000));
      taken.push(...read(request));
      return well(request);
    });
    const line = await badLine(site.port);
    const become = (how) => {
      mood = how;
      line.become(['500', 'nonsense', 'silent'].includes(how) ? 'well' : how);
    };
    await endure(name, line, [type, { ...configuration(`http://127.0.0.1:${line.port}`), delivery: quick }], async () => taken, { states: ['slow', 'garbage', 'shut', '500', 'nonsense', 'silent'], become });
    await line.stop();
    await site.stop();
  });
