// Triples made by the platform, written into files and images, used by boards.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { api, makeProduct, run, startServer, tercet } from '../harness.mjs';

let server, productKey;
const folder = mkdtempSync(path.join(tmpdir(), 'tercet-provision-'));
const at = (name) => path.join(folder, name);
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

// What a command printed never holds a secret of the platform.
async function provision(...args) {
  const done = await run(tercet, ['provision', ...args, '--ready', path.join(server.directory, 'ready.json')]);
  const listed = await api(server, 'QueryDevice', { ProductKey: productKey, PageSize: 50 });
  for (const device of listed.Data.DeviceInfo ?? [])
    if (device.DeviceSecret) assert.ok(!(done.out + done.err).includes(device.DeviceSecret), 'a secret was printed');
  return done;
}

const secretOf = async (deviceName) =>
  (await api(server, 'QueryDeviceDetail', { ProductKey: productKey, DeviceName: deviceName })).Data.DeviceSecret;

test('a device registered by provision goes online with the file it wrote', async () => {
  const mqtts = server.listener('mqtts');
  const made = await provision('--product', productKey, '--name', 'on_the_desk', '--file', at('desk.json'), '--host', 'localhost',
    '--port', String(mqtts.port), '--ca', server.ca);
  assert.equal(made.code, 0, made.err);
  assert.equal(statSync(at('desk.json')).mode & 0o777, 0o600);
  const online = await run(tercet, ['device', '--triple', at('desk.json'), '--interval', '1', '--count', '1', '--give-up', '20',
    '--sensor', 'model']);
  assert.equal(online.code, 0, online.out + online.err);
});

test('many boards get an image and keys each, which show what the platform knows', async () => {
  const made = await provision('--product', productKey, '--name', 'board', '--count', '3', '--dir', at('boards'), '--json');
  assert.equal(made.code, 0, made.err);
  const rows = JSON.parse(made.out);
  assert.deepEqual(rows.map((row) => row.deviceName), ['board0001', 'board0002', 'board0003']);
  assert.equal(readdirSync(at('boards')).length, 7);
  assert.equal(new Set(rows.map((row) => readFileSync(row.keys).toString('hex'))).size, 3);
  for (const row of rows) {
    const shown = await run(tercet, ['provision', '--show', row.nvs, '--keys', row.keys, '--json']);
    assert.equal(shown.code, 0, shown.err);
    const entries = Object.fromEntries(JSON.parse(shown.out).entries.map((one) => [one.key, one.value]));
    const secret = await secretOf(row.deviceName);
    assert.deepEqual(entries, { pk: productKey, dn: row.deviceName, ds: `******** (${secret.length} characters)` });
    assert.ok(!readFileSync(row.nvs).includes(secret), 'the image is encrypted');
  }
  const table = readFileSync(at('boards/boards.csv'), 'utf8').trim().split('\n');
  assert.equal(table.length, 4);
});

test('a run that stops keeps what is done, and says how to go on', async () => {
  assert.equal((await provision('--product', productKey, '--name', 'run0003', '--file', at('run0003.json'))).code, 0);
  const stopped = await provision('--product', productKey, '--name', 'run', '--count', '4', '--dir', at('run'));
  assert.equal(stopped.code, 1);
  assert.match(stopped.err, /the 2 boards before it are written; go on with --first 3/);
  assert.equal(readFileSync(at('run/boards.csv'), 'utf8').trim().split('\n').length, 3);
  const rest = await provision('--product', productKey, '--name', 'run', '--first', '4', '--count', '1', '--dir', at('rest'));
  assert.equal(rest.code, 0, rest.err);
  assert.ok(existsSync(at(`rest/${productKey}.run0004.nvs.bin`)));
});

test('a device that is there is not registered again, but its triple can be fetched', async () => {
  assert.equal((await provision('--product', productKey, '--name', 'twice', '--file', at('twice.json'))).code, 0);
  const again = await provision('--product', productKey, '--name', 'twice', '--file', at('other.json'));
  assert.equal(again.code, 1);
  assert.match(again.err, /--existing/);
  assert.ok(!existsSync(at('other.json')));
  assert.equal((await provision('--product', productKey, '--name', 'twice', '--existing', '--file', at('other.json'))).code, 0);
  assert.equal(readFileSync(at('other.json'), 'utf8'), readFileSync(at('twice.json'), 'utf8'));
});

test('nothing is registered when the files could not be written, or the contents are wrong', async () => {
  const before = (await api(server, 'QueryDevice', { ProductKey: productKey, PageSize: 50 })).Total;
  writeFileSync(at('there.bin'), 'old');
  for (const args of [
    ['--nvs', at('there.bin'), '--keys', at('k.bin')],
    ['--nvs', at('n.bin'), '--keys', at('k.bin'), '--size', '0x1000'],
    ['--nvs', at('n.bin'), '--keys', at('k.bin'), '--ca', at('there.bin')],
    ['--nvs', at('n.bin')],
  ]) {
    const done = await provision('--product', productKey, '--name', 'never', ...args);
    assert.equal(done.code, 2, done.err);
  }
  assert.equal(readFileSync(at('there.bin'), 'utf8'), 'old');
  assert.equal((await api(server, 'QueryDevice', { ProductKey: productKey, PageSize: 50 })).Total, before);
});

test('a secret on the command line is refused, and not repeated', async () => {
  const secret = '9f2c41d07be85a6630cd1ef4a7925b18';
  for (const args of [
    ['--device-secret', secret],
    [`--device-secret=${secret}`],
    ['--secret', secret],
    ['--product-secret', secret],
    ['--wifi-password', secret],
    [productKey, 'board', secret],
    [`--anything=${secret}`],
    ['--triple', secret],
    ['--wifi', secret, '--triple', '-'],
  ]) {
    const done = await run(tercet, ['provision', ...args, '--nvs', at('never.bin'), '--keys', at('never-keys.bin')],
      { input: 'a1 s1 abcd' });
    assert.equal(done.code, 2, args.join(' '));
    assert.ok(!(done.out + done.err).includes(secret), done.err);
    assert.ok(!existsSync(at('never.bin')));
  }
});

test('a triple is pasted into standard input; one that others can read is refused', async () => {
  const pasted = await run(tercet, ['provision', '--triple', '-', '--file', at('pasted.json')], { input: 'a1B2c3D4e5F sensor_01 9f2c41d07be8\n' });
  assert.equal(pasted.code, 0, pasted.err);
  assert.equal(JSON.parse(readFileSync(at('pasted.json'), 'utf8')).deviceName, 'sensor_01');
  chmodSync(at('pasted.json'), 0o644);
  const open = await run(tercet, ['provision', '--triple', at('pasted.json'), '--file', at('copy.json')]);
  assert.equal(open.code, 2);
  assert.match(open.err, /chmod 600/);
});
