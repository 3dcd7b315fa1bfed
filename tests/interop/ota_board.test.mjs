// Updates from the command line to our own board: `tercet device --ota`, whose images are scripts that become the board, or data.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { api, makeDevice, makeProduct, proved, run, startServer, until } from '../harness.mjs';

const tercet = process.env.TERCET;
const examples = process.env.EXAMPLES ?? path.resolve(path.dirname(tercet), '../device');
let server;
before(async () => { server = await startServer(); });
after(async () => { await server.stop(); });

const temporary = () => mkdtempSync(path.join(tmpdir(), 'tercet-ota-board-'));
const padding = (bytes) => randomBytes(Math.ceil(bytes / 2)).toString('hex').slice(0, bytes);
// A program: says who it is, then is the board.
const script = (version, last = `exec '${tercet}' "$@"`, bytes = 200_000) => Buffer.from(`#!/bin/sh\n# tercet-image ${version}\necho "this is ${version}"\n${last}\nexit 1\n${padding(bytes)}`);
// Nothing but bytes and a version.
const data = (version, bytes) => Buffer.concat([randomBytes(bytes), Buffer.from(`\ntercet-image ${version}\n`)]);

async function command(...words) {
  const done = await run(tercet, [...words, '--ready', path.join(server.directory, 'ready.json')]);
  assert.equal(done.code, 0, done.out + done.err);
  return done.out;
}
async function upload(productKey, version, image, ...more) {
  const file = path.join(temporary(), 'image.bin');
  writeFileSync(file, image);
  return JSON.parse(await command('ota', 'upload', productKey, version, file, '--json', ...more)).Data.FirmwareId;
}
const start = async (firmware, ...more) => JSON.parse(await command('ota', 'start', firmware, '--json', ...more)).Data.JobId;
const rollOut = async (productKey, version, image, ...more) => start(await upload(productKey, version, image, ...more));

