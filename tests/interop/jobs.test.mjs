// Device jobs: MQTT.js as the board, the official generic OpenAPI client and the typed one as applications; a restart of the
// platform between a job's creation and its device. Our own board (examples/jobs.cc), over a restart too, and our command line.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import Core from '@alicloud/pop-core';
import mqtt from 'mqtt';
import { credentials, makeDevice, makeProduct, proved, run, startServer, tercet, until } from '../harness.mjs';

const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
let server, productKey, core, typed;
async function begin(started) {
  server = started;
  core = new Core({ accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret, endpoint: server.openapi, apiVersion: '2018-01-20' });
  typed = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
}
before(async () => {
  await begin(await startServer());
  productKey = await makeProduct(server);
});
after(async () => { await server.stop(); });

const ask = async (action, parameters) => core.request(action, parameters, { method: 'POST' }).catch((error) => error.data ?? error);
async function app(action, parameters) {
  const answer = await ask(action, parameters);
  assert.equal(answer.Success, true, `${action}: ${JSON.stringify(answer)}`);
  return answer;
}
const target = (...triples) => JSON.stringify({ targetType: 'DEVICE_LIST', targetDevices: triples.map((one) => ({ productKey: one.productKey, deviceName: one.deviceName })) });
const create = async (triples, more = {}) => (await app('CreateJob', { JobName: 'calibrate', Type: 'CUSTOM_JOB', JobDocument: '{"do":"calibrate","points":[1,2]}', TargetConfig: target(...triples), ...more })).JobId;
const taskOf = async (JobId, deviceName) => (await app('ListTask', { JobId, Limit: 50 })).Data.data.find((one) => one.DeviceName === deviceName);
const counts = async (JobId) => (await app('QueryJobStatistics', { JobId })).Data;

async function board(triple) {
  const { host, port } = server.listener('mqtts');
  const link = await mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0, ...credentials(triple, { extra: ',_ss=1' }) });
  const heard = [];
  link.on('message', (topic, payload) => heard.push({ topic, ...JSON.parse(payload) }));
  const base = `/sys/${triple.productKey}/${triple.deviceName}/thing/`;
  let id = 0;
  return {
    heard,
    next: (tail, fits = () => true) => until(() => heard.find((one) => one.topic === base + tail && fits(one)), `${tail} among ${heard.map((one) => one.topic)}`),
    notified: (status) => until(() => heard.find((one) => one.topic === `${base}job/notify` && one.params.task.status === status)?.params.task, `a notification ${status}`),
    say: (tail, message) => link.publishAsync(base + tail, JSON.stringify(message), { qos: 1 }),
    ask: async (tail, params) => {
      const mine = String(++id);
      await link.publishAsync(base + tail, JSON.stringify({ id: mine, version: '1.0', params }), { qos: 1 });
      return until(() => heard.find((one) => one.topic === `${base}${tail}_reply` && one.id === mine), `${tail}_reply`);
    },
    end: () => link.endAsync(true),
  };
}

