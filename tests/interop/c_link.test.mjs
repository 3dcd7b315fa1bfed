// A client in the style of C Link SDK 4.x, played back as bytes: a constant timestamp of the year 2050, `_ss=1`, no SUBSCRIBE
// at all, TLS 1.2 with RSA key exchange and CBC on port 1883, and a JSON "parser" that scans text.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import { api, credentials, makeDevice, makeProduct, proved, refusals, startServer, until } from '../harness.mjs';

let server, productKey;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => { await server.stop(); });

const field = (text) => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};
const packet = (first, ...parts) => {
  const body = Buffer.concat(parts);
  const length = [];
  let left = body.length;
  do {
    length.push((left % 128) | (left >= 128 ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
};
const connectBytes = (login, keepAlive = 1200) =>
  packet(0x10, field('MQTT'), Buffer.from([4, 0xc2, keepAlive >> 8, keepAlive & 255]), field(login.clientId), field(login.username), field(login.password));
const publishBytes = (topic, payload) => packet(0x30, field(topic), Buffer.from(payload));

// Finds `"key":` anywhere, first match at any depth, and takes what follows up to , ] or }: no blanks, no escapes.
function scan(text, key) {
  const at = text.indexOf(`"${key}"`);
  assert.ok(at >= 0, `no "${key}" in ${text}`);
  let from = at + key.length + 2;
  assert.equal(text[from], ':', `"${key}" must be followed by a colon at once in ${text}`);
  from += 1;
  if (text[from] === '"') return text.slice(from + 1, text.indexOf('"', from + 1));
  if (text[from] === '{') {
    let depth = 0, to = from;
    do {
      if (text[to] === '{') depth++;
      if (text[to] === '}') depth--;
      to++;
    } while (depth > 0);
    return text.slice(from, to);
  }
  const value = text.slice(from).match(/^[^,\]}]*/)[0];
  assert.match(value, /^\S+$/, `a blank inside the value of ${key}`);
  return value;
}

class Link {
  constructor(socket) {
    this.socket = socket;
    this.pending = Buffer.alloc(0);
    this.packets = [];
    this.closed = false;
    socket.on('data', (chunk) => {
      this.pending = Buffer.concat([this.pending, chunk]);
      for (;;) {
        let length = 0, shift = 1, at = 1;
        for (;;) {
          if (at >= this.pending.length) return;
          length += (this.pending[at] & 127) * shift;
          shift *= 128;
          if ((this.pending[at++] & 128) === 0) break;
        }
        if (this.pending.length < at + length) return;
        this.packets.push({ first: this.pending[0], body: this.pending.subarray(at, at + length) });
        this.pending = this.pending.subarray(at + length);
      }
    });
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => (this.closed = true));
  }
  next(kind, what) {
    return until(() => {
      const index = this.packets.findIndex((one) => one.first >> 4 === kind);
      return index < 0 ? undefined : this.packets.splice(index, 1)[0];
    }, what);
  }
  async publish(what) {
    const { first, body } = await this.next(3, what);
    const length = body.readUInt16BE(0);
    const qos = (first >> 1) & 3;
    if (qos === 1) this.socket.write(packet(0x40, body.subarray(2 + length, 4 + length)));
    return { topic: body.subarray(2, 2 + length).toString(), text: body.subarray(2 + length + (qos ? 2 : 0)).toString() };
  }
}
async function open(listener, options = {}) {
  const socket = tls.connect({ host: listener.host, port: listener.port, ca: readFileSync(server.ca), ...options });
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  return new Link(socket);
}

