// Our own board, `tercet device`, in the ways it can reach the platform.
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { api, makeDevice, makeProduct, proved, refusals, run, startServer, until } from '../harness.mjs';

const tercet = process.env.TERCET;
const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
let server, productKey;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => { await server.stop(); });

async function board(extra, { change = {}, giveUp = 20 } = {}) {
  const triple = await makeDevice(server, productKey);
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-board-')), 'triple.json');
  writeFileSync(file, JSON.stringify({ ...triple, ...change }), { mode: 0o600 });
  const done = await run(tercet, ['device', '--triple', file, '--interval', '1', '--count', '1', '--give-up', String(giveUp), '--sensor', 'model', ...extra]);
  return { triple, done };
}

async function posted(triple) {
  const status = await api(server, 'QueryDevicePropertyStatus', { ProductKey: productKey, DeviceName: triple.deviceName });
  return status.Data.List.PropertyStatusInfo.find((one) => one.Identifier === 'temperature')?.Value !== undefined;
}

async function closedPort() {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

test('over TLS with the platform\'s CA', async () => {
  const { host, port } = server.listener('mqtts');
  const { triple, done } = await board(['--host', host, '--port', String(port), '--ca', server.ca]);
  assert.equal(done.code, 0, done.out + done.err);
  assert.ok(await posted(triple));
  proved({ 'our SDK': ['login over TLS', 'property post and reply'] });
});

test('the example asks the platform for the time, and posts with it', async () => {
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtts');
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-board-')), 'triple.json');
  writeFileSync(file, JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  const done = await run(path.join(examples, 'ntp'), [file]);
  assert.equal(done.code, 0, done.out + done.err);
  assert.ok(Math.abs(Number(/^it is (\d+)$/m.exec(done.out)[1]) - Date.now()) < 30000, done.out);
  assert.ok(await posted(triple));
  proved({ 'our SDK': ['NTP'] });
});

test('over TLS by the pre-shared key of its triple, without any certificate', async () => {
  const { host, port } = server.listener('mqtt');
  const { triple, done } = await board(['--host', host, '--port', String(port), '--psk']);
  assert.equal(done.code, 0, done.out + done.err);
  assert.match(done.out, /PSK-AES128-CBC-SHA/);
  assert.ok(await posted(triple));
  proved({ 'our SDK': ['login by pre-shared key'] });
});

test('a pre-shared key of another secret ends at the rung TLS with the remedy, and the platform knows why', async () => {
  const { host, port } = server.listener('mqtt');
  const { triple, done } = await board(['--host', host, '--port', String(port), '--psk'], { change: { deviceSecret: 'f'.repeat(32) }, giveUp: 3 });
  assert.equal(done.code, 13, done.out + done.err);
  assert.match(done.out + done.err, /pre-shared key/);
  assert.match(done.out, /\[denied\]/);
  const found = await until(async () => (await refusals(server, triple)).find((one) => one.Cause === 'tls.psk_key'), 'the refusal');
  assert.match(found.Explanation, /DeviceSecret/);
  proved({ 'our SDK': ['refusal explained'] });
});

test('when nobody answers at the first address, the other one is tried', async () => {
  const { host, port } = server.listener('mqtts');
  const { triple, done } = await board(['--host', '127.0.0.1', '--port', String(await closedPort()), '--ca', server.ca, '--other', `${host}:${port}`]);
  assert.equal(done.code, 0, done.out + done.err);
  assert.ok(await posted(triple));
});

test('mistakes in the options end with 2 and say what is wanted', async () => {
  for (const [extra, words] of [[['--other', 'nowhere'], /HOST:PORT/], [['--other', 'x:99999'], /HOST:PORT/], [['--plain', '--psk'], /exclude each other/]]) {
    const { done } = await board(extra);
    assert.equal(done.code, 2);
    assert.match(done.err, words);
  }
});
