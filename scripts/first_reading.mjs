// Asks for a device's latest values exactly as the page does: the login link, its cookie, the console's API. Prints them and
// ends with 0 when there is a temperature; else says why not and ends with 1.
const [page, productKey, deviceName] = process.argv.slice(2);
const origin = new URL(page).origin;
const login = await fetch(page, { redirect: 'manual' });
const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0];
if (!cookie) {
  console.error(`the login link gave no session (HTTP ${login.status})`);
  process.exit(1);
}
const answer = await fetch(`${origin}/console/api/QueryDevicePropertyStatus`, {
  method: 'POST',
  headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', 'x-tercet-console': '1' },
  body: new URLSearchParams({ ProductKey: productKey, DeviceName: deviceName }),
});
const body = await answer.json();
const values = (body.Data?.List?.PropertyStatusInfo ?? []).filter((one) => one.Value !== undefined && one.Value !== '');
if (!values.some((one) => one.Identifier === 'temperature')) {
  console.error(`no temperature yet: HTTP ${answer.status} ${JSON.stringify(body)}`);
  process.exit(1);
}
console.log(values.map((one) => `${one.Identifier} ${one.Value}`).join(', '));
