// Tags: the official Node device SDK, MQTT.js and our own SDK (examples/tags.cc) as boards, the official OpenAPI SDK and our command line as applications.
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

const here = path.dirname(fileURLToPath(import.meta.url));
const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
let server, productKey, client;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
  client = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
});
after(async () => { await server.stop(); });

const propsOf = async (deviceName) => JSON.parse((await client.queryDeviceProp(new Iot.QueryDevicePropRequest({ productKey, deviceName }))).body.props);
const found = async (tag) => (await client.queryDeviceByTags(new Iot.QueryDeviceByTagsRequest({ tag, currentPage: 1, pageSize: 10 }))).body;

test('the official Node device SDK posts and deletes tags, and the official OpenAPI SDK sees them', async () => {
  const { deviceName, deviceSecret } = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtts');
  const board = spawn(process.execPath, [path.join(here, 'official_tags.mjs'), `mqtts://${host}:${port}/`, productKey, deviceName, deviceSecret],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: server.ca }, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  board.stdout.on('data', (chunk) => (printed += chunk));
  board.stderr.on('data', (chunk) => (printed += chunk));
  try {
    await until(() => printed.includes('"deleted"'), `the last answer; it said ${printed}`);
    assert.deepEqual(printed.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)),
      [{ step: 'posted', code: 200 }, { step: 'wrong', code: 460 }, { step: 'deleted', code: 200 }]);
    assert.deepEqual(await propsOf(deviceName), { room: '厨房' });
  } finally {
    board.kill('SIGKILL');
  }
  proved({ 'Node device SDK': ['tags'], 'OpenAPI SDK': ['tags'] });
});

test('the official OpenAPI SDK saves, finds and deletes tags, our command line too; the device asks for them; MQTT.js', async () => {
  const triple = await makeDevice(server, productKey);
  const { deviceName } = triple;
  assert.equal((await client.saveDeviceProp(new Iot.SaveDevicePropRequest({ productKey, deviceName, props: JSON.stringify({ floor: '2', coordinate: '39.9:116.3' }) }))).body.success, true);
  const command = async (...words) => {
    const done = await run(tercet, ['tag', ...words, '--ready', path.join(server.directory, 'ready.json')]);
    assert.equal(done.code, 0, done.out + done.err);
    return done.out;
  };
  await command('set', productKey, deviceName, 'room', 'hall');
  assert.match(await command('list', productKey, deviceName), /"room":"hall"/);
  assert.match(await command('find', 'room=hall', 'floor'), new RegExp(deviceName));
  const { data, total } = await found([{ tagKey: 'room', tagValue: 'hall' }, { tagKey: 'coordinate' }]);
  assert.equal(total, 1);
  assert.equal(data.simpleDeviceInfo[0].deviceName, deviceName);
  assert.equal((await found([{ tagKey: 'room', tagValue: 'cellar' }])).total, 0);
  assert.equal((await client.deleteDeviceProp(new Iot.DeleteDevicePropRequest({ productKey, deviceName, propKey: 'floor' }))).body.success, true);

  const { host, port } = server.listener('mqtts');
  const board = await mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0, ...credentials(triple, { extra: ',_ss=1' }) });
  try {
    const replies = [];
    board.on('message', (topic, payload) => replies.push([topic, JSON.parse(payload)]));
    const topic = `/sys/${productKey}/${deviceName}/thing/deviceinfo/`;
    const ask = async (verb, params) => {
      const id = String(replies.length + 1);
      await board.publishAsync(topic + verb, JSON.stringify({ id, version: '1.0', params, method: `thing.deviceinfo.${verb}` }), { qos: 1 });
      return (await until(() => replies.find(([name, message]) => name === `${topic}${verb}_reply` && message.id === id), `${verb}_reply`))[1];
    };
    assert.equal((await ask('update', [{ attrKey: 'SYS_SDK_LANGUAGE', attrValue: 'C', domain: 'SYSTEM' }])).code, 200);
    assert.deepEqual((await ask('get', [])).data, [{ attrKey: 'coordinate', attrValue: '39.9:116.3' }, { attrKey: 'room', attrValue: 'hall' }]);
    assert.deepEqual(await propsOf(deviceName), { coordinate: '39.9:116.3', room: 'hall' });
    const many = Array.from({ length: 100 }, (_, i) => ({ attrKey: `k${i}`, attrValue: 'v' }));
    assert.equal((await ask('update', many)).code, 460); // with the two there are, 102
    assert.equal(Object.keys(await propsOf(deviceName)).length, 2);
  } finally {
    await board.endAsync(true);
  }
  proved({ 'OpenAPI SDK': ['tags'], 'MQTT.js': ['tags'] });
});

test('our own board sets its tags, takes one back, and is told what others have said of it', async () => {
  const triple = await makeDevice(server, productKey);
  const { deviceName } = triple;
  await client.saveDeviceProp(new Iot.SaveDevicePropRequest({ productKey, deviceName, props: JSON.stringify({ owner: '林' }) }));
  const { host, port } = server.listener('mqtts');
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-example-')), 'triple.json');
  writeFileSync(file, JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  const done = await run(path.join(examples, 'tags'), [file]);
  assert.equal(done.code, 0, done.out + done.err);
  assert.deepEqual(done.out.trim().split('\n').sort(), ['floor = 2', 'owner = 林', 'room = kitchen']);
  assert.deepEqual(await propsOf(deviceName), { floor: '2', owner: '林', room: 'kitchen' });
  proved({ 'our SDK': ['tags'] });
});
