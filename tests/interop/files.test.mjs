// Files that boards upload over their session: MQTT.js as the board, the official OpenAPI SDK as the application that reads them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import mqtt from 'mqtt';
import { credentials, makeDevice, makeProduct, proved, refusals, run, startServer, tercet, until } from '../harness.mjs';
import { uploadFrame } from './links.mjs';

const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
let server, productKey, client;
const application = () => new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server, { name: 'camera' });
  client = application();
});
after(async () => { await server.stop(); });

const call = async (action, triple, parameters) => (await client[action](new Iot[`${action[0].toUpperCase()}${action.slice(1)}Request`]({ productKey, deviceName: triple.deviceName, ...parameters }))).body;
const listed = async (triple) => (await call('queryDeviceFileList', triple, { currentPage: 1, pageSize: 10 })).data.fileSummary ?? [];

async function board(triple) {
  const { host, port } = server.listener('mqtts');
  const link = await mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0, ...credentials(triple) });
  const heard = [];
  let id = 0;
  link.on('message', (topic, payload) => heard.push({ tail: topic.split('/').at(-1), ...JSON.parse(payload) }));
  const base = `/sys/${productKey}/${triple.deviceName}/thing/file/upload/mqtt`;
  await link.subscribeAsync(`${base}/+`, { qos: 0 });
  const ask = async (what, bytes, mine) => {
    await link.publishAsync(`${base}/${what}`, bytes, { qos: 0 });
    return until(() => heard.find((one) => one.tail === `${what}_reply` && one.id === mine), `the reply to ${what}`);
  };
  const say = (what, params) => ask(what, JSON.stringify({ id: String(++id), params }), String(id));
  return {
    init: (params) => say('init', params),
    cancel: (uploadId) => say('cancel', { uploadId }),
    block: (uploadId, offset, bytes, more = {}) => ask('send', uploadFrame(String(++id), { uploadId, offset, isComplete: false, ...more }, bytes), String(id)),
    garbage: (bytes) => link.publishAsync(`${base}/send`, bytes, { qos: 0 }),
    end: () => link.endAsync(true),
  };
}
const download = (url, headers = {}) => new Promise((resolve, reject) => {
  https.get(url, { ca: readFileSync(server.ca), agent: false, headers }, async (answer) => resolve({ status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(await answer.toArray()) })).on('error', reject);
});

test('a file comes in blocks, is listed, fetched whole and in part, and deleted', async () => {
  const triple = await makeDevice(server, productKey), photo = randomBytes(300_000);
  const camera = await board(triple);
  const { code, data } = await camera.init({ fileName: 'photo.jpg', fileSize: photo.length });
  assert.equal(code, 200);
  for (let at = 0; at < photo.length; at += 65_536) {
    const taken = await camera.block(data.uploadId, at, photo.subarray(at, at + 65_536));
    assert.equal(taken.code, 200, taken.message);
    assert.equal(taken.data.complete ?? false, at + 65_536 >= photo.length);
  }
  const [file] = await listed(triple);
  assert.deepEqual([file.name, file.size], ['photo.jpg', '300000']);
  const { downloadUrl } = (await call('queryDeviceFile', triple, { fileId: file.fileId })).data;
  const got = await download(downloadUrl);
  assert.ok(got.bytes.equals(photo));
  assert.match(got.headers['content-disposition'], /attachment; filename="photo\.jpg"/);
  const part = await download(downloadUrl, { range: 'bytes=100-199' });
  assert.equal(part.status, 206);
  assert.ok(part.bytes.equals(photo.subarray(100, 200)));
  assert.equal((await download(downloadUrl.replace(/Signature=./, 'Signature=~'))).status, 403);
  // It is another device's business only by its own name.
  const other = await makeDevice(server, productKey);
  assert.equal((await call('queryDeviceFile', other, { fileId: file.fileId })).success, false);
  assert.equal((await call('deleteDeviceFile', triple, { fileId: file.fileId })).success, true);
  assert.deepEqual(await listed(triple), []);
  assert.equal((await download(downloadUrl)).status, 404);
  await camera.end();
  proved({ 'MQTT.js': ['file upload'], 'OpenAPI SDK': ['file upload'] });
});

