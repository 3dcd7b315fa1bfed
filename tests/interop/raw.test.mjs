// Pass-through products: MQTT.js as a board that knows bytes only, our own SDK's example, the official OpenAPI SDK as
// application, and the command line.
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
import { credentials, makeDevice, proved, refusals, run, startServer, tercet, until } from '../harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
const scriptFile = path.resolve(here, '../../docs/pass-through/climate.js');
const property = (identifier, accessMode, dataType) => ({ identifier, name: identifier, accessMode, required: false, dataType });
const tsl = JSON.stringify({
  properties: [
    property('temperature', 'r', { type: 'float', specs: { min: '-40', max: '85' } }),
    property('humidity', 'r', { type: 'float', specs: { min: '0', max: '100' } }),
    property('report_interval', 'rw', { type: 'int', specs: { min: '1', max: '86400' } }),
  ],
  events: [], services: [],
});

let server, productKey, client, ready;
before(async () => {
  server = await startServer();
  ready = ['--ready', path.join(server.directory, 'ready.json')];
  client = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
  const made = await client.createProduct(new Iot.CreateProductRequest({ productName: 'bytes', nodeType: 0, dataFormat: 0 }));
  productKey = made.body.data.productKey;
  await client.importThingModelTsl(new Iot.ImportThingModelTslRequest({ productKey, tslStr: tsl }));
});
after(async () => { await server.stop(); });

const call = async (action, parameters) => (await client[action](new Iot[`${action[0].toUpperCase()}${action.slice(1)}Request`]({ productKey, ...parameters }))).body;
const values = async (deviceName) => Object.fromEntries((await call('queryDevicePropertyStatus', { deviceName })).data.list.propertyStatusInfo.map(({ identifier, value }) => [identifier, value]));

async function board(triple) {
  const { host, port } = server.listener('mqtts');
  const signed = await credentials(triple);
  const client = mqtt.connect(`mqtts://${host}:${port}`, { ...signed, ca: readFileSync(server.ca), rejectUnauthorized: true, reconnectPeriod: 0 });
  const got = [];
  await new Promise((resolve, reject) => { client.once('connect', resolve); client.once('error', reject); });
  client.on('message', (topic, payload) => got.push({ topic, payload }));
  const base = `/sys/${triple.productKey}/${triple.deviceName}/thing/model/`;
  await client.subscribeAsync([`${base}up_raw_reply`, `${base}down_raw`], { qos: 1 });
  return { client, got, base, next: (tail) => until(() => { const at = got.findIndex(({ topic }) => topic === base + tail); return at >= 0 && got.splice(at, 1)[0].payload; }, tail) };
}

test('without a script a post of bytes is answered 26001, and a set is not sent', async () => {
  const triple = await makeDevice(server, productKey);
  const { client: device, base, next } = await board(triple);
  try {
    await device.publishAsync(`${base}up_raw`, Buffer.from([0, 1, 2]), { qos: 1 });
    assert.equal(JSON.parse(await next('up_raw_reply')).code, 26001);
    const set = await call('setDeviceProperty', { deviceName: triple.deviceName, items: '{"report_interval":30}' });
    assert.equal(set.success, false);
  } finally { await device.endAsync(); }
});

test('the command line checks and saves a script, and tries it out', async () => {
  const bad = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-raw-')), 'bad.js');
  writeFileSync(bad, 'function rawDataToProtocol( {');
  const refused = await run(tercet, ['script', 'set', productKey, bad, ...ready]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.err, /SyntaxError/);
  const saved = await run(tercet, ['script', 'set', productKey, scriptFile, ...ready]);
  assert.equal(saved.code, 0, saved.out + saved.err);
  const tried = await run(tercet, ['script', 'test', productKey, ...ready, '--hex', '00', '07', '09', 'c4', '01', 'c2', '00', '00']);
  assert.equal(tried.code, 0, tried.out + tried.err);
  assert.match(tried.out, /"temperature":25,"humidity":45/);
  assert.match(tried.out, /Microseconds +\d+/);
  const shown = await run(tercet, ['script', 'show', productKey, ...ready]);
  assert.match(shown.out, /function protocolToRawData/);
});

