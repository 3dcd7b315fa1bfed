// One conversation for each feature, held with three MQTT clients as the board (links.mjs) and the official common client,
// pop-core, as the application; what only the typed SDK lacks elsewhere is asked of it here, too.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import Core from '@alicloud/pop-core';
import sdk from 'alibabacloud-iot-device-sdk';
import { api, credentials, makeDevice, makeProduct, proved, refusals, sign, startServer, until } from '../harness.mjs';
import { extras, links, uploadFrame } from './links.mjs';

const here = path.dirname(fileURLToPath(import.meta.url)); // import.meta.dirname needs a newer Node than Debian's
const whole = { type: 'int', specs: { min: '0', max: '100' } };
const named = (identifier, more) => ({ identifier, name: identifier, ...more });
const property = (identifier, accessMode) => named(identifier, { accessMode, required: false, dataType: whole });
const tsl = JSON.stringify({
  properties: [property('level', 'r'), property('target', 'rw')],
  events: [named('full', { type: 'alert', outputData: [named('level', { dataType: whole })] })],
  services: [named('weigh', { callType: 'sync', inputData: [], outputData: [named('grams', { dataType: whole })] })],
  functionBlocks: [{ functionBlockId: 'power', functionBlockName: 'Power', properties: [property('voltage', 'r')], events: [], services: [] }],
});

let server, core, typed;
before(async () => {
  await begin(await startServer());
});
async function begin(started) {
  server = started;
  core = new Core({ accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret, endpoint: server.openapi, apiVersion: '2018-01-20' });
  typed = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
}
after(async () => { await server.stop(); });

async function app(action, parameters) {
  const answer = await core.request(action, parameters, { method: 'POST' });
  assert.equal(answer.Success, true, `${action}: ${JSON.stringify(answer)}`);
  return answer;
}
async function sdkCall(action, parameters) {
  const { body } = await typed[action](new Iot[`${action[0].toUpperCase()}${action.slice(1)}Request`](parameters));
  assert.equal(body.success, true, `${action}: ${body.code} ${body.errorMessage}`);
  return body;
}
const span = () => ({ StartTime: Date.now() - 3600000, EndTime: Date.now() + 60000, PageSize: 10, Asc: 1 });
const base64 = (text) => Buffer.from(text).toString('base64');

// A board: its link, and what the conversations say with it.
async function board(client, productKey, { triple, filters = [], login, extra = '' } = {}) {
  triple ??= await makeDevice(server, productKey);
  const link = await links[client](server, login ?? credentials(triple, { extra: extras[client] + extra }));
  const base = `/sys/${triple.productKey}/${triple.deviceName}`;
  for (const filter of filters) await link.hear(filter.replace('~', base).replace('{names}', `${triple.productKey}/${triple.deviceName}`));
  let id = 0;
  const next = (end, fits = () => true) => until(() => link.heard.find((one) => one.topic.endsWith(end) && fits(one)), `a message on ${end}, among ${link.heard.map((one) => one.topic)}`);
  return {
    ...link, triple, base, next,
    names: { ProductKey: triple.productKey, DeviceName: triple.deviceName },
    json: async (end, fits) => JSON.parse((await next(end, fits)).payload),
    ask: async (tail, params, { topic = `${base}/thing/${tail}`, reply = `${topic}_reply`, more = {} } = {}) => {
      const mine = String(++id);
      await link.hear(reply);
      await link.say(topic, JSON.stringify({ id: mine, version: '1.0', params, method: `thing.${tail.replaceAll('/', '.')}`, ...more }));
      return JSON.parse((await next(reply, ({ payload }) => JSON.parse(payload).id === mine)).payload);
    },
    answer: (message, data) => link.say(`${message.topic}_reply`, JSON.stringify({ id: JSON.parse(message.payload).id, code: 200, data })),
  };
}
const latest = async (one, identifier) => {
  const { Data } = await app('QueryDevicePropertyStatus', one.names);
  return Data.List.PropertyStatusInfo.find(({ Identifier }) => Identifier === identifier)?.Value;
};
async function upload(bytes, FileSuffix = 'bin') {
  const { Data } = await app('GenerateOTAUploadURL', { FileSuffix });
  const form = new FormData();
  for (const [name, value] of Object.entries({ key: Data.Key, policy: Data.Policy, OSSAccessKeyId: Data.OSSAccessKeyId, Signature: Data.Signature, success_action_status: '200' })) form.set(name, value);
  form.set('file', new Blob([bytes]), 'image.bin');
  assert.equal((await fetch(Data.Host, { method: 'POST', body: form })).status, 200);
  return Data.FirmwareUrl;
}
async function update(one, bytes, more) {
  const firmware = await app('CreateOTAFirmware', { ProductKey: one.triple.productKey, FirmwareName: `image ${Math.random()}`.slice(0, 20), DestVersion: '2.0', FirmwareUrl: await upload(bytes), FirmwareSize: bytes.length, SignMethod: 'MD5', FirmwareSign: createHash('md5').update(bytes).digest('hex'), NeedToVerify: false });
  return app('CreateOTAStaticUpgradeJob', { ProductKey: one.triple.productKey, FirmwareId: firmware.Data.FirmwareId, TargetSelection: 'SPECIFIC', 'TargetDeviceName.1': one.triple.deviceName, ...more });
}
const ended = (one, job) => until(async () => (await app('QueryOTAJob', { JobId: job.Data.JobId })).Data.JobStatus === 'COMPLETED', 'the job is done');
const inform = (one, version) => one.say(`/ota/device/inform/${one.triple.productKey}/${one.triple.deviceName}`, JSON.stringify({ id: '1', params: { version } }));

