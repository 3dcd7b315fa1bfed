// Shadows: the official Node device SDK, MQTT.js and our own SDK as boards, the official OpenAPI SDK and our command line
// as applications, and a restart of the platform in between.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import mqtt from 'mqtt';
import { credentials, makeDevice, makeProduct, proved, run, startServer, tercet, until } from '../harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url)); // import.meta.dirname needs a newer Node than Debian's
const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');

let server, productKey, client;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
  client = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
});
after(async () => { await server.stop(); });

const desire = async (deviceName, desired, version, deltaUpdate = false) => (await client.updateDeviceShadow(new Iot.UpdateDeviceShadowRequest({
  productKey, deviceName, deltaUpdate, shadowMessage: JSON.stringify({ method: 'update', state: { desired }, version }),
}))).body;
const shadowOf = async (deviceName) => {
  const { body } = await client.getDeviceShadow(new Iot.GetDeviceShadowRequest({ productKey, deviceName }));
  assert.equal(body.success, true);
  return JSON.parse(body.shadowMessage);
};

test('the official Node device SDK reports, gets and deletes its shadow, and is told what an application desires', async () => {
  const { deviceName, deviceSecret } = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtts');
  const board = spawn(process.execPath, [path.join(here, 'official_shadow.mjs'), `mqtts://${host}:${port}/`, productKey, deviceName, deviceSecret],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: server.ca }, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  board.stdout.on('data', (chunk) => (printed += chunk));
  board.stderr.on('data', (chunk) => (printed += chunk));
  const messages = () => printed.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  try {
    await until(() => messages().find((one) => one.payload?.version > 1e12), `the answer to postShadow; it said ${printed}`);
    const { state, version } = await shadowOf(deviceName);
    assert.deepEqual(state, { reported: { color: 'red', size: 7 } });
    assert.ok(version > 1e12); // Date.now()
    const got = await until(() => messages().find((one) => one.payload?.state), `the answer to getShadow; it said ${printed}`);
    assert.deepEqual(got.payload.state.reported, { color: 'red', size: 7 });
    assert.equal(typeof got.payload.metadata.reported.color.timestamp, 'number');
    assert.ok(got.timestamp < 1e11); // seconds
    assert.equal((await desire(deviceName, { color: 'green' }, version + 1e6)).success, true);
    const control = await until(() => messages().find((one) => one.method === 'control'), `the control message; it said ${printed}`);
    assert.deepEqual(control.payload.state.desired, { color: 'green' });
    assert.equal(control.version, version + 1e6);
  } finally {
    board.kill('SIGKILL');
  }
  proved({ 'Node device SDK': ['shadow'], 'OpenAPI SDK': ['shadow'] });
});

test('what is desired while a board is off reaches it once when it is back, after a restart of the platform too; MQTT.js', async () => {
  const triple = await makeDevice(server, productKey);
  const { deviceName } = triple;
  assert.equal((await desire(deviceName, { led: 1 }, 1)).success, true);
  assert.equal((await desire(deviceName, { fan: 3 }, 2, true)).success, true);
  const stale = await desire(deviceName, { led: 0 }, 2);
  assert.equal(stale.success, false);
  assert.match(stale.code, /InvalidVersionValueInShadowMessage/);
  await server.kill();
  server = await startServer({ directory: server.directory });
  client = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
  const controls = [], replies = [];
  const connect = async () => {
    const { host, port } = server.listener('mqtts');
    const board = await mqtt.connectAsync(`mqtts://${host}:${port}`, { ...credentials(triple), ca: readFileSync(server.ca), protocolVersion: 4, reconnectPeriod: 0, clean: true });
    board.on('message', (topic, payload) => { const message = JSON.parse(payload); (message.method === 'control' ? controls : replies).push(message); });
    await board.subscribeAsync(`/shadow/get/${productKey}/${deviceName}`, { qos: 1 });
    return board;
  };
  const update = `/shadow/update/${productKey}/${deviceName}`;
  const ask = async (board, message) => {
    const before = replies.length;
    await board.publishAsync(update, JSON.stringify(message), { qos: 1 });
    return until(() => replies[before], `the answer to ${JSON.stringify(message)}`);
  };
  let board = await connect();
  await until(() => controls.length === 1, 'the control message');
  assert.deepEqual(controls[0].payload.state, { desired: { led: 1, fan: 3 } });
  assert.equal(controls[0].version, 2);
  assert.equal((await ask(board, { method: 'update', state: { reported: { led: 1, fan: 3 }, desired: 'null' }, version: 3 })).payload.status, 'success');
  await board.endAsync();
  board = await connect();
  const got = await ask(board, { method: 'get' });
  assert.deepEqual(got.payload.state, { reported: { led: 1, fan: 3 } });
  assert.equal(controls.length, 1); // told once
  assert.equal((await ask(board, { method: 'update', state: { reported: { led: 0 } }, version: 3 })).payload.content.errorcode, '409');
  assert.equal((await ask(board, { method: 'update', state: { reported: { led: 0 } }, version: -1 })).payload.version, 0);
  assert.equal((await ask(board, { method: 'delete', state: { reported: 'null' }, version: 1 })).payload.status, 'success');
  assert.equal((await ask(board, { method: 'fetch' })).payload.content.errorcode, '406');
  assert.deepEqual((await shadowOf(deviceName)).state, {});
  await board.endAsync();
  proved({ 'MQTT.js': ['shadow'] });
});

test('our SDK obeys what the command line desires, found at the start or sent while it is online', async () => {
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtts');
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-shadow-')), 'triple.json');
  writeFileSync(file, JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  const ready = path.join(server.directory, 'ready.json');
  const wish = async (color, version) => {
    const said = await run(tercet, ['shadow', 'update', productKey, triple.deviceName, JSON.stringify({ method: 'update', state: { desired: { color } }, version }), '--ready', ready]);
    assert.equal(said.code, 0, said.out + said.err);
  };
  await wish(2, 1);
  const lamp = spawn(path.join(examples, 'shadow'), [file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  lamp.stdout.on('data', (chunk) => (out += chunk));
  lamp.stderr.on('data', (chunk) => (out += chunk));
  try {
    await until(() => out.includes('color 2'), `color 2; it said ${out}`);
    await until(async () => (await shadowOf(triple.deviceName)).state.reported?.color === 2, 'color 2 in the shadow');
    const { version } = await until(async () => { const one = await shadowOf(triple.deviceName); return one.state.desired === undefined && one; }, 'the wish cleared');
    await wish(5, version + 1);
    await until(() => out.includes('color 5'), `color 5; it said ${out}`);
    const shown = await until(async () => { const said = await run(tercet, ['shadow', 'show', productKey, triple.deviceName, '--ready', ready]); return said.out.includes('"color":5') && said; }, 'color 5 on the command line');
    assert.equal(shown.code, 0);
    assert.doesNotMatch(out, /refused/);
  } finally {
    lamp.kill('SIGKILL');
  }
  proved({ 'our SDK': ['shadow'] });
});
