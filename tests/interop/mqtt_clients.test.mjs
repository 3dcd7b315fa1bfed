// General-purpose MQTT clients: MQTT.js in 3.1.1 and 5.0, mosquitto's command-line clients.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { api, credentials, makeDevice, makeProduct, proved, refusals, run, sign, startServer, until } from '../harness.mjs';

let server, productKey;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => { await server.stop(); });

const post = (values, id = '1') => JSON.stringify({ id, version: '1.0', params: values, method: 'thing.event.property.post' });

for (const protocolVersion of [4, 5]) {
  test(`MQTT.js with protocol level ${protocolVersion} posts over TLS and is answered 200`, async () => {
    const triple = await makeDevice(server, productKey);
    const { host, port } = server.listener('mqtts');
    const login = credentials(triple);
    const client = await mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), protocolVersion, clean: true, keepalive: 60, reconnectPeriod: 0, ...login });
    try {
      const base = `/sys/${productKey}/${triple.deviceName}/thing`;
      const heard = [];
      client.on('message', (topic, payload) => heard.push([topic, JSON.parse(payload)]));
      const granted = await client.subscribeAsync([`${base}/event/property/post_reply`, `${base}/service/property/set`], { qos: 1 });
      assert.deepEqual(granted.map((one) => one.qos), [1, 1]);
      await client.publishAsync(`${base}/event/property/post`, post({ temperature: 20.5, humidity: 40, nonsense: 1 }), { qos: 1 });
      const [topic, reply] = await until(() => heard[0], 'the reply');
      assert.equal(topic, `${base}/event/property/post_reply`);
      assert.equal(reply.code, 200);
      assert.equal(reply.id, '1');
      assert.match(reply.data.nonsense, /tsl parse: params not exist/);
      const status = await api(server, 'GetDeviceStatus', { ProductKey: productKey, DeviceName: triple.deviceName });
      assert.equal(status.Data.Status, 'ONLINE');
    } finally {
      await client.endAsync(true);
    }
    proved({ 'MQTT.js': ['login over TLS', 'property post and reply'] });
  });
}

test('a filter of somebody else is refused with 0x80 and the journal says why', async () => {
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtts');
  const client = await mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0, ...credentials(triple) });
  try {
    await assert.rejects(client.subscribeAsync(`/sys/${productKey}/other/thing/service/property/set`));
    assert.ok(client.connected);
    const found = await until(async () => (await refusals(server, triple)).find((one) => one.Stage === 'subscribe'), 'the refusal');
    assert.ok(found.Remedy.length > 10);
  } finally {
    await client.endAsync(true);
  }
  proved({ 'MQTT.js': ['refusal explained'] });
});

test('mosquitto_pub and mosquitto_sub log in with a device triple over TLS', async () => {
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtts');
  const login = credentials(triple);
  const common = ['-h', host, '-p', String(port), '--cafile', server.ca, '-i', login.clientId, '-u', login.username, '-P', login.password];
  const published = await run('mosquitto_pub', [...common, '-q', '1', '-t', `/sys/${productKey}/${triple.deviceName}/thing/event/property/post`, '-m', post({ temperature: 19.25 })]);
  assert.equal(published.code, 0, published.err);
  const status = await api(server, 'QueryDevicePropertyStatus', { ProductKey: productKey, DeviceName: triple.deviceName });
  assert.equal(Number(status.Data.List.PropertyStatusInfo.find((one) => one.Identifier === 'temperature').Value), 19.25);
  const listening = run('mosquitto_sub', [...common, '-q', '1', '-C', '1', '-W', '10', '-v', '-t', `/sys/${productKey}/${triple.deviceName}/thing/service/property/set`]);
  await until(async () => (await api(server, 'GetDeviceStatus', { ProductKey: productKey, DeviceName: triple.deviceName })).Data.Status === 'ONLINE', 'mosquitto_sub online');
  await until(async () => {
    await api(server, 'SetDeviceProperty', { ProductKey: productKey, DeviceName: triple.deviceName, Items: '{"report_interval":9}' }).catch(() => {});
    return Promise.race([listening.then(() => true), new Promise((resolve) => setTimeout(resolve, 200, false))]);
  }, 'the set');
  const heard = await listening;
  assert.equal(heard.code, 0, heard.err);
  assert.match(heard.out, /"report_interval":9/);
  const own = run('mosquitto_sub', [...common, '-q', '1', '-C', '1', '-W', '10', '-t', `/${productKey}/${triple.deviceName}/user/get`]);
  await until(async () => {
    await api(server, 'Pub', { ProductKey: productKey, TopicFullName: `/${productKey}/${triple.deviceName}/user/get`, MessageContent: Buffer.from('open').toString('base64'), Qos: 0 }).catch(() => {});
    return Promise.race([own.then(() => true), new Promise((resolve) => setTimeout(resolve, 200, false))]);
  }, 'the message on a topic of its own');
  assert.equal((await own).out.trim(), 'open');
  proved({ mosquitto: ['login over TLS', 'property post and reply', 'property set', 'custom topics'] });
});

