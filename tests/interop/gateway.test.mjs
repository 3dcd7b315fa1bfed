// Gateways and sub-devices: the official Node device SDK's gateway, MQTT.js with the messages of the C SDKs, the official
// OpenAPI SDK as application, on several shards, and across a restart.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import sdk from 'alibabacloud-iot-device-sdk';
import mqtt from 'mqtt';
import { api, credentials, makeDevice, makeProduct, proved, refusals, sign, startServer, until } from '../harness.mjs';

const config = (shards) => `shards = ${shards}
[[listener]]
name = "plain"
host = "127.0.0.1"
port = 0
transport = "plain"
policy = "cloud"
allow_plain = true
`;
let server, gateways, things, client;
before(async () => {
  server = await startServer({ config: config(4) });
  gateways = await makeProduct(server, { name: 'gateway', nodeType: 1 });
  things = await makeProduct(server, { name: 'sensor' });
  client = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
});
after(async () => { await server.stop(); });

async function call(action, parameters) {
  const name = `${action[0].toUpperCase()}${action.slice(1)}Request`;
  return (await client[action](new Iot[name](parameters))).body;
}
const plain = () => { const { host, port } = server.listener('plain'); return `mqtt://${host}:${port}`; };
const status = async (triple) => (await api(server, 'GetDeviceStatus', { ProductKey: triple.productKey, DeviceName: triple.deviceName })).Data.Status;
const isStatus = (triple, wanted) => until(async () => (await status(triple)) === wanted, `${triple.deviceName} is ${wanted}`);
const latest = async (triple, identifier) => {
  const { Data } = await api(server, 'QueryDevicePropertyStatus', { ProductKey: triple.productKey, DeviceName: triple.deviceName });
  return Data.List.PropertyStatusInfo.find((one) => one.Identifier === identifier)?.Value;
};
const named = ({ productKey, deviceName }) => ({ deviceName, productKey });
// What the official gateway calls back with, as a promise.
const promised = (act) => new Promise((resolve) => act(resolve));

async function officialGateway() {
  const triple = await makeDevice(server, gateways);
  const gateway = sdk.gateway({ ...triple, brokerUrl: plain() });
  await new Promise((resolve) => gateway.on('connect', resolve));
  await until(async () => (await promised((done) => gateway.getTopo(done))).code === 200, 'the gateway has subscribed');
  return { triple, gateway, stop: () => new Promise((resolve) => gateway._mqttClient.end(true, resolve)) };
}

// A gateway that speaks plain messages, and asks with promises.
async function plainGateway({ extra = ',_ss=1', triple, clean = true } = {}) {
  triple ??= await makeDevice(server, gateways);
  const { clientId, username, password } = credentials(triple, { securemode: 3, extra });
  const link = mqtt.connect(plain(), { clientId, username, password, clean, reconnectPeriod: 0 });
  const heard = [];
  link.on('message', (topic, payload) => heard.push({ topic, ...JSON.parse(payload.toString()) }));
  await new Promise((resolve, reject) => { link.on('connect', resolve); link.on('error', reject); });
  let last = 0;
  const ask = async (topic, params, more = {}) => {
    const id = String(++last);
    link.publish(topic, JSON.stringify({ id, params, ...more }));
    return until(() => heard.find((one) => one.id === id && one.topic === `${topic}_reply`), `an answer on ${topic}_reply`);
  };
  const sys = (tail) => `/sys/${triple.productKey}/${triple.deviceName}/thing/${tail}`;
  const session = (tail) => `/ext/session/${triple.productKey}/${triple.deviceName}/combine/${tail}`;
  return { triple, link, heard, ask, sys, session, stop: () => new Promise((resolve) => link.end(true, resolve)) };
}
function proof(triple, { method = 'hmacSha1', clientId = `${triple.productKey}.${triple.deviceName}`, timestamp = '2524608000000', name = 'signMethod' } = {}) {
  const content = `clientId${clientId}deviceName${triple.deviceName}productKey${triple.productKey}timestamp${timestamp}`;
  return { productKey: triple.productKey, deviceName: triple.deviceName, clientId, timestamp, [name]: method, sign: sign(method.toLowerCase(), triple.deviceSecret, content) };
}

