// Seeded mistakes of people who wire up a board: each is made once against a real platform, and the refusal journal must name
// the right cause first. With the right password nothing is examined.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { api, credentials, makeDevice, makeProduct, refusals, run, startServer, until } from '../harness.mjs';

let server, productKey, productSecret;
before(async () => {
  // Every mistake comes from one address here; a person's does not.
  server = await startServer({ config: '[limits]\nbad_logins_per_address = 100000\n' });
  productKey = await makeProduct(server);
  productSecret = (await api(server, 'QueryProduct', { ProductKey: productKey })).Data.ProductSecret;
});
after(async () => { await server.stop(); });

const hmac = (algorithm, key, text, encoding = 'hex') => createHmac(algorithm, key).update(text).digest(encoding);
const timestamp = '1712345678900';

// The login of a device done right, in parts that a mistake can bend.
function parts(triple) {
  return { id: 'board7', ts: timestamp, method: 'hmacsha1', algorithm: 'sha1', mode: 2, key: triple.deviceSecret, pk: triple.productKey, dn: triple.deviceName };
}
const contentOf = (p, ts = p.ts) => `clientId${p.id}deviceName${p.dn}productKey${p.pk}timestamp${ts}`;
const loginOf = (p, content = contentOf(p), over = {}) => ({
  clientId: `${p.id}|securemode=${p.mode},signmethod=${p.method},timestamp=${p.ts}|`,
  username: `${p.dn}&${p.pk}`,
  password: hmac(p.algorithm, p.key, content),
  ...over,
});

// name, the login with the mistake in it, the cause that must be named first
const mistakes = [
  ['the secret itself as password', (p) => loginOf(p, '', { password: p.key }), /password.*secret/],
  ['the product secret as password', (p) => loginOf(p, '', { password: productSecret }), /product_secret/],
  ['no password', (p) => loginOf(p, '', { password: '' }), /password.empty|password_empty/],
  ['ampersands between the fields', (p) => loginOf(p, `clientId${p.id}&deviceName${p.dn}&productKey${p.pk}&timestamp${p.ts}`), /ampersand_between/],
  ['equals signs between name and value', (p) => loginOf(p, `clientId=${p.id}deviceName=${p.dn}productKey=${p.pk}timestamp=${p.ts}`), /equals/],
  ['fields in another order', (p) => loginOf(p, `productKey${p.pk}deviceName${p.dn}clientId${p.id}timestamp${p.ts}`), /order/],
  ['the product key left out', (p) => loginOf(p, `clientId${p.id}deviceName${p.dn}timestamp${p.ts}`), /field_missing/],
  ['the client id left out', (p) => loginOf(p, `deviceName${p.dn}productKey${p.pk}timestamp${p.ts}`), /field_missing/],
  ['the timestamp not signed', (p) => loginOf(p, `clientId${p.id}deviceName${p.dn}productKey${p.pk}`), /timestamp_missing/],
  ['the clock signed, no timestamp in the client id', (p) => loginOf(p, contentOf(p, String(Math.floor(Date.now() / 1000) * 1000)), { clientId: `${p.id}|securemode=2,signmethod=hmacsha1|` }), /timestamp_not_in_client_id/],
  ['another timestamp signed than sent', (p) => loginOf(p, contentOf(p, '1712345678000')), /timestamp/],
  ['seconds signed, milliseconds sent', (p) => loginOf(p, contentOf(p, '1712345678')), /seconds/],
  ['a timestamp overflowed in 32 bits', (p) => loginOf(p, contentOf(p, String(BigInt.asUintN(64, BigInt(BigInt.asIntN(32, 1712345678n * 1000n)))))), /overflow|timestamp/],
  ['base64 instead of hex', (p) => loginOf(p, '', { password: hmac('sha1', p.key, contentOf(p), 'base64') }), /base64/],
  ['SHA-256 computed, hmacsha1 said', (p) => ({ ...loginOf(p), password: hmac('sha256', p.key, contentOf(p)) }), /method/],
  ['MD5 computed, hmacsha256 said', (p) => ({ ...loginOf({ ...p, method: 'hmacsha256' }), password: hmac('md5', p.key, contentOf(p)) }), /method/],
  ['no signmethod, SHA-1 computed', (p) => loginOf(p, undefined, { clientId: `${p.id}|securemode=2,timestamp=${p.ts}|` }), /method/],
  ['a newline after the secret', (p) => loginOf({ ...p, key: p.key + '\n' }), /trailing/],
  ['a blank after the secret', (p) => loginOf({ ...p, key: p.key + ' ' }), /trailing/],
  ['a carriage return and a newline after the secret', (p) => loginOf({ ...p, key: p.key + '\r\n' }), /trailing/],
  ['key and message swapped', (p) => loginOf(p, '', { password: hmac('sha1', contentOf(p), p.key) }), /swapped/],
  ['a plain digest instead of an HMAC', (p) => loginOf(p, '', { password: createHash('sha1').update(contentOf(p) + p.key).digest('hex') }), /plain_digest|wrong/],
  ['signed with the product secret', (p) => loginOf({ ...p, key: productSecret }), /product_secret/],
  ['signed with another device\'s secret', (p, sibling) => loginOf({ ...p, key: sibling.deviceSecret }), /sibling/],
  ['the secret decoded from hex', (p) => loginOf({ ...p, key: Buffer.from(p.key, 'hex') }), /hex_decoded/],
  ['names swapped in the content', (p) => loginOf(p, `clientId${p.id}deviceName${p.pk}productKey${p.dn}timestamp${p.ts}`), /swapped/],
  ['the whole client id signed', (p) => loginOf(p, `clientId${p.id}|securemode=2,signmethod=hmacsha1,timestamp=${p.ts}|deviceName${p.dn}productKey${p.pk}timestamp${p.ts}`), /whole_client_id/],
  ['a client id cut short by a buffer', (p) => loginOf(p, undefined, { clientId: `${p.id}|securemode=2,signmethod=hmacsha1,times` }), /client_id.*(cut|closing_bar)/],
  ['&times turned into × by a web page', (p) => {
    const content = `clientId${p.id}&deviceName${p.dn}&productKey${p.pk}×tamp${p.ts}`;
    return loginOf(p, '', { clientId: `${p.id}|secureMode=2|`, password: `${hmac('sha1', p.key, content)}×tamp=${p.ts}&signMethod=hmacSha1` });
  }, /times_sign/],
  ['an unknown signmethod', (p) => loginOf({ ...p, method: 'sha512' }), /sign_method/],
  ['labels forgotten', (p) => loginOf(p, `${p.id}${p.dn}${p.pk}${p.ts}`), /labels_missing/],
  ['the password cut short', (p) => { const right = loginOf(p); return { ...right, password: right.password.slice(0, 31) }; }, /password.*cut/],
  ['the ampersand of the OpenAPI after the key', (p) => loginOf({ ...p, key: p.key + '&' }), /ampersand_appended/],
  ['another client id signed than sent', (p) => loginOf(p, contentOf({ ...p, id: `${p.pk}.${p.dn}` })), /client_id/],
];

