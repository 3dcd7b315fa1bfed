// Firmware from the official SDK to boards: MQTT.js as a board (the official Node device SDK has no OTA), over HTTPS with
// Range and over the session; across a restart of the platform; and a job that stops because it fails too often.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import mqtt from 'mqtt';
import { api, credentials, makeDevice, makeProduct, proved, run, startServer, tercet, until } from '../harness.mjs';

const directory = mkdtempSync(path.join(tmpdir(), 'tercet-ota-'));
const image = randomBytes(4 * 1024 * 1024 + 321);
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
let server;
before(async () => { server = await startServer({ directory }); });
after(async () => { await server.stop(); });

// The typed official SDK.
async function sdk(action, parameters = {}) {
  const config = new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret });
  const client = new Iot.default(config);
  const request = new Iot[`${action}Request`](parameters);
  const { body } = await client[action[0].toLowerCase() + action.slice(1)](request);
  assert.equal(body.success, true, `${action}: ${body.code} ${body.errorMessage}`);
  return body;
}

// What a program does with GenerateOTAUploadURL: the fields, then the file, in one form.
async function makeFirmware(productKey, destVersion, bytes = image, more = {}) {
  const { data } = await sdk('GenerateOTAUploadURL', { fileSuffix: 'bin' });
  const form = new FormData();
  form.set('key', data.key);
  form.set('policy', data.policy);
  form.set('OSSAccessKeyId', data.OSSAccessKeyId ?? data.ossaccessKeyId);
  form.set('Signature', data.signature);
  form.set('success_action_status', '200');
  form.set('file', new Blob([bytes]), 'image.bin');
  const posted = await fetch(data.host, { method: 'POST', body: form });
  assert.equal(posted.status, 200, await posted.text());
  const made = await sdk('CreateOTAFirmware', { productKey, firmwareName: `climate ${destVersion}`, destVersion, firmwareUrl: data.firmwareUrl, firmwareSize: bytes.length, signMethod: 'MD5', firmwareSign: createHash('md5').update(bytes).digest('hex'), needToVerify: false, ...more });
  return made.data.firmwareId;
}

// A board: says its version, hears its topics.
async function board(triple, version) {
  const { host, port } = server.listener('mqtts');
  const client = await mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0, ...credentials(triple) });
  const { productKey, deviceName } = triple;
  const heard = [];
  client.on('message', (topic, payload) => heard.push({ topic, payload }));
  const base = `/sys/${productKey}/${deviceName}/thing`;
  await client.subscribeAsync([`/ota/device/upgrade/${productKey}/${deviceName}`, `${base}/ota/firmware/get_reply`, `${base}/file/download_reply`], { qos: 1 });
  const inform = (now) => client.publishAsync(`/ota/device/inform/${productKey}/${deviceName}`, JSON.stringify({ id: '1', params: { version: now } }), { qos: 1 });
  await inform(version);
  return {
    client, base, heard, inform,
    progress: (step, desc = '') => client.publishAsync(`/ota/device/progress/${productKey}/${deviceName}`, JSON.stringify({ id: '2', params: { step: String(step), desc } }), { qos: 1 }),
    offer: (which = 0) => until(() => {
      const offers = heard.filter((one) => one.topic.startsWith('/ota/device/upgrade/')).map((one) => JSON.parse(one.payload));
      return offers[which];
    }, 'the push'),
    end: () => client.endAsync(true),
  };
}

function fetchBytes(url, headers = {}) {
  return new Promise((resolve, reject) => {
    https.get(url, { ca: readFileSync(server.ca), agent: false, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(parts) }));
    }).on('error', reject);
  });
}

// A frame of 7.6, taken apart as a board does.
function block(frame) {
  const length = frame.readUInt16BE(0);
  const header = JSON.parse(frame.subarray(2, 2 + length));
  const bytes = frame.subarray(2 + length, 2 + length + (header.data.bSize ?? 0));
  if (header.code !== 200) return { header, bytes };
  assert.equal(frame.length, 2 + length + header.data.bSize + 2);
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; ++i) crc = crc & 1 ? (crc >> 1) ^ 0xA001 : crc >> 1;
  }
  assert.equal(frame.readUInt16LE(frame.length - 2), crc);
  return { header, bytes };
}

