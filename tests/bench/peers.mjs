// The platform and mosquitto under the same load in the same run, interleaved, medians of --runs (5). Prints a table (Markdown)
// and, with --json FILE, every figure. MQLOAD names the load generator (the target `mqload`).
//   node tests/bench/peers.mjs [--runs 5] [--duration 3] [--only REGEX] [--json FILE]
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { api, makeDevice, makeProduct, run, startServer, until } from '../harness.mjs';

const here = path.dirname(fileURLToPath(import.meta.url)); // import.meta.dirname needs a newer Node than Debian's

const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '5' }, duration: { type: 'string', default: '3' }, only: { type: 'string', default: '.' }, json: { type: 'string' } } });
const runs = Number(options.runs), seconds = options.duration;
const mqload = process.env.MQLOAD ?? path.resolve(here, '../../build/release/tests/bench/mqload');
const folder = mkdtempSync(path.join(tmpdir(), 'tercet-bench-'));
const boards = 1000;

async function freePort() {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function makeTriples(server) {
  const productKey = await makeProduct(server);
  const lines = [];
  while (lines.length < boards) {
    const made = await api(server, 'BatchRegisterDevice', { ProductKey: productKey, Count: Math.min(500, boards - lines.length) });
    for (let page = 1; ; page++) {
      const listed = await api(server, 'QueryPageByApplyId', { ApplyId: made.Data.ApplyId, CurrentPage: page, PageSize: 50 });
      for (const one of listed.ApplyDeviceList.ApplyDeviceInfo) lines.push(`${productKey} ${one.DeviceName} ${one.DeviceSecret}`);
      if (page >= listed.PageCount) break;
    }
  }
  const file = path.join(folder, `triples-${productKey}`);
  writeFileSync(file, lines.join('\n') + '\n', { mode: 0o600 });
  return file;
}

async function startTercet(config = '') {
  // As mosquitto below: no bound on what waits for a subscriber.
  const server = await startServer({ config: `${config}[limits]\noffline_messages = 1000000\noffline_share = 1\n` });
  const port = (name) => server.listener(name).port;
  return { name: 'tercet', pid: server.pid, plain: port('standard'), tls: port('standard-tls'), cloud: port('plain'), cloudTls: port('mqtts'), server, stop: () => server.stop() };
}

async function startMosquitto() {
  const plain = await freePort(), tls = await freePort();
  const config = path.join(folder, 'mosquitto.conf');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', `${folder}/m.key`, '-out', `${folder}/m.pem`], { stdio: 'ignore' });
  writeFileSync(config, `persistence false\nlog_dest none\nsys_interval 0\nmax_inflight_messages 0\nmax_queued_messages 0\nset_tcp_nodelay true\nallow_anonymous true\nuser root\nlistener ${plain} 127.0.0.1\nlistener ${tls} 127.0.0.1\ncertfile ${folder}/m.pem\nkeyfile ${folder}/m.key\n`);
  const child = spawn('mosquitto', ['-c', config], { stdio: 'ignore' });
  await until(() => new Promise((resolve) => {
    const probe = net.connect(plain, '127.0.0.1', () => { probe.destroy(); resolve(true); });
    probe.on('error', () => resolve(false));
  }), 'mosquitto listens');
  return { name: 'mosquitto', pid: child.pid, plain, tls, stop: () => new Promise((resolve) => { child.on('exit', resolve); child.kill('SIGTERM'); }) };
}

// name, arguments, which servers, whether a fresh server is wanted, figures to print
const load = ['--warmup', '1', '--duration', seconds];
const message = ['rate', 'cpu', 'p50', 'p99'];
const scenarios = [
  { name: 'durable posts, 1000 boards, QoS 1, window 4, answered', args: (s) => ['ingest', '-n', boards, '--qos', 1, '-w', 4, ...load, '--port', s.cloud, '--aliyun', '--triples', s.triples, '--reply'], who: ['tercet'], figures: [...message, 'replies'] },
  { name: 'durable posts, 1000 boards, QoS 1, window 16, answered', args: (s) => ['ingest', '-n', boards, '--qos', 1, '-w', 16, ...load, '--port', s.cloud, '--aliyun', '--triples', s.triples, '--reply'], who: ['tercet'], figures: [...message, 'replies'] },
  { name: 'the same, window 4, history in memory', args: (s) => ['ingest', '-n', boards, '--qos', 1, '-w', 4, ...load, '--port', s.cloud, '--aliyun', '--triples', s.triples, '--reply'], who: ['tercet in memory'], figures: [...message, 'replies'] },
  { name: 'the same, window 16, history in memory', args: (s) => ['ingest', '-n', boards, '--qos', 1, '-w', 16, ...load, '--port', s.cloud, '--aliyun', '--triples', s.triples, '--reply'], who: ['tercet in memory'], figures: [...message, 'replies'] },
  ...[['pairs QoS 0, 64 B', ['pairs', '-n', 100, '--qos', 0, '--size', 64, '-w', 64]],
    ['pairs QoS 0, 256 B', ['pairs', '-n', 100, '--qos', 0, '--size', 256, '-w', 64]],
    ['pairs QoS 0, 256 B, one in flight', ['pairs', '-n', 100, '--qos', 0, '--size', 256, '-w', 1]],
    ['pairs QoS 1, 256 B', ['pairs', '-n', 100, '--qos', 1, '--size', 256, '-w', 16]],
    ['pairs QoS 1, 256 B, TLS 1.3', ['pairs', '-n', 100, '--qos', 1, '--size', 256, '-w', 16, '--tls', '--tls-version', '1.3']],
    ['fan-in 1000→1 QoS 0', ['fanin', '-n', 1000, '--subs', 1, '--qos', 0, '--size', 256, '-w', 4]],
    ['fan-in 1000→1 QoS 1', ['fanin', '-n', 1000, '--subs', 1, '--qos', 1, '--size', 256, '-w', 4]],
    ['fan-out 1→1000 QoS 0', ['fanout', '-n', 1000, '--qos', 0, '--size', 256, '-w', 4]],
    ['ingest 1000, broker only', ['ingest', '-n', 1000, '--qos', 1, '-w', 4]],
    ['paced 20 k/s pairs QoS 1', ['pairs', '-n', 100, '--qos', 1, '--size', 256, '--paced', 20000]],
  ].map(([name, args]) => ({ name, args: (s) => [...args, ...load, '--port', args.includes('--tls') ? s.tls : s.plain], who: ['tercet', 'mosquitto'], figures: message })),
  { name: 'connects, plain, 50 in progress', args: (s) => ['connect', '-n', 10000, '-c', 50, '--close', '--port', s.plain], who: ['tercet', 'mosquitto'], figures: ['connects', 'connect cpu', 'connect p99'] },
  { name: 'connects with a triple, plain, 50 in progress', args: (s) => ['connect', '-n', boards, '-c', 50, '--close', '--port', s.cloud, '--aliyun', '--triples', s.triples], who: ['tercet'], figures: ['connects', 'connect cpu', 'connect p99'] },
  { name: 'connects, TLS 1.3 ECDSA, 50 in progress', args: (s) => ['connect', '-n', 2000, '-c', 50, '--close', '--tls', '--tls-version', '1.3', '--port', s.tls], who: ['tercet', 'mosquitto'], figures: ['connects', 'connect cpu', 'connect p99'] },
  { name: 'idle, plain, 19000', args: (s) => ['idle', '-n', 19000, '-c', 200, '--hold', 2, '--rst', '--port', s.plain], who: ['tercet', 'mosquitto'], fresh: true, figures: ['bytes'] },
  { name: 'idle, TLS 1.3, 5000', args: (s) => ['idle', '-n', 5000, '-c', 100, '--hold', 2, '--rst', '--tls', '--tls-version', '1.3', '--port', s.tls], who: ['tercet', 'mosquitto'], fresh: true, figures: ['bytes'] },
];
const read = {
  rate: (r) => (r.scenario === 'ingest' ? r.acks_per_s : r.recv_per_s),
  cpu: (r) => r.srv_cpu_s_per_mmsg,
  p50: (r) => (r.puback_us ?? r.e2e_us)?.p50,
  p99: (r) => (r.puback_us ?? r.e2e_us)?.p99,
  replies: (r) => r.replies_per_s,
  connects: (r) => r.conns_per_s,
  'connect cpu': (r) => r.srv_cpu_s_per_kconn,
  'connect p99': (r) => r.connect_us?.p99,
  bytes: (r) => r.bytes_per_conn,
};
const unit = { rate: '/s', cpu: 'CPU s/M', p50: 'µs p50', p99: 'µs p99', replies: 'replies/s', connects: '/s', 'connect cpu': 'ms each', 'connect p99': 'µs p99', bytes: 'B' };
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const shown = (value) => (value === undefined ? '–' : value >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(2));

const start = {
  tercet: async () => startTercet(),
  'tercet in memory': async () => ({ ...(await startTercet('[history]\ndurability = "memory"\nin_memory = true\n')), name: 'tercet in memory' }),
  mosquitto: startMosquitto,
};
const everything = [];
let failed = false;
console.log('| scenario | tercet | mosquitto | CPU (or time) ratio |\n|---|---|---|---|');
for (const scenario of scenarios.filter((one) => new RegExp(options.only).test(one.name))) {
  const results = new Map(scenario.who.map((name) => [name, []]));
  for (let i = 0; i < runs; i++) {
    for (const name of scenario.who) {
      const server = await start[name]();
      try {
        const needsTriples = scenario.args({ ...server, triples: 'x' }).includes('--triples');
        if (needsTriples) server.triples = await makeTriples(server.server);
        const args = scenario.args(server).map(String);
        const done = await run(mqload, [...args, '--pid', String(server.pid), '--max-seconds', '60'], { timeout: 120000 });
        const line = done.out.trim().split('\n').pop();
        const result = line ? JSON.parse(line) : { ok: false, error: done.err };
        if (!result.ok || result.lost > 0 || result.bad > 0 || result.dropped_conns > 0) {
          failed = true;
          console.error(`${scenario.name}, ${name}: ${line || done.err}`);
        }
        results.get(name).push(result);
        everything.push({ scenario: scenario.name, server: name, ...result });
      } finally {
        await server.stop();
      }
    }
  }
  const cell = (name) => {
    const list = results.get(name)?.filter((one) => one.ok);
    if (!list?.length) return '–';
    return scenario.figures.map((figure) => `${shown(median(list.map(read[figure])))} ${unit[figure]}`).join(', ');
  };
  const ours = scenario.who.find((name) => name.startsWith('tercet'));
  const key = scenario.figures.includes('cpu') ? 'cpu' : scenario.figures.includes('connect cpu') ? 'connects' : 'bytes';
  const of = (name) => { const list = results.get(name)?.filter((one) => one.ok); return list?.length ? median(list.map(read[key])) : undefined; };
  const ratio = of('mosquitto') ? (of(ours) / of('mosquitto')).toFixed(2) + (key === 'connects' ? ' (rate)' : '') : '';
  console.log(`| ${scenario.name} | ${cell(ours)} | ${cell('mosquitto')} | ${ratio} |`);
}
if (options.json) writeFileSync(options.json, JSON.stringify(everything, null, 1));
rmSync(folder, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
