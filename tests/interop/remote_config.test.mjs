// Remote configuration from the command line to a board and back: our own board and the official Node device SDK.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { api, makeDevice, makeProduct, proved, run, startServer, until } from '../harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url)); // import.meta.dirname needs a newer Node than Debian's
const tercet = process.env.TERCET;
const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
let server;
before(async () => { server = await startServer(); });
after(async () => { await server.stop(); });

const temporary = () => mkdtempSync(path.join(tmpdir(), 'tercet-config-'));
// A set that is entered with the first sample and sets the report interval.
const rules = (version, interval) => JSON.stringify({ format: 1, version, rules: [{
  name: `every_${interval}`, when: { property: 'temperature', op: '>', value: -40 }, enter: [{ set: 'report_interval', value: interval }],
}] });

async function command(...words) {
  const done = await run(tercet, [...words, '--ready', path.join(server.directory, 'ready.json')]);
  return { ...done, words: words.join(' ') };
}
async function setFile(productKey, text) {
  const file = path.join(temporary(), 'config.json');
  writeFileSync(file, text);
  const done = await command('config', 'set', productKey, file);
  assert.equal(done.code, 0, done.out + done.err);
}

function startBoard(triple, state = temporary()) {
  const file = path.join(temporary(), 'triple.json');
  writeFileSync(file, JSON.stringify(triple), { mode: 0o600 });
  const { host, port } = server.listener('mqtts');
  const child = spawn(tercet, ['device', '--triple', file, '--host', host, '--port', String(port), '--ca', server.ca, '--interval', '60', '--sensor', 'model', '--state', state, '--lang', 'en'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (out += chunk));
  const gone = new Promise((resolve) => child.on('exit', resolve));
  return {
    output: () => out,
    says: (words) => until(() => words.test(out) && out, `${words} from the board, which said:\n${out}`),
    stop: async () => { child.kill('SIGTERM'); return gone; },
  };
}
async function interval(triple) {
  const status = await api(server, 'QueryDevicePropertyStatus', { ProductKey: triple.productKey, DeviceName: triple.deviceName });
  return Number(status.Data.List.PropertyStatusInfo.find((one) => one.Identifier === 'report_interval')?.Value);
}
async function rulesChanged(triple) {
  const answer = await api(server, 'QueryDeviceEventData', { ProductKey: triple.productKey, DeviceName: triple.deviceName, Identifier: 'rules_changed', StartTime: Date.now() - 3600000, EndTime: Date.now() + 60000, PageSize: 20, Asc: 1 });
  return (answer.Data.List.EventInfo ?? []).map((one) => JSON.parse(one.OutputData));
}
const configuration = async (productKey) => (await api(server, 'GetProductConfiguration', { ProductKey: productKey })).Data;

test('a rule set that is the product\'s configuration reaches a board at its login, a push reaches it online, and a bad set is refused with its cause', async () => {
  const productKey = await makeProduct(server);
  const triple = await makeDevice(server, productKey);
  await setFile(productKey, rules(1, 7));
  const state = temporary();
  let board = startBoard(triple, state);
  try {
    await until(async () => await interval(triple) === 7, `report_interval 7 by the rule; the board said:\n${board.output()}`);
    assert.deepEqual((await until(async () => (await rulesChanged(triple)).at(0), 'the event')), { version: 1, running: 1, outcome: 'accepted', cause: 'none' });

    // A set for another board: refused, posted, answered 460; the old one goes on.
    await setFile(productKey, JSON.stringify({ format: 1, version: 2, rules: [{ name: 'x', when: { property: 'pressure', op: '>', value: 1 }, enter: [{ call: 'buzzer' }] }] }));
    assert.equal((await command('config', 'push', productKey)).code, 0);
    const refused = await until(async () => (await rulesChanged(triple)).find((one) => one.outcome === 'refused'), `the refusal; the board said:\n${board.output()}`);
    assert.equal(refused.running, 1);
    assert.notEqual(refused.cause, 'none');
    await board.says(/configuration not taken: .*pressure/);
    await until(async () => (await configuration(productKey)).Refused === 1, 'the answer 460 to the push');
    const table = await command('config', 'show', productKey, '--refusals');
    assert.match(table.out, new RegExp(`${triple.deviceName} +460`));

    await setFile(productKey, rules(3, 9));
    const pushed = await command('config', 'push', productKey, '--json');
    assert.equal(JSON.parse(pushed.out).Data.Sent, 1);
    await until(async () => await interval(triple) === 9, `report_interval 9 by the pushed rule; the board said:\n${board.output()}`);
    await until(async () => (await configuration(productKey)).Taken === 1, 'the answer 200 to the push');
    assert.equal((await configuration(productKey)).Version, 3);
  } finally {
    await board.stop();
  }

  // The next run knows the file, and does not fetch it again.
  board = startBoard(triple, state);
  try {
    await board.says(/online/);
    await until(async () => (await api(server, 'GetDeviceStatus', { ProductKey: productKey, DeviceName: triple.deviceName })).Data.Status === 'ONLINE', 'online');
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.doesNotMatch(board.output(), /bytes from/);
  } finally {
    await board.stop();
  }
  proved({ 'our SDK': ['remote configuration'] });
});

test('the example of the SDK takes the product\'s file at its login and by push, and refuses one that is not for it', async () => {
  const productKey = await makeProduct(server);
  const triple = await makeDevice(server, productKey);
  await setFile(productKey, '{"interval":7}');
  const { host, port } = server.listener('mqtts');
  const file = path.join(temporary(), 'triple.json');
  writeFileSync(file, JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  const child = spawn(path.join(examples, 'config'), [file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (out += chunk));
  const says = (words) => until(() => words.test(out), `${words} from the example, which said:\n${out}`);
  try {
    await says(/^interval 7 s$/m);
    await setFile(productKey, '{"interval":8}');
    assert.equal((await command('config', 'push', productKey)).code, 0);
    await says(/^interval 8 s$/m);
    await until(async () => (await configuration(productKey)).Taken === 1, 'the answer 200 to the push');
    await setFile(productKey, '{"interval":0}');
    assert.equal((await command('config', 'push', productKey)).code, 0);
    await says(/not a configuration of this board/);
    await until(async () => (await configuration(productKey)).Refused === 1, 'the answer 460 to the push');
  } finally {
    child.kill('SIGKILL');
  }
  proved({ 'our SDK': ['remote configuration'] });
});

test('the command line sets, shows and pushes, and says what is wrong with a file', async () => {
  const productKey = await makeProduct(server);
  assert.match((await command('config', 'show', productKey)).err, /tercet\.config\.NotExistedConfiguration/);
  assert.match((await command('config', 'push', productKey)).err, /set one first/);
  const bad = path.join(temporary(), 'bad.json');
  writeFileSync(bad, '{"format":1,}');
  const refused = await command('config', 'set', productKey, bad);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /byte 12/);
  assert.equal((await command('config', 'set', productKey, '/nonexistent')).code, 2);
  for (let i = 1; i <= 6; ++i) await setFile(productKey, `{"n":${i}}`);
  assert.match((await command('config', 'show', productKey)).out, /Content +\{"n":6\}/);
  const versions = (await command('config', 'show', productKey, '--versions')).out.trim().split('\n');
  assert.equal(versions.length, 6); // a head and five versions
  assert.equal(JSON.parse((await command('config', 'push', productKey, '--json')).out).Data.Sent, 0);
  const large = 'x'.repeat(65534);
  await setFile(productKey, JSON.stringify(large));
  assert.equal((await configuration(productKey)).Size, 65536);
});

test('the official Node device SDK is told there is none, then gets the file, and a push', async () => {
  const { host, port } = server.listener('mqtts');
  const productKey = await makeProduct(server);
  const triple = await makeDevice(server, productKey);
  const start = () => {
    const board = spawn(process.execPath, [path.join(here, 'official_config.mjs'), `mqtts://${host}:${port}/`, productKey, triple.deviceName, triple.deviceSecret],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: server.ca }, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '', errors = '';
    board.stdout.on('data', (chunk) => (printed += chunk));
    board.stderr.on('data', (chunk) => (errors += chunk));
    const steps = () => printed.split('\n').filter(Boolean).map((line) => JSON.parse(line));
    return { board, ended: new Promise((resolve) => board.on('exit', resolve)),
      step: (name) => until(() => steps().find((one) => one.step === name), `'${name}' from the official SDK; it said ${printed} ${errors}`) };
  };
  const without = start();
  assert.equal((await without.step('first answer')).value.code, 6710);
  without.board.kill('SIGKILL');
  await without.ended;

  const text = '{"greeting":"你好"}';
  await setFile(productKey, text);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const { board, step, ended } = start();
  try {
    const { code, data } = (await step('first answer')).value;
    assert.equal(code, 200);
    assert.deepEqual(Object.keys(data), ['configId', 'configSize', 'sign', 'signMethod', 'url', 'getType']);
    assert.equal(data.configSize, Buffer.byteLength(text));
    assert.equal(data.sign, sha256);
    assert.equal(data.signMethod, 'Sha256');
    assert.ok(data.url.startsWith(`${server.files}/`));
    assert.deepEqual((await step('file')).value, { status: 200, text, length: Buffer.byteLength(text), sha256 });
    await step('waiting for a push');
    await api(server, 'PushProductConfiguration', { ProductKey: productKey });
    const push = (await step('push')).value;
    assert.equal(push.method, 'thing.config.push');
    assert.equal(push.params.configId, data.configId);
    assert.equal((await step('pushed file')).value.sha256, sha256);
    assert.equal(await ended, 0);
    await until(async () => (await configuration(productKey)).Taken === 1, 'the answer to the push');
  } finally {
    board.kill('SIGKILL');
  }
  proved({ 'Node device SDK': ['remote configuration'] });
});

test('the port for files wants its own signature, and serves devices of the compatible kind too', async () => {
  const get = (target, more = {}) => new Promise((resolve, reject) => {
    https.get(server.files + target, { ca: readFileSync(server.ca), agent: false, ...more }, (answer) => {
      let body = '';
      answer.on('data', (part) => (body += part));
      answer.on('end', () => resolve({ status: answer.statusCode, body }));
    }).on('error', reject);
  });
  assert.equal((await get('/files/configuration/a1/x')).status, 403);
  for (const target of ['/', '/?Action=QueryProductList', '/healthz'])
    assert.equal((await get(target)).status, 404);
  const old = await get('/', { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA256' });
  assert.equal(old.status, 404); // TLS with RSA key exchange, as the vendor's C SDK speaks it
});
