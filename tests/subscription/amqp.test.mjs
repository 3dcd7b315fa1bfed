// Server-side subscription with unmodified consumers: rhea, and Debian's python3-qpid-proton. Groups and subscriptions by the
// official OpenAPI SDK.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import rhea from 'rhea';
import OpenApi from '@alicloud/openapi-client';
import Iot from '@alicloud/iot20180120';
import { api, makeDevice, makeProduct, refusals, run, startServer, tercet, until } from '../harness.mjs';
import { board, makeRule } from '../sinks/world.mjs';

const directory = mkdtempSync(path.join(tmpdir(), 'tercet-amqp-'));
const config = '[amqp]\nagain_after_seconds = 1\nanswer_within_seconds = 2\n';
let server, productKey, device, sender, client;

before(async () => {
  server = await startServer({ directory, config });
  productKey = await makeProduct(server);
  device = await makeDevice(server, productKey, 'kitchen');
  client = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
  sender = await board(server, device);
});
after(async () => {
  await sender.stop();
  await server.stop();
});
const call = async (action, parameters) => (await client[action](new Iot[`${action[0].toUpperCase()}${action.slice(1)}Request`](parameters))).body;

// As the official samples build them.
function login(group, { method = 'hmacsha1', clientId = 'console-1', secret = server.accessKeySecret, id = server.accessKeyId, timestamp = Date.now() } = {}) {
  return {
    username: `${clientId}|authMode=aksign,signMethod=${method},timestamp=${timestamp},authId=${id},iotInstanceId=,consumerGroupId=${group}|`,
    password: createHmac(method.replace('hmac', ''), secret).update(`authId=${id}&timestamp=${timestamp}`).digest('base64'),
  };
}

// A consumer of rhea's. `take(delivery, message)` answers; by default everything is accepted, as rhea does it.
function consumer(group, { take, credit, idle = 60000, loginWith = login(group), sending = false, receivers = 1 } = {}) {
  const { hostname, port } = new URL(server.amqp);
  const got = [];
  const state = { got, errors: [], closed: false };
  const container = rhea.create_container();
  container.on('message', ({ message, delivery }) => {
    const body = message.body.content ?? message.body;
    got.push({ ...message.application_properties, id: message.message_id, body: body.toString(), at: Date.now(), tries: message.delivery_count, delivery });
    take?.(delivery, got.at(-1));
  });
  const fault = (context) => {
    const error = context.error ?? context.connection?.error ?? context.receiver?.error ?? context.sender?.error;
    state.errors.push(String(error?.description ?? error?.message ?? error?.condition ?? error));
  };
  for (const name of ['connection_error', 'disconnected', 'receiver_error', 'sender_error', 'error']) container.on(name, fault);
  container.on('connection_close', () => (state.closed = true));
  container.on('connection_open', () => (state.open = true));
  container.on('receiver_open', () => (state.attached = (state.attached ?? 0) + 1));
  const connection = container.connect({ host: hostname, port: Number(port), transport: 'tls', ca: [readFileSync(server.ca)], reconnect: false, idle_time_out: idle, ...loginWith });
  if (sending) connection.open_sender('x');
  for (let i = 0; i < receivers; ++i)
    connection.open_receiver({ ...(take ? { autoaccept: false } : {}), ...(credit === undefined ? {} : { credit_window: credit }) });
  state.connection = connection;
  state.stop = async () => {
    connection.close();
    await until(() => state.closed || state.errors.length > 0, 'the connection is closed').catch(() => {});
  };
  return state;
}

async function newGroup(name) {
  const made = await call('createConsumerGroup', { groupName: name });
  assert.equal(made.success, true, JSON.stringify(made));
  return made.groupId;
}
let subscribed;
async function subscribe(groups, flags = { deviceDataFlag: true }) {
  if (subscribed) await call('deleteSubscribeRelation', { productKey, type: 'AMQP' });
  const made = await call('createSubscribeRelation', { productKey, type: 'AMQP', consumerGroupIds: groups, ...flags });
  assert.equal(made.success, true, JSON.stringify(made));
  subscribed = true;
}
const status = (group) => api(server, 'QueryConsumerGroupStatus', { GroupId: group });
const send = async (from, to) => {
  for (let n = from; n <= to; ++n) await sender.update({ n });
};
const numbers = (got) => got.map((one) => JSON.parse(one.body).n);

