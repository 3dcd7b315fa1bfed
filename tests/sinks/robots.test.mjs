// Chats: the robots of WeCom, DingTalk and Feishu and WeChat's template messages, against servers that check what their
// documentation asks for, and count; InfluxDB's line protocol.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { api, makeDevice, makeProduct, startServer, until } from '../harness.mjs';
import { board, makeRule, state, webServer } from './world.mjs';

let server, productKey;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => { await server.stop(); });
const quick = { first_pause_ms: 50, longest_pause_ms: 200 };

test('WeCom: what gathers goes as one message, never more than the group may get, and none is dropped', async () => {
  const triple = await makeDevice(server, productKey);
  const times = [];
  const robot = await webServer((got) => {
    times.push(Date.now());
    const body = JSON.parse(got.body);
    if (body.msgtype !== 'text' || Buffer.byteLength(body.text.content) > 2048) return { body: { errcode: 40008, errmsg: 'invalid message' } };
    if (times.length > 1 && times.at(-1) - times.at(-2) < 450) return { body: { errcode: 45009, errmsg: 'api freq out of limit' } };
    return { body: { errcode: 0, errmsg: 'ok' } };
  });
  const made = await makeRule(server, { name: 'wecom', productKey, select: 'n', actions: [['WECOM', { url: `${robot.url}/cgi-bin/webhook/send?key=k`, text: '${deviceName}: ${n}', mentioned: ['@all'], per_minute: 120, delivery: quick }]] });
  const sensor = await board(server, triple);
  for (let n = 1; n <= 60; ++n) await sensor.update({ n });
  const lines = () => robot.requests.flatMap((one) => JSON.parse(one.body).text.content.split('\n'));
  await until(() => lines().length >= 60, 'sixty lines');
  assert.deepEqual(lines(), Array.from({ length: 60 }, (_, i) => `${triple.deviceName}: ${i + 1}`));
  assert.ok(robot.requests.length < 10, `${robot.requests.length} messages`);
  assert.deepEqual(JSON.parse(robot.requests[0].body).text.mentioned_list, ['@all']);
  assert.equal((await state(server, made.actions[0])).Failures, 0);
  const shown = JSON.parse((await api(server, 'GetRuleAction', { ActionId: made.actions[0] })).RuleActionInfo.Configuration);
  assert.ok(!shown.url.includes('key=k'), shown.url);
  await sensor.stop();
  await robot.stop();
});

test('DingTalk: the signature in the address is the documented one', async () => {
  const triple = await makeDevice(server, productKey);
  const robot = await webServer((got) => {
    const url = new URL(got.url, 'http://x');
    const time = url.searchParams.get('timestamp');
    const right = createHmac('sha256', 'SECx').update(`${time}\nSECx`).digest('base64');
    const ok = url.searchParams.get('sign') === right && Math.abs(Date.now() - Number(time)) < 3600000 && url.searchParams.get('access_token') === 't';
    return { body: ok ? { errcode: 0, errmsg: 'ok' } : { errcode: 310000, errmsg: 'sign not match' } };
  });
  const made = await makeRule(server, { name: 'ding', productKey, select: 'n', actions: [['DINGTALK', { url: `${robot.url}/robot/send?access_token=t`, secret: 'SECx', format: 'markdown', text: '**${deviceName}** ${n}', delivery: quick }]] });
  const sensor = await board(server, triple);
  await sensor.update({ n: 5 });
  await until(async () => (await state(server, made.actions[0])).Sent === 1, 'the message');
  assert.deepEqual(JSON.parse(robot.requests[0].body), { msgtype: 'markdown', markdown: { title: 'ding', text: `**${triple.deviceName}** 5` } });
  await sensor.stop();
  await robot.stop();
});

