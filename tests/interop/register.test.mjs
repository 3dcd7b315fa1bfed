// Dynamic registration: the official Node device SDK over HTTPS, and clients in the style of C Link SDK 4.x over MQTT with and
// without pre-registration, played back as bytes; what they get lets them in.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import mqttPacket from 'mqtt-packet';
import { api, credentials, makeDevice, makeProduct, proved, refusals, run, runNode, sign, startServer, until } from '../harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url)); // import.meta.dirname needs a newer Node than Debian's
const tercet = process.env.TERCET;
const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
let server, productKey, productSecret;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
  productSecret = (await api(server, 'QueryProduct', { ProductKey: productKey })).Data.ProductSecret;
  const done = await command('product', 'registration', productKey, 'on');
  assert.equal(done.code, 0, done.out + done.err);
});
after(async () => { await server.stop(); });

const command = (...words) => run(tercet, [...words, '--ready', path.join(server.directory, 'ready.json')]);

// One connection; resolves to the CONNACK's code, what was published unasked, and when the server hung up.
async function connect(login, { listener = 'mqtts', wait = 1, keepalive = 60 } = {}) {
  const { host, port } = server.listener(listener);
  const socket = tls.connect({ host, port, ca: readFileSync(server.ca), servername: 'localhost' });
  await new Promise((resolve, reject) => { socket.once('secureConnect', resolve); socket.once('error', reject); });
  const link = { socket, closed: false, messages: [], connack: undefined, bytes: Buffer.alloc(0) };
  socket.on('close', () => (link.closed = true));
  socket.on('error', () => (link.closed = true));
  const parser = mqttPacket.parser({ protocolVersion: 4 });
  parser.on('packet', (packet) => {
    if (packet.cmd === 'connack') link.connack = packet;
    if (packet.cmd === 'publish') link.messages.push({ topic: packet.topic, text: packet.payload.toString(), qos: packet.qos });
  });
  socket.on('data', (chunk) => parser.parse(chunk));
  socket.write(mqttPacket.generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive, ...login, password: Buffer.from(login.password) }));
  await until(() => link.connack || link.closed, 'CONNACK');
  if (link.connack?.returnCode === 0) await until(() => link.messages.length >= wait, 'the message of the registration');
  return link;
}
// C Link SDK 4: dn.pk, upper-case hex.
function registration(deviceName, { authType = 'register', secret = productSecret, method = 'hmacsha256', random = '1f3c', securemode = 2, extra = '' } = {}) {
  return {
    clientId: `${deviceName}.${productKey}|random=${random},authType=${authType},securemode=${securemode},signmethod=${method}${extra}|`,
    username: `${deviceName}&${productKey}`,
    password: sign(method, secret, `deviceName${deviceName}productKey${productKey}random${random}`).toUpperCase(),
  };
}
const refused = async (login) => {
  const link = await connect(login);
  link.socket.destroy();
  return link.connack?.returnCode;
};
const causes = async (deviceName) => (await refusals(server, { productKey, deviceName })).map((one) => one.Cause);
async function logsIn(login) {
  const link = await connect(login, { wait: 0 });
  const code = link.connack?.returnCode;
  link.socket.end(mqttPacket.generate({ cmd: 'disconnect' }));
  return code;
}

test('the official Node SDK gets the DeviceSecret of a registered device over HTTPS, whatever method it names', async () => {
  const url = `${server.files}/auth/register/device`;
  for (const method of ['', 'hmacsha1', 'hmacmd5', 'hmacsha256']) {
    const triple = await makeDevice(server, productKey);
    const answer = JSON.parse(await runNode(server, path.join(here, 'official_register.mjs'), [url, productKey, productSecret, triple.deviceName, method]));
    assert.deepEqual(answer, { code: 200, data: { productKey, deviceName: triple.deviceName, deviceSecret: triple.deviceSecret }, message: 'success' });
  }
  const triple = await makeDevice(server, productKey);
  const wrong = JSON.parse(await runNode(server, path.join(here, 'official_register.mjs'), [url, productKey, 'ProductSecret000', triple.deviceName]));
  assert.equal(wrong.code, 6600);
  assert.deepEqual(await causes(triple.deviceName), ['registration.wrong_product_secret']);
  const unknown = JSON.parse(await runNode(server, path.join(here, 'official_register.mjs'), [url, productKey, productSecret, 'nobody_0']));
  assert.equal(unknown.code, 6100);
  proved({ 'Node device SDK': ['dynamic registration'] });
});

