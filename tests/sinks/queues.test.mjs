// Rules into queues: Debian's NATS server with JetStream, mosquitto, and librdkafka's mock of a Kafka cluster.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { api, makeDevice, makeProduct, startServer, tercet, until } from '../harness.mjs';
import { board, freePort, listening, makeRule, state } from './world.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'tercet-queues-'));
const quick = { first_pause_ms: 50, longest_pause_ms: 300 };
let server, productKey;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});
const numbers = (count) => Array.from({ length: count }, (_, i) => i + 1);

// NATS' protocol is lines: enough of it to read a subject and to ask JetStream for what it has.
function nats(port) {
  const socket = connect(port, '127.0.0.1');
  let rest = '';
  const got = [];
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    rest += chunk;
    for (;;) {
      const end = rest.indexOf('\r\n');
      if (end < 0) return;
      const line = rest.slice(0, end).split(' ');
      if (line[0] === 'MSG') {
        const size = Number(line.at(-1));
        if (rest.length < end + 2 + size + 2) return;
        got.push({ subject: line[1], body: rest.slice(end + 2, end + 2 + size) });
        rest = rest.slice(end + 2 + size + 2);
        continue;
      }
      if (line[0] === 'PING') socket.write('PONG\r\n');
      rest = rest.slice(end + 2);
    }
  });
  socket.write('CONNECT {"verbose":false}\r\n');
  let next = 0;
  return {
    async ask(subject, body = '') {
      const inbox = `_INBOX.t${++next}`;
      socket.write(`SUB ${inbox} ${next}\r\nPUB ${subject} ${inbox} ${body.length}\r\n${body}\r\n`);
      return JSON.parse((await until(() => got.find((one) => one.subject === inbox), subject)).body);
    },
    stop: () => socket.destroy(),
  };
}
async function stored(port, stream) {
  const link = nats(port);
  try {
    const info = await link.ask(`$JS.API.STREAM.INFO.${stream}`);
    if (info.error) return [];
    const all = [];
    for (let seq = info.state.first_seq; seq <= info.state.last_seq; ++seq) {
      const one = await link.ask(`$JS.API.STREAM.MSG.GET.${stream}`, JSON.stringify({ seq }));
      all.push(JSON.parse(Buffer.from(one.message.data, 'base64').toString()));
    }
    return all;
  } finally {
    link.stop();
  }
}