test('without one SUBSCRIBE it gets its replies, a set, the time and its thing model', async () => {
  const triple = await makeDevice(server, productKey);
  const link = await open(server.listener('mqtt'), { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA256:AES256-SHA256:AES128-SHA', servername: '' });
  assert.match(link.socket.getCipher().name, /^AES/);
  const login = credentials(triple, { extra: ',_ss=1,_v=sdk-c-4.2.0,ext=3,_conn=tls_1f4' });
  login.password = login.password.toUpperCase();
  link.socket.write(connectBytes(login));
  const connack = await link.next(2, 'CONNACK');
  assert.deepEqual([...connack.body], [0, 0]);

  const base = `/sys/${productKey}/${triple.deviceName}/thing`;
  link.socket.write(publishBytes(`${base}/event/property/post?_rid=17240000001234`, '{"id":"1","version":"1.0","params":{"temperature":21.75,"humidity":48},"sys":{"ack":1}}'));
  const reply = await link.publish('the property reply');
  assert.equal(reply.topic, `${base}/event/property/post_reply`);
  assert.equal(scan(reply.text, 'id'), '1');
  assert.equal(scan(reply.text, 'code'), '200');
  assert.equal(scan(reply.text, 'data'), '{}');
  assert.equal(scan(reply.text, 'message'), 'success');

  link.socket.write(publishBytes(`/ext/ntp/${productKey}/${triple.deviceName}/request`, '{"deviceSendTime":"1571724098000"}'));
  const time = await link.publish('the NTP response');
  assert.equal(scan(time.text, 'deviceSendTime'), '1571724098000');
  assert.ok(Math.abs(Number(scan(time.text, 'serverSendTime')) - Date.now()) < 5000);

  link.socket.write(publishBytes(`${base}/dsltemplate/get`, '{"id":"2","version":"1.0","params":{}}'));
  const model = await link.publish('the thing model');
  assert.equal(model.topic, `${base}/dsltemplate/get_reply`);
  assert.equal(scan(model.text, 'code'), '200');

  await api(server, 'SetDeviceProperty', { ProductKey: productKey, DeviceName: triple.deviceName, Items: '{"report_interval":15}' });
  const command = await link.publish('the set');
  assert.equal(command.topic, `${base}/service/property/set`);
  assert.equal(scan(command.text, 'params'), '{"report_interval":15}');
  assert.ok(Number(scan(command.text, 'id')) <= 4294967295);
  link.socket.write(publishBytes(`${base}/service/property/set_reply`, `{"id":"${scan(command.text, 'id')}","code":200,"data":{}}`));

  link.socket.write(publishBytes(`${base}/event/alarm/post`, '{"id":"3","version":"1.0","params":{"temperature":41.5,"alarm_threshold":40}}'));
  const event = await link.publish('the event reply');
  assert.equal(event.topic, `${base}/event/alarm/post_reply`);
  assert.equal(scan(event.text, 'code'), '200');

  link.socket.write(Buffer.from([0xc0, 0]));
  await link.next(13, 'PINGRESP');
  link.socket.destroy();
  proved({ 'C Link bytes': ['login over TLS', 'property post and reply', 'property set', 'events', 'NTP'] });
});

test('a keep-alive below 30 s is refused with 2, in exactly two bytes of body', async () => {
  const triple = await makeDevice(server, productKey);
  const link = await open(server.listener('mqtts'));
  link.socket.write(connectBytes(credentials(triple), 29));
  const connack = await link.next(2, 'CONNACK');
  assert.deepEqual([...connack.body], [0, 2]);
  await until(() => link.closed, 'the close');
  const found = await until(async () => (await refusals(server, triple))[0], 'the refusal');
  assert.match(found.Cause, /keep_alive/);
});

test('a second login of the same triple takes over and the first is closed', async () => {
  const triple = await makeDevice(server, productKey);
  const first = await open(server.listener('mqtts'));
  first.socket.write(connectBytes(credentials(triple)));
  await first.next(2, 'CONNACK');
  const second = await open(server.listener('mqtts'));
  second.socket.write(connectBytes(credentials(triple, { clientId: 'another' })));
  assert.deepEqual([...(await second.next(2, 'CONNACK')).body], [0, 0]);
  await until(() => first.closed, 'the first connection is closed');
  assert.ok(!second.closed);
  second.socket.destroy();
});
