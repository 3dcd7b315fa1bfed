// Asks for a device's latest values exactly as the page does (a login token, the session's cookie, the console's API) until there
// is a temperature: prints them and ends with 0. After a minute without one it says why and ends with 1.
import { readFileSync } from 'node:fs';

const [readyFile, ProductKey, DeviceName] = process.argv.slice(2);
const { openapi, pageToken } = JSON.parse(readFileSync(readyFile, 'utf8'));
const post = (path, body, cookie = '') =>
  fetch(openapi + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-tercet-console': '1', cookie },
    body: JSON.stringify(body),
  });

const login = await post('/console/login', { token: pageToken });
const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0];
if (!cookie) {
  console.error(`the login token gave no session (HTTP ${login.status})`);
  process.exit(1);
}
const deadline = Date.now() + 60_000;
let last = '';
while (Date.now() < deadline) {
  const answer = await post('/console/api/QueryDevicePropertyStatus', { ProductKey, DeviceName }, cookie);
  last = await answer.text();
  const values = answer.ok ? (JSON.parse(last).Data?.List?.PropertyStatusInfo ?? []).filter((one) => one.Value) : [];
  if (values.some((one) => one.Identifier === 'temperature')) {
    console.log(values.map((one) => `${one.Identifier} ${one.Value}`).join(', '));
    process.exit(0);
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
}
console.error(`no temperature within a minute; the last answer was ${last}`);
process.exit(1);
