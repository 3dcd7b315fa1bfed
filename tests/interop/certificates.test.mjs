// X.509 device certificates: MQTT.js and mosquitto_pub log in with certificates made here and by openssl, and are refused with the wrong ones.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { api, climateTsl, credentials, makeDevice, refusals, run, sign, startServer, until } from '../harness.mjs';

let server, productKey, folder;
before(async () => {
  server = await startServer();
  productKey = (await api(server, 'CreateProduct', { ProductName: `certified${Date.now()}`, NodeType: 0, AuthType: 'x509' })).Data.ProductKey;
  folder = mkdtempSync(path.join(tmpdir(), 'tercet-certificates-'));
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const command = (...words) => run(process.env.TERCET, [...words, '--ready', path.join(server.directory, 'ready.json')]);
const named = (triple) => ({ clientId: `x|securemode=2,signmethod=hmacsha1,timestamp=2524608000000|`, username: `${triple.deviceName}&${productKey}`, password: '' });
const nameless = { clientId: '|securemode=2,signmethod=hmacsha1,timestamp=2524608000000|', username: '&', password: '' };
async function issue(triple, ...more) {
  const out = path.join(folder, `${triple.deviceName}-${Math.random()}`);
  const made = await command('cert', 'issue', productKey, triple.deviceName, '--out', out, ...more);
  assert.equal(made.code, 0, made.out + made.err);
  return { cert: `${out}.pem`, key: `${out}.key` };
}
// A certificate of one's own making, signed by nobody else.
async function selfMade(name, ...more) {
  const files = { cert: path.join(folder, `${name}.pem`), key: path.join(folder, `${name}.key`) };
  const made = await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', files.key, '-out', files.cert, '-days', '2', ...more]);
  assert.equal(made.code, 0, made.err);
  return files;
}
function connect(login, files, { listener = 'mqtts', ...more } = {}) {
  const { host, port } = server.listener(listener);
  const shown = files ? { cert: readFileSync(files.cert), key: readFileSync(files.key) } : {};
  return mqtt.connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0, ...login, ...shown, ...more });
}
async function code(login, files, more) {
  try {
    await (await connect(login, files, more)).endAsync(true);
    return 0;
  } catch (refused) {
    return refused.code;
  }
}
const entry = (triple, cause) => until(async () => (await refusals(server, triple)).find((one) => one.Cause === cause), cause);

test('MQTT.js with a certificate made here needs neither names nor a secret, and is told its names without SUBSCRIBE', async () => {
  const triple = await makeDevice(server, productKey);
  const files = await issue(triple);
  assert.equal(statSync(files.key).mode & 0o777, 0o600);
  for (const listener of ['mqtts', 'mqtt']) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
      const { host, port } = server.listener(listener);
      const client = mqtt.connect({ protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0, maxVersion, ...nameless, cert: readFileSync(files.cert), key: readFileSync(files.key) });
      const [topic, payload] = await new Promise((resolve, reject) => client.once('message', (...message) => resolve(message)).once('error', reject));
      assert.equal(topic, '/ext/auth/identity/response');
      assert.deepEqual(JSON.parse(payload), { productKey, deviceName: triple.deviceName });
      await client.endAsync(true);
    }
  }
  assert.equal(await code(named(triple), files), 0);
  assert.deepEqual(await refusals(server, triple), []);
});

test('mosquitto_pub posts with a certificate that openssl made, once it is bound to the device', async () => {
  const triple = await makeDevice(server, productKey);
  const files = await selfMade('workshop');
  const { host, port } = server.listener('mqtts');
  const post = () => run('mosquitto_pub', ['-h', host, '-p', String(port), '--cafile', server.ca, '--cert', files.cert, '--key', files.key, '-i', named(triple).clientId, '-u', named(triple).username,
    '-q', '1', '-t', `/${productKey}/${triple.deviceName}/user/update`, '-m', 'hello']);
  assert.notEqual((await post()).code, 0);
  const unknown = await entry(triple, 'login.certificate_unknown');
  assert.match(unknown.Evidence, /workshop/);
  assert.match(unknown.Remedy, /cert bind/);
  const bound = await command('cert', 'bind', productKey, triple.deviceName, '--cert', files.cert);
  assert.equal(bound.code, 0, bound.out + bound.err);
  const posted = await post();
  assert.equal(posted.code, 0, posted.err);
});

