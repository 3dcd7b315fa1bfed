// Rules from the official OpenAPI SDK and the command line to files, SQLite, web servers and topics, over restarts too.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import { api, makeDevice, makeProduct, run, startServer, tercet, until } from '../harness.mjs';
import { board, freePort, makeRule, sqlite, state, webServer } from './world.mjs';

let server, productKey, client;
const directory = mkdtempSync(path.join(tmpdir(), 'tercet-rules-'));
before(async () => {
  server = await startServer({ directory });
  productKey = await makeProduct(server);
  client = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
});
after(async () => { await server.stop(); });
const call = async (action, parameters) => (await client[action](new Iot[`${action[0].toUpperCase()}${action.slice(1)}Request`](parameters))).body;
const data = (name) => path.join(directory, 'data', 'sinks', name);
const verb = (...args) => run(tercet, [...args, '--ready', path.join(directory, 'ready.json')]);

test('the official SDK makes, reads, changes, starts, stops and deletes a rule and its actions', async () => {
  const made = await call('createRule', { name: 'hot', productKey, select: 'temperature', shortTopic: '+/user/update', topicType: 1, where: 'temperature > 30', ruleDesc: 'for the kitchen' });
  assert.equal(made.success, true, JSON.stringify(made));
  const ruleId = made.ruleId;
  const read = await call('getRule', { ruleId });
  assert.equal(read.ruleInfo.status, 'STOP');
  assert.equal(read.ruleInfo.where, 'temperature > 30');
  assert.equal(read.ruleInfo.topic, `/${productKey}/+/user/update`);
  assert.match(read.ruleInfo.created, /^\w{3} \w{3} \d\d \d\d:\d\d:\d\d CST \d{4}$/);
  const early = await call('startRule', { ruleId });
  assert.equal(early.code, 'iot.rule.NullForwardDestForRule');
  const action = await call('createRuleAction', { ruleId, type: 'HTTP', configuration: JSON.stringify({ url: 'http://127.0.0.1:9/', secret: 'hush' }) });
  assert.equal(action.success, true, JSON.stringify(action));
  const shown = await call('getRuleAction', { actionId: action.actionId });
  assert.equal(JSON.parse(shown.ruleActionInfo.configuration).secret, '******');
  const listed = await call('listRuleActions', { ruleId });
  assert.equal(listed.ruleActionList.ruleActionInfo.length, 1);
  assert.equal((await call('updateRuleAction', { actionId: action.actionId, type: 'HTTP', configuration: JSON.stringify({ url: 'http://127.0.0.1:8/', secret: '******' }) })).success, true);
  assert.equal((await call('startRule', { ruleId })).success, true);
  assert.equal((await call('deleteRule', { ruleId })).code, 'iot.rule.DeleteRuleFailed');
  assert.equal((await call('updateRule', { ruleId, where: 'temperature > 31' })).success, true);
  assert.ok((await call('listRule', { currentPage: 1, pageSize: 10 })).data.ruleInfo.some((one) => one.id === ruleId && one.status === 'RUNNING'));
  assert.equal((await call('stopRule', { ruleId })).success, true);
  assert.equal((await call('deleteRuleAction', { actionId: action.actionId })).success, true);
  assert.equal((await call('deleteRule', { ruleId })).success, true);
  assert.equal((await call('getRule', { ruleId })).success, false);
});