// A way to the platform that outlives it: its port changes with each start.
async function gate() {
  const listener = net.createServer((board) => {
    const { host, port } = server.listener('mqtts');
    const platform = net.connect(port, host);
    for (const [one, other] of [[board, platform], [platform, board]]) one.setNoDelay().on('error', () => other.destroy()).on('close', () => other.destroy());
    board.pipe(platform).pipe(board);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => listener.once('listening', resolve));
  return { port: listener.address().port, close: () => listener.close() };
}

function boardWords(triple, port) {
  const file = path.join(temporary(), 'triple.json');
  writeFileSync(file, JSON.stringify(triple), { mode: 0o600 });
  return ['device', '--triple', file, '--host', '127.0.0.1', '--port', String(port), '--ca', server.ca, '--interval', '60', '--sensor', 'model', '--lang', 'en'];
}
function runBoard(words) {
  const child = spawn(tercet, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (out += chunk));
  const gone = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
  return {
    output: () => out,
    says: (what, milliseconds) => until(() => what.test(out), `${what} from the board`, milliseconds).catch((error) => { throw new Error(`${error.message}, which said:\n${out}`); }),
    stop: async () => { child.kill('SIGTERM'); return gone; },
    cut: async () => { child.kill('SIGKILL'); return gone; },
  };
}
// A product, a device, and its board with a new directory of images.
async function bench(...extra) {
  const productKey = await makeProduct(server);
  const triple = await makeDevice(server, productKey);
  const images = temporary();
  const words = [...boardWords(triple, server.listener('mqtts').port), '--ota', images, '--ota-version', '1.0', ...extra];
  const board = runBoard(words);
  await board.says(/online/);
  return { productKey, triple, images, words, board };
}
const task = async (jobId) => (await api(server, 'ListOTATaskByJob', { JobId: jobId, CurrentPage: 1, PageSize: 10 })).Data.SimpleOTATaskInfo[0];
const ends = (jobId, board, milliseconds = 20000) => until(async () => {
  const one = await task(jobId);
  return ['SUCCEEDED', 'FAILED', 'CANCELED'].includes(one?.TaskStatus) && one;
}, 'the end of the task', milliseconds).catch((error) => { throw new Error(`${error.message}; the board said:\n${board.output()}`); });
const versionOf = async (triple) => (await api(server, 'ListOTAModuleVersionsByDevice', { ProductKey: triple.productKey, DeviceName: triple.deviceName, CurrentPage: 1, PageSize: 10 })).Data.SimpleOTAModuleInfo[0]?.ModuleVersion;
const status = async (triple) => (await api(server, 'GetDeviceStatus', { ProductKey: triple.productKey, DeviceName: triple.deviceName })).Data.Status;
const isThere = (triple, version, board) => until(async () => await versionOf(triple) === version && await status(triple) === 'ONLINE', `online with ${version}`).catch((error) => { throw new Error(`${error.message}; the board said:\n${board.output()}`); });

test('over HTTPS: the board becomes the new program, confirms it, and is it after a restart too', async () => {
  const { productKey, triple, words, board } = await bench('--ota-over', 'https');
  let again;
  try {
    await isThere(triple, '1.0', board);
    const done = await ends(await rollOut(productKey, '2.0', script('2.0')), board);
    assert.equal(done.TaskStatus, 'SUCCEEDED', board.output());
    assert.match(board.output(), /this is 2\.0[^]*on trial[^]*the new image is confirmed/);
    await isThere(triple, '2.0', board);
    await board.stop();
    again = runBoard(words);
    await again.says(/this is 2\.0[^]*online/);
    assert.doesNotMatch(again.output(), /on trial/);
    await isThere(triple, '2.0', again);
    // The slots change places.
    assert.equal((await ends(await rollOut(productKey, '2.1', script('2.1')), again)).TaskStatus, 'SUCCEEDED', again.output());
    await isThere(triple, '2.1', again);
  } finally {
    await board.stop();
    await again?.stop();
  }
  proved({ 'our SDK': ['OTA over HTTPS'] });
});

test('the example of the SDK takes an update, tries it, and confirms it', async () => {
  const productKey = await makeProduct(server);
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtts');
  const folder = temporary(), images = path.join(folder, 'images'), file = path.join(folder, 'triple.json');
  mkdirSync(images);
  writeFileSync(path.join(images, 'a.img'), 'tercet-image 1.0\n');
  writeFileSync(file, JSON.stringify({ ...triple, host, port, ca: server.ca }), { mode: 0o600 });
  const loader = `while '${path.join(examples, 'ota')}' '${file}' '${images}'; [ $? = 75 ]; do :; done`;
  const child = spawn('/bin/sh', ['-c', loader], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let out = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (out += chunk));
  const board = { output: () => out };
  try {
    await isThere(triple, '1.0', board);
    const done = await ends(await rollOut(productKey, '2.0', data('2.0', 100_000)), board);
    assert.equal(done.TaskStatus, 'SUCCEEDED', out);
    await isThere(triple, '2.0', board);
    await until(() => /this is 1\.0\n[^]*this is 2\.0, on trial\n[^]*confirmed/.test(out), `the new image; it said:\n${out}`);
    assert.ok(existsSync(path.join(images, 'b.img')));
  } finally {
    process.kill(-child.pid, 'SIGKILL');
  }
  proved({ 'our SDK': ['OTA over HTTPS'] });
});

test('over the session, of a job for HTTPS: an offer with an address names a stream too', async () => {
  const { productKey, triple, board } = await bench('--ota-over', 'session');
  try {
    assert.equal((await ends(await rollOut(productKey, '2.0', data('2.0', 300_000)), board)).TaskStatus, 'SUCCEEDED', board.output());
    await isThere(triple, '2.0', board);
    assert.match(board.output(), /image 1\.0[^]*image 2\.0/);
  } finally {
    await board.stop();
  }
  proved({ 'our SDK': ['OTA over the session'] });
});

test('the platform is killed in the middle of a download, and the update comes to its end', async () => {
  const own = temporary();
  const shared = server;
  server = await startServer({ directory: own });
  const way = await gate();
  let board;
  try {
    const productKey = await makeProduct(server);
    const triple = await makeDevice(server, productKey);
    board = runBoard([...boardWords(triple, way.port), '--ota', temporary(), '--ota-version', '1.0', '--ota-over', 'session']);
    await board.says(/online/);
    const jobId = await rollOut(productKey, '2.0', data('2.0', 12 * 1024 * 1024));
    await until(async () => Number((await task(jobId))?.Progress) >= 10, 'ten percent');
    await server.kill();
    await board.says(/offline/);
    assert.doesNotMatch(board.output(), /verifying/);
    server = await startServer({ directory: own });
    assert.equal((await ends(jobId, board, 60000)).TaskStatus, 'SUCCEEDED', board.output());
    await isThere(triple, '2.0', board);
    // It went on where it was, whether or not it noticed before the platform was back.
    assert.equal(board.output().match(/fetching \d+ bytes, from 0\n/g).length, 1, board.output());
  } finally {
    await board?.stop();
    way.close();
    await server.stop();
    server = shared;
  }
});

test('the board itself loses its supply in the middle of a download, and goes on', async () => {
  const { productKey, triple, words, board } = await bench('--ota-over', 'session');
  let again;
  try {
    const jobId = await rollOut(productKey, '2.0', data('2.0', 8 * 1024 * 1024));
    await until(async () => Number((await task(jobId))?.Progress) >= 10, 'ten percent');
    await board.cut();
    again = runBoard(words);
    assert.equal((await ends(jobId, again, 60000)).TaskStatus, 'SUCCEEDED', again.output());
    const [, place] = again.output().match(/fetching \d+ bytes, from (\d+)/) ?? [];
    assert.ok(Number(place) > 0, again.output());
    await isThere(triple, '2.0', again);
  } finally {
    await board.cut();
    await again?.stop();
  }
});

test('a second board on the same directory of images is told so, and the first goes on', async () => {
  const { triple, words, board } = await bench();
  try {
    const second = await run(tercet, words);
    assert.equal(second.code, 2, second.out + second.err);
    assert.match(second.err, /another `tercet device --ota` runs its images/);
    await isThere(triple, '1.0', board);
  } finally {
    await board.stop();
  }
});

test('an image that nobody we trust has signed is refused, as are one without signature and one that lost a bit; the board stays online', async () => {
  const maker = generateKeyPairSync('ec', { namedCurve: 'P-256' }), other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = path.join(temporary(), 'key.pem');
  writeFileSync(key, maker.publicKey.export({ type: 'spki', format: 'pem' }));
  const { productKey, triple, board } = await bench('--ota-key', key);
  const signed = (image, by) => ['--signature', sign('sha256', image, by.privateKey).toString('base64')];
  const refused = async (version, image, words, ...more) => {
    const done = await ends(await rollOut(productKey, version, image, ...more), board);
    assert.equal(done.TaskStatus, 'FAILED');
    assert.equal(done.TaskDesc, words);
    await isThere(triple, '1.0', board);
  };
  try {
    const image = data('2.0', 50_000);
    await refused('2.0', image, 'signature_missing');
    await refused('2.1', data('2.1', 50_000), 'wrong_signature', ...signed(image, maker));
    await refused('2.2', image, 'wrong_signature', ...signed(image, other));
    await refused('2.3', image, 'other_image', ...signed(image, maker));  // it says 2.0 of itself
    const before = new Set(readdirSync(path.join(server.directory, 'data', 'ota')));
    const damaged = data('2.4', 50_000);
    const firmware = await upload(productKey, '2.4', damaged, ...signed(damaged, maker));
    const [stored] = readdirSync(path.join(server.directory, 'data', 'ota')).filter((one) => !before.has(one));
    const bytes = readFileSync(path.join(server.directory, 'data', 'ota', stored));
    bytes[1234] ^= 1;
    writeFileSync(path.join(server.directory, 'data', 'ota', stored), bytes);
    const broken = await ends(await start(firmware), board);
    assert.equal(broken.TaskDesc, 'wrong_digest');
    await isThere(triple, '1.0', board);
    assert.equal(board.output().match(/ online\n/g).length, 1, board.output());
    const good = data('2.5', 50_000);
    assert.equal((await ends(await rollOut(productKey, '2.5', good, ...signed(good, maker)), board)).TaskStatus, 'SUCCEEDED', board.output());
  } finally {
    await board.stop();
  }
});

test('a new image that crashes, or never gets online, is left for the one before, and not taken again', async () => {
  const { productKey, triple, words, board } = await bench();
  try {
    const crashing = script('2.0', 'kill -SEGV $$');
    const crashed = await ends(await rollOut(productKey, '2.0', crashing), board);
    assert.equal(crashed.TaskStatus, 'FAILED');
    assert.equal(crashed.TaskDesc, 'crashed');
    await isThere(triple, '1.0', board);
    // It speaks to a port where nobody is.
    const deaf = words.map((word, i) => words[i - 1] === '--port' ? '1' : word).map((word) => `'${word}'`).join(' ');
    const mute = await ends(await rollOut(productKey, '2.1', script('2.1', `exec '${tercet}' ${deaf} --ota-healthy 2`)), board);
    assert.equal(mute.TaskDesc, 'unhealthy');
    await board.says(/this is 2\.1[^]*not well, going back[^]*image 1\.0/);
    await isThere(triple, '1.0', board);
    assert.equal((await ends(await rollOut(productKey, '2.2', script('2.2')), board)).TaskStatus, 'SUCCEEDED', board.output());
    await isThere(triple, '2.2', board);
  } finally {
    await board.stop();
  }
});
