// A thing model with a module of its own: `power:voltage` and the like, through every channel that names features. MQTT.js as the
// board, the official OpenAPI SDK as the application.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import mqtt from 'mqtt';
import { credentials, makeDevice, makeProduct, proved, startServer, until } from '../harness.mjs';

const real = { type: 'double', specs: { min: '-100', max: '100', step: '0.1' } };
const whole = { type: 'int', specs: { min: '0', max: '10', step: '1' } };
const tsl = JSON.stringify({
  schema: 'https://iotx-tsl.oss-ap-southeast-1.aliyuncs.com/schema.json',
  properties: [{ identifier: 'temperature', name: 'Temperature', accessMode: 'r', required: false, dataType: real }],
  functionBlocks: [{
    functionBlockId: 'power', functionBlockName: 'Power supply',
    properties: [
      { identifier: 'voltage', name: 'Voltage', accessMode: 'r', required: false, dataType: real },
      { identifier: 'limit', name: 'Limit', accessMode: 'rw', required: false, dataType: whole },
    ],
    events: [{ identifier: 'low', name: 'Low', type: 'alert', outputData: [{ identifier: 'voltage', name: 'Voltage', dataType: real }] }],
    services: [{ identifier: 'cycle', name: 'Cycle', callType: 'async', inputData: [{ identifier: 'times', name: 'Times', dataType: whole }], outputData: [{ identifier: 'done', name: 'Done', dataType: whole }] }],
  }],
});
let server, client, triple, board, base;
const heard = [];
const sdk = async (action, parameters) => {
  const { body } = await client[action](new Iot[`${action[0].toUpperCase()}${action.slice(1)}Request`](parameters));
  assert.equal(body.success, true, `${action}: ${body.code} ${body.errorMessage}`);
  return body;
};
let id = 0;
async function say(channel, method, params) {
  const mine = String(++id);
  await board.publishAsync(`${base}/${channel}`, JSON.stringify({ id: mine, version: '1.0', params, method }), { qos: 1 });
  const { payload } = await until(() => heard.find((one) => one.topic === `${base}/${channel}_reply` && one.payload.id === mine), `the reply on ${channel}`);
  return payload;
}
const asked = (end) => until(() => heard.find((one) => one.topic.endsWith(end)), `a message on ${end}`);

before(async () => {
  server = await startServer();
  triple = await makeDevice(server, await makeProduct(server, { tsl }));
  client = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
  const { host, port } = server.listener('mqtts');
  board = await mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0, ...credentials(triple) });
  board.on('message', (topic, payload) => heard.push({ topic, payload: JSON.parse(payload) }));
  base = `/sys/${triple.productKey}/${triple.deviceName}/thing`;
  await board.subscribeAsync([`${base}/event/+/post_reply`, `${base}/event/property/pack/post_reply`, `${base}/service/#`, `${base}/property/desired/get_reply`], { qos: 1 });
});
after(async () => {
  await board?.endAsync(true);
  await server?.stop();
});
const where = () => ({ productKey: triple.productKey, deviceName: triple.deviceName });

test('the model comes back as it was given', async () => {
  const { data } = await sdk('getThingModelTsl', { productKey: triple.productKey });
  assert.equal(JSON.parse(data.tslStr).functionBlocks[0].functionBlockId, 'power');
});

test('properties of a module are posted, checked, shown and kept', async () => {
  assert.equal((await say('event/property/post', 'thing.event.property.post', { temperature: 20, 'power:voltage': 3.3 })).code, 200);
  const wrong = await say('event/property/post', 'thing.event.property.post', { 'power:voltage': 'high' });
  assert.match(JSON.stringify(wrong), /power:voltage/, 'what is wrong is named');
  const now = (await sdk('queryDevicePropertyStatus', { ...where(), functionBlockId: 'power' })).data.list.propertyStatusInfo;
  assert.ok(now.some((one) => /voltage$/.test(one.identifier) && Number(one.value) === 3.3), JSON.stringify(now));
  const past = (await sdk('queryDevicePropertyData', { ...where(), identifier: 'power:voltage', asc: 1, startTime: Date.now() - 3600000, endTime: Date.now() + 60000, pageSize: 10 })).data.list.propertyInfo;
  assert.equal(Number(past[0].value), 3.3);
});

test('a property of a module is set, and desired', async () => {
  await sdk('setDeviceProperty', { ...where(), items: '{"power:limit":7}' });
  const { payload } = await asked('/service/property/set');
  assert.deepEqual(payload.params, { 'power:limit': 7 });
  await sdk('setDeviceDesiredProperty', { ...where(), items: '{"power:limit":5}', versions: '{"power:limit":0}' });
  const desired = await say('property/desired/get', 'thing.property.desired.get', ['power:limit']);
  assert.equal(desired.code, 200);
  assert.equal(desired.data['power:limit'].value, 5);
});

test("a module's service is called, and its event is kept", async () => {
  await sdk('invokeThingService', { ...where(), identifier: 'power:cycle', args: '{"times":2}' });
  const { topic, payload } = await asked('/service/power:cycle');
  assert.deepEqual(payload.params, { times: 2 });
  assert.equal(payload.method, 'thing.service.power:cycle');
  await board.publishAsync(`${topic}_reply`, JSON.stringify({ id: payload.id, code: 200, data: { done: 2 } }), { qos: 1 });
  assert.equal((await say('event/power:low/post', 'thing.event.power:low.post', { voltage: 2.9 })).code, 200);
  const range = { asc: 1, startTime: Date.now() - 3600000, endTime: Date.now() + 60000, pageSize: 10 };
  const events = (await sdk('queryDeviceEventData', { ...where(), identifier: 'power:low', ...range })).data.list.eventInfo;
  assert.deepEqual(JSON.parse(events[0].outputData), { voltage: 2.9 });
  await until(async () => {
    const calls = (await sdk('queryDeviceServiceData', { ...where(), identifier: 'power:cycle', ...range })).data.list.serviceInfo;
    return calls.length > 0 && /"done":2/.test(calls[0].outputData);
  }, 'the answer of the service');
});

test('a module is in packs, too', async () => {
  const packed = await say('event/property/pack/post', 'thing.event.property.pack.post', { properties: { 'power:voltage': { value: 3.1, time: Date.now() } }, events: { 'power:low': { value: { voltage: 2.8 }, time: Date.now() } } });
  assert.equal(packed.code, 200);
  await until(async () => {
    const now = (await sdk('queryDevicePropertyStatus', { ...where(), functionBlockId: 'power' })).data.list.propertyStatusInfo;
    return now.some((one) => /voltage$/.test(one.identifier) && Number(one.value) === 3.1);
  }, 'the packed value');
  proved({ 'MQTT.js': ['modules of a thing model'], 'OpenAPI SDK': ['modules of a thing model'] });
});
