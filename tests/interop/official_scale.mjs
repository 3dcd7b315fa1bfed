// The unmodified official Node device SDK as a scale: posts an event of each type, then answers services until it is stopped.
import sdk from 'alibabacloud-iot-device-sdk';

const [brokerUrl, productKey, deviceName, deviceSecret] = process.argv.slice(2);
const device = sdk.device({ brokerUrl, productKey, deviceName, deviceSecret });
// This SDK subscribes to the topic of the first service only; a synchronous one needs none.
device.onService('tare', (request, reply) => reply({ id: request.id, code: 200, data: {} }, 'async'));
device.onService('weigh', (request, reply) => reply({ id: request.id, code: 200, data: { grams: 12.5 } }, 'sync'));
device.on('connect', () => {
  setTimeout(() => {
    device.postEvent('started', {}, () =>
      device.postEvent('warm', { temperature: 61.5 }, () =>
        device.postEvent('burnt', { temperature: 240.5, reason: 'forgotten' }, () => console.log('ready'))));
  }, 300);
});
device.on('error', (error) => {
  console.error('error', String(error));
  process.exit(1);
});
