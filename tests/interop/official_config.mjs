// The unmodified official Node device SDK: asks for its product's configuration, fetches the file by the address it is
// given, then waits for one push and answers it. Prints one JSON line per step.
import { createHash } from 'node:crypto';
import https from 'node:https';
import sdk from 'alibabacloud-iot-device-sdk';

const [brokerUrl, productKey, deviceName, deviceSecret] = process.argv.slice(2);
const say = (step, value) => console.log(JSON.stringify({ step, value }));
const device = sdk.device({ brokerUrl, productKey, deviceName, deviceSecret });

function fetchFile(url) {
  return new Promise((resolve, reject) => {
    https.get(url, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        const bytes = Buffer.concat(parts);
        resolve({ status: answer.statusCode, text: bytes.toString(), length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
      });
    }).on('error', reject);
  });
}

const ask = (step) => new Promise((resolve) => device.getConfig((reply) => {
  say(step, reply);
  resolve(reply);
}));

device.on('connect', () => setTimeout(async () => {
  const first = await ask('first answer');
  if (first.code === 200) say('file', await fetchFile(first.data.url));
  device.onConfig(async (push) => {
    say('push', push);
    say('pushed file', await fetchFile(push.params.url));
    device.publish(`/sys/${productKey}/${deviceName}/thing/config/push_reply`, JSON.stringify({ id: push.id, code: 200, data: {} }), { qos: 1 }, () => {
      device.end();
      setTimeout(() => process.exit(0), 100);
    });
  });
  say('waiting for a push');
}, 300));
device.on('error', (error) => {
  console.error('error', String(error));
  process.exit(1);
});