test('no certificate, another device\'s, a revoked one: each is refused and explained, and a secret is no way round', async () => {
  const triple = await makeDevice(server, productKey), other = await makeDevice(server, productKey);
  const files = await issue(triple, '--rsa'), others = await issue(other);
  assert.equal(await code(named(triple), null), 5);
  await entry(triple, 'login.certificate_missing');
  assert.equal(await code(credentials(triple), null), 5);
  assert.equal(await code(named(triple), others), 5);
  assert.match((await entry(triple, 'login.certificate_of_another')).Evidence, new RegExp(other.deviceName));

  const client = await connect(named(triple), files);
  const closed = new Promise((resolve) => client.once('close', resolve));
  const revoked = await command('cert', 'revoke', productKey, triple.deviceName, '--all');
  assert.equal(revoked.code, 0, revoked.out + revoked.err);
  await closed;
  assert.equal(await code(named(triple), files), 5);
  await entry(triple, 'login.certificate_revoked');
  assert.equal(await code(nameless, files), 5);
  assert.equal(await code(named(triple), await issue(triple)), 0);
  assert.equal(await code(named(other), others), 0);
});

test('of an authority that was uploaded, certificates are taken whose serial number is bound, and no others', async () => {
  const authority = await selfMade('works', '-addext', 'basicConstraints=critical,CA:TRUE');
  const impostor = await selfMade('works_too', '-addext', 'basicConstraints=critical,CA:TRUE', '-subj', '/CN=works');
  async function signed(by, name, serial) {
    const files = { cert: path.join(folder, `${name}.pem`), key: path.join(folder, `${name}.key`) }, request = path.join(folder, `${name}.csr`);
    assert.equal((await run('openssl', ['req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', files.key, '-out', request])).code, 0);
    const made = await run('openssl', ['x509', '-req', '-in', request, '-CA', by.cert, '-CAkey', by.key, '-set_serial', `0x${serial}`, '-days', '2', '-out', files.cert]);
    assert.equal(made.code, 0, made.err);
    return files;
  }
  const triple = await makeDevice(server, productKey), other = await makeDevice(server, productKey);
  const [right, unbound, forged] = [await signed(authority, 'right', '4f1a09'), await signed(authority, 'unbound', '4f1a0a'), await signed(impostor, 'forged', '4f1a09')];
  const early = await command('cert', 'bind', productKey, triple.deviceName, '--serial', '4F:1A:09');
  assert.equal(early.code, 1);
  assert.match(early.err + early.out, /tercet ca add FILE/);
  const noAuthority = await command('ca', 'add', right.cert);
  assert.equal(noAuthority.code, 1);
  assert.match(noAuthority.err + noAuthority.out, /is no authority/);
  assert.equal((await command('ca', 'add', authority.cert)).code, 0);
  assert.equal(await code(named(triple), right), 5, 'nothing is bound yet');
  const bound = await command('cert', 'bind', productKey, triple.deviceName, '--serial', '4F:1A:09');
  assert.equal(bound.code, 0, bound.err);
  assert.equal(await code(named(triple), right), 0);
  assert.equal(await code(nameless, right), 0);
  assert.equal(await code(named(other), right), 5);
  await entry(other, 'login.certificate_of_another');
  assert.equal(await code(named(triple), unbound), 5);
  assert.equal(await code(named(triple), forged), 5);
  await entry(triple, 'login.certificate_unknown');
  assert.equal(await code(named(triple), right), 0);
  const listed = JSON.parse((await command('ca', 'list', '--json')).out);
  const { CaSha256, BoundCount } = listed.Data.CaInfo[0];
  assert.equal(BoundCount, 1);
  assert.equal((await command('ca', 'delete', CaSha256.slice(0, 10))).code, 0);
  assert.equal(await code(named(triple), right), 5);
});

test('an expired certificate is not taken when it is bound', async () => {
  const triple = await makeDevice(server, productKey);
  const key = path.join(folder, 'old.key'), request = path.join(folder, 'old.csr'), cert = path.join(folder, 'old.pem');
  assert.equal((await run('openssl', ['req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=old', '-keyout', key, '-out', request])).code, 0);
  assert.equal((await run('openssl', ['x509', '-req', '-in', request, '-signkey', key, '-days', '-1', '-out', cert])).code, 0);
  const bound = await command('cert', 'bind', productKey, triple.deviceName, '--cert', cert);
  assert.equal(bound.code, 1);
  assert.match(bound.out + bound.err, /tercet\.certificate\.Expired/);
});