// feature: a conversation of (client, productKey), proved for both sides when it ends. `board` alone: no application has a part in it.
const conversations = {
  'property post and reply': async (client, productKey) => {
    const one = await board(client, productKey);
    assert.equal((await one.ask('event/property/post', { level: 7 })).code, 200);
    assert.equal(await latest(one, 'level'), '7');
    return one;
  },
  'property set': async (client, productKey) => {
    const one = await board(client, productKey, { filters: ['~/thing/service/property/set'] });
    await app('SetDeviceProperty', { ...one.names, Items: '{"target":9}' });
    const set = await one.next('/service/property/set');
    assert.deepEqual(JSON.parse(set.payload).params, { target: 9 });
    await one.answer(set, {});
    return one;
  },
  'property get': async (client, productKey) => {
    const one = await board(client, productKey, { filters: ['~/thing/service/property/get'] });
    const asked = app('GetDevicePropertyNow', { ...one.names, 'Identifier.1': 'level' });
    await one.answer(await one.next('/service/property/get'), { level: 3 });
    assert.deepEqual(JSON.parse((await asked).Data.Values), { level: 3 });
    return one;
  },
  'pack post': async (client, productKey) => {
    const one = await board(client, productKey);
    assert.equal((await one.ask('event/property/pack/post', { properties: { level: { value: 4 } }, events: { full: { value: { level: 4 } } }, subDevices: [] })).code, 200);
    assert.equal(await latest(one, 'level'), '4');
    return one;
  },
  'modules of a thing model': async (client, productKey) => {
    const one = await board(client, productKey);
    assert.equal((await one.ask('event/property/post', { 'power:voltage': 12 })).code, 200);
    const { Data } = await app('QueryDevicePropertyStatus', { ...one.names, FunctionBlockId: 'power' });
    assert.equal(Data.List.PropertyStatusInfo.find(({ Identifier }) => /voltage$/.test(Identifier)).Value, '12');
    return one;
  },
  events: async (client, productKey) => {
    const one = await board(client, productKey);
    assert.equal((await one.ask('event/full/post', { level: 99 })).code, 200);
    const { Data } = await app('QueryDeviceEventData', { ...one.names, Identifier: 'full', ...span() });
    assert.deepEqual(JSON.parse(Data.List.EventInfo[0].OutputData), { level: 99 });
    const { data } = await sdkCall('queryDeviceEventData', { productKey, deviceName: one.triple.deviceName, identifier: 'full', startTime: Date.now() - 3600000, endTime: Date.now() + 60000, pageSize: 10, asc: 1 });
    assert.deepEqual(JSON.parse(data.list.eventInfo[0].outputData), { level: 99 });
    return one;
  },
  services: async (client, productKey) => {
    // A synchronous service is called by RRPC, on the topic of the service with those who have said ext=1.
    const one = await board(client, productKey, { filters: ['~/rrpc/request/+'] });
    const called = app('InvokeThingService', { ...one.names, Identifier: 'weigh', Args: '{}' });
    const asked = await until(() => one.heard.find(({ topic }) => /\/rrpc\/(request\/)?\d+/.test(topic)), 'the call');
    const message = JSON.parse(asked.payload);
    assert.equal(message.method, 'thing.service.weigh');
    await one.say(asked.topic.replace('/request/', '/response/'), JSON.stringify({ id: message.id, code: 200, data: { grams: 12 } }));
    assert.deepEqual(JSON.parse((await called).Data.Result), { grams: 12 });
    return one;
  },
  RRPC: async (client, productKey) => {
    const one = await board(client, productKey, { filters: ['~/rrpc/request/+'] });
    const called = app('RRpc', { ...one.names, RequestBase64Byte: base64('how much?'), Timeout: 8000 });
    const asked = await until(() => one.heard.find(({ topic }) => topic.includes('/rrpc/request/')), 'the call');
    assert.equal(String(asked.payload), 'how much?');
    await one.say(asked.topic.replace('/request/', '/response/'), 'twelve');
    assert.equal((await called).PayloadBase64Byte, base64('twelve'));
    return one;
  },
  'desired values': async (client, productKey) => {
    const one = await board(client, productKey);
    await app('SetDeviceDesiredProperty', { ...one.names, Items: '{"target":5}', Versions: '{"target":0}' });
    assert.deepEqual((await one.ask('property/desired/get', ['target'])).data, { target: { value: 5, version: 1 } });
    assert.equal((await one.ask('property/desired/delete', { target: { version: 1 } })).code, 200);
    assert.deepEqual((await one.ask('property/desired/get', ['target'])).data, {});
    return one;
  },
  shadow: async (client, productKey) => {
    const one = await board(client, productKey, { filters: ['/shadow/get/{names}'] });
    await app('UpdateDeviceShadow', { ...one.names, ShadowMessage: '{"method":"update","state":{"desired":{"led":1}},"version":1}' });
    const control = await one.json(`/shadow/get/${productKey}/${one.triple.deviceName}`);
    assert.deepEqual(control.payload.state.desired, { led: 1 });
    await one.say(`/shadow/update/${productKey}/${one.triple.deviceName}`, '{"method":"update","state":{"reported":{"led":1},"desired":"null"},"version":2}');
    await until(async () => JSON.parse((await app('GetDeviceShadow', one.names)).ShadowMessage).state.reported?.led === 1, 'the reported state');
    return one;
  },
  tags: async (client, productKey) => {
    const one = await board(client, productKey);
    assert.equal((await one.ask('deviceinfo/update', [{ attrKey: 'room', attrValue: 'hall' }])).code, 200);
    assert.deepEqual(JSON.parse((await app('QueryDeviceProp', one.names)).Props), { room: 'hall' });
    assert.equal((await one.ask('deviceinfo/delete', [{ attrKey: 'room' }])).code, 200);
    assert.deepEqual(JSON.parse((await app('QueryDeviceProp', one.names)).Props), {});
    return one;
  },
  'device jobs': async (client, productKey) => {
    const one = await board(client, productKey, { filters: ['~/thing/job/notify'] });
    const device = { productKey, deviceName: one.triple.deviceName };
    const { JobId } = await app('CreateJob', { JobName: 'calibrate', Type: 'CUSTOM_JOB', JobDocument: '{"do":"calibrate"}', TargetConfig: JSON.stringify({ targetType: 'DEVICE_LIST', targetDevices: [device] }) });
    const { task } = (await one.json('/thing/job/notify')).params;
    assert.deepEqual([task.status, task.jobDocument], ['SENT', { do: 'calibrate' }]);
    assert.equal((await one.ask('job/get', { taskId: '$next' })).data.task.taskId, task.taskId);
    assert.equal((await one.ask('job/update', { taskId: task.taskId, status: 'IN_PROGRESS', progress: 10 })).code, 200);
    assert.equal((await one.ask('job/update', { taskId: task.taskId, status: 'SUCCEEDED', statusDetails: { points: 3 } })).code, 200);
    assert.equal((await app('QueryJob', { JobId })).Data.Status, 'COMPLETED');
    return one;
  },
  'custom topics': async (client, productKey) => {
    const one = await board(client, productKey, { filters: ['/{names}/user/get'] });
    await app('Pub', { ProductKey: productKey, TopicFullName: `/${productKey}/${one.triple.deviceName}/user/get`, MessageContent: base64('open'), Qos: 0 });
    assert.equal(String((await one.next('/user/get')).payload), 'open');
    await sdkCall('pub', { productKey, topicFullName: `/${productKey}/${one.triple.deviceName}/user/get`, messageContent: base64('close'), qos: 0 });
    await until(() => one.heard.some(({ payload }) => String(payload) === 'close'), 'what the typed SDK sent');
    await one.say(`/${productKey}/${one.triple.deviceName}/user/update`, 'done');
    return one;
  },
  broadcast: async (client, productKey) => {
    const one = await board(client, productKey);
    await app('PubBroadcast', { ProductKey: productKey, MessageContent: base64('close all valves') });
    const heard = await until(() => one.heard.find(({ topic }) => topic.startsWith(`${one.base}/broadcast/request/`)), 'the broadcast');
    assert.equal(String(heard.payload), 'close all valves');
    return one;
  },
  NTP: async (client, productKey) => {
    const one = await board(client, productKey, { filters: ['/ext/ntp/{names}/response'] });
    await one.say(`/ext/ntp/${one.names.ProductKey}/${one.names.DeviceName}/request`, JSON.stringify({ deviceSendTime: '1571724098000' }));
    const told = await one.json('/response');
    assert.equal(String(told.deviceSendTime), '1571724098000');
    for (const time of [told.serverRecvTime, told.serverSendTime]) assert.ok(Math.abs(Number(time) - Date.now()) < 30000, JSON.stringify(told));
    return one;
  },
  'network reports': async (client, productKey) => {
    const one = await board(client, productKey);
    const report = { wifi: { rssi: -71, snr: 8, per: 3, err_stats: '10,02,01' } };
    const topic = `${one.base}/_thing/diag/post`;
    assert.equal((await one.ask('', { p: report, model: 'format=simple|quantity=single|time=now' }, { topic })).code, 200);
    const { Data } = await api(server, 'QueryDeviceNetworkStatus', { ...one.names, ...span() });
    assert.deepEqual(Data.List.NetworkInfo.map((each) => each.Rssi), [-71]);
    return one;
  },
  'device logs': async (client, productKey) => {
    const one = await board(client, productKey, { filters: ['~/thing/config/log/push'] });
    assert.equal((await one.ask('config/log/get', { configScope: 'device', getType: 'content' })).data.content.mode, 0);
    await api(server, 'SetDeviceLogUpload', { ...one.names, Enabled: true });
    assert.equal((await one.json('/config/log/push')).params.content.mode, 1);
    const utcTime = new Date(Date.now() + 8 * 3600000).toISOString().replace('Z', '+0800');
    assert.equal((await one.ask('log/post', [{ utcTime, logLevel: 'ERROR', module: 'wifi', code: '4103', logContent: 'no route' }])).code, 200);
    const { Data } = await api(server, 'QueryDeviceLocalLog', { ...one.names, ...span(), Level: 'ERROR' });
    assert.equal(Data.List.LogInfo.length, 1);
    return one;
  },
  'remote configuration': async (client, productKey) => {
    const one = await board(client, productKey, { filters: ['~/thing/config/push'] });
    await app('SetProductConfiguration', { ProductKey: productKey, Content: '{"interval":5}' });
    const { data } = await one.ask('config/get', { configScope: 'product', getType: 'file' });
    assert.equal(data.configSize, 14);
    await app('PushProductConfiguration', { ProductKey: productKey });
    assert.equal((await one.json('/thing/config/push')).params.configId, data.configId);
    return one;
  },
  'gateway and sub-devices': async (client, productKey) => {
    const gateways = await makeProduct(server, { name: 'gateway', nodeType: 1, tsl: null });
    const one = await board(client, gateways), child = await makeDevice(server, productKey);
    const names = { productKey, deviceName: child.deviceName };
    const clientId = `${productKey}.${child.deviceName}`, timestamp = '2524608000000';
    const proof = { ...names, clientId, timestamp, signMethod: 'hmacSha256', sign: sign('hmacsha256', child.deviceSecret, `clientId${clientId}deviceName${child.deviceName}productKey${productKey}timestamp${timestamp}`) };
    assert.equal((await one.ask('topo/add', [{ ...proof, signmethod: 'hmacSha256' }])).code, 200);
    assert.equal((await app('GetThingTopo', { ...one.names, PageNo: 1, PageSize: 10 })).Data.List.deviceInfo[0].DeviceName, child.deviceName);
    const login = await one.ask('combine/login', { ...proof, cleanSession: 'true' }, { topic: `/ext/session/${gateways}/${one.triple.deviceName}/combine/login` });
    assert.equal(login.code, 200);
    assert.equal((await one.ask('event/property/post', { level: 8 }, { topic: `/sys/${productKey}/${child.deviceName}/thing/event/property/post` })).code, 200);
    assert.equal(await latest({ names: { ProductKey: productKey, DeviceName: child.deviceName } }, 'level'), '8');
    return one;
  },
  'pass-through': async (client) => {
    const made = await app('CreateProduct', { ProductName: `bytes${Math.floor(Math.random() * 1e9)}`, NodeType: 0, DataFormat: 0 });
    const real = { type: 'float', specs: { min: '-100', max: '100' } };
    await app('ImportThingModelTsl', { ProductKey: made.ProductKey, TslStr: JSON.stringify({ properties: ['temperature', 'humidity'].map((one) => ({ ...property(one, 'r'), dataType: real })), events: [], services: [] }) });
    await app('CreateThingScript', { ProductKey: made.ProductKey, ScriptContent: readFileSync(path.resolve(here, '../../docs/pass-through/climate.js'), 'utf8'), ScriptType: 'JavaScript' });
    const one = await board(client, made.ProductKey, { filters: ['~/thing/model/up_raw_reply'] });
    await one.say(`${one.base}/thing/model/up_raw`, Buffer.from([0, 9, 0xff, 0x38, 1, 0xc2, 0, 0]));
    assert.deepEqual([...(await one.next('/up_raw_reply')).payload], [0x80, 9, 0, 200]);
    assert.equal(await latest(one, 'temperature'), '-2');
    return one;
  },
  'file upload': async (client, productKey) => {
    const one = await board(client, productKey, { filters: ['~/thing/file/upload/mqtt/send_reply'] }), photo = randomBytes(700);
    const begun = await one.ask('file/upload/mqtt/init', { fileName: 'photo.jpg', fileSize: photo.length, conflictStrategy: 'overwrite', initUid: 'u1' });
    assert.equal(begun.code, 200, begun.message);
    for (const offset of [0, 512]) {
      const id = `b${offset}`;
      await one.say(`${one.base}/thing/file/upload/mqtt/send`, uploadFrame(id, { uploadId: begun.data.uploadId, offset, isComplete: false }, photo.subarray(offset, offset + 512)));
      const taken = await one.json('/send_reply', ({ payload }) => JSON.parse(payload).id === id);
      assert.deepEqual([taken.code, taken.data.offset, taken.data.complete ?? false], [200, offset, offset === 512]);
    }
    const listed = (await app('QueryDeviceFileList', { ...one.names, CurrentPage: 1, PageSize: 10 })).Data.FileSummary;
    assert.deepEqual(listed.map((each) => [each.Name, each.Size]), [['photo.jpg', '700']]);
    const { DownloadUrl } = (await app('QueryDeviceFile', { ...one.names, FileId: listed[0].FileId })).Data;
    const bytes = await new Promise((resolve, reject) => https.get(DownloadUrl, { ca: readFileSync(server.ca), agent: false }, async (answer) => resolve(Buffer.concat(await answer.toArray()))).on('error', reject));
    assert.ok(bytes.equals(photo));
    return one;
  },
  'OTA over HTTPS': async (client, productKey) => {
    const one = await board(client, productKey, { filters: ['/ota/device/upgrade/{names}'] }), image = randomBytes(5000);
    await inform(one, '1.0');
    await until(async () => (await app('ListOTAModuleVersionsByDevice', { ...one.names, CurrentPage: 1, PageSize: 10 })).Data.SimpleOTAModuleInfo.length > 0, 'the version');
    const job = await update(one, image, {});
    const { data } = await one.json(`/ota/device/upgrade/${productKey}/${one.triple.deviceName}`);
    const bytes = await new Promise((resolve, reject) => https.get(data.url, { ca: readFileSync(server.ca), agent: false }, async (answer) => resolve(Buffer.concat(await answer.toArray()))).on('error', reject));
    assert.ok(bytes.equals(image));
    await inform(one, '2.0');
    await ended(one, job);
    return one;
  },
  'OTA over the session': async (client, productKey) => {
    const one = await board(client, productKey, { filters: ['/ota/device/upgrade/{names}', '~/thing/file/download_reply'] }), image = randomBytes(3000);
    await inform(one, '1.0');
    await until(async () => (await app('ListOTAModuleVersionsByDevice', { ...one.names, CurrentPage: 1, PageSize: 10 })).Data.SimpleOTAModuleInfo.length > 0, 'the version');
    const job = await update(one, image, { DownloadProtocol: 'MQTT' });
    const { data } = await one.json(`/ota/device/upgrade/${productKey}/${one.triple.deviceName}`);
    await one.say(`${one.base}/thing/file/download`, JSON.stringify({ id: '9', version: '1.0', params: { fileToken: 'default', fileInfo: { streamId: data.streamId, fileId: data.streamFileId }, fileBlock: { size: 5120, offset: 0 } } }));
    const { payload } = await one.next('/file/download_reply');
    const length = payload.readUInt16BE(0);
    assert.ok(payload.subarray(2 + length, payload.length - 2).equals(image));
    await inform(one, '2.0');
    await ended(one, job);
    return one;
  },
};
// Those in which pop-core has no part: actions of ours, or none.
const alone = ['property post and reply', 'pack post', 'NTP', 'device logs', 'network reports'];

