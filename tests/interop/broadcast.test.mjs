// Broadcasts, property get and pack posts: MQTT.js as boards, the official OpenAPI SDK and our command line as applications.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import mqtt from 'mqtt';
import { api, credentials, makeDevice, makeProduct, proved, run, startServer, tercet, until } from '../harness.mjs';

const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
const property = (identifier, accessMode) => ({ identifier, name: identifier, accessMode, required: false, dataType: { type: 'int', specs: { min: '0', max: '100' } } });
const tsl = JSON.stringify({ properties: [property('level', 'r'), property('target', 'rw')], events: [{ identifier: 'full', name: 'Full', type: 'info', outputData: [] }], services: [] });

let server, productKey, client;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server, { name: 'tank', tsl });
  client = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
});
after(async () => { await server.stop(); });

const base64 = (text) => Buffer.from(text).toString('base64');
async function broadcast(parameters) {
  const { body } = await client.pubBroadcast(new Iot.PubBroadcastRequest({ productKey, ...parameters }));
  return body;
}
async function board(name, filters = []) {
  const triple = await makeDevice(server, productKey, name);
  const { host, port } = server.listener('mqtts');
  const { username, password, clientId } = credentials(triple);
  const device = await mqtt.connectAsync(`mqtts://${host}:${port}`, { username, password, clientId, ca: readFileSync(server.ca), reconnectPeriod: 0 });
  const heard = [];
  device.on('message', (topic, payload) => heard.push({ topic, payload: payload.toString() }));
  for (const filter of filters) await device.subscribeAsync(filter, { qos: 1 });
  return { device, heard, triple };
}

test('a broadcast without a topic reaches every board of the product that is online, subscribed or not', async () => {
  const boards = [await board('tank_1'), await board('tank_2')];
  const sent = await broadcast({ messageContent: base64('close all valves') });
  assert.equal(sent.success, true, JSON.stringify(sent));
  assert.equal(typeof sent.messageId, 'number');
  for (const [i, one] of boards.entries()) {
    await until(() => one.heard.length === 1, 'the broadcast');
    assert.deepEqual(one.heard[0], { topic: `/sys/${productKey}/tank_${i + 1}/broadcast/request/${sent.messageId}`, payload: 'close all valves' });
  }
  await assert.rejects(broadcast({ messageContent: base64('again') }), /Throttling/);  // once a minute
  for (const one of boards) await one.device.endAsync();
  proved({ 'MQTT.js': ['broadcast'], 'OpenAPI SDK': ['broadcast'] });
});

test('a broadcast to a topic reaches the boards that subscribed to it', async () => {
  const [one, other] = [await board('tank_3', [`/broadcast/${productKey}/news`]), await board('tank_4')];
  const sent = await broadcast({ topicFullName: `/broadcast/${productKey}/news`, messageContent: base64('holiday') });
  assert.equal(sent.success, true, JSON.stringify(sent));
  await until(() => one.heard.length === 1, 'the news');
  assert.deepEqual(one.heard[0], { topic: `/broadcast/${productKey}/news`, payload: 'holiday' });
  assert.equal(other.heard.length, 0);
  const wrong = await broadcast({ topicFullName: `/broadcast/other/news`, messageContent: base64('x') });
  assert.equal(wrong.code, 'iot.messagebroker.InvalidFormattedTopicName');
  await one.device.endAsync(), await other.device.endAsync();
  proved({ 'MQTT.js': ['broadcast'], 'OpenAPI SDK': ['broadcast'] });
});

test('a board is asked for its properties and answers them', async () => {
  const { device } = await board('tank_5', []);
  const get = `/sys/${productKey}/tank_5/thing/service/property/get`;
  device.on('message', (topic, payload) => {
    if (topic !== get) return;
    const request = JSON.parse(payload);
    assert.deepEqual(request.params, ['level', 'target']);
    device.publish(`${get}_reply`, JSON.stringify({ id: request.id, code: 200, data: { level: 7, target: 50 } }));
  });
  await device.subscribeAsync(get);
  const answer = await api(server, 'GetDevicePropertyNow', { ProductKey: productKey, DeviceName: 'tank_5', 'Identifier.1': 'level', 'Identifier.2': 'target' });
  assert.equal(answer.Success, true, JSON.stringify(answer));
  assert.deepEqual(JSON.parse(answer.Data.Values), { level: 7, target: 50 });
  await device.endAsync();
  proved({ 'MQTT.js': ['property get'] });
});

test('a pack post is kept whole or not at all', async () => {
  const pack = `/sys/${productKey}/tank_6/thing/event/property/pack/post`;
  const { device, heard } = await board('tank_6', [`${pack}_reply`]);
  device.publish(pack, JSON.stringify({ id: '1', version: '1.0', params: { properties: { level: { value: 3 }, nothing: { value: 1 } } }, method: 'thing.event.property.pack.post' }));
  await until(() => heard.length === 1, 'the refusal');
  assert.equal(JSON.parse(heard[0].payload).code, 6304);
  device.publish(pack, JSON.stringify({ id: '2', version: '1.0', params: { properties: { level: { value: 4 } }, events: { full: { value: {} } }, subDevices: [] }, method: 'thing.event.property.pack.post' }));
  await until(() => heard.length === 2, 'the reply');
  assert.equal(JSON.parse(heard[1].payload).code, 200);
  const status = await api(server, 'QueryDevicePropertyStatus', { ProductKey: productKey, DeviceName: 'tank_6' });
  assert.equal(status.Data.List.PropertyStatusInfo.find((one) => one.Identifier === 'level').Value, '4');
  await device.endAsync();
  proved({ 'MQTT.js': ['pack post'] });
});

test('our own board hears both kinds of broadcast, and answers a property get', async () => {
  const triple = await makeDevice(server, productKey, 'tank_7');
  const { host, port } = server.listener('mqtts');
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-broadcast-')), 'triple.json');
  writeFileSync(file, JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  const child = spawn(path.join(examples, 'broadcast'), [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  const gone = new Promise((resolve) => child.on('exit', resolve));
  try {
    await until(() => out.includes('online'), 'the board');
    const ready = ['--ready', path.join(server.directory, 'ready.json')];
    const asked = await untilDone(() => run(tercet, ['property', 'get', productKey, 'tank_7', 'level', ...ready]));
    assert.match(asked.out, /"level":7/);
    // The product has had its broadcast of this minute; another product's boards are none of its.
    const said = await untilDone(() => run(tercet, ['broadcast', productKey, 'snow', '--topic', 'news', ...ready]));
    assert.equal(said.code, 0, said.err);
    await until(() => out.includes('news: snow'), `the news; the board said ${out}`);
  } finally {
    child.kill('SIGTERM');
    await gone;
  }
  proved({ 'our SDK': ['broadcast', 'property get'] });
});

// What may come too early is tried again.
async function untilDone(attempt) {
  let last;
  for (let i = 0; i < 20; ++i) {
    last = await attempt();
    if (last.code === 0) return last;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return last;
}
