// Device groups, lists of devices and changes of jobs by the official SDK; and a fleet of boards with the device SDK that takes an update.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import { spawn } from 'node:child_process';
import { makeDevice, makeProduct, proved, run, startServer, tercet, until } from '../harness.mjs';

let server;
before(async () => { server = await startServer(); });
after(async () => { await server.stop(); });
const temporary = (name, text) => { const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-groups-')), name); writeFileSync(file, text); return file; };

async function ask(action, parameters = {}) {
  const config = new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret });
  const client = new Iot.default(config);
  return (await client[action[0].toLowerCase() + action.slice(1)](new Iot[`${action}Request`](parameters))).body;
}
async function sdk(action, parameters = {}) {
  const body = await ask(action, parameters);
  assert.equal(body.success, true, `${action}: ${body.code} ${body.errorMessage}`);
  return body;
}
async function command(...words) {
  const done = await run(tercet, [...words, '--json', '--ready', path.join(server.directory, 'ready.json')]);
  assert.equal(done.code, 0, done.out + done.err);
  return JSON.parse(done.out);
}
async function post(form, text) {
  const fields = new FormData();
  for (const [name, value] of Object.entries(form)) fields.set(name, value);
  fields.set('file', new Blob([text]), 'list.csv');
  return fetch(form.host, { method: 'POST', body: fields });
}
const device = (triple) => ({ productKey: triple.productKey, deviceName: triple.deviceName });
const tasks = async (jobId) => (await sdk('ListOTATaskByJob', { jobId, currentPage: 1, pageSize: 100 })).data.simpleOTATaskInfo.map((one) => one.deviceName).sort();

test('groups in a tree, with tags and devices', async () => {
  const productKey = await makeProduct(server);
  const boards = await Promise.all([1, 2, 3].map(() => makeDevice(server, productKey)));
  const site = (await sdk('CreateDeviceGroup', { groupName: `site${Date.now()}`, groupDesc: 'all of it' })).data;
  assert.match(site.utcCreate, /^\d{4}-\d\d-\d\dT.*Z$/);
  const hall = (await sdk('CreateDeviceGroup', { groupName: `hall${Date.now()}`, superGroupId: site.groupId })).data;
  const added = await sdk('BatchAddDeviceGroupRelations', { groupId: hall.groupId, device: [device(boards[0]), device(boards[1])].map((one) => new Iot.BatchAddDeviceGroupRelationsRequestDevice(one)) });
  assert.deepEqual([added.validDeviceCount, added.successAddedDeviceCount, added.alreadyRelatedGroupDeviceCount, added.exceedTenGroupDeviceCount], [2, 2, 0, 0]);
  const info = (await sdk('QueryDeviceGroupInfo', { groupId: hall.groupId })).data;
  assert.deepEqual([info.deviceCount, info.deviceOnline, info.deviceActive, info.groupName], [2, 0, 0, hall.groupName]);
  const list = await sdk('QueryDeviceGroupList', { superGroupId: site.groupId, currentPage: 1, pageSize: 10 });
  assert.deepEqual([list.total, list.data.groupInfo[0].groupId, list.data.groupInfo[0].groupType], [1, hall.groupId, 'LINK_PLATFORM']);
  const inside = await sdk('QueryDeviceListByDeviceGroup', { groupId: hall.groupId, currentPage: 1, pageSize: 10 });
  assert.deepEqual(inside.data.simpleDeviceInfo.map((one) => one.deviceName), [boards[0].deviceName, boards[1].deviceName]);
  assert.equal((await sdk('QueryDeviceGroupByDevice', device(boards[0]))).groupInfos.groupInfo[0].groupId, hall.groupId);
  assert.equal((await sdk('QuerySuperDeviceGroup', { groupId: hall.groupId })).data.groupInfo[0].groupId, site.groupId);
  await sdk('SetDeviceGroupTags', { groupId: hall.groupId, tagString: '[{"tagKey":"floor","tagValue":"2"}]' });
  assert.equal((await sdk('QueryDeviceGroupTagList', { groupId: hall.groupId })).data.groupTagInfo[0].tagValue, '2');
  const tagged = await sdk('QueryDeviceGroupByTags', { tag: [new Iot.QueryDeviceGroupByTagsRequestTag({ tagKey: 'floor', tagValue: '2' })], currentPage: 1, pageSize: 10 });
  assert.deepEqual(tagged.data.deviceGroup.map((one) => one.groupId), [hall.groupId]);
  await sdk('UpdateDeviceGroup', { groupId: hall.groupId, groupDesc: 'the cold one' });
  assert.equal((await sdk('QueryDeviceGroupInfo', { groupId: hall.groupId })).data.groupDesc, 'the cold one');
  const gone = await sdk('BatchDeleteDeviceGroupRelations', { groupId: hall.groupId, device: [new Iot.BatchDeleteDeviceGroupRelationsRequestDevice(device(boards[0]))] });
  assert.equal(gone.successDeviceCount, 1);
  assert.equal((await ask('DeleteDeviceGroup', { groupId: site.groupId })).code, 'iot.group.SubGroupNotNull');
  await sdk('DeleteDeviceGroup', { groupId: hall.groupId });
  await sdk('DeleteDeviceGroup', { groupId: site.groupId });
  proved({ 'OpenAPI SDK': ['device groups'] });
});