test('a custom job: made while the board is away, the platform killed, the board told when it comes, its reports seen', async () => {
  const [one, other] = [await makeDevice(server, productKey), await makeDevice(server, productKey)];
  const JobId = await create([one, other], {
    Description: 'of the cellar',
    JobFile: JSON.stringify({ fileUrl: 'https://files.example/points.csv', signMethod: 'Sha256', sign: 'ab'.repeat(32) }),
    TimeoutConfig: '{"inProgressTimeoutInMinutes":60}', RolloutConfig: '{"maximumPerMinute":1000}',
  });
  await server.kill();
  await begin(await startServer({ directory: server.directory }));
  assert.deepEqual({ ...(await counts(JobId)) }, { Cancelled: 0, Failed: 0, InProgress: 0, Queued: 2, Rejected: 0, Sent: 0, Succeeded: 0, TimeOut: 0, Total: 2 });
  const device = await board(one);
  const task = await device.notified('SENT');
  assert.deepEqual(task.jobDocument, { do: 'calibrate', points: [1, 2] });
  assert.deepEqual(task.jobFile, { signMethod: 'Sha256', sign: 'ab'.repeat(32), fileUrl: 'https://files.example/points.csv' });
  await device.say('job/notify_reply', { id: '1', code: 200, data: {} });
  assert.deepEqual((await device.ask('job/get', { taskId: '$list' })).data, { taskId: '$list', tasks: [{ taskId: task.taskId, status: 'SENT' }] });
  assert.equal((await device.ask('job/get', { taskId: '$next' })).data.task.taskId, task.taskId);
  assert.deepEqual((await device.ask('job/update', { taskId: task.taskId, status: 'IN_PROGRESS', statusDetails: { point: 1 }, progress: 50 })).data, { taskId: task.taskId });
  const shown = (await app('QueryTask', { TaskId: task.taskId })).Data;
  assert.deepEqual([shown.Status, shown.Progress, JSON.parse(shown.StatusDetail), shown.DeviceName, shown.JobName], ['IN_PROGRESS', '50', { point: 1 }, one.deviceName, 'calibrate']);
  for (let again = 0; again < 2; ++again) assert.equal((await device.ask('job/update', { taskId: task.taskId, status: 'SUCCEEDED' })).code, 200);
  const late = await device.ask('job/update', { taskId: task.taskId, status: 'FAILED' });
  assert.deepEqual([late.code, /SUCCEEDED and stays so/.test(late.message)], [460, true]);
  assert.deepEqual((await device.ask('job/get', { taskId: '$next' })).data, { taskId: '$next' });

  const second = await board(other);
  const theirs = await second.notified('SENT');
  assert.equal((await second.ask('job/update', { taskId: task.taskId, status: 'SUCCEEDED' })).code, 460); // another device's
  assert.equal((await second.ask('job/update', { taskId: theirs.taskId, status: 'REJECTED', statusDetails: { why: 'no sensor' } })).code, 200);
  const job = (await app('QueryJob', { JobId })).Data;
  assert.deepEqual([job.Status, job.Type, job.TargetConfig.TargetType, job.TimeoutConfig.InProgressTimeoutInMinutes], ['COMPLETED', 'CUSTOM_JOB', 'DEVICE_LIST', 60]);
  await app('RerunJob', { JobId });
  await until(() => second.heard.filter((one) => one.params?.task?.status === 'SENT').length === 2, 'it is told again');
  await app('CancelJob', { JobId });
  assert.equal((await second.notified('CANCELLED')).taskId, theirs.taskId);
  assert.equal((await ask('CancelJob', { JobId })).Code, 'tercet.job.JobIsOver');
  await Promise.all([device.end(), second.end()]);
  proved({ 'MQTT.js': ['device jobs'], 'pop-core': ['device jobs'] });
});

test('a job over a device group sets a property: a refusal of the board is a failed task, and is run again', async () => {
  const triple = await makeDevice(server, productKey);
  const names = { ProductKey: productKey, DeviceName: triple.deviceName };
  const group = (await app('CreateDeviceGroup', { GroupName: 'halls' })).Data.GroupId;
  await app('BatchAddDeviceGroupRelations', { GroupId: group, 'Device.1.ProductKey': productKey, 'Device.1.DeviceName': triple.deviceName });
  const device = await board(triple);
  const JobId = await create([], { Type: 'SET_PROPERTY', JobDocument: '{"params":{"report_interval":9}}', TargetConfig: JSON.stringify({ targetType: 'GROUP_ID', targetGroup: group }) });
  const first = await device.next('service/property/set');
  assert.deepEqual(first.params, { report_interval: 9 });
  await device.say('service/property/set_reply', { id: first.id, code: 5001, message: 'busy', data: {} });
  await until(async () => (await counts(JobId)).Failed === 1, 'the failure');
  assert.match((await app('QueryTask', { TaskId: (await taskOf(JobId, triple.deviceName)).TaskId })).Data.Message, /answered 5001: busy/);
  await app('RerunJob', { JobId });
  const again = await device.next('service/property/set', (one) => one.id !== first.id);
  await device.say('service/property/set_reply', { id: again.id, code: 200, data: {} });
  await until(async () => (await counts(JobId)).Succeeded === 1, 'the success');
  assert.equal((await app('QueryJob', { JobId })).Data.Status, 'COMPLETED');
  assert.equal((await app('ListTask', { Device: JSON.stringify({ productKey, deviceName: triple.deviceName }), Limit: 10 })).Data.data[0].Status, 'SUCCEEDED');
  const wrong = await create([triple], { Type: 'SET_PROPERTY', JobDocument: '{"params":{"no_such":1}}' });
  await until(async () => (await counts(wrong)).Failed === 1, 'the refusal');
  assert.equal((await ask('CreateJob', { JobName: 'calibrate', Type: 'SET_PROPERTY', JobDocument: '{}', TargetConfig: target(names) })).Code, 'tercet.job.InvalidDocument');
  await device.end();
  proved({ 'MQTT.js': ['device jobs'], 'pop-core': ['device jobs'] });
});

