// The doctor's verdicts: exit code, the rung it names, and what it leaves alone.
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import mqttPacket from 'mqtt-packet';
import { credentials, makeDevice, makeProduct, run, startServer, tercet } from '../harness.mjs';

let server, triple, file, tls;
before(async () => {
  server = await startServer();
  triple = await makeDevice(server, await makeProduct(server), 'patient');
  file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-doctor-')), 'triple.json');
  writeFileSync(file, JSON.stringify({ productKey: triple.productKey, deviceName: triple.deviceName, deviceSecret: triple.deviceSecret }), { mode: 0o600 });
  tls = server.listener('mqtts').port;
});
after(async () => { await server.stop(); });

const doctor = (...args) => run(tercet, ['doctor', '--lang', 'en', '--timeout', '5', '--host', '127.0.0.1', ...args]);

/// A server on loopback that treats each connection as told. Gives its port to the visitor.
async function withPeer(treat, visit) {
  const peer = net.createServer(treat).listen(0, '127.0.0.1');
  await new Promise((resolve) => peer.once('listening', resolve));
  try { return await visit(peer.address().port); } finally { peer.close(); }
}

test('a device that can work ends with 0', async () => {
  const done = await doctor('--triple', file, '--port', `${tls}`, '--ca', server.ca);
  assert.equal(done.code, 0, done.out + done.err);
});

test('a root that is not trusted names the certificate and ends with 13', async () => {
  const done = await doctor('--triple', file, '--port', `${tls}`);
  assert.equal(done.code, 13);
  assert.match(done.out, /certificate of .*issued by .*valid/);
});

test('a wrong secret ends with 14, a closed port with 12, a mistake in the arguments with 2', async () => {
  const wrong = await doctor('--product-key', triple.productKey, '--device-name', triple.deviceName, '--device-secret', 'wrong', '--port', `${tls}`, '--ca', server.ca);
  assert.equal(wrong.code, 14, wrong.out);
  const port = await withPeer(() => {}, async (free) => free);
  assert.equal((await doctor('--triple', file, '--port', `${port}`)).code, 12);
  assert.equal((await doctor('--triple', file, '--prot', '1')).code, 2);
});

test('a port that hangs up on the ClientHello is told as closed, not as a matter of ciphers', async () => {
  const done = await withPeer((socket) => socket.once('data', () => socket.end()), (port) => doctor('--triple', file, '--port', `${port}`));
  assert.equal(done.code, 13, done.out);
  assert.match(done.out, /closed/);
  assert.doesNotMatch(done.out, /cipher/);
});

test('a port that closes at once ends in a verdict, not by a signal', async () => {
  const done = await withPeer((socket) => socket.destroy(), (port) => doctor('--triple', file, '--port', `${port}`));
  assert.equal(done.code, 13, `${done.code} ${done.out}`);
});

test('a reply with another code than 200 is no success; a message of another topic is passed over', async () => {
  const serve = (code) => (socket) => {
    const parser = mqttPacket.parser();
    const send = (packet) => socket.write(mqttPacket.generate(packet));
    socket.on('error', () => {});
    socket.on('data', (bytes) => parser.parse(bytes));
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connect') send({ cmd: 'connack', returnCode: 0, sessionPresent: false });
      if (packet.cmd === 'subscribe') send({ cmd: 'suback', messageId: packet.messageId, granted: [0] });
      if (packet.cmd !== 'publish') return;
      send({ cmd: 'publish', topic: packet.topic.replace(/event.*/, 'service/property/set'), payload: '{"id":"7","params":{}}', qos: 0 });
      send({ cmd: 'publish', topic: `${packet.topic}_reply`, payload: JSON.stringify({ id: '1', code, data: {} }), qos: 0 });
    });
  };
  const refused = await withPeer(serve(460), (port) => doctor('--triple', file, '--plain', '--port', `${port}`));
  assert.equal(refused.code, 16, refused.out);
  assert.match(refused.out, /460/);
  const taken = await withPeer(serve(200), (port) => doctor('--triple', file, '--plain', '--port', `${port}`));
  assert.equal(taken.code, 0, taken.out);
});

test("what waits for the board in its persistent session still waits after the doctor's visit", async () => {
  const connect = () => mqtt.connectAsync(`mqtt://127.0.0.1:${server.listener('plain').port}`, { ...credentials(triple, { securemode: 3 }), clean: false, reconnectPeriod: 0 });
  const board = await connect();
  await board.subscribeAsync(`/sys/${triple.productKey}/${triple.deviceName}/thing/service/property/set`, { qos: 1 });
  await board.endAsync();
  assert.equal((await doctor('--triple', file, '--port', `${tls}`, '--ca', server.ca)).code, 0);
  const back = mqtt.connect(`mqtt://127.0.0.1:${server.listener('plain').port}`, { ...credentials(triple, { securemode: 3 }), clean: false, reconnectPeriod: 0 });
  const [connack] = await new Promise((resolve, reject) => { back.once('connect', (...all) => resolve(all)); back.once('error', reject); });
  assert.equal(connack.sessionPresent, true);
  await back.endAsync();
});