const tasks = async (jobId) => (await sdk('ListOTATaskByJob', { jobId, currentPage: 1, pageSize: 100 })).data.simpleOTATaskInfo;
const statusOf = async (jobId) => (await tasks(jobId)).map((one) => one.taskStatus).sort().join(' ');
const job = async (jobId) => (await sdk('QueryOTAJob', { jobId })).data;

// A rule for each kind of message about updates, into a file of its own: {kind: [payload, ...]} so far.
async function chronicle(productKey) {
  const topics = { results: '+/ota/upgrade', progress: '+/ota/progress/post', versions: '+/ota/version/post', jobs: '+/+/ota/job/status' };
  for (const [kind, topic] of Object.entries(topics)) {
    const { RuleId } = await api(server, 'CreateRule', { Name: `ota_${kind}`, ProductKey: productKey, Select: '*', ShortTopic: topic, TopicType: 0 });
    await api(server, 'CreateRuleAction', { RuleId, Type: 'FILE', Configuration: JSON.stringify({ path: `${kind}.jsonl` }) });
    await api(server, 'StartRule', { RuleId });
  }
  return (kind) => {
    const file = path.join(directory, 'data', 'sinks', `${kind}.jsonl`);
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : [];
  };
}

test('a static job: pushed, fetched over HTTPS in two parts, followed, ended by the version', async () => {
  const productKey = await makeProduct(server);
  const told = await chronicle(productKey);
  const triple = await makeDevice(server, productKey);
  const device = await board(triple, '1.0');
  try {
    const firmwareId = await makeFirmware(productKey, '2.0');
    const { jobId } = (await sdk('CreateOTAStaticUpgradeJob', { productKey, firmwareId, targetSelection: 'ALL', srcVersion: ['1.0'] })).data;
    const offer = await device.offer();
    assert.equal(offer.code, '1000');
    assert.deepEqual(Object.keys(offer.data).sort(), ['md5', 'sign', 'signMethod', 'size', 'streamFileId', 'streamId', 'url', 'version']);
    assert.equal(offer.data.signMethod, 'Md5');
    await until(async () => await statusOf(jobId) === 'NOTIFIED', 'NOTIFIED');
    await device.progress(10);
    await until(async () => await statusOf(jobId) === 'IN_PROGRESS', 'IN_PROGRESS');
    const first = await fetchBytes(offer.data.url, { Range: 'bytes=0-1999999' });
    const rest = await fetchBytes(offer.data.url, { Range: 'bytes=2000000-' });
    assert.deepEqual([first.status, rest.status], [206, 206]);
    assert.equal(Number(rest.headers['content-length']), image.length - 2000000);
    assert.equal(sha256(Buffer.concat([first.bytes, rest.bytes])), sha256(image));
    assert.equal((await fetchBytes(offer.data.url.replace('Signature=', 'Signature=0'))).status, 403);
    await device.progress(100);
    await device.inform('2.0');
    await until(async () => (await job(jobId)).jobStatus === 'COMPLETED', 'COMPLETED');
    assert.equal(await statusOf(jobId), 'SUCCEEDED');
    const versions = await sdk('ListOTAModuleVersionsByDevice', { productKey, deviceName: triple.deviceName, currentPage: 1, pageSize: 10 });
    assert.equal(versions.data.simpleOTAModuleInfo[0].moduleVersion, '2.0');
    const result = await until(() => told('results')[0], 'the result in a file');
    assert.ok(JSON.stringify(result).includes('SUCCEEDED'), JSON.stringify(result));
    await until(() => told('versions').length >= 2 && told('jobs').length >= 2 && told('progress').length >= 2, 'versions, jobs and progress in files');
  } finally {
    await device.end();
  }
  proved({ 'MQTT.js': ['OTA over HTTPS'], 'OpenAPI SDK': ['OTA over HTTPS'] });
});