test('the official Node gateway adds sub-devices, logs them in, posts for them and sets their properties', async () => {
  const { gateway, triple, stop } = await officialGateway();
  const children = [await makeDevice(server, things), await makeDevice(server, things), await makeDevice(server, things)];
  try {
    const added = await promised((done) => gateway.addTopo(children, done));
    assert.equal(added.code, 200, JSON.stringify(added));
    assert.deepEqual(added.data, children.map(named));
    assert.deepEqual((await promised((done) => gateway.getTopo(done))).data, children.map(named));
    const shown = await call('getThingTopo', { ...named(triple), pageNo: 1, pageSize: 50 });
    assert.equal(shown.data.total, 3);
    assert.deepEqual(shown.data.list.deviceInfo.map((one) => one.iotId), children.map((one) => one.iotId));
    const behind = await call('getGatewayBySubDevice', named(children[1]));
    assert.equal(behind.data.deviceName, triple.deviceName);
    assert.equal(behind.data.nodeType, '1');
    assert.equal(behind.data.status, 'ONLINE');
    assert.equal(behind.data.iotId, triple.iotId);

    for (const [index, child] of children.entries()) {
      const sub = await new Promise((resolve, reject) => {
        const made = gateway.login(child, (answer) => (answer.code === 200 ? resolve(made) : reject(new Error(JSON.stringify(answer)))));
      });
      assert.equal(await status(child), 'ONLINE');
      const posted = await until(() => Promise.race([promised((done) => sub.postProps({ temperature: 20 + index }, done)), new Promise((resolve) => setTimeout(resolve, 300))]), 'a post that is answered');
      assert.equal(posted.code, 200);
      assert.equal(await latest(child, 'temperature'), String(20 + index));
      const set = new Promise((resolve) => sub.onProps((message) => resolve(message)));
      await api(server, 'SetDeviceProperty', { ...{ ProductKey: child.productKey, DeviceName: child.deviceName }, Items: '{"report_interval":17}' });
      assert.deepEqual((await set).params, { report_interval: 17 });
    }
    const out = await new Promise((resolve, reject) => {
      gateway.logout(named(children[0]), () => {});  // this SDK hears no answer to it: it does not subscribe to one
      isStatus(children[0], 'OFFLINE').then(resolve, reject);
    });
    assert.ok(out);
    const removed = await promised((done) => gateway.removeTopo([named(children[0])], done));
    assert.equal(removed.code, 200);
    assert.equal((await call('getThingTopo', { ...named(triple), pageNo: 1, pageSize: 50 })).data.total, 2);
  } finally {
    await stop();
  }
  for (const child of children) await isStatus(child, 'OFFLINE');
  proved({ 'Node device SDK': ['gateway and sub-devices'], 'OpenAPI SDK': ['gateway and sub-devices'] });
});