test('the official SDK makes, lists, renames and deletes consumer groups and subscriptions', async () => {
  const group = await newGroup('kitchen_readers');
  assert.match(group, /^[A-Za-z0-9]{24}$/);
  const read = await call('queryConsumerGroupByGroupId', { groupId: group });
  assert.equal(read.data.groupName, 'kitchen_readers');
  assert.match(read.data.createTime, /^\d{4}-\d\d-\d\dT/);
  assert.equal((await call('updateConsumerGroup', { groupId: group, newGroupName: 'kitchen_2' })).success, true);
  const list = await call('queryConsumerGroupList', { currentPage: 1, pageSize: 10, groupName: 'kitchen', fuzzy: true });
  assert.deepEqual(list.data.consumerGroupDTO.map((one) => one.groupName), ['kitchen_2']);
  const all = await call('queryConsumerGroupList', { currentPage: 1, pageSize: 10 });
  assert.ok(all.data.consumerGroupDTO.some((one) => one.groupId === 'DEFAULT_GROUP'));
  await subscribe(['DEFAULT_GROUP'], { deviceDataFlag: true, deviceStatusChangeFlag: true });
  assert.equal((await call('createConsumerGroupSubscribeRelation', { productKey, consumerGroupId: group })).success, true);
  const relation = await call('querySubscribeRelation', { productKey, type: 'AMQP' });
  assert.deepEqual(relation.consumerGroupIds, ['DEFAULT_GROUP', group]);
  assert.equal(relation.deviceDataFlag, true);
  assert.equal(relation.deviceStatusChangeFlag, true);
  assert.equal(relation.otaEventFlag, false);
  const busy = await call('deleteConsumerGroup', { groupId: group });
  assert.equal(busy.success, false);
  assert.match(busy.errorMessage, /take it from that subscription first/);
  assert.equal((await call('deleteConsumerGroupSubscribeRelation', { productKey, consumerGroupId: group })).success, true);
  assert.equal((await call('deleteConsumerGroup', { groupId: group })).success, true);
  assert.equal((await call('deleteConsumerGroup', { groupId: 'DEFAULT_GROUP' })).success, false);
  assert.match((await call('createSubscribeRelation', { productKey, type: 'MNS', mnsConfiguration: '{}' })).errorMessage, /use AMQP/);
  assert.match((await call('createSubscribeRelation', { productKey, type: 'AMQP', deviceDataFlag: true, consumerGroupIds: [group] })).errorMessage, /no consumer group/);
});

test('rhea gets properties, own topics and status in the documented form, and what it accepts is gone', async () => {
  const group = await newGroup('rhea_group');
  await subscribe([group], { deviceDataFlag: true, deviceStatusChangeFlag: true });
  const one = consumer(group);
  await until(() => one.attached, `attached: ${one.errors}`);
  await sender.update({ n: 1 });
  await sender.post({ temperature: 21.5, humidity: 55 });
  const other = await makeDevice(server, productKey);
  const guest = await board(server, other);
  await guest.stop();
  await until(() => one.got.length >= 4, `four messages: ${JSON.stringify(one.got.map((m) => m.topic))}`);
  const own = one.got.find((m) => m.topic === `/${productKey}/kitchen/user/update`);
  assert.deepEqual(JSON.parse(own.body), { n: 1 });
  assert.equal(typeof own.generateTime, 'number');
  assert.ok(Math.abs(own.generateTime - Date.now()) < 60000);
  assert.equal(own.qos, 1);
  assert.equal(own.id, own.messageId);
  assert.match(own.messageId, /^\d+$/);
  const posted = JSON.parse(one.got.find((m) => m.topic === `/${productKey}/kitchen/thing/event/property/post`).body);
  assert.equal(posted.items.temperature.value, 21.5);
  assert.equal(posted.deviceName, 'kitchen');
  const states = one.got.filter((m) => m.topic === `/as/mqtt/status/${productKey}/${other.deviceName}`).map((m) => JSON.parse(m.body).status);
  assert.deepEqual(states.sort(), ['offline', 'online']);
  await until(async () => (await status(group)).AccumulationCount === 0, 'nothing waits');
  const now = await status(group);
  assert.equal(now.ClientConnectionStatusList.ConsumerGroupClientConnectionInfo[0].ClientId, 'console-1');
  assert.ok(now.RealTimeConsumeCountPerMinute >= 4);
  assert.match(now.LastConsumerTime, /Z$/);
  await one.stop();
});

test("Debian's python3-qpid-proton reads messages, their time as a long and their body as bytes", async () => {
  const group = await newGroup('python_group');
  await subscribe([group]);
  await send(1, 3);
  const { username, password } = login(group, { method: 'hmacsha256' });
  const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'consumer.py');
  const got = await run('/usr/bin/python3', [script, server.amqp.replace('127.0.0.1', 'localhost'), username, password, server.ca, '3', 'accept'], { timeout: 20000 });
  assert.equal(got.code, 0, got.out + got.err);
  const lines = got.out.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines.map((one) => JSON.parse(one.body).n), [1, 2, 3]);
  assert.equal(lines[0].properties.topic, `/${productKey}/kitchen/user/update`);
  await until(async () => (await status(group)).AccumulationCount === 0, 'nothing waits');
});