const mqtts = () => server.listener('mqtts');
async function attempt(login) {
  const { host, port } = mqtts();
  const client = await mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0, connectTimeout: 8000, ...login });
  await client.endAsync(true);
}

for (const [what, wrong, cause] of mistakes) {
  test(what, async () => {
    const triple = await makeDevice(server, productKey);
    const sibling = await makeDevice(server, productKey);
    const login = wrong(parts(triple), sibling);
    await assert.rejects(attempt(login), 'the platform must refuse it');
    const found = await until(async () => (await refusals(server, triple))[0], 'an entry in the refusal journal');
    assert.match(found.Cause, cause, JSON.stringify(found));
    assert.ok(found.Explanation.length > 10 && found.Remedy.length > 10);
    const shown = JSON.stringify(found);
    assert.ok(!shown.includes(triple.deviceSecret) && !shown.includes(sibling.deviceSecret), 'no secret in the journal');
    assert.ok(!shown.includes(loginOf(parts(triple)).password), 'no right password in the journal');
  });
}

test('names swapped in the user name', async () => {
  const triple = await makeDevice(server, productKey);
  const p = parts(triple);
  await assert.rejects(attempt(loginOf(p, undefined, { username: `${p.pk}&${p.dn}` })));
  const found = await until(async () => (await refusals(server, { productKey: triple.deviceName, deviceName: productKey }))[0], 'an entry under the claimed name');
  assert.match(found.Cause, /swapped/);
});

