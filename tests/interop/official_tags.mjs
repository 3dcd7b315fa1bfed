// A board on the official Node device SDK: posts tags, posts wrong ones, deletes one; prints every answer.
//   official_tags.mjs URL PRODUCTKEY DEVICENAME DEVICESECRET
import sdk from 'alibabacloud-iot-device-sdk';

const [brokerUrl, productKey, deviceName, deviceSecret] = process.argv.slice(2);
const device = sdk.device({ productKey, deviceName, deviceSecret, brokerUrl });
const say = (step) => (answer) => console.log(JSON.stringify({ step, code: answer.code }));
device.on('connect', () => setTimeout(() => {
  device.postTags([{ attrKey: 'Temperature', attrValue: '311' }, { attrKey: 'room', attrValue: '厨房' }], (answer) => {
    say('posted')(answer);
    device.postTags([{ attrKey: 'two words', attrValue: '1' }], (wrong) => {
      say('wrong')(wrong);
      device.deleteTags(['Temperature'], say('deleted'));
    });
  });
}, 300));
device.on('error', (error) => console.log(`error ${error}`));