test('what was sent while no consumer was there comes when one is, also after the platform was killed', async () => {
  const group = await newGroup('late_group');
  await subscribe([group]);
  await send(1, 50);
  await sender.stop();
  await server.kill('SIGKILL');
  server = { ...server, ...(await startServer({ directory, config })) };
  client = new Iot.default(new OpenApi.Config({ endpoint: new URL(server.openapi).host, protocol: 'http', accessKeyId: server.accessKeyId, accessKeySecret: server.accessKeySecret }));
  sender = await board(server, device);
  const one = consumer(group);
  await until(() => new Set(numbers(one.got)).size === 50, `all 50: ${one.got.length} ${one.errors}`);
  assert.deepEqual(numbers(one.got), Array.from({ length: 50 }, (_, i) => i + 1));
  await one.stop();
});

test('released and rejected messages come again after the pause, unanswered ones too; a restarted consumer gets what it had not answered', async () => {
  const group = await newGroup('nack_group');
  await subscribe([group]);
  const first = {};
  const one = consumer(group, {
    take: (delivery, message) => {
      const { n } = JSON.parse(message.body);
      if (!first[n] && n === 1) delivery.release();
      else if (!first[n] && n === 2) delivery.reject();
      else if (!first[n] && n === 3) return void (first[n] = message.at); // no answer
      else delivery.accept();
      first[n] ??= message.at;
    },
  });
  await until(() => one.attached, 'attached');
  await send(1, 4);
  await until(() => one.got.length >= 7, `four and three again: ${numbers(one.got)}`);
  const again = one.got.filter((m) => m.tries > 0);
  assert.deepEqual(numbers(again).sort(), [1, 2, 3]);
  for (const m of again) assert.ok(m.at - first[JSON.parse(m.body).n] >= 900, 'not before the pause');
  for (const m of again) assert.equal(m.id, one.got.find((old) => old.body === m.body).id);
  await until(async () => (await status(group)).AccumulationCount === 0, 'nothing waits');
  await one.stop();
  const silent = consumer(group, { take: () => {} });
  await until(() => silent.attached, 'attached');
  await send(5, 6);
  await until(() => silent.got.length === 2, 'two messages');
  await silent.stop();
  const heir = consumer(group);
  await until(() => heir.got.length >= 2, 'the two again');
  assert.deepEqual(numbers(heir.got).sort(), [5, 6]);
  await heir.stop();
});

test('consumers of a group share, groups each get a copy, and credit is respected', async () => {
  const shared = await newGroup('shared_group');
  const copy = await newGroup('copy_group');
  await subscribe([shared, copy]);
  const a = consumer(shared, { loginWith: login(shared, { clientId: 'a' }) });
  const b = consumer(shared, { loginWith: login(shared, { clientId: 'b', method: 'hmacmd5' }) });
  const whole = consumer(copy);
  await until(() => a.attached && b.attached && whole.attached, 'all attached');
  // A consumer that is attached may give its credit a moment later: nobody has to wait for it.
  await send(1, 20);
  await until(() => a.got.length + b.got.length >= 20, 'the first half');
  await send(21, 40);
  await until(() => a.got.length + b.got.length >= 40 && whole.got.length >= 40, 'everything');
  assert.equal(a.got.length + b.got.length, 40, 'each once');
  assert.ok(a.got.length > 0 && b.got.length > 0, `shared out: ${a.got.length} and ${b.got.length}`);
  assert.equal(whole.got.length, 40);
  await Promise.all([a.stop(), b.stop(), whole.stop()]);
  const slow = consumer(copy, { credit: 0 });
  await until(() => slow.attached, 'attached');
  await send(41, 60);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(slow.got.length, 0, 'no credit, no message');
  slow.connection.find_receiver(() => true).add_credit(5);
  await until(() => slow.got.length >= 5, 'five');
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(slow.got.length, 5);
  await slow.stop();
});

test('the backlog is dropped when the position is reset', async () => {
  const group = await newGroup('reset_group');
  await subscribe([group]);
  await send(1, 30);
  await until(async () => (await status(group)).AccumulationCount === 30, 'thirty wait');
  assert.equal((await call('resetConsumerGroupPosition', { groupId: group })).success, true);
  await until(async () => (await status(group)).AccumulationCount === 0, 'nothing waits');
  const one = consumer(group);
  await until(() => one.attached, 'attached');
  await send(31, 32);
  await until(() => one.got.length >= 2, 'the new ones');
  assert.deepEqual(numbers(one.got), [31, 32]);
  await one.stop();
});