test('over the session: pulled, block by block, with the checksum of each', async () => {
  const productKey = await makeProduct(server);
  const triple = await makeDevice(server, productKey);
  const device = await board(triple, '1.0');
  try {
    const small = image.subarray(0, 50_001);
    const firmwareId = await makeFirmware(productKey, '2.0', small);
    const { jobId } = (await sdk('CreateOTAStaticUpgradeJob', { productKey, firmwareId, targetSelection: 'SPECIFIC', targetDeviceName: [triple.deviceName], downloadProtocol: 'MQTT', needPush: false })).data;
    await device.client.publishAsync(`${device.base}/ota/firmware/get`, '{"id":7, "params":{}}', { qos: 1 });
    const reply = await until(() => device.heard.find((one) => one.topic.endsWith('get_reply')), 'the answer to the pull');
    const { code, data } = JSON.parse(reply.payload);
    assert.equal(code, 200);
    assert.equal(data.dProtocol, 'mqtt');
    const got = [];
    for (let offset = 0; offset < data.size;) {
      device.heard.length = 0;
      // As the vendor's C SDK writes it, trailing comma and all.
      await device.client.publishAsync(`${device.base}/file/download`, `{"id":"9","version":"1.0","params":{"fileToken":"default","fileInfo":{"streamId":${data.streamId},"fileId":${data.streamFileId},},"fileBlock":{"size":5120,"offset":${offset}}}}`, { qos: 1 });
      const { header, bytes } = block((await until(() => device.heard[0], `the block at ${offset}`)).payload);
      assert.deepEqual(header.data, { bSize: bytes.length, bOffset: offset, fileLength: small.length, fileToken: 'default' });
      got.push(bytes);
      offset += bytes.length;
    }
    assert.equal(sha256(Buffer.concat(got)), sha256(small));
    await device.inform('2.0');
    await until(async () => (await job(jobId)).jobStatus === 'COMPLETED', 'COMPLETED');
    device.heard.length = 0;
    await device.client.publishAsync(`${device.base}/file/download`, JSON.stringify({ id: '9', params: { fileInfo: { streamId: data.streamId, fileId: 1 }, fileBlock: { size: 10, offset: 0 } } }), { qos: 1 });
    assert.equal(block((await until(() => device.heard[0], 'the refusal')).payload).header.code, 460);
  } finally {
    await device.end();
  }
  proved({ 'MQTT.js': ['OTA over the session'], 'OpenAPI SDK': ['OTA over the session'] });
});

test('the platform is killed in the middle: the job goes on, and the board is told again with an address that is good', async () => {
  const own = mkdtempSync(path.join(tmpdir(), 'tercet-ota-kill-'));
  const shared = server;
  const start = async () => { server = await startServer({ directory: own }); };
  await start();
  try {
    const productKey = await makeProduct(server);
    const triple = await makeDevice(server, productKey);
    let device = await board(triple, '1.0');
    const firmwareId = await makeFirmware(productKey, '2.0');
    const { jobId } = (await sdk('CreateOTAStaticUpgradeJob', { productKey, firmwareId, targetSelection: 'ALL' })).data;
    const before = await device.offer();
    await device.progress(30);
    await until(async () => await statusOf(jobId) === 'IN_PROGRESS', 'IN_PROGRESS');
    await server.kill();
    await device.end();
    await start();
    assert.equal(await statusOf(jobId), 'IN_PROGRESS');
    device = await board(triple, '1.0');
    const again = await device.offer();
    assert.equal(again.data.sign, before.data.sign);
    assert.equal((await fetchBytes(again.data.url)).bytes.length, image.length);
    await device.inform('2.0');
    await until(async () => (await job(jobId)).jobStatus === 'COMPLETED', 'COMPLETED');
    await device.end();
  } finally {
    await server.stop();
    server = shared;
  }
});