test('a batch login in the form of the C SDK 4, with its client id signed whole, is all or none', async () => {
  const gateway = await plainGateway();
  const children = [];
  for (let i = 0; i < 5; ++i) children.push(await makeDevice(server, things));
  try {
    const added = await gateway.ask(gateway.sys('topo/add'), children.map((child) => proof(child, { method: 'hmacSha256', name: 'signmethod' })));
    assert.equal(added.code, 200, JSON.stringify(added));
    const login = children.map((child) => {
      const { signMethod, ...entry } = proof(child, { method: 'hmacSha256', clientId: `${child.productKey}.${child.deviceName}|_ss=1,_v=sdk-c-4.1.0|` });
      return { ...entry, cleanSession: 'false' };
    });
    const bad = structuredClone(login);
    bad[3].sign = '00'.repeat(32);
    const refused = await gateway.ask(gateway.session('batch_login'), { signMethod: 'hmacSha256', deviceList: bad }, { version: '1.0' });
    assert.equal(refused.code, 6287);
    assert.deepEqual(refused.data, [named(children[3])]);
    for (const child of children) assert.equal(await status(child), 'UNACTIVE');
    assert.ok((await refusals(server, children[3])).some((one) => one.CauseCode === 'gateway.sub_device_sign' || one.Code === 6287 || JSON.stringify(one).includes('gateway.sub_device_sign')));

    const accepted = await gateway.ask(gateway.session('batch_login'), { signMethod: 'hmacSha256', deviceList: login }, { version: '1.0' });
    assert.equal(accepted.code, 200, JSON.stringify(accepted));
    assert.deepEqual(accepted.data, children.map(named));
    for (const child of children) {
      assert.equal(await status(child), 'ONLINE');
      const posted = await gateway.ask(`/sys/${child.productKey}/${child.deviceName}/thing/event/property/post`, { humidity: 41 });
      assert.equal(posted.code, 200);
      assert.equal(await latest(child, 'humidity'), '41');
    }
    const wrong = await gateway.ask(gateway.session('batch_logout'), [named(children[0]), { productKey: things, deviceName: 'nobody' }]);
    assert.equal(wrong.code, 520);
    assert.equal(await status(children[0]), 'ONLINE');
    const left = await gateway.ask(gateway.session('batch_logout'), children.slice(0, 2).map(named));
    assert.equal(left.code, 200);
    for (const child of children.slice(0, 2)) await isStatus(child, 'OFFLINE');
    assert.equal(await status(children[2]), 'ONLINE');
    const gone = await gateway.ask(gateway.session('logout'), named(children[2]));
    assert.deepEqual(gone.data, named(children[2]));
  } finally {
    await gateway.stop();
  }
  proved({ 'MQTT.js': ['gateway and sub-devices'] });
});

test('a gateway speaks for nobody who is not in its topology and logged in', async () => {
  const gateway = await plainGateway(), other = await plainGateway();
  const child = await makeDevice(server, things);
  try {
    const login = () => gateway.ask(gateway.session('login'), proof(child));
    assert.equal((await login()).code, 6401);
    assert.equal((await other.ask(other.sys('topo/add'), [proof(child, { name: 'signmethod' })])).code, 200);
    assert.equal((await login()).code, 6401);
    const bad = await gateway.ask(gateway.sys('topo/add'), [{ ...proof(child, { name: 'signmethod' }), sign: 'ab' }]);
    assert.equal(bad.code, 401);
    // With its signature it moves, and the gateway it was with is told.
    assert.equal((await gateway.ask(gateway.sys('topo/add'), [proof(child, { name: 'signmethod' })])).code, 200);
    const change = await until(() => other.heard.find((one) => one.topic === other.sys('topo/change')), 'topo/change');
    assert.deepEqual(change.params, { status: 1, subList: [named(child)] });
    const post = `/sys/${child.productKey}/${child.deviceName}/thing/event/property/post`;
    gateway.link.publish(post, JSON.stringify({ id: '77', params: { temperature: 1 } }));
    const error = await until(() => gateway.heard.find((one) => one.topic.startsWith('/ext/error/') && one.code === 520), 'error 520');
    assert.deepEqual(error.data, named(child));
    assert.equal(await latest(child, 'temperature') ?? '', '');
    assert.equal((await login()).code, 200);
    assert.equal((await gateway.ask(post, { temperature: 2 })).code, 200);
    for (const [what, code] of [['unknown', 6100], ['self', 6402]]) {
      const one = what === 'self' ? gateway.triple : { ...child, deviceName: 'nobody' };
      assert.equal((await gateway.ask(gateway.sys('topo/add'), [proof(one, { name: 'signmethod' })])).code, code, what);
    }
    const found = await gateway.ask(gateway.sys('list/found'), [{ productKey: things, deviceName: 'new_one' }]);
    assert.equal(found.code, 200);
    assert.equal((await gateway.ask(gateway.sys('list/found'), [{ productKey: things, deviceName: 'x' }])).code, 6280);
    assert.equal((await gateway.ask(gateway.sys('list/found'), [{ productKey: 'a1nosuchone', deviceName: 'new_one' }])).code, 6250);
    const seen = JSON.stringify(await refusals(server, gateway.triple));
    for (const cause of ['gateway.of_another_gateway', 'gateway.sub_device_sign', 'gateway.not_logged_in', 'gateway.sub_device_unknown', 'gateway.sub_device_is_gateway', 'gateway.sub_device_name'])
      assert.ok(seen.includes(cause), `${cause} in the journal: ${seen}`);
    // A device whose product is no gateway's has no topology.
    const lone = await plainGateway({ triple: await makeDevice(server, things) });
    assert.equal((await lone.ask(lone.sys('topo/add'), [proof(child, { name: 'signmethod' })])).code, 6401);
    await lone.stop();
  } finally {
    await gateway.stop();
    await other.stop();
  }
});

