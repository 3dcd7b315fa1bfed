// Services, events and RRPC: the official Node device SDK and MQTT.js as boards, the official OpenAPI SDK as application,
// and our own SDK's example programs.
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
import { api, credentials, makeDevice, makeProduct, proved, run, startServer, tercet, until } from '../harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url)); // import.meta.dirname needs a newer Node than Debian's
const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
const member = (identifier, type, specs = {}) => ({ identifier, name: identifier, dataType: { type, specs } });
const tsl = JSON.stringify({
  properties: [],
  events: [
    { identifier: 'started', name: 'Started', type: 'info', outputData: [] },
    { identifier: 'warm', name: 'Warm', type: 'alert', outputData: [member('temperature', 'float')] },
    { identifier: 'burnt', name: 'Burnt', type: 'error', outputData: [member('temperature', 'float'), member('reason', 'text', { length: '64' })] },
  ],
  services: [
    { identifier: 'weigh', name: 'Weigh', callType: 'sync', inputData: [member('times', 'int', { min: '1', max: '9' })], outputData: [member('grams', 'float')] },
    { identifier: 'tare', name: 'Tare', callType: 'async', inputData: [], outputData: [] },
  ],
});

let server, productKey, client;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server, { name: 'scale', tsl });
  client = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
});
after(async () => { await server.stop(); });

async function call(action, parameters) {
  const { body } = await client[action](new Iot[`${action[0].toUpperCase()}${action.slice(1)}Request`]({ productKey, ...parameters }));
  return body;
}
const window = () => ({ startTime: Date.now() - 3600000, endTime: Date.now() + 60000, pageSize: 10, asc: 1 });