test('an unknown product, an unknown device, a disabled device', async () => {
  const triple = await makeDevice(server, productKey);
  for (const [claimed, cause] of [[{ ...triple, productKey: 'a1nosuchkey' }, /unknown_product/], [{ ...triple, deviceName: 'nobody' }, /unknown_device/]]) {
    await assert.rejects(attempt(credentials(claimed)), (error) => error.code === 4);
    assert.match((await until(async () => (await refusals(server, claimed))[0], 'the entry')).Cause, cause);
  }
  await api(server, 'DisableThing', { ProductKey: productKey, DeviceName: triple.deviceName });
  await assert.rejects(attempt(credentials(triple)), (error) => error.code === 5);
  assert.match((await until(async () => (await refusals(server, triple))[0], 'the entry')).Cause, /disabled/);
  await api(server, 'EnableThing', { ProductKey: productKey, DeviceName: triple.deviceName });
  await attempt(credentials(triple));
});

test('securemode that contradicts the transport is let in with a warning', async () => {
  const triple = await makeDevice(server, productKey);
  await attempt(credentials(triple, { securemode: 3 }));
  const found = await until(async () => (await refusals(server, triple))[0], 'the warning');
  assert.match(found.Cause, /secure_mode/);
  assert.equal(found.Warning, true);
});

// What reaches no CONNECT is filed under no name.
async function nameless(cause) {
  return until(async () => {
    const answer = await api(server, 'QueryRefusals', { PageSize: 50, Lang: 'zh' });
    return (answer.Data.Refusal ?? []).find((one) => cause.test(one.Cause));
  }, `a refusal of ${cause}`, 14000);
}

test('plain MQTT sent to the TLS port', async () => {
  const { host, port } = mqtts();
  const socket = net.connect(port, host, () => socket.write(Buffer.from('102400044d51545404c2003c', 'hex')));
  socket.on('error', () => {});
  const found = await nameless(/tls_expected/);
  assert.match(found.Remedy, /[\u4e00-\u9fff]/, 'in Chinese when asked in Chinese');
  socket.destroy();
});

test('TLS sent to a plain port', async () => {
  const { host, port } = server.listener('plain');
  const socket = tls.connect({ host, port, rejectUnauthorized: false });
  socket.on('error', () => {});
  await nameless(/plain_expected/);
  socket.destroy();
});

test('a client that does not trust our CA', async () => {
  const { host, port } = mqtts(); // our root is not among the system's
  await run('openssl', ['s_client', '-connect', `${host}:${port}`, '-verify_return_error', '-brief'], { input: 'Q' });
  await nameless(/^tls\.unknown_ca/);
});

test('a NUL after the secret changes nothing: HMAC pads short keys with it', async () => {
  const triple = await makeDevice(server, productKey);
  const p = parts(triple);
  await attempt(loginOf({ ...p, key: p.key + '\0' }));
});

test('a connection that sends no CONNECT within 10 s', async () => {
  const { host, port } = server.listener('plain');
  const socket = net.connect(port, host);
  socket.on('error', () => {});
  await nameless(/no_connect/);
  socket.destroy();
});

test('two boards with one triple are named, with both addresses', async () => {
  const triple = await makeDevice(server, productKey);
  const { host, port } = mqtts();
  const open = () => mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0, ...credentials(triple) });
  const clients = [];
  for (let i = 0; i < 4; i++) clients.push(await open());
  const found = await until(async () => (await refusals(server, triple)).find((one) => /duplicate_login/.test(one.Cause)), 'the duplicate login');
  assert.match(found.Evidence, /127\.0\.0\.1:\d+.*127\.0\.0\.1:\d+/s);
  for (const client of clients) client.end(true);
});

test('with the right password no search for mistakes runs', async () => {
  const counter = async (name) => {
    const text = await (await fetch(`${server.openapi}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`tercet_login_${name}_total `));
    assert.ok(line, `the counter of ${name} is exported`);
    return Number(line.split(' ').pop());
  };
  const triple = await makeDevice(server, productKey);
  const refused = await counter('refused');
  await assert.rejects(attempt({ ...credentials(triple), password: 'wrong' }));
  await until(async () => (await counter('refused')) > refused, 'the refused login is counted');
  const accepted = await counter('accepted'), examined = await counter('examinations');
  assert.ok(examined > 0, 'wrong ones were examined');
  for (let i = 0; i < 5; i++) await attempt(credentials(triple));
  await until(async () => (await counter('accepted')) >= accepted + 5, 'the right logins are counted');
  assert.equal(await counter('examinations'), examined);
});
