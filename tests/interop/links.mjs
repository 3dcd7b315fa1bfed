// Three MQTT clients as boards behind one face, so that the same conversation can be held with each of them: MQTT.js, Paho's C
// client, and the bytes of a C Link SDK 4.x, which never subscribes to a system topic.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import mqtt from 'mqtt';
import mqttPacket from 'mqtt-packet';
import { until } from '../harness.mjs';

// A link: heard, the messages so far as {topic, payload}; hear(filter), say(topic, payload), end(). A refused login throws {code}.
async function mqttJs(server, login, { path } = {}) {
  const { host, port } = server.listener('mqtts');
  const url = path ? `${server.files.replace('https', 'wss')}${path}` : `mqtts://${host}:${port}`;
  const client = mqtt.connect(url, { ca: readFileSync(server.ca), reconnectPeriod: 0, ...login });
  const heard = [];
  client.on('message', (topic, payload) => heard.push({ topic, payload }));
  await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject));
  return {
    heard,
    hear: (filter) => client.subscribeAsync(filter, { qos: 1 }),
    say: (topic, payload) => client.publishAsync(topic, payload, { qos: 1 }),
    end: () => client.endAsync(true),
  };
}

async function paho(server, login, { path } = {}) {
  const { host, port } = server.listener('mqtts');
  const url = path ? `${server.files.replace('https', 'wss')}${path}` : `ssl://${host}:${port}`;
  const child = spawn(process.env.PAHO_CLIENT, [url, server.ca, login.clientId, login.username, login.password], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '', code, granted = 0;
  const heard = [];
  const gone = new Promise((resolve) => child.on('exit', resolve));
  child.stdin.on('error', () => {});
  child.stdout.on('data', (chunk) => {
    text += chunk;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const [kind, ...words] = text.slice(0, end).split(' ');
      text = text.slice(end + 1);
      if (kind === 'connect') code = Number(words[0]);
      if (kind === 'subscribe') granted += 1;
      if (kind === 'message') heard.push({ topic: words[0], payload: Buffer.from(words[1] ?? '', 'hex') });
    }
  });
  await until(() => code !== undefined, 'the CONNACK of Paho');
  if (code !== 0) throw Object.assign(new Error(`Paho: CONNACK ${code}`), { code });
  return {
    heard,
    hear: async (filter) => {
      const wanted = granted + 1;
      child.stdin.write(`subscribe ${filter}\n`);
      await until(() => granted >= wanted, `the SUBACK for ${filter}`);
    },
    say: async (topic, payload) => child.stdin.write(`publish ${topic} ${Buffer.from(payload).toString('hex')}\n`),
    end: async () => { child.stdin.end(); await gone; },
  };
}

// Its requests are QoS 0 but for subscriptions to topics of the user's own.
async function cLink(server, login, { psk } = {}) {
  const { host, port } = server.listener(psk ? 'mqtt' : 'mqtts');
  const trust = psk ? { ciphers: 'PSK-AES128-CBC-SHA', pskCallback: () => psk, checkServerIdentity: () => undefined } : { ca: readFileSync(server.ca) };
  const socket = tls.connect({ host, port, servername: '', maxVersion: 'TLSv1.2', ...trust });
  await new Promise((resolve, reject) => { socket.once('secureConnect', resolve); socket.once('error', reject); });
  const parser = mqttPacket.parser({ protocolVersion: 4 });
  const heard = [];
  let connack, closed = false, granted = 0, id = 0;
  const send = (packet) => socket.write(mqttPacket.generate(packet));
  parser.on('packet', (packet) => {
    if (packet.cmd === 'connack') connack = packet;
    if (packet.cmd === 'suback') granted += packet.granted.filter((qos) => qos < 0x80).length;
    if (packet.cmd !== 'publish') return;
    heard.push({ topic: packet.topic, payload: packet.payload });
    if (packet.qos === 1) send({ cmd: 'puback', messageId: packet.messageId });
  });
  socket.on('data', (chunk) => parser.parse(chunk));
  socket.on('close', () => (closed = true));
  socket.on('error', () => (closed = true));
  send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 1200, ...login, password: Buffer.from(login.password) });
  await until(() => connack || closed, 'CONNACK');
  if (connack?.returnCode !== 0) throw Object.assign(new Error(`C Link: CONNACK ${connack?.returnCode}`), { code: connack?.returnCode });
  return {
    heard,
    hear: async (filter) => {
      if (/^\/(sys|ota|shadow|ext)\//.test(filter)) return;
      const wanted = granted + 1;
      send({ cmd: 'subscribe', messageId: ++id, subscriptions: [{ topic: filter, qos: 1 }] });
      await until(() => granted >= wanted, `the SUBACK for ${filter}`);
    },
    say: async (topic, payload) => send({ cmd: 'publish', topic, payload: Buffer.from(payload), qos: 0, retain: false, dup: false }),
    end: async () => socket.destroy(),
  };
}

// A binary message of a file's upload: the header's length, the header, the bytes, their CRC-16/ARC, low byte first.
export function uploadFrame(id, params, bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; ++i) crc = crc & 1 ? (crc >> 1) ^ 0xA001 : crc >> 1;
  }
  const header = Buffer.from(JSON.stringify({ id, params: { bSize: bytes.length, ...params } })), sizes = Buffer.alloc(4);
  sizes.writeUInt16BE(header.length, 0);
  sizes.writeUInt16LE(crc, 2);
  return Buffer.concat([sizes.subarray(0, 2), header, bytes, sizes.subarray(2)]);
}

export const links = { 'MQTT.js': mqttJs, 'Paho C': paho, 'C Link bytes': cLink };
// What they add to the client id: C Link's wants everything that is for it without SUBSCRIBE, and RRPC on topics of its own.
export const extras = { 'MQTT.js': '', 'Paho C': '', 'C Link bytes': ',_ss=1,_v=sdk-c-4.2.0,ext=3' };