function start(command, args, environment = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (out += chunk));
  const gone = new Promise((resolve) => child.on('exit', resolve));
  return { says: (words) => until(() => words.test(out), `${words} from ${path.basename(command)}, which said:\n${out}`), stop: async () => { child.kill('SIGTERM'); await gone; }, gone, output: () => out };
}
function tripleFile(triple) {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-services-')), 'triple.json');
  const { host, port } = server.listener('mqtts');
  writeFileSync(file, JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  return file;
}
// One application against whatever board weighs 12.5 g.
async function exercise(deviceName, tare) {
  const weighed = await call('invokeThingService', { deviceName, identifier: 'weigh', args: '{"times":2}' });
  assert.equal(weighed.success, true, JSON.stringify(weighed));
  assert.deepEqual(JSON.parse(weighed.data.result), { grams: 12.5 });
  const refused = await call('invokeThingService', { deviceName, identifier: 'weigh', args: '{}' });
  assert.equal(refused.success, false);
  assert.equal(refused.code, 'iot.device.InvokeThingServiceFailed');
  if (tare) {
    const sent = await call('invokeThingsService', { deviceName: [deviceName], identifier: 'tare', args: '{}' });
    assert.equal(sent.success, true, JSON.stringify(sent));
    const single = await call('invokeThingService', { deviceName, identifier: 'tare', args: '{}' });
    assert.equal(single.success, true);
    assert.equal(single.data.result, undefined);
  }
  const records = await until(async () => {
    const found = (await call('queryDeviceServiceData', { deviceName, ...window() })).data.list.serviceInfo;
    return found.length === (tare ? 3 : 1) && found.every((one) => one.outputData) && found;
  }, 'the records of the calls with their answers');
  const one = records.find((record) => record.identifier === 'weigh');
  assert.deepEqual(JSON.parse(one.inputData), { times: 2 });
  assert.deepEqual(JSON.parse(one.outputData).data, { grams: 12.5 });
}

test('the official Node device SDK answers services, asynchronous and synchronous, called by the official OpenAPI SDK', async () => {
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtts');
  const board = start(process.execPath, [path.join(here, 'official_scale.mjs'), `mqtts://${host}:${port}/`, productKey, triple.deviceName, triple.deviceSecret], { NODE_EXTRA_CA_CERTS: server.ca });
  try {
    await board.says(/ready/);
    await exercise(triple.deviceName, true);
    const events = await until(async () => {
      const found = (await call('queryDeviceEventData', { deviceName: triple.deviceName, ...window() })).data.list.eventInfo;
      return found.length === 3 && found;
    }, 'three events');
    assert.deepEqual(events.map((event) => event.eventType).sort(), ['alert', 'error', 'info']);
    const alerts = (await call('queryDeviceEventData', { deviceName: triple.deviceName, eventType: 'alert', ...window() })).data.list.eventInfo;
    assert.equal(alerts.length, 1);
    assert.deepEqual(JSON.parse(alerts[0].outputData), { temperature: 61.5 });
  } finally {
    await board.stop();
  }
  proved({ 'Node device SDK': ['services'], 'OpenAPI SDK': ['services'] });
});

test('our own scale answers the same calls, and RRpc with the bytes it was asked with', async () => {
  const triple = await makeDevice(server, productKey);
  const board = start(path.join(examples, 'service'), [tripleFile(triple)]);
  try {
    await board.says(/online/);
    await until(async () => (await call('rRpc', { deviceName: triple.deviceName, requestBase64Byte: 'aGk=', timeout: 8000 })).success, 'an answered RRpc');
    const answer = await call('rRpc', { deviceName: triple.deviceName, requestBase64Byte: Buffer.from([0, 255, 63]).toString('base64'), timeout: 8000 });
    assert.equal(answer.rrpcCode, 'SUCCESS');
    assert.equal(answer.payloadBase64Byte, 'AP8/');
    await exercise(triple.deviceName, false);
    const done = await run(tercet, ['call', productKey, triple.deviceName, 'weigh', '{"times":3}', '--ready', path.join(server.directory, 'ready.json')]);
    assert.equal(done.code, 0, done.out + done.err);
    assert.match(done.out, /Result +\{"grams":12\.5\}/);
  } finally {
    await board.stop();
  }
  const gone = await until(async () => {
    const answer = await call('rRpc', { deviceName: triple.deviceName, requestBase64Byte: 'aGk=', timeout: 1000 });
    return answer.rrpcCode === 'OFFLINE' && answer;
  }, 'OFFLINE');
  assert.equal(gone.code, 'iot.messagebroker.OFFLINE');
  proved({ 'our SDK': ['services', 'RRPC'] });
});

test('our own board posts events of all three types, and the command line lists them', async () => {
  const triple = await makeDevice(server, productKey);
  const board = start(path.join(examples, 'event'), [tripleFile(triple)]);
  assert.equal(await board.gone, 0, board.output());
  assert.equal(board.output().match(/: 200 \{\}/g).length, 3);
  const done = await run(tercet, ['events', productKey, triple.deviceName, '--ready', path.join(server.directory, 'ready.json')]);
  assert.equal(done.code, 0, done.out + done.err);
  for (const words of [/info +started +\{\}/, /alert +warm/, /error +burnt .*forgotten/]) assert.match(done.out, words);
  proved({ 'our SDK': ['events'] });
});

test('what is desired while a board is off is found by it on return, once; our SDK and MQTT.js by the vendor\'s topics', async () => {
  const climate = await makeProduct(server);
  const triple = await makeDevice(server, climate);
  const { deviceName } = triple;
  const wish = async (parameters) => call('setDeviceDesiredProperty', { productKey: climate, deviceName, ...parameters });
  const wishes = async () => (await call('queryDeviceDesiredProperty', { productKey: climate, deviceName, identifier: ['report_interval'] })).data.list.desiredPropertyInfo;
  const first = await wish({ items: '{"report_interval":30}', versions: '{"report_interval":0}' });
  assert.deepEqual(JSON.parse(first.data.versions), { report_interval: 1 });
  assert.equal((await wish({ items: '{"report_interval":31}', versions: '{"report_interval":0}' })).code, 'tercet.desired.VersionConflict');
  assert.equal((await wishes())[0].value, '30');

  const board = start(path.join(examples, 'desired'), [tripleFile(triple)]);
  try {
    await board.says(/report interval 30 s/);
    await until(async () => (await wishes())[0].value === undefined, 'the board has seen to it');
    assert.equal((await wishes())[0].version, 1);
    const said = await run(tercet, ['desired', 'set', climate, deviceName, '{"report_interval":45}', '--ready', path.join(server.directory, 'ready.json')]);
    assert.equal(said.code, 0, said.out + said.err);
    await board.says(/report interval 45 s/);
  } finally {
    await board.stop();
  }

  const { host, port } = server.listener('mqtts');
  const foreign = await mqtt.connectAsync(`mqtts://${host}:${port}`, { ...credentials(triple), ca: readFileSync(server.ca), protocolVersion: 4, reconnectPeriod: 0 });
  const replies = [];
  foreign.on('message', (topic, payload) => replies.push(JSON.parse(payload)));
  const prefix = `/sys/${climate}/${deviceName}/thing/property/desired`;
  await foreign.subscribeAsync([`${prefix}/get_reply`, `${prefix}/delete_reply`]);
  let asked = 0;
  const ask = async (action, params) => {
    const id = String(++asked);
    foreign.publish(`${prefix}/${action}`, JSON.stringify({ id, version: '1.0', params, method: `thing.property.desired.${action}` }));
    return until(() => replies.find((one) => one.id === id), `the answer to ${action}`);
  };
  const wanted = { report_interval: { value: 45, version: 2 } };
  assert.deepEqual((await ask('get', ['report_interval'])).data, wanted);
  assert.equal((await ask('delete', { report_interval: { version: 1 } })).code, 200); // an old version: stays
  assert.deepEqual((await ask('get', ['report_interval'])).data, wanted);
  assert.equal((await ask('delete', { report_interval: { version: 2 } })).code, 200);
  assert.deepEqual((await ask('get', ['report_interval'])).data, {});
  await foreign.endAsync();
  proved({ 'our SDK': ['desired values'], 'MQTT.js': ['desired values'], 'OpenAPI SDK': ['desired values'] });
});

test('MQTT.js answers RRPC of both forms, and silence and a topic nobody listens to are told apart', async () => {
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtts');
  const connect = (extra) => new Promise((resolve, reject) => {
    const board = mqtt.connect(`mqtts://${host}:${port}`, { ...credentials(triple, { extra }), ca: readFileSync(server.ca), protocolVersion: 4, reconnectPeriod: 0 });
    board.on('connect', () => resolve(board));
    board.on('error', reject);
  });
  const own = `/${productKey}/${triple.deviceName}/user/get`;
  const ask = (parameters = {}) => call('rRpc', { deviceName: triple.deviceName, requestBase64Byte: 'aGk=', timeout: 1000, ...parameters });
  let board = await connect('');
  assert.equal((await ask()).rrpcCode, 'UNKNOWN'); // it has not subscribed
  const seen = [];
  let silent = false;
  const obey = () => board.on('message', (topic, payload) => {
    seen.push(topic);
    if (!silent) board.publish(topic.replace('/rrpc/request/', '/rrpc/response/'), `${payload} there`);
  });
  obey();
  await board.subscribeAsync(`/sys/${productKey}/${triple.deviceName}/rrpc/request/+`);
  const first = await ask();
  assert.equal(Buffer.from(first.payloadBase64Byte, 'base64').toString(), 'hi there');
  assert.match(seen[0], /\/rrpc\/request\/\d+$/);
  assert.equal((await ask({ topic: own })).rrpcCode, 'UNKNOWN');
  silent = true;
  const late = await ask();
  assert.equal(late.rrpcCode, 'TIMEOUT');
  assert.equal(late.code, 'iot.messagebroker.TIMEOUT');
  await board.endAsync();

  // ext bit 0: no SUBSCRIBE is needed, and synchronous services come this way too.
  silent = false;
  board = await connect(',ext=1');
  obey();
  const second = await ask({ topic: own });
  assert.equal(Buffer.from(second.payloadBase64Byte, 'base64').toString(), 'hi there');
  assert.match(seen.at(-1), new RegExp(`^/ext/rrpc/\\d+${own}$`));
  const service = await call('invokeThingService', { deviceName: triple.deviceName, identifier: 'weigh', args: '{"times":1}' });
  assert.match(seen.at(-1), /^\/ext\/rrpc\/\d+\/sys\/.*\/thing\/service\/weigh$/);
  assert.equal(service.success, false); // " there" behind the request is no JSON
  await board.endAsync();
  proved({ 'MQTT.js': ['RRPC'], 'OpenAPI SDK': ['RRPC'] });
});
