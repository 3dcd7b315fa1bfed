// How long a fleet takes to fetch an image, what that costs the platform, and how many boards are left behind.
//   TERCET=build/release/cli/tercet node tests/bench/ota_fleet.mjs [BOARDS [MEGABYTES]]
// Boards are MQTT.js over TLS; each fetches over HTTPS, verifies SHA-256, and reports the version. Every tenth loses its
// download at half, and what fails is tried again after 1 to 3 s, from where it stopped. Prints one line of JSON; exit code 1 when a board was left behind.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import mqtt from 'mqtt';
import { api, credentials, makeDevice, makeProduct, run, startServer, tercet, until } from '../harness.mjs';

const [boards = 1000, megabytes = 4] = process.argv.slice(2).map(Number);
const image = randomBytes(megabytes << 20);
const server = await startServer();
const ca = readFileSync(server.ca);
const memory = (what) => Number(readFileSync(`/proc/${server.child.pid}/status`, 'utf8').match(new RegExp(`${what}:\\s+(\\d+)`))[1]) / 1024;

async function command(...words) {
  const done = await run(tercet, [...words, '--json', '--ready', path.join(server.directory, 'ready.json')]);
  if (done.code !== 0) throw new Error(done.out + done.err);
  return JSON.parse(done.out).Data;
}
// The bytes from place.at up to limit, into the digest; place.at says how far it came.
function fetchPart(url, digest, place, limit) {
  return new Promise((resolve, reject) => {
    const status = place.at > 0 ? 206 : 200;
    const request = https.get(url, { ca, agent: false, headers: place.at > 0 ? { Range: `bytes=${place.at}-` } : {} }, (answer) => {
      if (answer.statusCode !== status) return reject(new Error(`HTTP ${answer.statusCode}`));
      answer.on('data', (part) => {
        const taken = part.subarray(0, limit - place.at);
        digest.update(taken);
        place.at += taken.length;
        if (place.at < limit) return;
        request.destroy();
        resolve();
      });
      answer.on('close', () => reject(new Error('cut off')));  // after resolve() it says nothing
      answer.on('error', reject);
    });
    request.on('error', reject);
  });
}
let retries = 0;
const times = [];
async function board(triple, breaks) {
  const { host, port } = server.listener('mqtts');
  const client = await mqtt.connectAsync({ protocol: 'mqtts', host, port, ca, reconnectPeriod: 0, ...credentials(triple) });
  const topic = (kind) => `/ota/device/${kind}/${triple.productKey}/${triple.deviceName}`;
  const say = (kind, params) => client.publishAsync(topic(kind), JSON.stringify({ id: '1', params }), { qos: 1 });
  let busy = false;
  client.on('message', async (_, payload) => {
    if (busy) return;
    busy = true;
    const { data } = JSON.parse(payload);
    await say('progress', { step: '1', desc: '' });
    const digest = createHash('sha256');
    const place = { at: 0 };
    for (let limit = breaks ? image.length >> 1 : image.length; place.at < image.length; limit = image.length)
      await fetchPart(data.url, digest, place, limit).catch((error) => {
        if (++retries <= 3) console.error(triple.deviceName, String(error));
        return new Promise((resolve) => setTimeout(resolve, 1000 + 2000 * Math.random()));
      });
    if (digest.digest('hex') !== data.sign) return console.error(triple.deviceName, 'wrong bytes');
    await say('inform', { version: '2.0' });
    times.push((Date.now() - began) / 1000);
  });
  await client.subscribeAsync(topic('upgrade'), { qos: 1 });
  await say('inform', { version: '1.0' });
  return client;
}

let began = 0, exit = 1;
const clients = [];
try {
  const productKey = await makeProduct(server);
  for (let i = 0; i < boards; i += 50)
    clients.push(...await Promise.all(Array.from({ length: Math.min(50, boards - i) }, async (_, j) => board(await makeDevice(server, productKey), (i + j) % 10 === 0))));
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'tercet-ota-fleet-')), 'image.bin');
  writeFileSync(file, image);
  const { FirmwareId } = await command('ota', 'upload', productKey, '2.0', file);
  const before = memory('VmRSS');
  began = Date.now();
  const { JobId } = await command('ota', 'start', FirmwareId, '--per-minute', '10000');
  await until(async () => (await api(server, 'QueryOTAJob', { JobId })).Data.JobStatus === 'COMPLETED', 'the end of the job', 100_000).catch((error) => console.error(String(error)));
  const seconds = (Date.now() - began) / 1000;
  const rows = [];
  for (let page = 1; rows.length < boards; ++page) {
    const more = (await api(server, 'ListOTATaskByJob', { JobId, CurrentPage: page, PageSize: 100 })).Data.SimpleOTATaskInfo;
    if (!more?.length) break;
    rows.push(...more);
  }
  const behind = rows.filter((one) => one.TaskStatus !== 'SUCCEEDED').length + boards - rows.length;
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({
    boards, image_mb: megabytes, behind, retries, seconds, median_s: times[times.length >> 1], mb_per_s: Math.round(boards * megabytes / seconds),
    platform_rss_mb_before: Math.round(before), platform_rss_mb_peak: Math.round(memory('VmHWM')),
  }));
  exit = behind === 0 ? 0 : 1;
} finally {
  for (const client of clients) client.end(true);
  await server.stop();
}
process.exit(exit);
