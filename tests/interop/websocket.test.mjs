// MQTT over WebSocket: MQTT.js in 3.1.1 and 5.0 and the official Node device SDK, encrypted and not, on every port that takes it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import mqtt from 'mqtt';
import { api, credentials, makeDevice, makeProduct, proved, refusals, startServer, until } from '../harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
let server, productKey, ca;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
  ca = readFileSync(server.ca);
});
after(async () => { await server.stop(); });

const at = (listener, scheme, where = '/mqtt') => `${scheme}://127.0.0.1:${server.listener(listener).port}${where}`;
const post = (values, id = '1') => JSON.stringify({ id, version: '1.0', params: values, method: 'thing.event.property.post' });
const connect = (url, login, more = {}) => mqtt.connectAsync(url, { ca, clean: true, keepalive: 60, reconnectPeriod: 0, connectTimeout: 5000, ...login, ...more });

async function postsAndReceives(url, triple, options, securemode = 2) {
  const client = await connect(url, credentials(triple, { securemode }), options);
  try {
    const base = `/sys/${triple.productKey}/${triple.deviceName}/thing`;
    const heard = [];
    client.on('message', (topic, payload) => heard.push([topic.slice(base.length), JSON.parse(payload)]));
    await client.subscribeAsync([`${base}/event/property/post_reply`, `${base}/service/property/set`], { qos: 1 });
    await client.publishAsync(`${base}/event/property/post`, post({ temperature: 20.5 }), { qos: 1 });
    const reply = await until(() => heard.find(([topic]) => topic === '/event/property/post_reply'), 'the reply');
    assert.equal(reply[1].code, 200);
    await api(server, 'SetDeviceProperty', { ProductKey: triple.productKey, DeviceName: triple.deviceName, Items: '{"report_interval":7}' });
    const set = await until(() => heard.find(([topic]) => topic === '/service/property/set'), 'the set');
    assert.equal(set[1].params.report_interval, 7);
  } finally {
    await client.endAsync(true);
  }
}

for (const protocolVersion of [4, 5]) {
  for (const [where, url, securemode] of [
    ['wss:// on the HTTPS port', () => `${server.files.replace('https', 'wss')}/mqtt`, 2],
    ['wss:// on the port for MQTT over TLS', () => at('mqtts', 'wss'), 2],
    ['wss:// without a path on the port that takes old clients', () => at('mqtt', 'wss', ''), 2],
    ['ws:// where plain MQTT is allowed', () => at('plain', 'ws'), 3],
  ]) {
    test(`MQTT.js with protocol level ${protocolVersion} posts and receives a set over ${where}`, async () => {
      await postsAndReceives(url(), await makeDevice(server, productKey), { protocolVersion }, securemode);
      proved({ 'MQTT.js': ['WebSocket', 'property set', 'property post and reply'] });
    });
  }
}

test('a message of 200 KB crosses in both directions, whole', async () => {
  const client = await connect(at('standard-tls', 'wss'), { clientId: 'large' });
  try {
    const payload = Buffer.alloc(200_000, 'x');
    const heard = [];
    client.on('message', (topic, bytes) => heard.push(bytes));
    await client.subscribeAsync('large', { qos: 1 });
    for (let i = 0; i < 5; ++i) await client.publishAsync('large', payload, { qos: 1 });
    await until(() => heard.length === 5, 'five messages');
    assert.ok(heard.every((one) => one.equals(payload)));
  } finally {
    await client.endAsync(true);
  }
});

test('a device that comes again over another channel replaces its own connection', async () => {
  const triple = await makeDevice(server, productKey);
  const first = await connect(`${server.files.replace('https', 'wss')}/mqtt`, credentials(triple));
  const closed = new Promise((resolve) => first.on('close', resolve));
  const { host, port } = server.listener('mqtts');
  const second = await mqtt.connectAsync({ protocol: 'mqtts', host, port, ca, reconnectPeriod: 0, ...credentials(triple) });
  await closed;
  assert.ok(second.connected);
  await second.endAsync(true);
});

test('plain ws:// on the port that wants TLS is answered as plain MQTT is, and the journal says why', async () => {
  const triple = await makeDevice(server, productKey);
  await assert.rejects(connect(at('mqtt', 'ws'), credentials(triple, { securemode: 3 })));
  const found = await until(async () => (await refusals(server, triple)).find((one) => one.Cause === 'transport.plain_not_allowed'), 'the refusal');
  assert.ok(found.Remedy.length > 10);
});

const get = (url, headers = {}) => new Promise((resolve, reject) => {
  https.get(url, { ca, headers, servername: 'localhost' }, (answer) => {
    let body = '';
    answer.on('data', (chunk) => (body += chunk)).on('end', () => resolve({ status: answer.statusCode, body }));
    answer.on('upgrade', reject);
  }).on('error', reject);
});

test('a browser that opens the port for MQTT is told what it is, and a subprotocol that is not MQTT is refused', async () => {
  const page = await get(at('mqtts', 'https', '/'));
  assert.equal(page.status, 426);
  assert.match(page.body, /MQTT over WebSocket/);
  const offer = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-protocol': 'chat' };
  for (const port of [`${server.files}/mqtt`, at('mqtts', 'https')]) {
    const refused = await get(port, offer);
    assert.equal(refused.status, 400);
    assert.match(refused.body, /subprotocol/);
  }
});

test('a page of another host is kept out of a port that lets in without a login', async () => {
  const { port } = server.listener('standard');
  const answer = (origin) => new Promise((resolve, reject) => {
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-protocol': 'mqtt', origin };
    const request = http.get({ host: '127.0.0.1', port, headers }, (got) => { got.resume(); resolve(got.statusCode); });
    request.on('upgrade', (got, socket) => { socket.destroy(); resolve(got.statusCode); }).on('error', reject);
  });
  assert.equal(await answer('https://example.com'), 403);
  assert.equal(await answer(`http://127.0.0.1:${port}`), 101);
});

test('the official Node device SDK connects with wss://, posts, is answered and receives a set', async () => {
  const triple = await makeDevice(server, productKey);
  const url = `wss://localhost:${new URL(server.files).port}/mqtt`;
  const child = spawn(process.execPath, [path.resolve(here, 'official_device.mjs'), url, triple.productKey, triple.deviceName, triple.deviceSecret], { env: { ...process.env, NODE_EXTRA_CA_CERTS: server.ca }, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  const gone = new Promise((resolve) => child.on('exit', resolve));
  try {
    const said = (step) => out.split('\n').filter(Boolean).map((line) => JSON.parse(line)).find((one) => one.step === step);
    assert.equal((await until(() => said('property reply'), 'the reply')).value.code, 200);
    await until(() => said('waiting for a set'), 'the event reply');
    await api(server, 'SetDeviceProperty', { ProductKey: triple.productKey, DeviceName: triple.deviceName, Items: '{"report_interval":15}' });
    assert.equal((await until(() => said('set'), 'the set')).value.params.report_interval, 15);
    assert.equal((await until(() => said('set posted'), 'the post')).value.code, 200);
    assert.equal(await gone, 0);
  } finally {
    child.kill('SIGKILL');
  }
  proved({ 'Node device SDK': ['WebSocket'] });
});
