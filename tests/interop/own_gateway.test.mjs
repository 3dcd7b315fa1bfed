// Our own gateway in a process of its own, `tercet gateway`, with fifty devices: logged in, posting, set, disabled, taken away, and
// all back after the gateway or the platform was killed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { api, makeDevice, makeProduct, proved, refusals, run, startServer, until } from '../harness.mjs';

const tercet = process.env.TERCET;
const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
const folder = mkdtempSync(path.join(tmpdir(), 'tercet-gateway-'));
let server, gateways, things;
before(async () => {
  server = await startServer({ directory: path.join(folder) });
  gateways = await makeProduct(server, { name: 'gateway', nodeType: 1, tsl: null });
  things = await makeProduct(server);
});
after(async () => { await server.stop(); });

const where = () => { const { host, port } = server.listener('mqtts'); return ['--host', host, '--port', String(port), '--ca', server.ca]; };
function start(triple, subs, ...more) {
  const file = path.join(folder, `${triple.deviceName}.json`);
  writeFileSync(file, JSON.stringify(triple), { mode: 0o600 });
  const child = spawn(tercet, ['gateway', '--triple', file, '--subs', subs, ...where(), '--interval', '1', ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (out += chunk));
  const gone = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
  return {
    output: () => out,
    says: (words) => until(() => words.test(out), `${words} from the gateway, which said:\n${out.slice(-1500)}`, 30000),
    forget: () => (out = ''),
    stop: async (signal = 'SIGTERM') => { child.kill(signal); return gone; },
    gone,
  };
}
async function many(count) {
  const triples = [];
  for (let i = 0; i < count; ++i) triples.push(await makeDevice(server, things, `room_${String(i).padStart(2, '0')}_${Math.floor(Math.random() * 1e6)}`));
  return triples;
}
function list(name, triples, secrets = true) {
  const file = path.join(folder, name);
  writeFileSync(file, triples.map((one) => [one.productKey, one.deviceName, ...(secrets ? [one.deviceSecret] : [])].join(' ')).join('\n'), { mode: 0o600 });
  return file;
}
const status = async ({ productKey, deviceName }) => (await api(server, 'GetDeviceStatus', { ProductKey: productKey, DeviceName: deviceName })).Data.Status;
const value = async ({ productKey, deviceName }, identifier) => (await api(server, 'QueryDevicePropertyStatus', { ProductKey: productKey, DeviceName: deviceName })).Data.List.PropertyStatusInfo.find((one) => one.Identifier === identifier)?.Value;
const command = (...words) => run(tercet, [...words, '--ready', path.join(server.directory, 'ready.json')]);

test('fifty devices are added, logged in, post and are set; one is disabled, one taken away, and the others notice nothing', async () => {
  const triple = await makeDevice(server, gateways, 'gateway_1');
  const rooms = await many(50);
  const gateway = start(triple, list('rooms', rooms));
  try {
    await gateway.says(/\(50 \/ 50\)/);
    for (const room of rooms) await until(async () => (await value(room, 'temperature')) !== undefined, `${room.deviceName} has posted`);
    const listed = await command('topology', 'list', gateways, 'gateway_1', '--json');
    assert.equal(JSON.parse(listed.out).Data.Total, 50, listed.out + listed.err);

    await api(server, 'SetDeviceProperty', { ProductKey: things, DeviceName: rooms[7].deviceName, Items: '{"report_interval":3}' });
    await until(async () => (await value(rooms[7], 'report_interval')) === '3', 'the set is obeyed and posted');

    await api(server, 'DisableThing', { ProductKey: things, DeviceName: rooms[1].deviceName });
    await gateway.says(new RegExp(`${rooms[1].deviceName} is disabled`));
    assert.equal(await status(rooms[1]), 'DISABLE');
    await api(server, 'EnableThing', { ProductKey: things, DeviceName: rooms[1].deviceName });
    await until(async () => (await status(rooms[1])) === 'ONLINE', 'the enabled device is back');

    const removed = await command('topology', 'remove', things, rooms[2].deviceName);
    assert.equal(removed.code, 0, removed.out + removed.err);
    await gateway.says(new RegExp(`${rooms[2].deviceName} was taken from the topology`));
    assert.equal(JSON.parse((await command('topology', 'list', gateways, 'gateway_1', '--json')).out).Data.Total, 49);
    for (const room of rooms.filter((one) => one !== rooms[2])) assert.equal(await status(room), 'ONLINE');

    // Its end is theirs; all but the one that was taken away come back, which is added anew by a gateway that begins again.
    await gateway.stop('SIGKILL');
    await until(async () => (await status(rooms[0])) === 'OFFLINE', 'offline with the gateway');
    const again = start(triple, path.join(folder, 'rooms'));
    try {
      await again.says(/\(50 \/ 50\)/);
      again.forget();
      await server.kill();
      await again.says(/offline/);
      server = await startServer({ directory: server.directory, config: `[[listener]]\nname = "mqtts"\nhost = "127.0.0.1"\nport = ${server.listener('mqtts').port}\ntransport = "tls"\npolicy = "cloud"\n` });
      await again.says(/\(50 \/ 50\)/);
      for (const room of rooms) assert.equal(await status(room), 'ONLINE');
    } finally {
      assert.equal(await again.stop(), 0);
    }
  } finally {
    await gateway.stop('SIGKILL');
  }
  proved({ 'our SDK': ['gateway and sub-devices'] });
});

test('devices without secrets register through the gateway, and the secrets are kept in the list', async () => {
  await api(server, 'UpdateProduct', { ProductKey: things, DynamicRegister: true });
  const triple = await makeDevice(server, gateways, 'gateway_2');
  const rooms = await many(3), file = list('unregistered', rooms, false);
  const gateway = start(triple, file, '--count', '6', '--give-up', '30');
  assert.equal(await gateway.gone, 0, gateway.output());
  const kept = readFileSync(file, 'utf8');
  for (const room of rooms) assert.ok(kept.includes(room.deviceSecret));
  assert.ok(!gateway.output().includes(rooms[0].deviceSecret));
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a wrong secret keeps one device out, the others are in, and the journal says why', async () => {
  const triple = await makeDevice(server, gateways, 'gateway_3');
  const rooms = await many(3);
  const gateway = start(triple, list('one_wrong', [rooms[0], { ...rooms[1], deviceSecret: 'f'.repeat(32) }, rooms[2]]));
  try {
    await gateway.says(/\(2 \/ 3\)/);
    const found = await until(async () => (await refusals(server, rooms[1]))[0], 'the refusal');
    assert.match(found.Cause, /^gateway\./);
    assert.ok(found.Remedy.length > 10);
  } finally {
    await gateway.stop();
  }
});

test('the example speaks for two devices', async () => {
  const triple = await makeDevice(server, gateways, 'gateway_4'), tanks = await many(2);
  const { host, port } = server.listener('mqtts');
  const file = path.join(folder, 'example.json');
  writeFileSync(file, JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  const child = spawn(path.join(examples, 'gateway'), [file, things, ...tanks.flatMap((one) => [one.deviceName, one.deviceSecret])], { stdio: 'ignore' });
  try {
    for (const tank of tanks) await until(async () => (await status(tank)) === 'ONLINE', `${tank.deviceName} is online`);
  } finally {
    child.kill('SIGKILL');
  }
});

test('what is wrong with the arguments is said', async () => {
  const file = path.join(folder, 'bad');
  writeFileSync(file, `${things} room_1\nonly_one\n`);
  const triple = path.join(folder, 'gateway_1.json');
  const bad = await run(tercet, ['gateway', '--triple', triple, '--subs', file]);
  assert.equal(bad.code, 2);
  assert.match(bad.err, /bad:2: want ProductKey DeviceName \[DeviceSecret\]/);
  writeFileSync(file, `${things} room_1\n${things} room_1\n`);
  const twice = await run(tercet, ['gateway', '--triple', triple, '--subs', file]);
  assert.equal(twice.code, 2);
  assert.match(twice.err, /listed twice/);
});
