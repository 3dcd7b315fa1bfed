// The tutorial's sketch as it behaves on a board: WiFiClientSecure after setInsecure() (its certificate does not parse),
// PubSubClient with its buffer of 256 bytes, its login, its loop with delay(5000), a post of QoS 0 with id "123" every 5 s,
// and a callback that prints what comes and answers nothing.
import { createHmac } from 'node:crypto';
import tls from 'node:tls';
import packets from 'mqtt-packet';

const kBuffer = 256, kDelay = 5000, kPeriod = 5000, kSocketTimeout = 15000, kKeepAlive = 60;

export function articleBoard({ productKey, deviceName, deviceSecret }) {
  return async ({ port }) => {
    let stopped = false, socket, timer;
    const hexId = 'a4cf12';
    const later = (run, ms) => { timer = setTimeout(() => stopped || run(), ms); };

    function login() {
      const timestamp = String(Math.floor(Date.now() / 1000) * 1000);
      const content = `clientId${hexId}&deviceName${deviceName}&productKey${productKey}&timestamp${timestamp}`;
      const sign = createHmac('sha1', deviceSecret).update(content).digest('hex');
      return { clientId: `${hexId}|secureMode=2|`, username: `${deviceName}&${productKey}`, password: Buffer.from(`${sign}&timestamp=${timestamp}&signMethod=hmacSha1`) };
    }

    // void reconnect() { while (!client.connected()) { if (client.connect(...)) subscribe; else delay(5000); } }
    function reconnect() {
      let online = false, over = false, post, watch, lastIn = Date.now(), pinged = false;
      const end = () => {
        if (over) return;
        over = true;
        clearInterval(post), clearInterval(watch), clearTimeout(giveUp);
        socket.destroy();
        later(reconnect, online ? 0 : kDelay);
      };
      const giveUp = setTimeout(end, kSocketTimeout);
      socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
      const parser = packets.parser();
      const send = (packet) => socket.writable && socket.write(packets.generate(packet));
      socket.on('secureConnect', () => send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: kKeepAlive, ...login() }));
      socket.on('error', end).on('close', end);
      socket.on('data', (chunk) => { lastIn = Date.now(), pinged = false; parser.parse(chunk); });
      parser.on('error', () => {}); // PubSubClient looks at the length only, and waits
      parser.on('packet', (packet) => {
        if (packet.cmd === 'connack') {
          if (packet.returnCode !== 0) return end();
          clearTimeout(giveUp);
          online = true;
          send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `/sys/${productKey}/${deviceName}/thing/service/property/set`, qos: 0 }] });
          post = setInterval(() => send({
            cmd: 'publish', qos: 0, dup: false, retain: false, topic: `/sys/${productKey}/${deviceName}/thing/event/property/post`,
            payload: '{"id":"123","version":"1.0","params":{"temperature":25.3,"humidity":60.1},"method":"thing.event.property.post"}',
          }), kPeriod);
          watch = setInterval(() => {
            if (Date.now() - lastIn <= kKeepAlive * 1000) return;
            if (pinged) return end();
            lastIn = Date.now(), pinged = true;
            send({ cmd: 'pingreq' });
          }, 250);
        } else if (packet.cmd === 'publish' && packet.qos === 1 && packet.length + 5 <= kBuffer) {
          send({ cmd: 'puback', messageId: packet.messageId }); // what does not fit is dropped, PUBACK included
        }
      });
    }
    reconnect();
    return async () => {
      stopped = true;
      clearTimeout(timer);
      socket?.removeAllListeners('close').removeAllListeners('data').destroy();
    };
  };
}