test('a rule sends its results to a consumer group, with a tag', async () => {
  const group = await newGroup('rule_group');
  await subscribe(['DEFAULT_GROUP'], { deviceStatusChangeFlag: true });
  const { rule } = await makeRule(server, { name: 'to_group', productKey, select: 'n, deviceName() AS device', where: 'n > 5', actions: [['AMQP', { groupId: group, tag: '${device}' }]] });
  const one = consumer(group);
  await until(() => one.attached, 'attached');
  await send(4, 7);
  await until(() => one.got.length >= 2, 'two');
  assert.deepEqual(one.got.map((m) => JSON.parse(m.body)), [{ n: 6, device: 'kitchen' }, { n: 7, device: 'kitchen' }]);
  assert.equal(one.got[0].tag, 'kitchen');
  assert.equal(one.got[0].topic, `/${productKey}/kitchen/user/update`);
  assert.match((await call('deleteConsumerGroup', { groupId: group })).errorMessage, /an action of a rule/);
  await assert.rejects(api(server, 'CreateRuleAction', { RuleId: rule, Type: 'AMQP', Configuration: '{"groupId":"nobody"}' }), /no consumer group/);
  await api(server, 'StopRule', { RuleId: rule });
  await api(server, 'DeleteRule', { RuleId: rule });
  await one.stop();
});

test('the command line makes a group, subscribes a product, and prints what comes', async () => {
  const ready = ['--ready', path.join(directory, 'ready.json')];
  const verb = (...args) => run(tercet, [...args, ...ready]);
  const other = await makeProduct(server);
  const made = await verb('consumers', 'create', 'by_hand');
  assert.equal(made.code, 0, made.err);
  const group = /GroupId\s+(\S+)/.exec(made.out)[1];
  assert.match((await verb('consumers', 'list', '--name', 'hand')).out, new RegExp(`${group}\\s+by_hand`));
  assert.equal((await verb('subscription', 'create', other, '--group', group, '--of', 'data,lifecycle')).code, 0);
  assert.match((await verb('subscription', 'show', other)).out, /DeviceLifeCycleFlag\s+true/);
  const printed = run(tercet, ['consume', '--group', group, '--count', '2', ...ready], { timeout: 20000 });
  const link = await board(server, await makeDevice(server, other, 'lamp'));
  await link.update({ n: 1 });
  const lines = (await printed).out.trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(lines[0].topic, `/${other}/lamp/thing/lifecycle`);
  assert.equal(lines[0].body.action, 'create');
  assert.deepEqual(lines[1].body, { n: 1 });
  assert.match((await verb('consumers', 'status', group)).out, /AccumulationCount\s+\d+/);
  const refused = await verb('consume', '--group', 'nobody');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /refused the login/);
  assert.equal((await verb('subscription', 'delete', other)).code, 0);
  assert.equal((await verb('consumers', 'delete', group)).code, 0);
  await link.stop();
});

test('who may not come in is refused, and journal and log say why', async () => {
  const group = 'DEFAULT_GROUP';
  const cases = [
    [login(group, { secret: 'wrong' }), /the password is not base64/, 'consumer.password', group],
    [login(group, { id: 'nobody' }), /there is no AccessKey nobody/, 'consumer.access_key_unknown', group],
    [login('no_such_group'), /no consumer group no_such_group/, 'consumer.group_unknown', 'no_such_group'],
    [{ username: 'plain', password: 'x' }, /no parameters between bars/, 'consumer.user_name', ''],
    [{ ...login(group), username: login(group).username.replace('hmacsha1', 'md4') }, /signMethod is hmacmd5/, 'consumer.user_name', ''],
  ];
  for (const [loginWith, why, cause, name] of cases) {
    const one = consumer(group, { loginWith });
    await until(() => one.errors.length > 0, 'an error');
    assert.ok(!one.open);
    await until(() => why.test(server.output()), `the log says ${why}:\n${server.output().split('\n').slice(-3).join('\n')}`);
    const entry = await until(async () => (await refusals(server, { productKey: 'consumer', deviceName: name })).find((each) => each.Cause === cause && why.test(each.Evidence)), cause);
    assert.equal(entry.Stage, 'connect');
    assert.ok(entry.Remedy);
    assert.ok(!JSON.stringify(entry).includes(server.accessKeySecret));
  }
  assert.ok(!server.output().includes(server.accessKeySecret));
});

test("the session's rules are kept: idle time-out, one receiver, no sender", async () => {
  const idle = consumer('DEFAULT_GROUP', { idle: 1000 });
  await until(() => idle.errors.length > 0, 'refused');
  assert.match(idle.errors[0], /idle-time-out is \d+ ms.*30,000 to 300,000/);
  const sending = consumer('DEFAULT_GROUP', { sending: true });
  await until(() => sending.errors.length > 0, 'refused');
  assert.match(sending.errors[0], /consumers only receive/);
  await sending.stop();
  const two = consumer('DEFAULT_GROUP', { receivers: 2 });
  await until(() => two.errors.length > 0, 'refused');
  assert.match(two.errors[0], /one receiver/);
  await two.stop();
});
