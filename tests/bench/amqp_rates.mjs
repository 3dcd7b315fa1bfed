// How many messages a second one consumer gets over AMQP 1.0 with TLS, each accepted: out of a backlog, and while devices post;
// and the same out of RabbitMQ's durable queue, when it is installed. TERCET, MQLOAD and AMQP_CLIENT name the programs.
//   node tests/bench/amqp_rates.mjs [messages, 100000]
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { api, makeProduct, run, startServer, until } from '../harness.mjs';
import { freePort, listening } from '../sinks/world.mjs';

const count = Number(process.argv[2] ?? 100000), boards = 200, bytes = 330;
const mqload = process.env.MQLOAD ?? path.resolve('build/release/tests/bench/mqload');
const client = process.env.AMQP_CLIENT ?? path.resolve('build/release/tests/bench/amqp_client');
const folder = mkdtempSync(path.join(tmpdir(), 'tercet-amqp-rates-'));
const figures = async (...args) => {
  const done = await run(client, args.map(String), { timeout: 300000 });
  if (done.code !== 0) throw new Error(done.out + done.err);
  return JSON.parse(done.out);
};
console.log('| server | what | messages | messages/s |\n|---|---|---:|---:|');
const row = (server, what, one) => console.log(`| ${server} | ${what} | ${one.messages} | ${one.perSecond} |`);

async function ours() {
  const server = await startServer({ config: '[limits]\ndevice_rates = false\n' });
  try {
    const productKey = await makeProduct(server);
    const applied = await api(server, 'BatchRegisterDevice', { ProductKey: productKey, Count: boards });
    const devices = [];
    for (let page = 1; devices.length < boards; ++page)
      devices.push(...(await api(server, 'QueryPageByApplyId', { ApplyId: applied.Data.ApplyId, CurrentPage: page, PageSize: 50 })).ApplyDeviceList.ApplyDeviceInfo);
    const triples = path.join(folder, 'triples');
    writeFileSync(triples, devices.map((one) => `${productKey} ${one.DeviceName} ${one.DeviceSecret}`).join('\n') + '\n');
    await api(server, 'CreateSubscribeRelation', { ProductKey: productKey, Type: 'AMQP', DeviceDataFlag: true, 'ConsumerGroupIds.1': 'DEFAULT_GROUP' });
    const timestamp = Date.now();
    const user = `bench|authMode=aksign,signMethod=hmacsha1,timestamp=${timestamp},authId=${server.accessKeyId},iotInstanceId=,consumerGroupId=DEFAULT_GROUP|`;
    const password = createHmac('sha1', server.accessKeySecret).update(`authId=${server.accessKeyId}&timestamp=${timestamp}`).digest('base64');
    const { port } = new URL(server.amqp);
    const receive = (many) => figures('receive', 'localhost', port, server.ca, user, password, '-', many);
    const waiting = async () => (await api(server, 'QueryConsumerGroupStatus', { GroupId: 'DEFAULT_GROUP' })).AccumulationCount;
    const load = (seconds) => run(mqload, ['ingest', '-n', String(boards), '--qos', '1', '-w', '4', '--warmup', '0', '--duration', String(seconds), '--port', String(server.listener('plain').port), '--aliyun', '--triples', triples, '--reply', '--pid', String(server.pid), '--max-seconds', '60'], { timeout: 120000 });
    while ((await waiting()) < count) {
      const done = await load(2);
      if (done.code !== 0) throw new Error(done.out + done.err);
      await new Promise((resolve) => setTimeout(resolve, 2500)); // the count is a second old
    }
    row('Tercet', 'out of the backlog', await receive(count));
    await api(server, 'ResetConsumerGroupPosition', { GroupId: 'DEFAULT_GROUP' });
    await until(async () => (await waiting()) === 0, 'nothing waits', 60000);
    const [live, posts] = await Promise.all([receive(count), load(10)]);
    row('Tercet', `while ${boards} devices post ${Math.round(JSON.parse(posts.out).acks_per_s)} a second`, live);
  } finally {
    await server.stop();
  }
}

async function rabbit() {
  const program = '/usr/lib/rabbitmq/bin/rabbitmq-server';
  if (!existsSync(program)) return console.log('| RabbitMQ | not installed | | |');
  const pem = (name) => path.join(folder, name);
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', pem('key.pem'), '-out', pem('cert.pem')], { stdio: 'ignore' });
  const tls = await freePort(), plain = await freePort(), spread = await freePort();
  writeFileSync(pem('rabbit.conf'), `listeners.tcp.default = 127.0.0.1:${plain}\nlisteners.ssl.default = 127.0.0.1:${tls}\nssl_options.cacertfile = ${pem('cert.pem')}\nssl_options.certfile = ${pem('cert.pem')}\nssl_options.keyfile = ${pem('key.pem')}\nssl_options.verify = verify_none\n`);
  writeFileSync(pem('plugins'), '[rabbitmq_amqp1_0].\n');
  const env = { ...process.env, HOME: folder, RABBITMQ_NODENAME: `bench${tls}@localhost`, RABBITMQ_MNESIA_BASE: pem('mnesia'), RABBITMQ_LOG_BASE: pem('log'), RABBITMQ_CONFIG_FILE: pem('rabbit'), RABBITMQ_ENABLED_PLUGINS_FILE: pem('plugins'), RABBITMQ_DIST_PORT: String(spread), ERL_EPMD_PORT: String(await freePort()) };
  const broker = await listening(program, [], tls, { env, patience: 60000 });
  try {
    row('RabbitMQ', 'taken into a durable queue', await figures('send', 'localhost', tls, pem('cert.pem'), 'guest', 'guest', '/queue/bench', count, bytes));
    row('RabbitMQ', 'out of the backlog', await figures('receive', 'localhost', tls, pem('cert.pem'), 'guest', 'guest', '/queue/bench', count));
    const [live] = await Promise.all([
      figures('receive', 'localhost', tls, pem('cert.pem'), 'guest', 'guest', '/queue/bench', count),
      figures('send', 'localhost', tls, pem('cert.pem'), 'guest', 'guest', '/queue/bench', count, bytes),
    ]);
    row('RabbitMQ', 'while they are sent', live);
  } finally {
    await broker.stop('SIGTERM');
  }
}

try {
  await ours();
  await rabbit();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
