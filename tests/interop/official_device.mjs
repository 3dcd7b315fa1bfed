// The unmodified official Node device SDK as one board: connects over TLS, posts properties and an event, waits for its
// replies, then answers one property set. Prints one JSON line per step.
import sdk from 'alibabacloud-iot-device-sdk';

const [brokerUrl, productKey, deviceName, deviceSecret] = process.argv.slice(2);
const say = (step, value) => console.log(JSON.stringify({ step, value }));
const device = sdk.device({ brokerUrl, productKey, deviceName, deviceSecret });

device.on('connect', () => {
  say('connect');
  setTimeout(() => {
    device.postProps({ temperature: 23.6, humidity: 51.2 }, (reply) => {
      say('property reply', reply);
      device.postEvent('alarm', { temperature: 41.5, alarm_threshold: 40 }, (answer) => {
        say('event reply', answer);
        say('waiting for a set');
      });
    });
  }, 300);
});
device.on('error', (error) => {
  console.error('error', String(error));
  process.exit(1);
});
device.onProps((command) => {
  say('set', command);
  device.publish(`/sys/${productKey}/${deviceName}/thing/service/property/set_reply`, JSON.stringify({ id: command.id, code: 200, data: {} }), () => {
    device.postProps(command.params, (reply) => {
      say('set posted', reply);
      device.end();
      setTimeout(() => process.exit(0), 100);
    });
  });
});
