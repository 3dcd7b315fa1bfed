// A board on the official Node device SDK: prints every shadow message it is told.
//   official_shadow.mjs URL PRODUCTKEY DEVICENAME DEVICESECRET
import sdk from 'alibabacloud-iot-device-sdk';

const [brokerUrl, productKey, deviceName, deviceSecret] = process.argv.slice(2);
const device = sdk.device({ productKey, deviceName, deviceSecret, brokerUrl });
device.onShadow((message) => console.log(JSON.stringify(message)));
device.on('connect', () => {
  device.postShadow({ color: 'red', size: 7 });
  setTimeout(() => device.getShadow(), 300);
});
device.on('error', (error) => console.log(`error ${error}`));