test('the typed OpenAPI SDK makes a job, changes it, lists it and deletes it; the board is told that it is removed', async () => {
  const triple = await makeDevice(server, productKey);
  const device = await board(triple);
  const call = async (action, parameters) => {
    const { body } = await typed[action](new Iot[`${action[0].toUpperCase()}${action.slice(1)}Request`](parameters));
    assert.equal(body.success, true, `${action}: ${body.code} ${body.errorMessage}`);
    return body;
  };
  const { jobId } = await call('createJob', {
    jobName: '校准任务', type: 'CUSTOM_JOB', jobDocument: '{"do":"wait"}', targetConfig: JSON.parse(target(triple)), rolloutConfig: { maximumPerMinute: 500 },
  });
  const { taskId } = await device.notified('SENT');
  await call('updateJob', { jobId, description: 'slower', rolloutConfig: { maximumPerMinute: 50 } });
  const { data } = await call('queryJob', { jobId });
  assert.deepEqual([data.jobName, data.description, data.rolloutConfig.maximumPerMinute, data.targetConfig.targetDevices.targetDevices[0].deviceName], ['校准任务', 'slower', 50, triple.deviceName]);
  assert.equal((await call('listJob', { currentPage: 1, pageSize: 10, status: 'IN_PROGRESS' })).data.data[0].jobId, jobId);
  assert.equal((await call('queryTask', { taskId })).data.status, 'SENT');
  assert.equal((await call('listTask', { device: { productKey, deviceName: triple.deviceName }, limit: 10 })).data.data[0].taskId, taskId);
  assert.equal((await call('queryJobStatistics', { jobId })).data.sent, 1);
  await call('deleteJob', { jobId });
  const removed = await device.notified('REMOVED');
  assert.deepEqual([removed.taskId, removed.jobDocument], [taskId, {}]);
  await until(async () => (await ask('QueryJob', { JobId: jobId })).Code === 'tercet.job.NotExistedJob', 'it is gone');
  await device.end();
  proved({ 'OpenAPI SDK': ['device jobs'], 'MQTT.js': ['device jobs'] });
});

test('a file is uploaded for a job, fetched by the board over HTTPS, and gone with the job', async () => {
  const triple = await makeDevice(server, productKey);
  const device = await board(triple);
  const bytes = randomBytes(70000), sign = createHash('sha256').update(bytes).digest('hex');
  const upload = async () => {
    const { Data } = await app('GenerateFileUploadURL', { BizCode: 'iot_job', FileName: 'points', FileSuffix: 'csv' });
    const form = new FormData();
    for (const [name, value] of Object.entries({ key: Data.Key, policy: Data.Policy, OSSAccessKeyId: Data.OssAccessKeyId, Signature: Data.Signature, success_action_status: '200' })) form.set(name, value);
    form.set('file', new Blob([bytes]), 'points.csv');
    assert.equal((await fetch(Data.Host, { method: 'POST', body: form })).status, 200);
    return Data.Key;
  };
  const wrong = JSON.stringify({ fileKey: await upload(), signMethod: 'Sha256', sign: 'ab'.repeat(32) });
  const parameters = { JobName: 'calibrate', Type: 'CUSTOM_JOB', JobDocument: '{}', TargetConfig: target(triple) };
  assert.equal((await ask('CreateJob', { ...parameters, JobFile: wrong })).Code, 'tercet.job.WrongSign');
  assert.equal((await ask('CreateJob', { ...parameters, JobFile: wrong })).Code, 'tercet.ota.NotExistedUpload'); // it was thrown away
  const JobId = await create([triple], { JobFile: JSON.stringify({ fileKey: await upload(), signMethod: 'Sha256', sign }) });
  const { jobFile } = await device.notified('SENT');
  assert.equal(jobFile.sign, sign);
  const fetched = (url) => new Promise((resolve, reject) => https.get(url, { ca: readFileSync(server.ca), agent: false }, async (answer) => resolve({ status: answer.statusCode, body: Buffer.concat(await answer.toArray()) })).on('error', reject));
  assert.ok((await fetched(jobFile.fileUrl)).body.equals(bytes));
  await app('DeleteJob', { JobId });
  await device.notified('REMOVED');
  await until(async () => (await fetched(jobFile.fileUrl)).status === 404, 'the file is gone');
  await device.end();
  proved({ 'MQTT.js': ['device jobs'], 'pop-core': ['device jobs'] });
});