for (const client of Object.keys(links)) {
  for (const [feature, converse] of Object.entries(conversations)) {
    test(`${client}: ${feature}`, async () => {
      const one = await converse(client, await makeProduct(server, { name: 'tank', tsl }));
      await one.end();
      proved({ [client]: [feature], ...(alone.includes(feature) ? {} : { 'pop-core': [feature] }) });
      if (['custom topics', 'events'].includes(feature)) proved({ 'OpenAPI SDK': [feature] });
    });
  }

  test(`${client}: a refused login is explained, and with the new secret of a rotation it comes in`, async () => {
    const productKey = await makeProduct(server, { name: 'tank', tsl });
    const triple = await makeDevice(server, productKey);
    await assert.rejects(board(client, productKey, { triple: { ...triple, deviceSecret: 'wrong' } }), (error) => error.code === 4 || /CONNACK|Not authorized|Bad/i.test(error.message));
    const found = await until(async () => (await refusals(server, triple)).find((one) => one.Stage === 'connect'), 'the refusal');
    assert.ok(found.Remedy.length > 10);
    const listed = await app('QueryRefusals', { ProductKey: productKey, DeviceName: triple.deviceName });
    assert.ok(listed.Data.Refusal.length > 0);
    const rotated = await app('RotateDeviceSecret', { ProductKey: productKey, DeviceName: triple.deviceName, OverlapSeconds: 600 });
    for (const deviceSecret of [triple.deviceSecret, rotated.Data.DeviceSecret]) await (await board(client, productKey, { triple: { ...triple, deviceSecret } })).end();
    proved({ [client]: ['refusal explained', 'secret rotation', 'login over TLS'], 'pop-core': ['refusal explained', 'secret rotation'] });
  });

  test(`${client}: a device registers, and logs in with what it was told`, async () => {
    const productKey = await makeProduct(server, { name: 'tank', tsl });
    await api(server, 'UpdateProduct', { ProductKey: productKey, DynamicRegister: true });
    const { ProductSecret } = (await api(server, 'QueryProduct', { ProductKey: productKey })).Data;
    const { deviceName } = await makeDevice(server, productKey);
    const login = {
      clientId: `${deviceName}.${productKey}|random=1f3c,authType=register,securemode=2,signmethod=hmacsha256|`,
      username: `${deviceName}&${productKey}`,
      password: sign('hmacsha256', ProductSecret, `deviceName${deviceName}productKey${productKey}random1f3c`),
    };
    const link = await links[client](server, login);
    const told = JSON.parse((await until(() => link.heard.find((one) => one.topic === '/ext/register'), 'the secret')).payload);
    await link.end();
    await (await board(client, productKey, { triple: told })).end();
    proved({ [client]: ['dynamic registration'] });
  });
}