test('updates for a group, and for the devices of a list; a job and a firmware are changed', async () => {
  const productKey = await makeProduct(server);
  const boards = await Promise.all([1, 2, 3].map(() => makeDevice(server, productKey)));
  const { FirmwareId: firmwareId } = (await command('ota', 'upload', productKey, '2.0', temporary('image.bin', randomBytes(10_000)))).Data;
  const { GroupId: groupId } = (await command('group', 'create', `pilots${Date.now()}`)).Data;
  await command('group', 'add', groupId, productKey, boards[0].deviceName, boards[2].deviceName);
  const { jobId } = (await sdk('CreateOTAStaticUpgradeJob', { productKey, firmwareId, targetSelection: 'GROUP', groupId, groupType: 'LINK_PLATFORM' })).data;
  assert.deepEqual(await tasks(jobId), [boards[0], boards[2]].map((one) => one.deviceName).sort());
  const shown = (await sdk('QueryOTAJob', { jobId })).data;
  assert.deepEqual([shown.targetSelection, shown.groupId], ['GROUP', groupId]);
  await command('ota', 'change', jobId, '--per-minute', '600', '--timeout', '30');
  assert.deepEqual((({ maximumPerMinute, timeoutInMinutes }) => [maximumPerMinute, timeoutInMinutes])((await sdk('QueryOTAJob', { jobId })).data), [600, 30]);
  await command('ota', 'rename', firmwareId, '--name', 'spring', '--udi', '{"a":1}');
  assert.deepEqual((({ firmwareName, udi }) => [firmwareName, udi])((await sdk('QueryOTAFirmware', { firmwareId })).firmwareInfo), ['spring', '{"a":1}']);
  await command('ota', 'cancel', jobId);

  const form = (await sdk('GenerateDeviceNameListURL')).data;
  const posted = await post({ key: form.key, policy: form.policy, OSSAccessKeyId: form.accessKeyId, Signature: form.signature, success_action_status: '200', host: form.host }, `DeviceName\r\n${boards[1].deviceName}\r\n`);
  assert.equal(posted.status, 200, await posted.text());
  const listed = (await sdk('CreateOTAStaticUpgradeJob', { productKey, firmwareId, targetSelection: 'SPECIFIC', dnListFileUrl: form.fileUrl })).data;
  assert.deepEqual(await tasks(listed.jobId), [boards[1].deviceName]);
  await command('ota', 'cancel', listed.jobId);
  const again = (await command('ota', 'start', firmwareId, '--list', temporary('list.csv', `${boards[2].deviceName}\n`))).Data;
  assert.deepEqual(await tasks(again.JobId), [boards[2].deviceName]);
});

for (const [over, ...more] of [['https'], ['session', '--download', 'MQTT']])
  test(`a fleet of 30 boards takes an update over ${over}, each fifth through a cut supply, and none is left behind`, async () => {
    const productKey = await makeProduct(server);
    const boards = await Promise.all(Array.from({ length: 30 }, () => makeDevice(server, productKey)));
    const { host, port } = server.listener('mqtts');
    const image = randomBytes(100_000);
    const { FirmwareId } = (await command('ota', 'upload', productKey, '2.0', temporary('image.bin', image))).Data;
    const file = temporary('fleet.txt', boards.map((one) => `${one.productKey} ${one.deviceName} ${one.deviceSecret}\n`).join(''));
    const child = spawn(tercet, ['fleet', '--triples', file, '--host', host, '--port', String(port), '--ca', server.ca, '--ota', '2.0', '--ota-over', over, '--ota-cut-every', '5', '--ota-within', '30', '--platform-process', String(server.child.pid)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '', err = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    const gone = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
    await until(() => /30 of 30 boards online/.test(err), 'the fleet online');
    const { JobId: jobId } = (await command('ota', 'start', FirmwareId, ...more)).Data;
    assert.equal(await gone, 0, out + err);
    const line = JSON.parse(out);
    assert.deepEqual([line.updated, line.behind, line.image_bytes, line.supplies_cut, line.restarts, line.faults], [30, 0, image.length, 6, 30, {}]);
    assert.ok(line.platform_rss_mb.peak >= line.platform_rss_mb.before && line.platform_rss_mb.before > 0);
    await until(async () => (await sdk('QueryOTAJob', { jobId })).data.jobStatus === 'COMPLETED', 'COMPLETED');
    const job = await sdk('ListOTATaskByJob', { jobId, currentPage: 1, pageSize: 100, taskStatus: 'SUCCEEDED' });
    assert.equal(job.total, 30);
    proved({ 'our SDK': [`OTA over ${over === 'https' ? 'HTTPS' : 'the session'}`] });
  });