test('our own board does jobs of our command line, rejects what it does not know, stops what is cancelled, and goes on after restarts', async () => {
  const triple = await makeDevice(server, productKey);
  const command = async (...words) => {
    const done = await run(tercet, ['job', ...words, '--ready', path.join(server.directory, 'ready.json')]);
    assert.equal(done.code, 0, done.out + done.err);
    return done.out;
  };
  const made = async (document) => {
    const done = await run(tercet, ['job', 'create', 'blink', document, '--device', `${productKey}/${triple.deviceName}`, '--json', '--ready', path.join(server.directory, 'ready.json')]);
    assert.equal(done.code, 0, done.out + done.err);
    return JSON.parse(done.out).JobId;
  };
  const { host, port } = server.listener('mqtts');
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-example-')), 'triple.json');
  writeFileSync(file, JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  let out = '';
  const start = () => {
    const child = spawn(path.join(examples, 'jobs'), [file], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk));
    const gone = new Promise((resolve) => child.on('exit', resolve));
    return async () => { child.kill('SIGKILL'); await gone; };
  };
  const says = (words) => until(() => words.test(out), String(words)).catch((error) => assert.fail(`${error.message}; it said:\n${out}`));
  const state = async (JobId) => (await taskOf(JobId, triple.deviceName)).Status;

  const first = await made('{"blink":3}'); // before the board's first login
  let stop = start();
  await says(/a job\nblink 1\nblink 2\nblink 3\ndone/);
  assert.equal(await state(first), 'SUCCEEDED');
  const unknown = await made('{"sing":1}');
  await says(/rejected\ndone/);
  const rejected = (await app('QueryTask', { TaskId: (await taskOf(unknown, triple.deviceName)).TaskId })).Data;
  assert.deepEqual([rejected.Status, JSON.parse(rejected.StatusDetail)], ['REJECTED', { why: 'this board can only blink' }]);

  out = '';
  const long = await made('{"blink":100}');
  await says(/blink 5/);
  await stop();
  stop = start(); // has forgotten all: the platform has not
  await says(/blink 5[^]*a job\nblink 1\n/);
  await command('cancel', long);
  await says(/stopped/);
  assert.equal(await state(long), 'CANCELLED');
  assert.match(await command('list', '--status', 'CANCELLED'), new RegExp(long));

  out = '';
  const [one, two] = [await made('{"blink":30}'), await made('{"blink":1}')]; // the second waits for the first
  await says(/blink 10\n/);
  await server.kill();
  const at = { port: server.listener('mqtts').port };
  await begin(await startServer({ directory: server.directory }));
  writeFileSync(file, JSON.stringify({ ...triple, host, port: server.listener('mqtts').port, ca: server.ca }), { mode: 0o600 });
  if (server.listener('mqtts').port !== at.port) { await stop(); stop = start(); } // --ephemeral gave another port
  await until(async () => (await state(one)) === 'SUCCEEDED' && (await state(two)) === 'SUCCEEDED', 'both are done', 30000);
  assert.match(await command('tasks', one), /SUCCEEDED/);
  await command('delete', one);
  await stop();
  proved({ 'our SDK': ['device jobs'] });
});