test('Feishu: timestamp and signature in the body, a busy robot is asked again', async () => {
  const triple = await makeDevice(server, productKey);
  const robot = await webServer((got, count) => {
    const body = JSON.parse(got.body);
    const right = createHmac('sha256', `${body.timestamp}\nhush`).update('').digest('base64');
    if (body.sign !== right || !/^\d{10}$/.test(body.timestamp)) return { body: { code: 19021, msg: 'sign match fail or timestamp is not within one hour from current time' } };
    return count === 1 ? { status: 500, body: 'garbage' } : { body: { code: 0, msg: 'success' } };
  });
  const made = await makeRule(server, { name: 'feishu', productKey, select: 'n', actions: [['FEISHU', { url: `${robot.url}/open-apis/bot/v2/hook/abc`, secret: 'hush', text: '${n}', delivery: quick }]] });
  const sensor = await board(server, triple);
  await sensor.update({ n: 5 });
  await until(async () => (await state(server, made.actions[0])).Sent === 1, 'the message');
  assert.equal(robot.requests.length, 2);
  assert.equal(JSON.parse(robot.requests[1].body).content.text, '5');
  await sensor.stop();
  await robot.stop();
});

test('WeChat: a token first, anew when it has ended, one message per reader', async () => {
  const triple = await makeDevice(server, productKey);
  let token = 0;
  const wechat = await webServer((got) => {
    const url = new URL(got.url, 'http://x');
    if (url.pathname === '/cgi-bin/token') {
      const ok = url.searchParams.get('appid') === 'wx1' && url.searchParams.get('secret') === 'hush' && url.searchParams.get('grant_type') === 'client_credential';
      return { body: ok ? { access_token: `T${++token}`, expires_in: 7200 } : { errcode: 40125, errmsg: 'invalid appsecret' } };
    }
    if (url.searchParams.get('access_token') !== `T${token}`) return { body: { errcode: 42001, errmsg: 'access_token expired' } };
    return { body: { errcode: 0, errmsg: 'ok', msgid: 1 } };
  });
  const made = await makeRule(server, { name: 'wechat', productKey, select: 'n', actions: [['WECHAT', { url: wechat.url, app_id: 'wx1', app_secret: 'hush', template_id: 'TM', to: ['o1', 'o2'], link: 'https://example.com/${deviceName}', data: { first: '${deviceName}', keyword1: '${n}' }, delivery: quick }]] });
  const sensor = await board(server, triple);
  await sensor.update({ n: 5 });
  await until(async () => (await state(server, made.actions[0])).Sent === 1, 'the first');
  const sent = () => wechat.requests.filter((one) => one.url.startsWith('/cgi-bin/message/template/send')).map((one) => JSON.parse(one.body));
  assert.deepEqual(sent().map((one) => one.touser), ['o1', 'o2']);
  assert.deepEqual(sent()[0], { touser: 'o1', template_id: 'TM', data: { first: { value: triple.deviceName }, keyword1: { value: '5' } }, url: `https://example.com/${triple.deviceName}` });
  assert.equal(token, 1);
  token = 7; // somebody else has asked for a token: ours is over
  await sensor.update({ n: 6 });
  await until(async () => (await state(server, made.actions[0])).Sent === 2, 'the second');
  assert.equal(token, 8);
  await sensor.stop();
  await wechat.stop();
});

test('InfluxDB: lines with tags, fields and time; a line that is refused does not hold up the others', async () => {
  const triple = await makeDevice(server, productKey);
  const influx = await webServer((got) => (got.body.includes('room=bad') ? { status: 400, body: { error: 'unable to parse' } } : { status: 204 }));
  const made = await makeRule(server, { name: 'influx', productKey, select: 'room, t, on', actions: [['INFLUXDB', { url: influx.url, database: 'iot', measurement: 'climate', tags: { device: '${deviceName}', room: '${room}' }, fields: { t: '${t}', on: '${on}' }, delivery: quick }]] });
  const sensor = await board(server, triple);
  await sensor.update({ room: 'living room', t: 21.5, on: true });
  await sensor.update({ room: 'bad', t: 1 });
  await sensor.update({ room: 'b,c=d', t: 2 });
  await until(async () => { const got = await state(server, made.actions[0]); return got.Sent === 2 && got.DeadLetters === 1; }, 'two lines and a dead letter');
  const lines = influx.requests.flatMap((one) => one.body.trimEnd().split('\n'));
  assert.ok(lines.some((line) => new RegExp(`^climate,device=${triple.deviceName},room=living\\\\ room t=21.5,on=true \\d{13}$`).test(line)), lines.join('\n'));
  assert.ok(lines.some((line) => line.includes('room=b\\,c\\=d t=2 ')), lines.join('\n'));
  assert.equal(influx.requests[0].url, '/write?precision=ms&db=iot');
  await sensor.stop();
  await influx.stop();
});