test('bytes of MQTT.js become values that the official SDK reads, the reply and a set come as bytes', async () => {
  const triple = await makeDevice(server, productKey);
  const { client: device, base, next } = await board(triple);
  try {
    await device.publishAsync(`${base}up_raw`, Buffer.from([0, 9, 0xff, 0x38, 1, 0xc2, 0, 0]), { qos: 1 });
    assert.deepEqual([...await next('up_raw_reply')], [0x80, 9, 0, 200]);
    assert.deepEqual(await values(triple.deviceName).then(({ temperature, humidity }) => [temperature, humidity]), ['-2', '45']);
    const set = await call('setDeviceProperty', { deviceName: triple.deviceName, items: '{"report_interval":300}' });
    assert.equal(set.success, true, JSON.stringify(set));
    const command = await next('down_raw');
    assert.equal(command.readUInt8(0), 1);
    assert.equal(String(command.readUInt32BE(1)), set.data.messageId);
    assert.equal(command.readUInt16BE(5), 300);
    await device.publishAsync(`${base}down_raw_reply`, Buffer.from([2, ...command.subarray(1, 5), 0, 200]), { qos: 1 });
    await until(async () => {
      const { data } = await call('queryDeviceServiceData', { deviceName: triple.deviceName, identifier: 'set', startTime: Date.now() - 3600000, endTime: Date.now() + 60000, pageSize: 10, asc: 1 });
      return data.list.serviceInfo.some(({ outputData }) => outputData && JSON.parse(outputData).code === 200);
    }, 'the answer to the set');
  } finally { await device.endAsync(); }
  proved({ 'MQTT.js': ['pass-through'], 'OpenAPI SDK': ['pass-through'] });
});

test('our own board speaks eight bytes with the same script', async () => {
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtts');
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-raw-')), 'triple.json');
  writeFileSync(file, JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  const child = spawn(path.join(examples, 'raw'), [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  const gone = new Promise((resolve) => child.on('exit', resolve));
  try {
    await until(() => /post 1: 200/.test(out), 'the reply to the board');
    assert.equal((await values(triple.deviceName)).temperature, '25');
    assert.equal((await call('setDeviceProperty', { deviceName: triple.deviceName, items: '{"report_interval":77}' })).success, true);
    await until(() => /interval 77 s/.test(out), 'the set at the board');
  } finally {
    child.kill('SIGTERM');
    await gone;
  }
  proved({ 'our SDK': ['pass-through'] });
});

test('a script that loops is cut off, said in the answer and in the journal, and other products go on', async () => {
  const made = await client.createProduct(new Iot.CreateProductRequest({ productName: 'loops', nodeType: 0, dataFormat: 0 }));
  const bad = made.body.data.productKey;
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-raw-')), 'loop.js');
  writeFileSync(file, 'function rawDataToProtocol(b) { for (;;) {} }\nfunction protocolToRawData(j) { for (;;) {} }\n');
  assert.equal((await run(tercet, ['script', 'set', bad, file, ...ready])).code, 0);
  const triple = await makeDevice(server, bad);
  const { client: device, base, next } = await board(triple);
  try {
    await device.publishAsync(`${base}up_raw`, Buffer.from([1]), { qos: 1 });
    assert.equal(JSON.parse(await next('up_raw_reply')).code, 26002);
    const log = await until(async () => {
      const found = JSON.stringify(await refusals(server, triple));
      return found.includes('script.cut_off') && found;
    }, 'the journal entry');
    assert.match(log, /processor time/);
    const tried = await run(tercet, ['script', 'test', bad, ...ready, '--hex', '00']);
    assert.match(tried.err, /cut off/);
    const good = await run(tercet, ['script', 'test', productKey, ...ready, '--hex', '00', '07', '09', 'c4', '01', 'c2', '00', '00']);
    assert.equal(good.code, 0, good.err);
  } finally { await device.endAsync(); }
});
