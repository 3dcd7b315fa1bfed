// How many rows a second a rule brings into SQLite and PostgreSQL, generator, platform and database on one machine, and
// what the posts of devices wait for meanwhile, also while nobody answers at the target. MQLOAD names the load generator, TERCET the platform (release preset).
//   node tests/bench/sink_rates.mjs [seconds, 5] [posts a second, 0: as fast as they are answered]
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { api, makeProduct, run, startServer, until } from '../harness.mjs';
import { freePort, listening, makeRule, sqlite, state } from '../sinks/world.mjs';

const seconds = process.argv[2] ?? '5', rate = process.argv[3] ?? '0', boards = 200;
const mqload = process.env.MQLOAD ?? path.resolve('build/release/tests/bench/mqload');
const folder = mkdtempSync(path.join(tmpdir(), 'tercet-rates-'));
chmodSync(folder, 0o777);
const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
const bin = (name) => path.join('/usr/lib/postgresql', versions.at(-1) ?? '', 'bin', name);
const asUser = (command, args) => (process.getuid() === 0 ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--', command, ...args]] : [command, args]);
const port = await freePort();
const made = await run(...asUser(bin('initdb'), ['-D', path.join(folder, 'db'), '-U', 'tercet', '--auth=trust', '-E', 'UTF8', '--locale=C']), { timeout: 60000 });
if (made.code !== 0) throw new Error(made.err);
const database = await listening(...asUser(bin('postgres'), ['-D', path.join(folder, 'db'), '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1']), port, { cwd: folder });
const count = async () => Number((await run(...asUser(bin('psql'), ['-h', '127.0.0.1', '-p', String(port), '-U', 'tercet', '-d', 'postgres', '-At', '-c', 'SELECT count(*) FROM readings']))).out.trim() || 0);

const columns = { at: { value: '${timestamp}', type: 'time' }, device: '${device}', temperature: { value: '${temperature}', type: 'real' }, humidity: { value: '${humidity}', type: 'real' } };
const targets = {
  'no rule': null,
  SQLite: [['SQLITE', { path: 'r.db', table: 'readings', create: true, columns }]],
  PostgreSQL: [['POSTGRESQL', { host: '127.0.0.1', port, database: 'postgres', user: 'tercet', table: 'readings', create: true, columns }]],
  'PostgreSQL, down': [['POSTGRESQL', { host: '127.0.0.1', port: await freePort(), database: 'postgres', user: 'tercet', table: 'readings', create: true, columns }]],
};
console.log('| target | posts/s answered | PUBACK p50, p99 ms | rows | rows/s, from the first post to the last row |\n|---|---:|---:|---:|---:|');
try {
  for (const [name, actions] of Object.entries(targets)) {
    const server = await startServer({ config: '[limits]\ndevice_rates = false\n' });
    try {
      const productKey = await makeProduct(server);
      const triples = path.join(folder, `triples-${productKey}`);
      const applied = await api(server, 'BatchRegisterDevice', { ProductKey: productKey, Count: boards });
      const rows = [];
      for (let page = 1; rows.length < boards; ++page)
        rows.push(...(await api(server, 'QueryPageByApplyId', { ApplyId: applied.Data.ApplyId, CurrentPage: page, PageSize: 50 })).ApplyDeviceList.ApplyDeviceInfo);
      writeFileSync(triples, rows.map((one) => `${productKey} ${one.DeviceName} ${one.DeviceSecret}`).join('\n') + '\n');
      const rule = actions && await makeRule(server, { name: 'rows', productKey, select: 'deviceName() AS device, items.temperature.value AS temperature, items.humidity.value AS humidity', topic: '+/thing/event/property/post', type: 0, actions });
      const paced = rate === '0' ? ['-w', '4'] : ['--paced', rate];
      const start = Date.now();
      const done = await run(mqload, ['ingest', '-n', String(boards), '--qos', '1', ...paced, '--warmup', '0', '--duration', seconds, '--port', String(server.listener('plain').port), '--aliyun', '--triples', triples, '--reply', '--pid', String(server.pid), '--max-seconds', '60'], { timeout: 120000 });
      if (done.code !== 0) throw new Error(done.out + done.err);
      const load = JSON.parse(done.out);
      let total = 0, took = 0;
      if (rule && !name.endsWith('down')) {
        const database = path.join(server.directory, 'data', 'sinks', 'r.db');
        await until(async () => { const now = await state(server, rule.actions[0]); return now.Waiting === 0 && now.Phase === 'idle'; }, 'every row', 600000);
        took = (Date.now() - start) / 1000;
        total = name === 'SQLite' ? (await sqlite(database, 'SELECT COUNT(*) AS c FROM readings'))[0].c : await count();
      }
      if (process.env.SHOW) console.error(done.out);
      const wait = load.puback_us, milliseconds = (us) => (us / 1000).toFixed(1);
      console.log(`| ${name} | ${Math.round(load.acks_per_s)} | ${milliseconds(wait.p50)}, ${milliseconds(wait.p99)} | ${total} | ${took ? Math.round(total / took) : '–'} |`);
    } finally {
      await server.stop();
    }
  }
} finally {
  await database.stop('SIGINT');
  rmSync(folder, { recursive: true, force: true });
}
