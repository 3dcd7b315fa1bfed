// The matrix of features and clients, out of what the tests beside this file have proved: each ends with proved(...), which
// is reached only when all of it has held. Prints it; fails when docs/compatibility.md says otherwise.
//   node tests/interop/matrix.mjs FOLDER            FOLDER: what TERCET_PROOFS was while the tests ran
//   node tests/interop/matrix.mjs FOLDER --write    puts it between the marks in docs/compatibility.md
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const page = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../docs/compatibility.md');
const marks = ['<!-- matrix: tests/interop/matrix.mjs -->', '<!-- end of matrix -->'];

export const features = [
  'login over TLS', 'login by pre-shared key', 'WebSocket', 'HTTPS channel', 'refusal explained', 'dynamic registration', 'secret rotation',
  'property post and reply', 'property set', 'property get', 'pack post', 'modules of a thing model', 'events', 'services', 'RRPC', 'NTP', 'desired values', 'shadow', 'tags',
  'pass-through', 'custom topics', 'broadcast', 'gateway and sub-devices', 'remote configuration', 'file upload', 'device logs', 'network reports', 'OTA over HTTPS', 'OTA over the session',
  'device jobs', 'device groups', 'topic classes',
];
// What a client does not have, by its makers' design or because it is no device: nothing is to be tested there.
const device = ['property post and reply', 'property set', 'modules of a thing model', 'events', 'services', 'desired values', 'shadow', 'tags', 'remote configuration', 'dynamic registration', 'gateway and sub-devices', 'custom topics', 'login over TLS', 'WebSocket'];
const application = ['refusal explained', 'secret rotation', 'property set', 'property get', 'modules of a thing model', 'events', 'services', 'RRPC', 'desired values', 'shadow', 'tags', 'broadcast', 'custom topics', 'gateway and sub-devices', 'remote configuration', 'file upload', 'OTA over HTTPS', 'OTA over the session', 'device jobs', 'device groups', 'topic classes', 'pass-through'];
const every = features.filter((one) => !['device groups', 'topic classes'].includes(one)); // these two are an application's
const mqtt = every.filter((one) => !['login by pre-shared key', 'HTTPS channel'].includes(one));
export const clients = {
  'Node device SDK': device.filter((one) => one !== 'desired values'), // it has no function for them
  'OpenAPI SDK': application.filter((one) => !['refusal explained', 'secret rotation', 'property get', 'remote configuration'].includes(one)), // actions of ours
  'pop-core': application,
  'MQTT.js': mqtt,
  mosquitto: ['login over TLS', 'login by pre-shared key', 'property post and reply', 'property set', 'custom topics', 'refusal explained'],
  'Paho C': mqtt,
  'C Link bytes': every.filter((one) => one !== 'WebSocket'), // the vendor's C SDK has none
  curl: ['HTTPS channel', 'property post and reply', 'refusal explained'],
  'tutorial code': ['login over TLS', 'property post and reply', 'property set', 'refusal explained'],
  'our SDK': every.filter((one) => !['WebSocket', 'HTTPS channel', 'pack post'].includes(one)),
};

function read(folder) {
  const counts = new Map();
  let tests = 0;
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.jsonl')) continue;
    for (const line of readFileSync(path.join(folder, file), 'utf8').split('\n').filter(Boolean)) {
      tests += 1;
      for (const [client, proofs] of Object.entries(JSON.parse(line))) {
        if (!clients[client]) throw new Error(`${file}: no client '${client}' in matrix.mjs`);
        for (const feature of proofs) {
          if (!features.includes(feature)) throw new Error(`${file}: no feature '${feature}' in matrix.mjs`);
          if (!clients[client].includes(feature)) throw new Error(`${file}: matrix.mjs says that ${client} has no ${feature}, and a test has it`);
          counts.set(`${client}/${feature}`, (counts.get(`${client}/${feature}`) ?? 0) + 1);
        }
      }
    }
  }
  return { tests, counts };
}

function table(counts) {
  const names = Object.keys(clients);
  const cell = (client, feature) => (counts.has(`${client}/${feature}`) ? '✓' : clients[client].includes(feature) ? 'not tested' : '');
  return [`| Feature | ${names.join(' | ')} |`, `|---|${names.map(() => ':-:|').join('')}`,
    ...features.map((feature) => `| ${feature} | ${names.map((client) => cell(client, feature)).join(' | ')} |`)].join('\n');
}

const [folder, ...options] = process.argv.slice(2);
if (!folder) throw new Error('name the folder of the proofs: node tests/interop/matrix.mjs FOLDER [--write]');
const { tests, counts } = read(folder);
const made = table(counts);
console.log(made);
const untested = Object.keys(clients).reduce((sum, client) => sum + clients[client].filter((feature) => !counts.has(`${client}/${feature}`)).length, 0);
console.log(`\nmatrix: ${tests} tests, ${counts.size} cells proved, ${untested} not tested`);

const text = readFileSync(page, 'utf8');
const [from, to] = [text.indexOf(marks[0]) + marks[0].length, text.indexOf(marks[1])];
if (from < marks[0].length || to < from) throw new Error(`${page} lacks its marks ${marks.join(' and ')}`);
if (options.includes('--write')) {
  writeFileSync(page, `${text.slice(0, from)}\n${made}\n${text.slice(to)}`);
} else if (text.slice(from, to).trim() !== made) {
  const [before, now] = [text.slice(from, to).trim().split('\n'), made.split('\n')];
  now.forEach((line, i) => { if (line !== before[i]) console.error(`matrix: the page has  ${before[i] ?? ''}\nmatrix: proved were    ${line}`); });
  console.error('matrix: docs/compatibility.md is not what the tests proved. A test failed or was skipped, or a new one came: then run this with --write.');
  process.exitCode = 1;
}
