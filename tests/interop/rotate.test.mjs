// A device's secret is rotated while it is in use: the official OpenAPI SDK's generic call makes the new one, MQTT.js logs in with
// both until the earlier one is ended.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import Core from '@alicloud/pop-core';
import { credentials, makeDevice, makeProduct, proved, refusals, run, startServer, until } from '../harness.mjs';

let server, productKey;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => { await server.stop(); });

const command = (...words) => run(process.env.TERCET, [...words, '--ready', path.join(server.directory, 'ready.json')]);
const connect = (triple) => {
  const { host, port } = server.listener('mqtts');
  return mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0, ...credentials(triple) });
};
async function code(triple) {
  try {
    await (await connect(triple)).endAsync(true);
    return 0;
  } catch (refused) {
    return refused.code;
  }
}
const entry = (triple, cause) => until(async () => (await refusals(server, triple)).find((one) => one.Cause === cause), cause);

test('MQTT.js logs in with either secret while a rotation runs, and with the new one alone after its end', async () => {
  const old = await makeDevice(server, productKey);
  const { deviceName } = old;
  const rotated = await command('device', 'rotate-secret', productKey, deviceName, '--overlap', '24h', '--json');
  assert.equal(rotated.code, 0, rotated.out + rotated.err);
  const data = JSON.parse(rotated.out).Data;
  assert.ok(Math.abs(data.EarlierSecretUntil - Date.now() - 86_400_000) < 60_000);
  const fresh = { ...old, deviceSecret: data.DeviceSecret };
  assert.notEqual(fresh.deviceSecret, old.deviceSecret);
  assert.equal(await code(fresh), 0);
  assert.deepEqual(await refusals(server, old), []);
  assert.equal(await code(old), 0);
  const warning = await entry(old, 'login.secret_earlier');
  assert.match(warning.Evidence, /ends in 14\d\d minutes/);
  assert.doesNotMatch(JSON.stringify(warning), new RegExp(old.deviceSecret));

  const again = await command('device', 'rotate-secret', productKey, deviceName);
  assert.notEqual(again.code, 0);
  assert.match(again.out + again.err, /tercet\.rotation\.Running/);

  // The end signs out a session that the earlier secret has opened.
  const client = await connect(old);
  const closed = new Promise((resolve) => client.once('close', resolve));
  const ended = await command('device', 'rotate-secret', productKey, deviceName, '--end');
  assert.equal(ended.code, 0, ended.out + ended.err);
  await closed;
  assert.equal(await code(old), 4);
  await entry(old, 'login.secret_ended');
  assert.equal(await code(fresh), 0);
  proved({ 'MQTT.js': ['secret rotation'] });
});

test('the official OpenAPI SDK rotates a secret by the name of the action', async () => {
  const old = await makeDevice(server, productKey);
  const client = new Core({ accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret, endpoint: server.openapi, apiVersion: '2018-01-20' });
  const device = { ProductKey: productKey, DeviceName: old.deviceName };
  const rotated = await client.request('RotateDeviceSecret', { ...device, OverlapSeconds: 60 }, { method: 'POST' });
  assert.equal(rotated.Success, true);
  assert.equal(await code({ ...old, deviceSecret: rotated.Data.DeviceSecret }), 0);
  assert.equal(await code(old), 0);
  const ended = await client.request('EndDeviceSecretRotation', device, { method: 'POST' });
  assert.equal(ended.Success, true);
  assert.equal(await code(old), 4);
  proved({ 'pop-core': ['secret rotation'] });
});
