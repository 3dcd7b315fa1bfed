import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import Core from '@alicloud/pop-core';
import { makeDevice, makeProduct, proved, startServer, until } from '../harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url)); // import.meta.dirname needs a newer Node than Debian's

let server;
before(async () => { server = await startServer(); });
after(async () => { await server.stop(); });

// The typed official SDK with signature v3, and the older common client with v1: the same calls on both.
function typedClient() {
  const config = new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret });
  const client = new Iot.default(config);
  return async (action, parameters) => {
    const request = new Iot[`${action}Request`](Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key[0].toLowerCase() + key.slice(1), value])));
    const { body } = await client[action[0].toLowerCase() + action.slice(1)](request);
    assert.equal(body.success, true, `${action}: ${JSON.stringify(body)}`);
    return body;
  };
}
function commonClient(method) {
  const client = new Core({ endpoint: server.openapi, apiVersion: '2018-01-20', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret });
  return async (action, parameters) => client.request(action, parameters, { method });
}

async function exercise(call) {
  const productKey = await makeProduct(server);
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtts');
  const board = spawn(process.execPath, [path.join(here, 'official_device.mjs'), `mqtts://${host}:${port}/`, productKey, triple.deviceName, triple.deviceSecret],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: server.ca }, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '', errors = '';
  board.stdout.on('data', (chunk) => (printed += chunk));
  board.stderr.on('data', (chunk) => (errors += chunk));
  const ended = new Promise((resolve) => board.on('exit', resolve));
  const steps = () => printed.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const step = (name) => until(() => steps().find((one) => one.step === name), `'${name}' from the official device SDK; it said ${printed} ${errors}`);
  try {
    assert.equal((await step('property reply')).value.code, 200);
    assert.equal((await step('event reply')).value.code, 200);
    await step('waiting for a set');
    const sent = await call('SetDeviceProperty', { ProductKey: productKey, DeviceName: triple.deviceName, Items: JSON.stringify({ report_interval: 7 }) });
    const command = (await step('set')).value;
    assert.deepEqual(command.params, { report_interval: 7 });
    assert.equal(command.method, 'thing.service.property.set');
    assert.match(command.id, /^\d+$/);
    assert.equal((await step('set posted')).value.code, 200);
    assert.equal(await ended, 0);
    return { sent, productKey, triple };
  } finally {
    board.kill('SIGKILL');
  }
}

test('the official Node device SDK posts, is answered and obeys a set sent by the official OpenAPI SDK (v3)', async () => {
  const call = typedClient();
  const { productKey, triple } = await exercise(call);
  const status = await call('QueryDevicePropertyStatus', { ProductKey: productKey, DeviceName: triple.deviceName });
  const values = Object.fromEntries(status.data.list.propertyStatusInfo.map((one) => [one.identifier, one.value]));
  assert.equal(Number(values.temperature), 23.6);
  assert.equal(Number(values.humidity), 51.2);
  assert.equal(Number(values.report_interval), 7);
  const history = await call('QueryDevicePropertyData', { ProductKey: productKey, DeviceName: triple.deviceName, Identifier: 'temperature', StartTime: Date.now() - 3600000, EndTime: Date.now() + 60000, PageSize: 10, Asc: 1 });
  assert.equal(history.data.list.propertyInfo.length, 1);
  proved({ 'Node device SDK': ['login over TLS', 'property post and reply', 'property set', 'events'], 'OpenAPI SDK': ['property set'] });
});

test('the same with pop-core and signature v1, POST and GET', async () => {
  const call = commonClient('POST');
  const { productKey, triple } = await exercise(call);
  const detail = await commonClient('GET')('QueryDeviceDetail', { ProductKey: productKey, DeviceName: triple.deviceName });
  assert.equal(detail.Data.DeviceName, triple.deviceName);
  assert.equal(detail.Data.DeviceSecret, triple.deviceSecret);
  proved({ 'pop-core': ['property set'] });
});

test('pop-core is told a business error in words', async () => {
  await assert.rejects(commonClient('POST')('QueryProduct', { ProductKey: 'a1doesnotexist' }), (error) => {
    assert.equal(error.code, 'iot.prod.NotExistedProduct');
    assert.ok(error.message && !error.message.startsWith('undefined'));
    return true;
  });
});

test('a wrong access key secret is refused as the cloud refuses it', async () => {
  const config = new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: 'wrong' });
  await assert.rejects(new Iot.default(config).queryProduct(new Iot.QueryProductRequest({ productKey: 'a1' })), (error) => {
    assert.equal(error.code, 'SignatureDoesNotMatch');
    return true;
  });
});
