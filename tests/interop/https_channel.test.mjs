// The HTTPS channel: requests as the vendor's C SDKs write them, and as a shell script with curl does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { api, credentials, makeDevice, makeProduct, proved, refusals, run, sign, startServer, until } from '../harness.mjs';

let server, productKey, ca;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
  ca = readFileSync(server.ca);
});
after(async () => { await server.stop(); });

const send = (path, { headers = {}, body = '', method = 'POST' }) => new Promise((resolve, reject) => {
  const { hostname, port } = new URL(server.files);
  const request = https.request({ host: hostname, port, path, method, headers, ca }, (answer) => {
    let text = '';
    answer.on('data', (chunk) => (text += chunk)).on('end', () => resolve({ status: answer.statusCode, text, json: text.startsWith('{') ? JSON.parse(text) : null }));
  });
  request.on('error', reject).end(body);
});
function form(triple, { method = 'hmacmd5', ...more } = {}) {
  const signed = { clientId: `${triple.productKey}.${triple.deviceName}`, deviceName: triple.deviceName, productKey: triple.productKey, ...more };
  const content = Object.keys(signed).sort().map((name) => name + signed[name]).join('');
  return { ...signed, signmethod: method, sign: sign(method, triple.deviceSecret, content), version: 'default' };
}
const auth = (body) => send('/auth', { headers: { 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) });
const publish = (token, topic, body) => send(`/topic${topic}`, { headers: { 'content-type': 'application/octet-stream', password: token }, body });
const post = (values, id = '1') => JSON.stringify({ id, version: '1.0', params: values, method: 'thing.event.property.post' });
const upTopic = (triple) => `/sys/${triple.productKey}/${triple.deviceName}/thing/event/property/post`;
const value = async (triple, identifier) => Number((await api(server, 'QueryDevicePropertyStatus', { ProductKey: triple.productKey, DeviceName: triple.deviceName })).Data.List.PropertyStatusInfo.find((one) => one.Identifier === identifier)?.Value);