test('NATS JetStream: every record is in the stream, once and in order, over a killed server', async () => {
  const port = await freePort();
  const start = () => listening('nats-server', ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', path.join(folder, 'js')], port);
  let broker = await start();
  const triple = await makeDevice(server, productKey);
  const made = await makeRule(server, { name: 'nats', productKey, select: 'n', actions: [['NATS', { url: `nats://127.0.0.1:${port}`, subject: 'iot.${productKey}.${deviceName}', stream: 'IOT', stream_subjects: ['iot.>'], delivery: quick }]] });
  const sensor = await board(server, triple);
  for (const n of numbers(40)) await sensor.update({ n });
  await until(async () => (await stored(port, 'IOT')).length >= 40, 'forty messages');
  await broker.stop('SIGKILL');
  for (const n of numbers(20)) await sensor.update({ n: 40 + n });
  await until(async () => (await state(server, made.actions[0])).Failures > 0, 'a failure', 20000);
  broker = await start();
  const all = await until(async () => { const got = await stored(port, 'IOT').catch(() => []); return got.length >= 60 && got; }, 'sixty messages', 30000);
  assert.deepEqual(all.map((one) => one.n), numbers(60));
  // A subject that no stream keeps is not lost in silence.
  const astray = await makeRule(server, { name: 'astray', productKey, select: 'n', topic: '+/user/update/error', actions: [['NATS', { url: `nats://127.0.0.1:${port}`, subject: 'nobody.x', delivery: quick }]] });
  await sensor.link.publishAsync(`/${productKey}/${triple.deviceName}/user/update/error`, '{"n":1}', { qos: 1 });
  await until(async () => /stream/.test((await state(server, astray.actions[0])).Cause), 'the cause');
  await api(server, 'StopRule', { RuleId: astray.rule });
  await sensor.stop();
  await broker.stop();
});

test('MQTT: another broker gets every record in order, with its user and password, over a killed broker', async () => {
  const port = await freePort();
  writeFileSync(path.join(folder, 'mosquitto.conf'), `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  const start = () => listening('/usr/sbin/mosquitto', ['-c', path.join(folder, 'mosquitto.conf')], port);
  let broker = await start();
  const heard = [];
  const listen = async () => {
    const link = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 });
    link.on('message', (topic, payload) => heard.push({ topic, n: JSON.parse(payload.toString()).n }));
    await link.subscribeAsync('plant/#', { qos: 1 });
    return link;
  };
  let link = await listen();
  const triple = await makeDevice(server, productKey);
  const made = await makeRule(server, { name: 'bridge', productKey, select: 'n', actions: [['MQTT', { url: `mqtt://127.0.0.1:${port}`, topic: 'plant/${deviceName}', user: 'bridge', password: 'hush', delivery: quick }]] });
  const sensor = await board(server, triple);
  for (const n of numbers(50)) await sensor.update({ n });
  await until(() => heard.length >= 50, 'fifty messages');
  assert.deepEqual(heard.map((one) => one.n), numbers(50));
  assert.equal(heard[0].topic, `plant/${triple.deviceName}`);
  await link.endAsync(true);
  await broker.stop('SIGKILL');
  for (const n of numbers(10)) await sensor.update({ n: 50 + n });
  await until(async () => (await state(server, made.actions[0])).Failures > 0, 'a failure', 20000);
  await api(server, 'StopRule', { RuleId: made.rule }); // until somebody listens again
  broker = await start();
  link = await listen();
  await api(server, 'StartRule', { RuleId: made.rule });
  await until(() => new Set(heard.map((one) => one.n)).size >= 60, 'sixty messages', 30000);
  await link.endAsync(true);
  await sensor.stop();
  await broker.stop();
});

test('Kafka: every record reaches its topic in order, while brokers are down nothing is lost', async () => {
  const mock = spawn(process.env.KAFKA_MOCK ?? path.resolve(path.dirname(tercet), '../tests/sinks/kafka_mock'), [], { stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  mock.stdout.on('data', (chunk) => (out += chunk));
  const brokers = (await until(() => /^ready (.*)$/m.exec(out), 'the mock cluster'))[1];
  const tell = (line) => mock.stdin.write(`${line}\n`);
  tell('consume readings');
  const triple = await makeDevice(server, productKey);
  const made = await makeRule(server, { name: 'kafka', productKey, select: 'n', actions: [['KAFKA', { brokers, topic: 'readings', delivery: quick }]] });
  const sensor = await board(server, triple);
  const heard = () => [...out.matchAll(/^(\S+) \{"n":(\d+)\}$/gm)].map((one) => [one[1], Number(one[2])]);
  for (const n of numbers(40)) await sensor.update({ n });
  await until(() => heard().length >= 40, 'forty messages', 30000);
  assert.deepEqual(heard().map((one) => one[1]), numbers(40));
  assert.equal(heard()[0][0], `${productKey}/${triple.deviceName}`);
  tell('down');
  await until(() => out.includes('did down'), 'the brokers are down');
  for (const n of numbers(20)) await sensor.update({ n: 40 + n });
  await until(async () => (await state(server, made.actions[0])).Failures > 0, 'a failure', 40000);
  tell('up');
  await until(() => new Set(heard().map((one) => one[1])).size >= 60, 'sixty messages', 60000);
  await sensor.stop();
  tell('quit');
  await new Promise((resolve) => mock.on('exit', resolve));
});
