// How long a fleet takes to fetch an image, what that costs the platform and its other boards, and how many are left behind.
//   TERCET=build/release/cli/tercet node tests/bench/ota_fleet.mjs [BOARDS [MEGABYTES [https|session [CUT_EVERY]]]]
// Boards are `tercet fleet --ota`: the device SDK with its updater, each with a flash of its own, a restart and a trial of the new image.
// Meanwhile ten other boards post 100 times a second, and the API is asked ten times a second: how long they wait is printed for the
// time before and the time of the update. One line of JSON; exit code 1 when a board was left behind.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { api, makeDevice, makeProduct, run, startServer, tercet, until } from '../harness.mjs';

const [boards = 1000, megabytes = 4] = process.argv.slice(2, 4).map(Number);
const over = process.argv[4] ?? 'https', cutEvery = process.argv[5] ?? '0';
const server = await startServer();
const directory = mkdtempSync(path.join(tmpdir(), 'tercet-ota-fleet-'));
const file = (name, text) => { const at = path.join(directory, name); writeFileSync(at, text); return at; };
const triples = (devices) => devices.map((one) => `${one.productKey} ${one.deviceName} ${one.deviceSecret}\n`).join('');

async function command(...words) {
  const done = await run(tercet, [...words, '--json', '--ready', path.join(server.directory, 'ready.json')]);
  if (done.code !== 0) throw new Error(done.out + done.err);
  return JSON.parse(done.out).Data;
}
async function devices(productKey, count) {
  const made = [];
  while (made.length < count) made.push(...await Promise.all(Array.from({ length: Math.min(50, count - made.length) }, () => makeDevice(server, productKey))));
  return made;
}
const { host, port } = server.listener('mqtts');
function fleet(...words) {
  const child = spawn(tercet, ['fleet', '--host', host, '--port', String(port), '--ca', server.ca, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const it = { out: '', err: '', child };
  child.stdout.on('data', (chunk) => (it.out += chunk));
  child.stderr.on('data', (chunk) => (it.err += chunk));
  it.gone = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
  return it;
}
// Ten boards, a hundred posts a second altogether.
async function posts(file, seconds) {
  const it = fleet('--triples', file, '--rate', '100', '--warmup', '1', '--duration', String(seconds));
  await it.gone;
  const { ack_p50_us, ack_p99_us, unanswered, broken } = JSON.parse(it.out);
  return { ack_p50_ms: ack_p50_us / 1000, ack_p99_ms: ack_p99_us / 1000, unanswered, broken };
}
async function calls(productKey, isOver) {
  const waits = [];
  while (!isOver()) {
    const from = performance.now();
    await api(server, 'QueryProduct', { ProductKey: productKey });
    waits.push(performance.now() - from);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  waits.sort((a, b) => a - b);
  const at = (part) => Math.round(10 * waits[Math.min(waits.length - 1, Math.floor(part * waits.length))]) / 10;
  return { calls: waits.length, p50_ms: at(0.5), p99_ms: at(0.99), longest_ms: at(1) };
}
async function both(productKey, other, seconds) {
  let isOver = false;
  const asked = calls(productKey, () => isOver);
  const waited = await posts(other, seconds);
  isOver = true;
  return { posts: waited, api: await asked };
}

let exit = 1;
try {
  const productKey = await makeProduct(server);
  const all = file('fleet.txt', triples(await devices(productKey, boards)));
  const other = file('other.txt', triples(await devices(await makeProduct(server), 10)));
  const { FirmwareId } = await command('ota', 'upload', productKey, '2.0', file('image.bin', randomBytes(megabytes << 20)));
  const threads = String(Math.max(1, Math.min(4, availableParallelism() >> 1)));
  const updating = fleet('--triples', all, '--ota', '2.0', '--ota-over', over, '--ota-cut-every', cutEvery, '--threads', threads, '--platform-process', String(server.child.pid));
  await until(() => /online, waiting/.test(updating.err) || updating.child.exitCode !== null, 'the boards online', 120_000);
  const before = await both(productKey, other, 10);
  const job = await command('ota', 'start', FirmwareId, '--per-minute', '10000', '--download', over === 'session' ? 'MQTT' : 'HTTPS');
  const during = await both(productKey, other, 20);
  await updating.gone;
  const line = JSON.parse(updating.out);
  const status = await until(async () => {
    const { JobStatus, Tasks } = (await api(server, 'QueryOTAJob', { JobId: job.JobId })).Data;
    return JobStatus === 'COMPLETED' && Tasks;
  }, 'the end of the job', 60_000).catch((error) => String(error));
  console.log(JSON.stringify({ ...line, tasks: status, threads: Number(threads), before, during }));
  exit = line.behind === 0 && status.SUCCEEDED === boards ? 0 : 1;
} finally {
  await server.stop();
}
process.exit(exit);
