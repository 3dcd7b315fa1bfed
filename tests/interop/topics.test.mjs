// Classes of custom topics: MQTT.js as a board, the official OpenAPI SDK as application, our command line.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import mqtt from 'mqtt';
import { credentials, makeDevice, makeProduct, proved, refusals, run, startServer, tercet, until } from '../harness.mjs';

let server, productKey, client, triple, board;
const heard = [];
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server, { name: 'topics' });
  client = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
  triple = await makeDevice(server, productKey, 'board');
  const { host, port } = server.listener('mqtts');
  const { username, password, clientId } = credentials(triple);
  board = await mqtt.connectAsync(`mqtts://${host}:${port}`, { username, password, clientId, ca: readFileSync(server.ca), reconnectPeriod: 0 });
  board.on('message', (topic, payload) => heard.push(`${topic} ${payload}`));
});
after(async () => { await board?.endAsync(true); await server.stop(); });

const own = (rest) => `/${productKey}/board/user/${rest}`;
const call = async (action, parameters) => (await client[action](new Iot[`${action[0].toUpperCase()}${action.slice(1)}Request`](parameters))).body;
async function subscribe(filter) {
  return board.subscribeAsync(filter, { qos: 1 }).then((granted) => granted[0].qos, () => 0x80);
}

test('a new product has the three classes of the cloud, and devices may do just what these say', async () => {
  const { data } = await call('queryProductTopic', { productKey });
  assert.deepEqual(data.productTopicInfo.map((one) => [one.topicShortName, one.operation]), [['update', '0'], ['update/error', '0'], ['get', '1']]);
  assert.equal(await subscribe(own('get')), 1);
  assert.equal(await subscribe(own('update')), 0x80);
  assert.equal(await subscribe(own('chat')), 0x80);
  assert.equal(await subscribe(own('#')), 0x80);
  await board.publishAsync(own('get'), 'no', { qos: 1 });
  await board.publishAsync(own('update'), 'yes', { qos: 1 });
  assert.ok(board.connected);
  await until(async () => /topic\.class_publish/.test(JSON.stringify(await refusals(server, triple))), 'the journal');
  const told = JSON.stringify(await refusals(server, triple));
  assert.match(told, /topic\.class_subscribe/);
  assert.match(told, /topic\.class_missing/);
  assert.match(told, /class user\/get/);
  proved({ 'MQTT.js': ['custom topics', 'refusal explained'], 'OpenAPI SDK': ['topic classes'] });
});

test('a class that is defined can be used at once, changed, and deleted', async () => {
  const made = await call('createProductTopic', { productKey, topicShortName: 'chat', operation: 'ALL', desc: 'boards among themselves' });
  assert.equal(made.success, true, JSON.stringify(made));
  assert.equal(typeof made.topicId, 'number');
  assert.equal(await subscribe(own('chat')), 1);
  await board.publishAsync(own('chat'), 'hello', { qos: 1 });
  await until(() => heard.includes(`${own('chat')} hello`), 'what the board said itself');
  const changed = await call('updateProductTopic', { topicId: String(made.topicId), operation: 'SUB' });
  assert.equal(changed.success, true, JSON.stringify(changed));
  await board.publishAsync(own('chat'), 'unheard', { qos: 1 });
  const again = await call('createProductTopic', { productKey, topicShortName: 'chat', operation: 'ALL' });
  assert.equal(again.code, 'iot.prod.AlreadyExistedTopic');
  const wrong = await call('createProductTopic', { productKey, topicShortName: 'a/#', operation: 'PUB' });
  assert.equal(wrong.code, 'iot.prod.InvalidFormattedTopicShortName');
  assert.equal((await call('deleteProductTopic', { topicId: String(made.topicId) })).success, true);
  assert.equal(await subscribe(own('chat')), 0x80);
  assert.ok(!heard.includes(`${own('chat')} unheard`));
  proved({ 'OpenAPI SDK': ['topic classes'] });
});

test('the command line shows, adds and frees', async () => {
  const ready = ['--ready', path.join(server.directory, 'ready.json')];
  const added = await run(tercet, ['topic', 'add', productKey, 'room/+', 'SUB', ...ready]);
  assert.equal(added.code, 0, added.err);
  assert.equal(await subscribe(own('room/+')), 1);
  const shown = await run(tercet, ['topic', 'list', productKey, ...ready]);
  assert.match(shown.out, /room\/\+/);
  assert.equal(await subscribe(own('anything')), 0x80);
  assert.equal((await run(tercet, ['topic', 'free', productKey, 'true', ...ready])).code, 0);
  assert.equal(await subscribe(own('anything')), 1);
});