test('an upload goes on after the platform was killed, where its bytes end', async () => {
  const triple = await makeDevice(server, productKey), log = randomBytes(5000);
  let camera = await board(triple);
  const asked = { fileName: 'day.log', fileSize: log.length, conflictStrategy: 'append' };
  const begun = await camera.init(asked);
  assert.equal((await camera.block(begun.data.uploadId, 0, log.subarray(0, 2048))).code, 200);
  await camera.end();
  await server.kill();
  server = await startServer({ directory: server.directory });
  client = application();
  camera = await board(triple);
  const again = await camera.init(asked);
  assert.deepEqual([again.code, again.data.uploadId, again.data.offset], [200, begun.data.uploadId, 2048]);
  assert.equal((await camera.block(again.data.uploadId, 2048, log.subarray(2048))).data.complete, true);
  const [file] = await listed(triple);
  const { downloadUrl } = (await call('queryDeviceFile', triple, { fileId: file.fileId })).data;
  assert.ok((await download(downloadUrl)).bytes.equals(log));
  assert.equal((await camera.init({ ...asked, conflictStrategy: 'reject' })).code, 78123);
  await camera.end();
});

test('our own board uploads a file, and `tercet file` lists it, shows where it is, and deletes it', async () => {
  const triple = await makeDevice(server, productKey), dump = randomBytes(100_001);
  const folder = mkdtempSync(path.join(tmpdir(), 'tercet-example-'));
  const { host, port } = server.listener('mqtts');
  writeFileSync(path.join(folder, 'triple.json'), JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  writeFileSync(path.join(folder, 'crash.bin'), dump);
  const done = await run(path.join(examples, 'upload'), [path.join(folder, 'triple.json'), path.join(folder, 'crash.bin')]);
  assert.equal(done.code, 0, done.out + done.err);
  assert.match(done.out, /^100001 bytes uploaded, code 0$/m);
  const command = async (...words) => JSON.parse((await run(tercet, ['file', ...words, '--json', '--ready', path.join(server.directory, 'ready.json')])).out);
  const [file] = (await command('list', productKey, triple.deviceName)).Data.FileSummary;
  assert.deepEqual([file.Name, file.Size], ['crash.bin', '100001']);
  const { DownloadUrl } = (await command('show', productKey, triple.deviceName, file.FileId)).Data;
  assert.ok((await download(DownloadUrl)).bytes.equals(dump));
  // Again under the same name: the new one stands in its place.
  assert.equal((await run(path.join(examples, 'upload'), [path.join(folder, 'triple.json'), path.join(folder, 'crash.bin')])).code, 0);
  const [again] = (await command('list', productKey, triple.deviceName)).Data.FileSummary;
  assert.notEqual(again.FileId, file.FileId);
  assert.equal((await command('delete', productKey, triple.deviceName, again.FileId)).Success, true);
  assert.deepEqual(await listed(triple), []);
  const none = await run(path.join(examples, 'upload'), [path.join(folder, 'triple.json'), path.join(folder, 'nothing')]);
  assert.equal(none.code, 2);
  assert.match(none.err, /no file of 1 byte to 16 MB/);
  proved({ 'our SDK': ['file upload'] });
});

test('what is wrong is answered with its code, is in the journal, and loses nothing', async () => {
  const triple = await makeDevice(server, productKey), bytes = randomBytes(600);
  const camera = await board(triple);
  assert.equal((await camera.init({ fileName: '../etc/passwd', fileSize: 1 })).code, 460);
  assert.equal((await camera.init({ fileName: 'a', fileSize: 17 << 20 })).code, 78117);
  const { data: { uploadId } } = await camera.init({ fileName: 'a', fileSize: -1 });
  assert.equal((await camera.block('nobody', 0, bytes)).code, 78122);
  assert.equal((await camera.block(uploadId, 512, bytes)).code, 78119);
  assert.equal((await camera.block(uploadId, 0, bytes.subarray(0, 100))).code, 78120);
  assert.equal((await camera.block(uploadId, 0, bytes, { bSize: 601 })).code, 460);
  assert.equal((await camera.block(uploadId, 0, bytes)).code, 200);
  assert.equal((await camera.block(uploadId, 0, bytes)).code, 78126);
  assert.equal((await camera.block(uploadId, 600, Buffer.from('end'), { isComplete: true })).data.complete, true);
  assert.equal((await camera.init({ fileName: 'b', fileSize: 600 })).code, 200);
  const cancelled = await camera.init({ fileName: 'c', fileSize: 600 });
  assert.equal((await camera.cancel(cancelled.data.uploadId)).code, 200);
  assert.equal((await camera.block(cancelled.data.uploadId, 0, bytes)).code, 78122);
  const wrongSum = await camera.init({ fileName: 'd', fileSize: 600, ficMode: 'crc64', ficValue: '0' });
  assert.equal((await camera.block(wrongSum.data.uploadId, 0, bytes)).code, 78125);
  await camera.garbage(Buffer.from([0, 200, 1]));
  const told = await until(async () => { const found = await refusals(server, triple); return found.some((one) => Number(one.Code) === 78119) && found; }, 'the journal');
  for (const one of told) assert.ok(one.Remedy.length > 5);
  assert.deepEqual((await listed(triple)).map((one) => one.name), ['a']);
  await camera.end();
});
