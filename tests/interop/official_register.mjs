// The unmodified official Node device SDK registers over HTTPS with the ProductSecret. Prints what it was told as JSON.
import sdk from 'alibabacloud-iot-device-sdk';

const [registerURL, productKey, productSecret, deviceName, signMethod] = process.argv.slice(2);
sdk.register({ productKey, productSecret, deviceName, registerURL, ...(signMethod ? { signMethod } : {}) }, (answer) => {
  console.log(JSON.stringify(answer instanceof Error ? { error: String(answer) } : answer));
});