test('who shows a certificate without its key does not get past the handshake', async () => {
  const triple = await makeDevice(server, productKey);
  const files = await issue(triple), stolen = { cert: files.cert, key: (await selfMade('thief')).key };
  await assert.rejects(connect(named(triple), stolen));
  assert.equal(await code(named(triple), files), 0);
});

test('devices of products with secrets log in as before, with a client certificate or without', async () => {
  const secretive = (await api(server, 'CreateProduct', { ProductName: `secretive${Date.now()}`, NodeType: 0 })).Data.ProductKey;
  const triple = await makeDevice(server, secretive);
  const files = await selfMade('anybody');
  assert.equal(await code(credentials(triple), null), 0);
  assert.equal(await code(credentials(triple), files), 0);
  assert.equal(await code({ ...credentials(triple), password: '' }, files), 4);
  const refused = await command('cert', 'issue', secretive, triple.deviceName, '--out', path.join(folder, 'none'));
  assert.equal(refused.code, 1);
  assert.match(refused.out + refused.err, /tercet\.certificate\.ProductUsesSecrets/);
});

test('our own board posts with a certificate; without one it says what is missing', async () => {
  await api(server, 'ImportThingModelTsl', { ProductKey: productKey, TslStr: climateTsl });
  const triple = await makeDevice(server, productKey);
  const files = await issue(triple);
  const { host, port } = server.listener('mqtts');
  const file = path.join(folder, 'triple.json');
  writeFileSync(file, JSON.stringify({ productKey, deviceName: triple.deviceName, deviceSecret: triple.deviceSecret, host, port, ca: server.ca }), { mode: 0o600 });
  const board = (patience, ...more) => run(process.env.TERCET, ['device', '--triple', file, '--interval', '1', '--count', '1', '--give-up', patience, '--sensor', 'model', ...more]);
  const posted = await board('20', '--cert', files.cert, '--key', files.key);
  assert.equal(posted.code, 0, posted.out + posted.err);
  const bareHands = await run(path.join(path.dirname(process.env.TERCET), '../device/x509'), [productKey, triple.deviceName, host, String(port), server.ca, files.cert, files.key]);
  assert.equal(bareHands.out.trim(), 'posted', bareHands.err);
  const halved = await board('20', '--cert', files.cert);
  assert.notEqual(halved.code, 0);
  assert.match(halved.out + halved.err, /--cert and --key go together/);
  const bare = board('3');
  await entry(triple, 'login.certificate_missing');
  assert.notEqual((await bare).code, 0);
});

test('a rotated secret counts on the HTTPS path too, the earlier one until its end; a certified device has no such path', async () => {
  const secretive = (await api(server, 'CreateProduct', { ProductName: `rotating${Date.now()}`, NodeType: 0 })).Data.ProductKey;
  const old = await makeDevice(server, secretive);
  const auth = async (triple) => {
    const signed = { clientId: 'x', deviceName: triple.deviceName, productKey: triple.productKey };
    const content = Object.keys(signed).sort().map((name) => name + signed[name]).join('');
    const file = path.join(folder, 'form.json');
    writeFileSync(file, JSON.stringify({ ...signed, signmethod: 'hmacsha1', sign: sign('hmacsha1', triple.deviceSecret, content), version: 'default' }));
    const answer = await run('curl', ['-s', '--cacert', server.ca, '-H', 'content-type: application/json', '-d', `@${file}`, `${new URL('/auth', server.files)}`]);
    return JSON.parse(answer.out).code;
  };
  const device = { ProductKey: secretive, DeviceName: old.deviceName };
  const fresh = { ...old, deviceSecret: (await api(server, 'RotateDeviceSecret', { ...device, OverlapSeconds: 3600 })).Data.DeviceSecret };
  assert.equal(await auth(old), 0);
  assert.equal(await auth(fresh), 0);
  await api(server, 'EndDeviceSecretRotation', device);
  assert.notEqual(await auth(old), 0);
  await entry(old, 'login.secret_ended');
  assert.equal(await auth(fresh), 0);
  const certified = await makeDevice(server, productKey);
  assert.notEqual(await auth(certified), 0);
  await entry(certified, 'login.needs_certificate');
});