test('a mistake in SQL or in a configuration is refused with where it is and what was meant', async () => {
  const wrong = await call('createRule', { name: 'wrong', productKey, select: 'concatt(a, b)', shortTopic: '+/user/update', topicType: 1 });
  assert.equal(wrong.code, 'iot.messagebroker.IncorrectRuleSql');
  assert.match(wrong.errorMessage, /Select, line 1, column 1.*concat/);
  const rule = await call('createRule', { name: 'fine', productKey, select: '*', shortTopic: '+/user/update', topicType: 1 });
  const refused = async (type, configuration) => (await call('createRuleAction', { ruleId: rule.ruleId, type, configuration: JSON.stringify(configuration) })).errorMessage;
  assert.match(await refused('HTTP', { url: 'ftp://x' }), /url: must begin with http/);
  assert.match(await refused('HTTP', { url: 'http://x', metod: 'PUT' }), /metod: is not known here; there are/);
  assert.match(await refused('SQLITE', { path: '../x.db', table: 't' }), /path: is a file's name within/);
  assert.match(await refused('OTS', {}), /POSTGRESQL or SQLITE does the same/);
  assert.match(await refused('KAFKAA', {}), /there is no action of the type KAFKAA; there are/);
  assert.match(await refused('REPUBLISH', { topic: '/x/y/thing' }), /topic: is one that a device may subscribe to/);
});

test('readings go into SQLite and a file, once each and in order, over a restart of the platform', async () => {
  const triple = await makeDevice(server, productKey);
  const made = await makeRule(server, {
    name: 'keep', productKey, select: 'deviceName() AS device, items.temperature.value AS temperature, items.humidity.value AS humidity', topic: '+/thing/event/property/post', type: 0,
    actions: [
      ['SQLITE', { path: 'readings.db', table: 'readings', create: true, columns: { at: { value: '${timestamp}', type: 'time' }, device: '${device}', temperature: { value: '${temperature}', type: 'real' }, humidity: { value: '${humidity}', type: 'real' } } }],
      ['FILE', { path: 'readings.csv', format: 'csv', columns: { device: '${device}', temperature: '${temperature}' } }],
      ['FILE', { path: 'all.jsonl' }],
    ],
  });
  let sensor = await board(server, triple);
  for (let i = 0; i < 20; ++i) await sensor.post({ temperature: 20 + i / 2, humidity: 50 });
  const rows = () => sqlite(data('readings.db'), 'SELECT device, temperature, humidity FROM readings ORDER BY rowid').catch(() => []);
  await until(async () => (await rows()).length >= 20, 'twenty rows');
  await sensor.stop();
  await server.kill();
  server = await startServer({ directory });
  sensor = await board(server, triple);
  for (let i = 20; i < 30; ++i) await sensor.post({ temperature: 20 + i / 2, humidity: 50 });
  await until(async () => (await rows()).length >= 30, 'thirty rows');
  await until(() => readFileSync(data('readings.csv'), 'utf8').split('\r\n').length >= 32, 'thirty lines');
  await sensor.stop();
  assert.deepEqual((await rows()).map((row) => row.temperature), Array.from({ length: 30 }, (_, i) => 20 + i / 2));
  const lines = readFileSync(data('readings.csv'), 'utf8').trimEnd().split('\r\n');
  assert.equal(lines[0], 'device,temperature');
  assert.equal(lines[1], `${triple.deviceName},20`);
  assert.equal(lines[2], `${triple.deviceName},20.5`);
  const first = JSON.parse(readFileSync(data('all.jsonl'), 'utf8').split('\n')[0]);
  assert.equal(first.rule, 'keep');
  assert.equal(first.result.temperature, 20);
  assert.equal((await state(server, made.actions[0])).Status, 'NORMAL');
});

test('a web server gets signed requests; while it is down nothing is lost, and what it refuses becomes a dead letter', async () => {
  const triple = await makeDevice(server, productKey);
  const port = await freePort();
  let refuses = false;
  const answer = (got) => (refuses && JSON.parse(got.body).result.n === 7 ? { status: 422, body: { why: 'seven' } } : { status: 200 });
  const errors = await webServer();
  const made = await makeRule(server, { name: 'hook', productKey, select: 'n', actions: [
    ['HTTP', { url: `http://127.0.0.1:${port}/hook`, secret: 'hush', headers: { 'X-Room': 'kitchen ${n}' }, delivery: { first_pause_ms: 50, longest_pause_ms: 200 } }],
    ['HTTP', { url: `${errors.url}/errors` }, true],
  ] });
  const sensor = await board(server, triple);
  for (let n = 1; n <= 3; ++n) await sensor.update({ n });
  await until(async () => (await state(server, made.actions[0])).Failures > 0, 'a failure', 20000);
  let web = await webServer(answer, port);
  await until(() => web.requests.length >= 3, 'three requests');
  assert.deepEqual(web.requests.map((one) => JSON.parse(one.body).result.n), [1, 2, 3]);
  const one = web.requests[0];
  assert.equal(one.headers['x-room'], 'kitchen 1');
  assert.equal(one.headers['x-tercet-signature'], 'sha256=' + createHmac('sha256', 'hush').update(`${one.headers['x-tercet-timestamp']}.${one.body}`).digest('hex'));
  refuses = true;
  for (const n of [6, 7, 8]) await sensor.update({ n });
  await until(() => web.requests.some((got) => JSON.parse(got.body).result.n === 8), 'the one after the refused one');
  const letters = await until(async () => { const got = await api(server, 'QueryDeadLetters', { ActionId: made.actions[0] }); return got.Total > 0 && got.Data.List.Letter; }, 'a dead letter');
  assert.equal(letters.length, 1);
  assert.match(letters[0].Cause, /^HTTP 422: .*seven/);
  assert.equal(letters[0].Content, '{"n":7}');
  // The action for failures has been told, in the documented form.
  const told = JSON.parse((await until(() => errors.requests[0], 'the failure')).body).result;
  assert.equal(told.ruleName, 'hook');
  assert.equal(told.deviceName, triple.deviceName);
  assert.equal(told.failures[0].actionType, 'HTTP');
  assert.match(told.failures[0].errorMessage, /422/);
  assert.deepEqual(JSON.parse(Buffer.from(told.base64OriginalPayload, 'base64').toString()), { n: 7 });
  refuses = false;
  assert.equal((await api(server, 'ReplayDeadLetters', { ActionId: made.actions[0] })).Data.Replayed, 1);
  await until(() => web.requests.filter((got) => JSON.parse(got.body).result.n === 7).length >= 2, 'the letter again');
  await sensor.stop();
  await web.stop();
  await errors.stop();
});

test('an alarm is told once when it begins and once when it ends', async () => {
  const triple = await makeDevice(server, productKey);
  const web = await webServer();
  await makeRule(server, { name: 'damp', productKey, select: 'items.humidity.value AS humidity', topic: '+/thing/event/property/post', type: 0, where: 'items.humidity.value > 80', alarm: { silence: 0, recovery: true }, actions: [['HTTP', { url: web.url, body: '{"text":"${deviceName} ${state}: ${humidity} %"}' }]] });
  const sensor = await board(server, triple);
  for (const humidity of [70, 85, 90, 88, 60, 61]) await sensor.post({ humidity });
  await until(() => web.requests.length >= 2, 'two messages');
  await sensor.update({ done: true });
  assert.deepEqual(web.requests.map((one) => JSON.parse(one.body).text), [`${triple.deviceName} raised: 85 %`, `${triple.deviceName} recovered: 60 %`]);
  await sensor.stop();
  await web.stop();
});

test('a shadow that changes is a message, by the topic of either side', async () => {
  const triple = await makeDevice(server, productKey);
  const { deviceName } = triple;
  for (const [name, topic] of [['shadows', `/shadow/update/${productKey}/+`], ['shadows_too', `/${productKey}/${deviceName}/shadow/update`]]) {
    const made = await api(server, 'CreateRule', { Name: name, ProductKey: productKey, Select: 'source, version, state.reported.a AS a, state.desired.b AS b', Topic: topic, TopicType: 0 });
    await api(server, 'CreateRuleAction', { RuleId: made.RuleId, Type: 'FILE', Configuration: JSON.stringify({ path: `${name}.jsonl` }) });
    await api(server, 'StartRule', { RuleId: made.RuleId });
  }
  const sensor = await board(server, triple);
  await sensor.link.publishAsync(`/shadow/update/${productKey}/${deviceName}`, '{"method":"update","state":{"reported":{"a":1}},"version":1}', { qos: 1 });
  await api(server, 'UpdateDeviceShadow', { ProductKey: productKey, DeviceName: deviceName, ShadowMessage: '{"method":"update","state":{"desired":{"b":2}},"version":2}', DeltaUpdate: true });
  for (const name of ['shadows', 'shadows_too']) {
    const file = path.join(server.directory, 'data', 'sinks', `${name}.jsonl`);
    const lines = await until(() => existsSync(file) && readFileSync(file, 'utf8').trim().split('\n').length === 2 && readFileSync(file, 'utf8').trim().split('\n'), name);
    assert.deepEqual(lines.map((one) => JSON.parse(one).result), [{ source: 'device', version: 1, a: 1 }, { source: 'application', version: 2, a: 1, b: 2 }]);
  }
  await sensor.stop();
});

test('a result is published to a topic of another board, and as a property set', async () => {
  const [sender, lamp] = [await makeDevice(server, productKey), await makeDevice(server, productKey)];
  await makeRule(server, { name: 'copy', productKey, select: 'deviceName() AS from_board, led', where: 'led = 1', actions: [
    ['REPUBLISH', { topic: `/${productKey}/${lamp.deviceName}/user/get`, topicType: 1 }],
    ['REPUBLISH', { topic: `/sys/${productKey}/${lamp.deviceName}/thing/service/property/set`, topicType: 0 }],
  ] });
  const receiver = await board(server, lamp);
  const heard = {};
  receiver.link.on('message', (topic, payload) => { heard[topic] = JSON.parse(payload.toString()); });
  await receiver.link.subscribeAsync([`/${productKey}/${lamp.deviceName}/user/get`, `/sys/${productKey}/${lamp.deviceName}/thing/service/property/set`], { qos: 1 });
  const sensor = await board(server, sender);
  await sensor.update({ led: 1 });
  const copy = await until(() => heard[`/${productKey}/${lamp.deviceName}/user/get`], 'the copy');
  assert.deepEqual(copy, { from_board: sender.deviceName, led: 1 });
  const set = await until(() => heard[`/sys/${productKey}/${lamp.deviceName}/thing/service/property/set`], 'the set');
  assert.equal(set.method, 'thing.service.property.set');
  assert.deepEqual(set.params, { from_board: sender.deviceName, led: 1 });
  await sensor.stop();
  await receiver.stop();
});

test('a rule sees the tags of a device as they are now, after a restart too', async () => {
  const triple = await makeDevice(server, productKey);
  const web = await webServer();
  await makeRule(server, { name: 'rooms', productKey, select: "n, attribute('room') AS room", where: "attribute('floor') = '2'", actions: [['HTTP', { url: web.url }]] });
  const tag = (value) => api(server, 'SaveDeviceProp', { ProductKey: productKey, DeviceName: triple.deviceName, Props: JSON.stringify(value) });
  await tag({ room: 'kitchen', floor: '1' });
  let sensor = await board(server, triple);
  await sensor.update({ n: 1 });
  await tag({ floor: '2' });
  await sensor.update({ n: 2 });
  await until(() => web.requests.length === 1, 'the second');
  await sensor.stop();
  await server.kill('SIGTERM');
  server = await startServer({ directory });
  sensor = await board(server, triple);
  await sensor.update({ n: 3 });
  await until(() => web.requests.length === 2, 'the third');
  assert.deepEqual(web.requests.map((one) => JSON.parse(one.body).result), [{ n: 2, room: 'kitchen' }, { n: 3, room: 'kitchen' }]);
  await sensor.stop();
  await web.stop();
});

test('the command line makes, tries and watches rules', async () => {
  const triple = await makeDevice(server, productKey);
  const sensor = await board(server, triple);
  const start = Date.now() - 60000;
  for (const [i, value] of [20, 35, 36].entries()) await sensor.post({ temperature: { value, time: start + i * 1000 } });
  const sql = `SELECT items.temperature.value AS t FROM "/sys/${productKey}/+/thing/event/property/post" WHERE items.temperature.value > 30`;
  const dry = await until(async () => { const got = await verb('rule', 'dry-run', '--sql', sql, '--device', triple.deviceName, '--json'); return got.code === 0 && JSON.parse(got.out).Data.Messages === 3 && JSON.parse(got.out); }, 'three messages');
  assert.deepEqual(dry.Data.Rows.Row.map((row) => JSON.parse(row.Result)), [{ t: 35 }, { t: 36 }]);
  const made = await verb('rule', 'create', 'warm', '--sql', sql, '--json');
  assert.equal(made.code, 0, made.err);
  const number = String(JSON.parse(made.out).RuleId);
  const added = await verb('rule', 'action', 'add', number, 'file', '{"path":"warm.jsonl"}', '--json');
  assert.equal(added.code, 0, added.err);
  assert.equal((await verb('rule', 'start', number)).code, 0);
  await sensor.post({ temperature: 40 });
  await until(() => readdirSync(path.join(directory, 'data', 'sinks')).includes('warm.jsonl') && readFileSync(data('warm.jsonl'), 'utf8').includes('"t":40'), 'the line');
  assert.match((await verb('rule', 'list')).out, /warm/);
  assert.match((await verb('rule', 'actions', number)).out, /NORMAL/);
  assert.equal((await verb('rule', 'stop', number)).code, 0);
  assert.equal((await verb('rule', 'delete', number)).code, 0);
  const wrong = await verb('rule', 'create', 'wrong', '--sql', `SELECT subtring(a, 1) FROM "/${productKey}/+/user/update"`);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err + wrong.out, /did you mean substring/);
  const file = path.join(directory, 'trial.json');
  writeFileSync(file, JSON.stringify({ name: 'x', sql, messages: [{ topic: `/${productKey}/b/thing/event/property/post`, payload: { items: { temperature: { value: 31 } } }, expect: { t: 32 } }] }));
  const tried = await run(tercet, ['rule', 'test', file]);
  assert.equal(tried.code, 1);
  assert.match(tried.out, /message 1: expected \{"t":32\}, got \{"t":31\}/);
  await sensor.stop();
});