test('C Link style: CONNECT with authType=register, the secret on /ext/register without SUBSCRIBE, then a login with it', async () => {
  const triple = await makeDevice(server, productKey);
  for (const method of ['hmacsha256', 'hmacsha1', 'hmacmd5']) {
    const link = await connect(registration(triple.deviceName, { method }), { keepalive: 10 });
    assert.equal(link.connack.returnCode, 0);
    assert.equal(link.connack.sessionPresent, false);
    assert.equal(link.messages[0].topic, '/ext/register');
    assert.equal(link.messages[0].text, `{"productKey":"${productKey}","deviceName":"${triple.deviceName}","deviceSecret":"${triple.deviceSecret}"}`);
    link.socket.destroy();
  }
  assert.equal(await logsIn(credentials(triple)), 0);
  assert.equal(await refused(registration(triple.deviceName)), 4);
  assert.equal((await causes(triple.deviceName))[0], 'registration.already_active');
  // Its secret was lost: one more registration.
  const reset = await command('device', 'reset', productKey, triple.deviceName);
  assert.equal(reset.code, 0, reset.err);
  const again = await connect(registration(triple.deviceName));
  assert.match(again.messages[0].text, new RegExp(triple.deviceSecret));
  again.socket.destroy();
  proved({ 'C Link bytes': ['dynamic registration'] });
});

test('C Link style: authType=regnwl makes the device and returns a client id and a token, which let it in', async () => {
  const deviceName = 'a4cf1266aabb';
  const link = await connect(registration(deviceName, { authType: 'regnwl', securemode: -2, extra: ',instanceId=iot-1' }), { listener: 'mqtt' });
  assert.equal(link.connack.returnCode, 0);
  assert.equal(link.messages[0].topic, '/ext/regnwl');
  const got = JSON.parse(link.messages[0].text);
  assert.deepEqual(Object.keys(got), ['productKey', 'deviceName', 'clientId', 'deviceToken']);
  link.socket.destroy();
  const login = (clientId, deviceToken, authType = 'connwl') => ({ clientId: `${clientId}|authType=${authType},securemode=-2,_ss=1,ext=3,_v=sdk-c-4.2.0|`, username: `${deviceName}&${productKey}`, password: deviceToken });
  assert.equal(await logsIn(login(got.clientId, got.deviceToken)), 0);
  assert.equal(await logsIn(login(got.clientId, got.deviceToken, 'regnwl')), 0);
  assert.equal(await refused(login(got.clientId, got.deviceToken.slice(1) + '0')), 4);
  assert.equal((await causes(deviceName))[0], 'login.token_unknown');

  // Five boards share the name, a sixth does not; the operator keeps one.
  for (let board = 2; board <= 5; board++) assert.equal((await connect(registration(deviceName, { authType: 'regnwl' }))).connack.returnCode, 0);
  assert.equal(await refused(registration(deviceName, { authType: 'regnwl' })), 4);
  assert.equal((await causes(deviceName))[0], 'registration.too_many');
  const listed = await command('device', 'tokens', productKey, deviceName, '--json');
  assert.equal(JSON.parse(listed.out).Data.DynamicRegClientIds.length, 5);
  const kept = await command('device', 'tokens', productKey, deviceName, '--keep', got.clientId);
  assert.equal(kept.code, 0, kept.err);
  assert.equal(await logsIn(login(got.clientId, got.deviceToken)), 0);
  const ids = await api(server, 'QueryClientIds', { ProductKey: productKey, DeviceName: deviceName });
  assert.equal(ids.Data.DynamicRegClientIds.length, 1);

  // A token that is taken away ends the session it opened.
  const online = await connect(login(got.clientId, got.deviceToken), { wait: 0 });
  assert.equal(online.connack.returnCode, 0);
  await api(server, 'DeleteClientIds', { IotId: ids.Data.IotId });
  await until(() => online.closed, 'the session is closed');
  assert.equal(await refused(login(got.clientId, got.deviceToken)), 4);
  proved({ 'C Link bytes': ['dynamic registration'] });
});

