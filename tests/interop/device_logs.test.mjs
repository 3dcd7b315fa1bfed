// What devices tell about themselves: MQTT.js and our own board (examples/logs.cc) upload their log when it is wanted, and tell
// the state of their network.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { api, credentials, makeDevice, makeProduct, proved, run, startServer, until } from '../harness.mjs';

const tercet = process.env.TERCET;
const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
let server, productKey;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => { await server.stop(); });

async function command(...words) {
  const done = await run(tercet, [...words, '--ready', path.join(server.directory, 'ready.json')]);
  assert.equal(done.code, 0, done.out + done.err);
  return done.out;
}
async function board(triple) {
  const { host, port } = server.listener('mqtts');
  const client = await mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0, ...credentials(triple, { extra: ',_ss=1' }) });
  const base = `/sys/${triple.productKey}/${triple.deviceName}/`;
  const heard = [];
  client.on('message', (topic, payload) => heard.push([topic.slice(base.length), JSON.parse(payload)]));
  let id = 0;
  return {
    client,
    next: (topic) => until(() => heard.find(([name]) => name === topic)?.[1], topic),
    forget: () => heard.splice(0),
    ask: async (topic, params) => {
      const mine = String(++id);
      await client.publishAsync(base + topic, JSON.stringify({ id: mine, version: '1.0', params, method: topic.replaceAll('/', '.') }), { qos: 1 });
      return (await until(() => heard.find(([name, message]) => name === `${topic}_reply` && message.id === mine), `${topic}_reply`))[1];
    },
  };
}
const span = () => ({ StartTime: Date.now() - 3600000, EndTime: Date.now() + 60000, PageSize: 50, Asc: 1 });

test('a device learns that its log is wanted, on asking and by push, uploads it, and it is shown', async () => {
  const triple = await makeDevice(server, productKey);
  const names = { ProductKey: productKey, DeviceName: triple.deviceName };
  const device = await board(triple);
  try {
    const ask = () => device.ask('thing/config/log/get', { configScope: 'device', getType: 'content' });
    assert.deepEqual((await ask()).data, { getType: 'content', content: { mode: 0 } });
    await command('log', 'upload', productKey, triple.deviceName, 'on');
    const pushed = await device.next('thing/config/log/push');
    assert.deepEqual(pushed.params, { getType: 'content', content: { mode: 1 } });
    assert.equal((await ask()).data.content.mode, 1);
    const utcTime = new Date(Date.now() - 5000 + 8 * 3600000).toISOString().replace('Z', '+0800');
    const reply = await device.ask('thing/log/post', [
      { utcTime, logLevel: 'ERROR', module: 'wifi', code: '4103', traceContext: '123456', logContent: 'no route to "host"' },
      { utcTime, logLevel: 'INFO', module: 'main', code: '0', logContent: 'up' },
    ]);
    assert.equal(reply.code, 200);
    const { Data } = await api(server, 'QueryDeviceLocalLog', { ...names, ...span(), Level: 'ERROR' });
    assert.equal(Data.List.LogInfo.length, 1);
    assert.equal(Data.List.LogInfo[0].Content, 'no route to "host"');
    assert.ok(Math.abs(Number(Data.List.LogInfo[0].Time) - Date.now()) < 60000);
    assert.match(await command('log', 'device', productKey, triple.deviceName), /no route/);
    assert.match(await command('log', 'upload', productKey, triple.deviceName), /true/);
    assert.equal((await device.ask('thing/log/post', [{ logContent: 'no level' }])).code, 460);
    assert.equal((await device.ask('thing/config/log/get', { configScope: 'product', getType: 'content' })).code, 6718);
  } finally {
    await device.client.endAsync(true);
  }
  proved({ 'MQTT.js': ['device logs'] });
});

test('the state of a device\'s network is kept, one report or many', async () => {
  const triple = await makeDevice(server, productKey);
  const device = await board(triple);
  try {
    assert.equal((await device.ask('_thing/diag/post', { p: { wifi: { rssi: -40, snr: 20, per: 1, err_stats: '10,02,01;10,05,01' } }, model: 'format=simple|quantity=single|time=now' })).code, 200);
    const p = [1000, 2000].map((ago) => ({ wifi: { rssi: -71, snr: 8, per: 3, err_stats: '' }, _time: Date.now() - ago }));
    assert.equal((await device.ask('_thing/diag/post', { p, model: 'format=simple|quantity=batch|time=history' })).code, 200);
    const { Data } = await api(server, 'QueryDeviceNetworkStatus', { ProductKey: productKey, DeviceName: triple.deviceName, ...span() });
    assert.deepEqual(Data.List.NetworkInfo.map((one) => one.Rssi), [-71, -71, -40]);
    assert.match(await command('network', productKey, triple.deviceName), /10,02,01;10,05,01/);
  } finally {
    await device.client.endAsync(true);
  }
  proved({ 'MQTT.js': ['network reports'] });
});

test('our own board uploads what it wrote before anyone wanted it, obeys when that changes, and tells how its network is', async () => {
  const triple = await makeDevice(server, productKey);
  const names = { ProductKey: productKey, DeviceName: triple.deviceName };
  const { host, port } = server.listener('mqtts');
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-example-')), 'triple.json');
  writeFileSync(file, JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  const child = spawn(path.join(examples, 'logs'), [file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (out += chunk));
  const logged = async (level) => (await api(server, 'QueryDeviceLocalLog', { ...names, ...span(), ...(level ? { Level: level } : {}) })).Data.List.LogInfo;
  try {
    await until(() => out.includes('network: 200'), `the report of its network; it said ${out}`);
    assert.equal((await logged()).length, 0);
    const began = Date.now();
    await command('log', 'upload', productKey, triple.deviceName, 'on');
    await until(() => /entries uploaded/.test(out), `the upload; it said ${out}`);
    const [warning] = await logged('WARN');
    assert.equal(warning.Module, 'main');
    assert.equal(warning.Code, '7');
    assert.equal(warning.Content, 'started');
    assert.ok(Number(warning.Time) <= began && Number(warning.Time) > began - 60000, warning.Time);
    assert.ok((await logged('INFO')).some((one) => one.Content === 'online'));
    await command('log', 'upload', productKey, triple.deviceName, 'off');
    const { Data } = await api(server, 'QueryDeviceNetworkStatus', { ...names, ...span() });
    assert.deepEqual(Data.List.NetworkInfo.map((one) => one.Rssi), [-61]);
    assert.match(await command('network', productKey, triple.deviceName), /10,02,01/);
  } finally {
    child.kill('SIGKILL');
  }
  proved({ 'our SDK': ['device logs', 'network reports'] });
});