test('a gateway is told when its sub-device is disabled, enabled, taken away, kicked or deleted', async () => {
  const gateway = await plainGateway();
  const [child, second] = [await makeDevice(server, things), await makeDevice(server, things)];
  const notice = (one, what) => until(() => gateway.heard.find((got) => got.topic === `/sys/${one.productKey}/${one.deviceName}/thing/${what}` && got.method === `thing.${what}`), `thing/${what}`);
  const changed = (number) => until(() => gateway.heard.find((got) => got.topic === gateway.sys('topo/change') && got.params.status === number), `topo/change ${number}`);
  const error = (code) => until(() => gateway.heard.find((got) => got.topic.startsWith('/ext/error/') && got.code === code), `error ${code}`);
  const login = async (one) => assert.equal((await gateway.ask(gateway.session('login'), proof(one))).code, 200);
  const ref = (one) => ({ ProductKey: one.productKey, DeviceName: one.deviceName });
  try {
    // Added by the application, with the signature that the gateway would have sent.
    const item = (one) => { const { productKey, deviceName, clientId, timestamp, signMethod, sign: made } = proof(one); return new Iot.BatchAddThingTopoRequestTopoAddItem({ productKey, deviceName, clientId, timestamp, signMethod, sign: made }); };
    const added = await call('batchAddThingTopo', { gwProductKey: gateway.triple.productKey, gwDeviceName: gateway.triple.deviceName, topoAddItem: [item(child), item(second)] });
    assert.equal(added.success, true, JSON.stringify(added));
    assert.deepEqual((await changed(0)).params.subList, [named(child), named(second)]);
    await login(child);
    await login(second);
    await api(server, 'DisableThing', ref(child));
    await notice(child, 'disable');
    await changed(8);
    await error(522);
    assert.equal(await status(child), 'DISABLE');
    assert.equal((await gateway.ask(gateway.session('login'), proof(child))).code, 522);
    await api(server, 'EnableThing', ref(child));
    await notice(child, 'enable');
    await changed(2);
    await login(child);
    const removed = await call('removeThingTopo', named(child));
    assert.equal(removed.data, true);
    await changed(1);
    await error(6401);
    await isStatus(child, 'OFFLINE');
    // The other one logs in by itself.
    const self = await plainGateway({ triple: second });
    await error(427);
    await isStatus(second, 'ONLINE');
    await self.stop();
    await login(second);
    await api(server, 'DeleteDevice', ref(second));
    await notice(second, 'delete');
    await error(521);
    const wish = await call('notifyAddThingTopo', { gwProductKey: gateway.triple.productKey, gwDeviceName: gateway.triple.deviceName, deviceListStr: JSON.stringify([named(child)]) });
    assert.equal(wish.success, true, JSON.stringify(wish));
    const asked = await until(() => gateway.heard.find((got) => got.topic === gateway.sys('topo/add/notify')), 'topo/add/notify');
    assert.deepEqual(asked.params, [named(child)]);
    assert.equal(asked.id, wish.data.messageId);
  } finally {
    await gateway.stop();
  }
  await isStatus(gateway.triple, 'OFFLINE');
  const off = await call('notifyAddThingTopo', { gwProductKey: gateway.triple.productKey, gwDeviceName: gateway.triple.deviceName, deviceListStr: JSON.stringify([named(child)]) }).catch((problem) => problem);
  assert.notEqual(off.success, true);
});

