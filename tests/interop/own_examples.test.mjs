// Small programs of our SDK that live until they are stopped, and an application that speaks with them: custom topics, modules of
// a thing model, property sets; and a board whose secret is rotated. The application is the official generic OpenAPI client.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import Core from '@alicloud/pop-core';
import { makeDevice, makeProduct, proved, refusals, run, startServer, tercet, until } from '../harness.mjs';

const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
const real = { type: 'float', specs: { min: '-100', max: '100', step: '0.1' } };
const whole = { type: 'int', specs: { min: '0', max: '10', step: '1' } };
const power = JSON.stringify({
  schema: 'https://iotx-tsl.oss-ap-southeast-1.aliyuncs.com/schema.json',
  properties: [],
  functionBlocks: [{
    functionBlockId: 'power', functionBlockName: 'Power supply',
    properties: [
      { identifier: 'voltage', name: 'Voltage', accessMode: 'r', required: false, dataType: real },
      { identifier: 'limit', name: 'Limit', accessMode: 'rw', required: false, dataType: whole },
    ],
    events: [{ identifier: 'low', name: 'Low', type: 'alert', outputData: [{ identifier: 'voltage', name: 'Voltage', dataType: real }] }],
    services: [{ identifier: 'cycle', name: 'Cycle', callType: 'sync', inputData: [{ identifier: 'times', name: 'Times', dataType: whole }], outputData: [{ identifier: 'done', name: 'Done', dataType: whole }] }],
  }],
});

let server, client, climate;
before(async () => {
  server = await startServer();
  climate = await makeProduct(server);
  client = new Core({ accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret, endpoint: server.openapi, apiVersion: '2018-01-20' });
});
after(async () => { await server.stop(); });