test('a job whose upgrades fail stops by itself; the command line shows it', async () => {
  const command = async (...words) => {
    const done = await run(tercet, [...words, '--ready', path.join(server.directory, 'ready.json')]);
    assert.equal(done.code, 0, done.out + done.err);
    return done.out;
  };
  const productKey = await makeProduct(server);
  const boards = [];
  for (let i = 0; i < 4; ++i) boards.push(await board(await makeDevice(server, productKey), '1.0'));
  try {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-ota-file-')), 'image.bin');
    writeFileSync(file, image);
    const { FirmwareId } = JSON.parse(await command('ota', 'upload', productKey, '2.0', file, '--json')).Data;
    assert.match(await command('ota', 'list', productKey), /2\.0 +default +4194625 +-1/);
    const { JobId } = JSON.parse(await command('ota', 'start', FirmwareId, '--stop-percent', '40', '--stop-after', '2', '--json')).Data;
    for (const one of boards.slice(0, 2)) {
      assert.equal((await one.offer()).data.signMethod, 'SHA256');
      await one.progress(-3, 'digest differs');
    }
    await until(async () => (await job(JobId)).jobStatus === 'CANCELED', 'CANCELED');
    assert.equal(await statusOf(JobId), 'CANCELED CANCELED FAILED FAILED');
    assert.match(await command('ota', 'show', JobId), /stopped: 2 of 2 ended tasks failed/);
    assert.match(await command('ota', 'tasks', JobId), /FAILED .*digest differs/);
    await command('ota', 'retry', JobId);
    await until(async () => /NOTIFIED/.test(await statusOf(JobId)), 'pushed again');
    await command('ota', 'cancel', JobId, '--running');
    assert.equal(await statusOf(JobId), 'CANCELED CANCELED CANCELED CANCELED');
    await command('ota', 'delete', FirmwareId);
  } finally {
    for (const one of boards) await one.end();
  }
});

test('modules, a verification job, and a dynamic job with the official SDK', async () => {
  const productKey = await makeProduct(server);
  await sdk('CreateOTAModule', { productKey, moduleName: 'mcu', aliasName: 'controller' });
  const modules = await sdk('ListOTAModuleByProduct', { productKey });
  assert.deepEqual(modules.data.map((one) => one.moduleName), ['default', 'mcu']);
  const triple = await makeDevice(server, productKey);
  const device = await board(triple, '1.0');
  try {
    const firmwareId = await makeFirmware(productKey, '2.0', image, { needToVerify: true });
    await assert.rejects(sdk('CreateOTAStaticUpgradeJob', { productKey, firmwareId, targetSelection: 'ALL' }), /NotVerified/);
    const verify = (await sdk('CreateOTAVerifyJob', { productKey, firmwareId, targetDeviceName: [triple.deviceName] })).data.jobId;
    await device.offer();
    await device.inform('2.0');
    await until(async () => (await job(verify)).jobStatus === 'COMPLETED', 'COMPLETED');
    assert.equal((await sdk('QueryOTAFirmware', { firmwareId })).firmwareInfo.status, 1);
    const dynamic = (await sdk('CreateOTADynamicUpgradeJob', { productKey, firmwareId, srcVersion: ['1.0'] })).data.jobId;
    const later = await makeDevice(server, productKey);
    const newcomer = await board(later, '1.0');
    await newcomer.offer();
    const open = await sdk('ListOTAUnfinishedTaskByDevice', { productKey, deviceName: later.deviceName });
    assert.equal(open.data.simpleOTATaskInfo[0].jobId, dynamic);
    await sdk('CancelOTATaskByDevice', { productKey, firmwareId, deviceName: [later.deviceName], jobId: dynamic });
    await sdk('CancelOTAStrategyByJob', { jobId: dynamic });
    assert.equal((await job(dynamic)).jobStatus, 'CANCELED');
    const jobs = await sdk('ListOTAJobByFirmware', { firmwareId, currentPage: 1, pageSize: 10 });
    assert.deepEqual(jobs.data.simpleOTAJobInfo.map((one) => one.jobId), [dynamic, verify]);
    await newcomer.end();
  } finally {
    await device.end();
  }
});