for (const client of ['MQTT.js', 'Paho C']) {
  test(`${client}: over WebSocket`, async () => {
    const productKey = await makeProduct(server, { name: 'tank', tsl });
    const triple = await makeDevice(server, productKey);
    const link = await links[client](server, credentials(triple), { path: '/mqtt' });
    const topic = `/sys/${productKey}/${triple.deviceName}/thing/event/property/post`;
    await link.hear(`${topic}_reply`);
    await link.say(topic, '{"id":"1","version":"1.0","params":{"level":1}}');
    assert.equal(JSON.parse((await until(() => link.heard[0], 'the reply')).payload).code, 200);
    await link.end();
    proved({ [client]: ['WebSocket'] });
  });
}

test('pop-core: groups of devices, classes of topics', async () => {
  const productKey = await makeProduct(server, { name: 'tank', tsl });
  const { deviceName } = await makeDevice(server, productKey);
  const group = await app('CreateDeviceGroup', { GroupName: `hall${Date.now()}`, GroupDesc: 'all of it' });
  await app('BatchAddDeviceGroupRelations', { GroupId: group.Data.GroupId, 'Device.1.ProductKey': productKey, 'Device.1.DeviceName': deviceName });
  const listed = await app('QueryDeviceListByDeviceGroup', { GroupId: group.Data.GroupId, CurrentPage: 1, PageSize: 10 });
  assert.equal(listed.Data.SimpleDeviceInfo[0].DeviceName, deviceName);
  const made = await app('CreateProductTopic', { ProductKey: productKey, TopicShortName: 'chat', Operation: 'ALL', Desc: 'among themselves' });
  await app('DeleteProductTopic', { TopicId: String(made.TopicId) });
  proved({ 'pop-core': ['device groups', 'topic classes'] });
});