const ask = (action, triple, parameters) => client.request(action, { ProductKey: triple.productKey, DeviceName: triple.deviceName, ...parameters }, { method: 'POST' });
const recent = () => ({ StartTime: Date.now() - 3600000, EndTime: Date.now() + 60000, PageSize: 10, Asc: 1 });
function tripleFile(triple) {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-example-')), 'triple.json');
  const { host, port } = server.listener('mqtts');
  writeFileSync(file, JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  return file;
}
async function alive(name, triple, body) {
  const child = spawn(path.join(examples, name), [tripleFile(triple)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk));
  const gone = new Promise((resolve) => child.on('exit', resolve));
  try {
    await body((words, patience) => until(() => words.test(out), `${words} from ${name}`, patience).catch((error) => assert.fail(`${error.message}, which said:\n${out}`)));
  } finally {
    child.kill('SIGTERM');
    await gone;
  }
}

test('what an application publishes to a custom topic comes back on another one, and by a rule to the next board', async () => {
  const [triple, next] = [await makeDevice(server, climate, 'echo'), await makeDevice(server, climate, 'next')];
  const rule = await client.request('CreateRule', { Name: 'relay', ProductKey: climate, Select: 'text', ShortTopic: 'echo/user/update', TopicType: 1, DataType: 'JSON' }, { method: 'POST' });
  const configuration = JSON.stringify({ topic: `/${climate}/next/user/get`, topicType: 1 });
  await client.request('CreateRuleAction', { RuleId: rule.RuleId, Type: 'REPUBLISH', Configuration: configuration }, { method: 'POST' });
  await client.request('StartRule', { RuleId: rule.RuleId }, { method: 'POST' });
  const get = { ProductKey: climate, TopicFullName: `/${climate}/echo/user/get`, Qos: 1 };
  await alive('topics', next, (others) => alive('topics', triple, async (says) => {
    await Promise.all([says(/online/), others(/online/)]);
    // What is published before the subscription stands is gone, as in the cloud.
    await until(async () => {
      assert.ok((await client.request('Pub', { ...get, MessageContent: Buffer.from('{"text":"hi","more":1}').toString('base64') }, { method: 'POST' })).MessageId);
      return others(/^13 bytes$/m, 500).then(() => true, () => false); // {"text":"hi"}
    }, 'the echo at the next board');
    await says(/^22 bytes$/m);
    assert.deepEqual((await refusals(server, triple)).filter((one) => /^topic\./.test(one.Cause)), []);
  }));
  proved({ 'our SDK': ['custom topics'], 'pop-core': ['custom topics'] });
});

test('a module\'s property, event and service work from our own board', async () => {
  const product = await makeProduct(server, { name: 'supply', tsl: power });
  const triple = await makeDevice(server, product, 'supply');
  await alive('modules', triple, async (says) => {
    await says(/post \d+: 200[^]*post \d+: 200/);
    const now = (await ask('QueryDevicePropertyStatus', triple, { FunctionBlockId: 'power' })).Data.List.PropertyStatusInfo;
    assert.equal(Number(now.find((one) => /voltage$/.test(one.Identifier)).Value), 3.3);
    const events = (await ask('QueryDeviceEventData', triple, { Identifier: 'power:low', ...recent() })).Data.List.EventInfo;
    assert.deepEqual(JSON.parse(events[0].OutputData), { voltage: 2.9 });
    assert.equal((await ask('SetDeviceProperty', triple, { Items: '{"power:limit":7}' })).Success, true);
    await says(/limit 7/);
    await until(async () => {
      const after = (await ask('QueryDevicePropertyStatus', triple, { FunctionBlockId: 'power' })).Data.List.PropertyStatusInfo;
      return Number(after.find((one) => /limit$/.test(one.Identifier))?.Value) === 7;
    }, 'the new limit, reported');
    const called = await ask('InvokeThingService', triple, { Identifier: 'power:cycle', Args: '{"times":2}' });
    assert.deepEqual(JSON.parse(called.Data.Result), { done: 2 });
  });
  proved({ 'our SDK': ['modules of a thing model'], 'pop-core': ['modules of a thing model'] });
});

test('the smallest climate board obeys a property set, reports it, and refuses what its model does not allow', async () => {
  const triple = await makeDevice(server, climate, 'smallest');
  const reported = async () => (await ask('QueryDevicePropertyStatus', triple)).Data.List.PropertyStatusInfo.find((one) => one.Identifier === 'report_interval')?.Value;
  await alive('climate_min', triple, async (says) => {
    await says(/post \d+: 200/);
    assert.equal((await ask('SetDeviceProperty', triple, { Items: '{"report_interval":7}' })).Success, true);
    await until(async () => Number(await reported()) === 7, 'the new interval, reported');
    const wrong = await ask('SetDeviceProperty', triple, { Items: '{"report_interval":"often"}' }).catch((error) => error.data ?? error);
    assert.notEqual(wrong.Success, true);
    // A product checks types only, unless it is told to check all: the board itself refuses a value out of its range.
    await ask('SetDeviceProperty', triple, { Items: '{"report_interval":100000}' });
    await ask('SetDeviceProperty', triple, { Items: '{"report_interval":8}' });
    await until(async () => Number(await reported()) === 8, 'the last interval, reported');
    const kept = (await ask('QueryDevicePropertyData', triple, { Identifier: 'report_interval', ...recent() })).Data.List.PropertyInfo;
    assert.deepEqual(kept.map((one) => Number(one.Value)).filter((value) => value > 10), []);
  });
  proved({ 'our SDK': ['property set'], 'pop-core': ['property set'] });
});

test('tercet device logs in with the earlier secret and with the new one while a rotation runs, then only with the new one', async () => {
  const triple = await makeDevice(server, climate, 'rotated');
  const board = (one) => run(tercet, ['device', '--triple', tripleFile(one), '--interval', '1', '--count', '1', '--give-up', '5', '--sensor', 'model']);
  const rotated = await ask('RotateDeviceSecret', triple, { OverlapSeconds: 3600 });
  const fresh = { ...triple, deviceSecret: rotated.Data.DeviceSecret };
  for (const one of [triple, fresh]) {
    const done = await board(one);
    assert.equal(done.code, 0, done.out + done.err);
  }
  assert.equal((await ask('EndDeviceSecretRotation', triple)).Success, true);
  const late = await board(triple);
  assert.notEqual(late.code, 0);
  assert.match(late.out + late.err, /refused_credentials/);
  await until(async () => (await refusals(server, triple)).some((one) => one.Cause === 'login.secret_ended'), 'the cause');
  const done = await board(fresh);
  assert.equal(done.code, 0, done.out + done.err);
  proved({ 'our SDK': ['secret rotation'] });
});