test('what may not register is told so with the codes of the cloud, and the journal says why', async () => {
  const triple = await makeDevice(server, productKey);
  assert.equal(await refused(registration(triple.deviceName, { secret: 'ProductSecret000' })), 4);
  assert.equal((await causes(triple.deviceName))[0], 'registration.wrong_product_secret');
  assert.equal(await refused({ ...registration(triple.deviceName), clientId: 'x|authType=register,securemode=2,signmethod=hmacsha256|' }), 2);
  assert.equal((await causes(triple.deviceName))[0], 'registration.incomplete');
  assert.equal(await refused(registration('nobody_1')), 4);
  assert.equal((await causes('nobody_1'))[0], 'login.unknown_device');
  const off = await command('product', 'registration', productKey, 'off');
  assert.equal(off.code, 0, off.err);
  for (const authType of ['register', 'regnwl']) {
    assert.equal(await refused(registration(triple.deviceName, { authType })), 4);
    assert.equal((await causes(triple.deviceName))[0], 'registration.switched_off');
  }
  await command('product', 'registration', productKey, 'on');
});

test('our own board registers once, pre-registered or not, keeps what it is told, and posts with it after a restart', async () => {
  const { host, port } = server.listener('mqtts');
  for (const [deviceName, ...more] of [['board_0001'], ['board_0002', 'unlisted']]) {
    if (more.length === 0) await makeDevice(server, productKey, deviceName);
    const state = mkdtempSync(path.join(tmpdir(), 'tercet-register-'));
    const board = (secret) => run(path.join(examples, 'register'), [productKey, deviceName, host, String(port), server.ca, state, ...more], { environment: { PRODUCT_SECRET: secret } });
    const first = await board(productSecret);
    assert.equal(first.code, 0, first.out + first.err);
    assert.equal(first.out, 'registered\nposted\n');
    for (const file of readdirSync(state)) assert.equal(statSync(path.join(state, file)).mode & 0o077, 0, file);
    const second = await board('forgotten');
    assert.equal(second.out, 'posted\n');
    const status = await api(server, 'QueryDevicePropertyStatus', { ProductKey: productKey, DeviceName: deviceName });
    assert.equal(status.Data.List.PropertyStatusInfo.find((one) => one.Identifier === 'temperature').Value, '21.5');
    rmSync(state, { recursive: true });
  }
  proved({ 'our SDK': ['dynamic registration'] });
});

test('tercet device --register makes a triple file of a ProductSecret, never over another, and the board runs with it', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tercet-register-'));
  const { host, port } = server.listener('mqtts');
  const { deviceName } = await makeDevice(server, productKey);
  const file = path.join(folder, 'triple.json'), secret = path.join(folder, 'product.secret');
  const register = (name, more = [], environment = { TERCET_PRODUCT_SECRET: productSecret }) => run(tercet,
    ['device', '--register', name, '--triple', file, '--host', host, '--port', String(port), '--ca', server.ca, '--give-up', '20', '--lang', 'en', ...more], { environment });
  assert.equal((await register('nonsense')).code, 2);
  assert.match((await register(`${productKey}/${deviceName}`, [], { TERCET_PRODUCT_SECRET: '' })).err, /--product-secret FILE/);
  const refused = await register(`${productKey}/${deviceName}`, [], { TERCET_PRODUCT_SECRET: 'ProductSecret000' });
  assert.equal(refused.code, 14, refused.out + refused.err);
  assert.match(refused.err, /tercet log refusals/);
  assert.equal((await causes(deviceName))[0], 'registration.wrong_product_secret');
  assert.equal(existsSync(file), false);

  writeFileSync(secret, `${productSecret}\n`, { mode: 0o644 });
  assert.match((await register(`${productKey}/${deviceName}`, ['--product-secret', secret], {})).err, /chmod 600/);
  rmSync(secret);
  writeFileSync(secret, `${productSecret}\n`, { mode: 0o600 });
  const done = await register(`${productKey}/${deviceName}`, ['--product-secret', secret], {});
  assert.equal(done.code, 0, done.out + done.err);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const written = JSON.parse(readFileSync(file));
  assert.deepEqual({ ...written, deviceSecret: '' }, { productKey, deviceName, deviceSecret: '', host, port, ca: server.ca });
  assert.ok(!(done.out + done.err).includes(written.deviceSecret));
  const board = await run(tercet, ['device', '--triple', file, '--interval', '1', '--count', '1', '--give-up', '20', '--sensor', 'model']);
  assert.equal(board.code, 0, board.out + board.err);

  assert.equal((await register(`${productKey}/${deviceName}`)).code, 2); // the file is there
  assert.equal(JSON.parse(readFileSync(file)).deviceSecret, written.deviceSecret);
  rmSync(folder, { recursive: true });
  proved({ 'our SDK': ['dynamic registration'] });
});