for (const [name, options] of [['hmacmd5 with a timestamp', { timestamp: String(Date.now()) }], ['hmacsha1', { method: 'hmacsha1' }], ['hmacsha256', { method: 'hmacsha256' }]]) {
  test(`a device signs with ${name}, gets a token and posts with it, and the value is there once it is answered`, async () => {
    const triple = await makeDevice(server, productKey);
    const login = await auth(form(triple, options));
    assert.equal(login.status, 200);
    assert.deepEqual({ ...login.json, info: undefined }, { code: 0, message: 'success', info: undefined });
    assert.ok(login.json.info.token.length <= 192);
    const answer = await publish(login.json.info.token, upTopic(triple), post({ temperature: 21.5, nonsense: 1 }, '17'));
    assert.equal(answer.json.code, 0, answer.text);
    assert.match(answer.text, /^\{"code":0,"message":"success","info":\{"messageId":\d{17,19},/);
    const reply = JSON.parse(Buffer.from(answer.json.info.data, 'base64').toString());
    assert.equal(reply.id, '17');
    assert.equal(reply.code, 200);
    assert.match(reply.data.nonsense, /tsl parse/);
    assert.equal(await value(triple, 'temperature'), 21.5);
  });
}

test('the requests of the vendor\'s C SDK are understood byte for byte', async () => {
  const triple = await makeDevice(server, productKey);
  const { hostname, port } = new URL(server.files);
  const talk = (text) => new Promise((resolve, reject) => {
    const socket = tls.connect({ host: hostname, port, ca, servername: 'localhost' }, () => socket.write(text));
    let got = '';
    socket.on('data', (chunk) => {
      got += chunk;
      if (got.endsWith('}')) socket.end();
    }).on('close', () => resolve(got)).on('error', reject);
  });
  const request = (path, type, more, body) => `POST ${path} HTTP/1.1\r\nHost: iot-as-http.cn-shanghai.aliyuncs.com\r\nAccept: text/xml, text/javascript, text/html, application/json\r\nContent-Type:${type}\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
  const content = `clientId${triple.productKey}.${triple.deviceName}deviceName${triple.deviceName}productKey${triple.productKey}`;
  const body = `{"version":"default","clientId":"${triple.productKey}.${triple.deviceName}","signmethod":"hmacmd5","sign":"${sign('hmacmd5', triple.deviceSecret, content)}","productKey":"${triple.productKey}","deviceName":"${triple.deviceName}"}`;
  const login = await talk(request('/auth', 'application/json', '', body));
  const token = /"token":"([^"]+)"/.exec(login)[1];
  const answer = await talk(request(`/topic/${productKey}/${triple.deviceName}/user/update`, 'application/octet-stream', `password:${token}\r\n`, '{"hello":1}'));
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(answer, /\{"code":0,"message":"success","info":\{"messageId":\d+\}\}$/);
  proved({ 'C Link bytes': ['HTTPS channel'] });
});

test('curl posts with the two lines of the guide', async () => {
  const triple = await makeDevice(server, productKey);
  const common = ['-s', '--cacert', server.ca, '--resolve', `localhost:${new URL(server.files).port}:127.0.0.1`];
  const base = `https://localhost:${new URL(server.files).port}`;
  const login = await run('curl', [...common, '-H', 'Content-Type: application/json', '-d', JSON.stringify(form(triple)), `${base}/auth`]);
  assert.equal(login.code, 0, login.err);
  const { token } = JSON.parse(login.out).info;
  const answer = await run('curl', [...common, '-H', 'Content-Type: application/octet-stream', '-H', `password: ${token}`, '--data-binary', post({ temperature: 19.5 }), `${base}/topic${upTopic(triple)}`]);
  assert.equal(JSON.parse(answer.out).code, 0, answer.out);
  assert.equal(await value(triple, 'temperature'), 19.5);
  await run('curl', [...common, '-H', 'Content-Type: application/json', '-d', JSON.stringify({ ...form(triple), sign: '00' }), `${base}/auth`]);
  const found = await until(async () => (await refusals(server, triple))[0], 'the refusal');
  assert.ok(found.Remedy.length > 10);
  proved({ curl: ['HTTPS channel', 'property post and reply', 'refusal explained'] });
});

test('a custom topic reaches who subscribes over MQTT', async () => {
  const triple = await makeDevice(server, productKey);
  await api(server, 'CreateProductTopic', { ProductKey: productKey, TopicShortName: 'relay', Operation: 'ALL' });
  const { host, port } = server.listener('mqtts');
  const client = await mqtt.connectAsync({ protocol: 'mqtts', host, port, ca, reconnectPeriod: 0, ...credentials(triple) });
  try {
    const heard = [];
    client.on('message', (topic, payload) => heard.push([topic, String(payload)]));
    await client.subscribeAsync(`/${productKey}/${triple.deviceName}/user/relay`, { qos: 1 });
    const { json } = await auth(form(triple));
    assert.equal((await publish(json.info.token, `/${productKey}/${triple.deviceName}/user/relay`, 'over https')).json.code, 0);
    assert.deepEqual(await until(() => heard[0], 'the message'), [`/${productKey}/${triple.deviceName}/user/relay`, 'over https']);
  } finally {
    await client.endAsync(true);
  }
});

test('every mistake has its code, and the journal explains a wrong sign', async () => {
  const triple = await makeDevice(server, productKey);
  const other = await makeDevice(server, productKey);
  const good = form(triple);
  const code = async (answer) => (await answer).json.code;
  assert.equal(await code(auth({ ...good, sign: '00' })), 20000);
  assert.equal(await code(auth(form(triple, { timestamp: String(Date.now() - 16 * 60000) }))), 20000);
  assert.equal(await code(auth({ ...good, deviceName: 'nobody' })), 20000);
  assert.equal(await code(auth('{"productKey":')), 10001);
  assert.equal(await code(auth({ ...good, sign: undefined })), 10001);
  assert.equal(await code(send('/auth', { headers: { 'content-type': 'text/plain' }, body: JSON.stringify(good) })), 10001);
  const { token } = (await auth(good)).json.info;
  assert.equal(await code(publish('', upTopic(triple), post({}))), 20002);
  assert.equal(await code(publish(token.slice(0, -2) + 'xx', upTopic(triple), post({}))), 20003);
  assert.equal(await code(publish('x', upTopic(triple), post({}))), 20003);
  assert.equal(await code(publish(token, upTopic(other), post({ temperature: 1 }))), 30001);
  assert.equal(await code(send(`/topic${upTopic(triple)}`, { headers: { 'content-type': 'application/json', password: token }, body: post({}) })), 10001);
  assert.equal((await send('/auth', { method: 'GET' })).status, 405);
  assert.equal((await send('/nothing', {})).status, 404);
  const found = await refusals(server, triple);
  const wrong = found.find((one) => one.Cause === 'sign.wrong_password' || /HTTPS \/auth/.test(one.Evidence));
  assert.ok(wrong && wrong.Remedy.length > 10, JSON.stringify(found.map((one) => one.Cause)));
  assert.ok(found.every((one) => !one.Evidence.includes(triple.deviceSecret)));
  assert.ok(found.some((one) => /topic/.test(one.Cause)));
});

test('a token outlives a restart of its connection and ends when the device is disabled', async () => {
  const triple = await makeDevice(server, productKey);
  const { token } = (await auth(form(triple))).json.info;
  assert.equal((await publish(token, upTopic(triple), post({ temperature: 5 }))).json.code, 0);
  await api(server, 'DisableThing', { ProductKey: productKey, DeviceName: triple.deviceName });
  assert.equal((await publish(token, upTopic(triple), post({ temperature: 6 }))).json.code, 20003);
  await api(server, 'EnableThing', { ProductKey: productKey, DeviceName: triple.deviceName });
  assert.equal((await publish(token, upTopic(triple), post({ temperature: 7 }))).json.code, 0);
});

test('a body of 128 KB is taken, a larger one is not', async () => {
  const triple = await makeDevice(server, productKey);
  const { token } = (await auth(form(triple))).json.info;
  const topic = `/${productKey}/${triple.deviceName}/user/large`;
  assert.equal((await publish(token, topic, Buffer.alloc(128 * 1024, 'x'))).json.code, 0);
  assert.equal((await publish(token, topic, Buffer.alloc(128 * 1024 + 1, 'x'))).status, 413);
});