test('C Link bytes: with a pre-shared key of the DeviceSecret instead of certificates', async () => {
  const productKey = await makeProduct(server, { name: 'tank', tsl });
  const triple = await makeDevice(server, productKey);
  const pair = `${productKey}&${triple.deviceName}`;
  const psk = Buffer.from(sign('hmacsha256', triple.deviceSecret, `id${pair}timestamp2524608000000`).toUpperCase());
  const link = await links['C Link bytes'](server, credentials(triple, { extra: extras['C Link bytes'] }), { psk: { psk, identity: `devicename|hmacsha256|${pair}|2524608000000` } });
  const topic = `/sys/${productKey}/${triple.deviceName}/thing/event/property/post`;
  await link.say(topic, '{"id":"1","version":"1.0","params":{"level":1}}');
  assert.equal(JSON.parse((await until(() => link.heard[0], 'the reply')).payload).code, 200);
  await link.end();
  proved({ 'C Link bytes': ['login by pre-shared key'] });
});

const plain = '[[listener]]\nname = "plain"\nhost = "127.0.0.1"\nport = 0\ntransport = "plain"\npolicy = "cloud"\nallow_plain = true\n';
test('the official Node device SDK talks on topics of its own, and posts a module', async () => {
  await server.stop();
  await begin(await startServer({ config: plain }));
  const productKey = await makeProduct(server, { name: 'tank', tsl });
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('plain');
  const device = sdk.device({ ...triple, brokerUrl: `mqtt://${host}:${port}` });
  try {
    await new Promise((resolve) => device.on('connect', resolve));
    const heard = [];
    device.on('message', (topic, payload) => heard.push([topic, String(payload)]));
    const own = `/${productKey}/${triple.deviceName}/user/`;
    await new Promise((resolve) => device.subscribe(`${own}get`, resolve));
    await app('Pub', { ProductKey: productKey, TopicFullName: `${own}get`, MessageContent: base64('open'), Qos: 0 });
    await until(() => heard.some(([topic, text]) => topic === `${own}get` && text === 'open'), 'the message');
    await new Promise((resolve) => device.publish(`${own}update`, 'done', resolve));
    const reply = await until(() => new Promise((resolve) => device.postProps({ 'power:voltage': 12 }, resolve)), 'the reply');
    assert.equal(reply.code, 200);
  } finally {
    await new Promise((resolve) => device._mqttClient.end(true, resolve));
  }
  proved({ 'Node device SDK': ['custom topics', 'modules of a thing model'] });
});