test('mosquitto_pub with a pre-shared key, as the vendor\'s C SDK derives it, posts without any certificate; a wrong key is explained', async () => {
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtt');
  const login = credentials(triple);
  const pair = `${productKey}&${triple.deviceName}`;
  // mosquitto_pub would take TLS 1.3 and the certificate; the C SDK has neither.
  const only12 = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-psk-')), 'openssl.cnf');
  writeFileSync(only12, 'openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n[tls]\nMaxProtocol = TLSv1.2\n');
  const key = (secret) => Buffer.from(sign('hmacsha256', secret, `id${pair}timestamp2524608000000`).toUpperCase()).toString('hex');
  const post19 = (psk) => run('mosquitto_pub', ['-h', host, '-p', String(port), '--psk', psk, '--psk-identity', `devicename|hmacsha256|${pair}|2524608000000`,
    '--tls-version', 'tlsv1.2', '--ciphers', 'PSK-AES128-CBC-SHA', '-i', login.clientId, '-u', login.username, '-P', login.password,
    '-q', '1', '-t', `/sys/${productKey}/${triple.deviceName}/thing/event/property/post`, '-m', post({ temperature: 19.5 })], { environment: { OPENSSL_CONF: only12 } });
  const published = await post19(key(triple.deviceSecret));
  assert.equal(published.code, 0, published.err);
  const status = await api(server, 'QueryDevicePropertyStatus', { ProductKey: productKey, DeviceName: triple.deviceName });
  assert.equal(Number(status.Data.List.PropertyStatusInfo.find((one) => one.Identifier === 'temperature').Value), 19.5);
  assert.notEqual((await post19(key('another secret'))).code, 0);
  const found = await until(async () => (await refusals(server, triple)).find((one) => one.Cause === 'tls.psk_key'), 'the refusal');
  assert.match(found.Remedy, /upper-case hex/);
  proved({ mosquitto: ['login by pre-shared key', 'refusal explained'] });
});

test('mosquitto clients talk to each other on a listener with the standard policy, QoS 0, 1 and 2, retained too', async () => {
  const { host, port } = server.listener('standard');
  const common = ['-h', host, '-p', String(port)];
  for (const qos of ['0', '1', '2']) {
    const topic = `hall/${qos}/temperature`;
    const published = await run('mosquitto_pub', [...common, '-q', qos, '-r', '-t', topic, '-m', `value ${qos}`]);
    assert.equal(published.code, 0, published.err);
    const heard = await run('mosquitto_sub', [...common, '-q', qos, '-C', '1', '-W', '10', '-t', `hall/${qos}/+`]);
    assert.equal(heard.out.trim(), `value ${qos}`);
  }
});

test('plain TCP on the sniffing port is refused and the journal says what to change', async () => {
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtt');
  const login = credentials(triple, { securemode: 3 });
  const refused = await run('mosquitto_pub', ['-h', host, '-p', String(port), '-i', login.clientId, '-u', login.username, '-P', login.password, '-t', 'x', '-m', 'y']);
  assert.notEqual(refused.code, 0);
  const found = await until(async () => (await refusals(server, triple)).find((one) => one.Cause.includes('plain')), 'the refusal');
  assert.match(found.Remedy, /8883|TLS|allow_plain/);
});

test('a TLS 1.2 client comes back with a session ticket and saves the handshake; TLS 1.3 is given none', async () => {
  const { host, port } = server.listener('mqtts');
  const kept = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-ticket-')), 'session.pem');
  const connect = (...more) => run('openssl', ['s_client', '-connect', `${host}:${port}`, '-CAfile', server.ca, ...more], { input: 'Q' });
  const first = await connect('-tls1_2', '-sess_out', kept);
  assert.match(first.out, /^New, TLSv1.2/m);
  assert.match(first.out, /TLS session ticket lifetime hint: 86400/);
  const again = await connect('-tls1_2', '-sess_in', kept);
  assert.match(again.out, /^Reused, TLSv1.2/m);
  const modern = await connect('-tls1_3');
  assert.match(modern.out, /^New, TLSv1.3/m);
  assert.doesNotMatch(modern.out, /session ticket/i);
});

test('a pre-shared key is asked for at each handshake: its sessions get no ticket', async () => {
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtt');
  const pair = `${productKey}&${triple.deviceName}`;
  const key = Buffer.from(sign('hmacsha256', triple.deviceSecret, `id${pair}timestamp2524608000000`).toUpperCase()).toString('hex');
  const kept = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-ticket-')), 'session.pem');
  const connect = (...more) => run('openssl', ['s_client', '-connect', `${host}:${port}`, '-tls1_2', '-cipher', 'PSK-AES128-CBC-SHA', '-psk', key,
    '-psk_identity', `devicename|hmacsha256|${pair}|2524608000000`, ...more], { input: 'Q' });
  const first = await connect('-sess_out', kept);
  assert.match(first.out, /^New, /m);
  assert.match(first.out, /Cipher\s+: PSK-AES128-CBC-SHA/);
  assert.doesNotMatch(first.out, /TLS session ticket:/);
  if (existsSync(kept)) assert.match((await connect('-sess_in', kept)).out, /^New, /m);
});

test('TLS works on the sniffing port as well, also as the C SDK of the vendor does it (RSA key exchange, CBC)', async () => {
  const { host, port } = server.listener('mqtt');
  const legacy = await run('openssl', ['s_client', '-connect', `${host}:${port}`, '-CAfile', server.ca, '-tls1_2', '-cipher', 'AES128-SHA', '-brief'], { input: 'Q' });
  assert.match(legacy.err + legacy.out, /AES128-SHA/);
  const modern = server.listener('mqtts');
  const refusedThere = await run('openssl', ['s_client', '-connect', `${modern.host}:${modern.port}`, '-CAfile', server.ca, '-tls1_2', '-cipher', 'AES128-SHA', '-brief'], { input: 'Q' });
  assert.notEqual(refusedThere.code, 0);
});
