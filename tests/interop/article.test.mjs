// The tutorial's code, byte for byte: three forms of client id, a password with `&timestamp=…&signMethod=hmacSha1`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { api, makeDevice, makeProduct, proved, refusals, run, sign, startServer, tercet, until } from '../harness.mjs';

let server, productKey;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => { await server.stop(); });

const hexId = 'a4cf12';
// As the tutorial computes it: seconds times 1000.
const timestampOf = (date) => String(Math.floor(date / 1000) * 1000);
function articleLogin(triple, form, timestamp) {
  const { productKey: pk, deviceName: dn, deviceSecret: secret } = triple;
  const clientId = {
    A: `${hexId}|clientId=xxx, deviceName=${dn}, productKey=${pk}, timestamp=${timestamp}, signMethod=hmacSha1, resourceOwner=true, secureMode=2, authId=${dn}, random=123456789|`,
    B: `${hexId}|secureMode=2,authId=${dn},timestamp=${timestamp}|`,
    C: `${hexId}|secureMode=2|`,
  }[form];
  const signed = sign('hmacsha1', secret, `clientId${hexId}&deviceName${dn}&productKey${pk}&timestamp${timestamp}`);
  return { clientId, username: `${dn}&${pk}`, password: `${signed}&timestamp=${timestamp}&signMethod=hmacSha1` };
}
const connect = (login) => {
  const { host, port } = server.listener('mqtts');
  return mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), keepalive: 60, reconnectPeriod: 0, ...login });
};

for (const form of ['A', 'B', 'C']) {
  test(`form ${form} of the article connects, posts and receives a set`, async () => {
    const triple = await makeDevice(server, productKey);
    const client = await connect(articleLogin(triple, form, timestampOf(Date.now())));
    try {
      const base = `/sys/${productKey}/${triple.deviceName}/thing`;
      const heard = [];
      client.on('message', (topic, payload) => heard.push(JSON.parse(payload)));
      await client.subscribeAsync(`${base}/service/property/set`);
      await client.publishAsync(`${base}/event/property/post`, JSON.stringify({ id: '123', version: '1.0', params: { temperature: 25.3, humidity: 60.1 }, method: 'thing.event.property.post' }));
      await until(async () => {
        const status = await api(server, 'QueryDevicePropertyStatus', { ProductKey: productKey, DeviceName: triple.deviceName });
        return status.Data.List.PropertyStatusInfo.some((one) => one.Identifier === 'temperature' && Number(one.Value) === 25.3);
      }, 'the reading is served');
      await api(server, 'SetDeviceProperty', { ProductKey: productKey, DeviceName: triple.deviceName, Items: '{"report_interval":12}' });
      const command = await until(() => heard[0], 'the set');
      assert.deepEqual(command.params, { report_interval: 12 });
      const warnings = (await refusals(server, triple)).filter((one) => one.Warning);
      assert.ok(warnings.some((one) => /article/.test(one.Cause)), 'the journal says which line the real cloud would refuse');
      const shown = await run(tercet, ['log', 'refusals', productKey, triple.deviceName, '--ready', `${server.directory}/ready.json`]);
      assert.equal(shown.code, 0, shown.err);
      assert.match(shown.out, /article/);
      assert.match(shown.out, /Remedy/);
    } finally {
      await client.endAsync(true);
    }
    proved({ 'tutorial code': ['login over TLS', 'property post and reply', 'property set'] });
  });
}

test('with a clock 16 minutes off the article is refused and the journal says so', async () => {
  for (const minutes of [-16, 16]) {
    const triple = await makeDevice(server, productKey);
    await assert.rejects(connect(articleLogin(triple, 'C', timestampOf(Date.now() + minutes * 60000))));
    const found = await until(async () => (await refusals(server, triple))[0], 'the refusal');
    assert.match(found.Cause, /clock/);
    assert.match(found.Remedy, /NTP|time/i);
  }
  proved({ 'tutorial code': ['refusal explained'] });
});

test('the overflowed timestamp of a 32-bit clock is named', async () => {
  const triple = await makeDevice(server, productKey);
  await assert.rejects(connect(articleLogin(triple, 'C', '18446744072363278512')));
  const found = await until(async () => (await refusals(server, triple))[0], 'the refusal');
  assert.match(found.Cause, /overflow/);
  proved({ 'tutorial code': ['refusal explained'] });
});