test('services and topics of its own reach a sub-device and its answers the caller', async () => {
  const scale = await makeProduct(server, { name: 'scale', tsl: JSON.stringify({ properties: [], events: [], services: [{ identifier: 'weigh', name: 'Weigh', callType: 'sync', inputData: [], outputData: [{ identifier: 'grams', name: 'g', dataType: { type: 'int', specs: {} } }] }] }) });
  for (const extra of [',_ss=1', ',_ss=1,ext=1']) {
    const gateway = await plainGateway({ extra });
    const child = await makeDevice(server, scale);
    try {
      assert.equal((await gateway.ask(gateway.sys('topo/add'), [proof(child, { name: 'signmethod' })])).code, 200);
      assert.equal((await gateway.ask(gateway.session('login'), proof(child))).code, 200);
      gateway.link.on('message', (topic, payload) => {
        if (!topic.includes('rrpc')) return;
        const { id } = JSON.parse(payload.toString());
        gateway.link.publish(topic.replace('/rrpc/request/', '/rrpc/response/'), JSON.stringify({ id, code: 200, data: { grams: 5 } }));
      });
      const weighed = await call('invokeThingService', { ...named(child), identifier: 'weigh', args: '{}' });
      assert.equal(weighed.success, true, `${extra}: ${JSON.stringify(weighed)}`);
      assert.deepEqual(JSON.parse(weighed.data.result), { grams: 5 });
      const topic = `/${child.productKey}/${child.deviceName}/user/get`;
      await new Promise((resolve, reject) => gateway.link.subscribe(topic, (wrong, granted) => (wrong || granted[0].qos > 1 ? reject(new Error('refused')) : resolve())));
      await api(server, 'Pub', { ProductKey: child.productKey, TopicFullName: topic, MessageContent: Buffer.from('{"a":1}').toString('base64'), Qos: 0 });
      await until(() => gateway.heard.find((one) => one.topic === topic && one.a === 1), 'the message on the sub-device\'s topic');
    } finally {
      await gateway.stop();
    }
  }
  proved({ 'MQTT.js': ['gateway and sub-devices'], 'OpenAPI SDK': ['gateway and sub-devices'] });
});

test('the topology outlives a restart of the platform; logins do not', async () => {
  const own = await startServer({ config: config(2) });
  const saved = server;
  server = own;
  try {
    const products = [gateways, things];
    gateways = await makeProduct(own, { name: 'gateway', nodeType: 1 });
    things = await makeProduct(own, { name: 'sensor' });
    const gateway = await plainGateway();
    const child = await makeDevice(own, things);
    assert.equal((await gateway.ask(gateway.sys('topo/add'), [proof(child, { name: 'signmethod' })])).code, 200);
    assert.equal((await gateway.ask(gateway.session('login'), proof(child))).code, 200);
    await own.kill();
    await gateway.stop();
    server = await startServer({ config: config(2), directory: own.directory });
    const again = await plainGateway({ triple: gateway.triple });
    assert.equal(await status(child), 'OFFLINE');
    assert.deepEqual((await again.ask(again.sys('topo/get'), {})).data, [named(child)]);
    assert.equal((await again.ask(again.session('login'), proof(child))).code, 200);
    assert.equal(await status(child), 'ONLINE');
    await again.stop();
    await server.stop();
    [gateways, things] = products;
  } finally {
    server = saved;
  }
});
