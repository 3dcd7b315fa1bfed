// The other end of the demo's rules: a web server on loopback that takes the alarms which a rule sends, and a page that shows them
// beside the history which another rule writes into SQLite.
//   node scripts/demo_page.mjs PORT SECRET DATABASE PORT_FILE     port 0 takes a free one; PORT_FILE is told which
import { execFile } from 'node:child_process';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, secret, database, portFile] = process.argv.slice(2);
const MOST_BYTES = 64 * 1024;
const alarms = []; // newest first

// The signature that docs/rules.md describes, over the time and the body as it came.
function isSigned(headers, body) {
  const given = Buffer.from(headers['x-tercet-signature'] ?? '');
  const right = Buffer.from('sha256=' + createHmac('sha256', secret).update(`${headers['x-tercet-timestamp']}.${body}`).digest('hex'));
  return given.length === right.length && timingSafeEqual(given, right);
}

function take(request, response) {
  let body = '';
  request.on('data', (piece) => {
    body += piece;
    if (body.length > MOST_BYTES) request.destroy();
  });
  request.on('end', () => {
    let alarm;
    try {
      alarm = isSigned(request.headers, body) ? JSON.parse(body) : null;
    } catch {
      // answered below
    }
    if (!alarm) return response.writeHead(alarm === null ? 401 : 400).end();
    if (!alarms.some((one) => one.messageId === alarm.messageId)) alarms.unshift(alarm); // one may come twice
    alarms.length = Math.min(alarms.length, 50);
    response.writeHead(200).end('{}');
  });
}

const history = () =>
  new Promise((resolve) => {
    if (!existsSync(database)) return resolve([]);
    const sql = 'SELECT at, device, temperature, humidity FROM readings ORDER BY at DESC LIMIT 120';
    execFile('sqlite3', ['-readonly', '-json', database, sql], (error, out) => resolve(error || !out.trim() ? [] : JSON.parse(out)));
  });

const PAGE = `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Tercet: the demo's rules</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #16212e; background: #f4f6f8 }
  section { background: #fff; border: 1px solid #e1e6ec; border-radius: 12px; padding: 1rem 1.25rem; margin-bottom: 1.25rem }
  h1 { font-size: 1.4rem } h2 { font-size: 1rem; margin: 0 0 .5rem } .muted { color: #5d6b7a } ul { list-style: none; margin: 0; padding: 0 }
  li { border-left: 4px solid #5d6b7a; padding: .15rem .75rem; margin: .4rem 0 } li.raised { border-color: #b91c1c } li.recovered { border-color: #15803d }
  svg { width: 100%; height: 180px } polyline { fill: none; stroke-width: 2 } table { border-collapse: collapse; font-variant-numeric: tabular-nums } td, th { padding: .1rem 1.2rem .1rem 0; text-align: left }
</style>
<h1>What the demo's rules do / 演示规则</h1>
<section><h2>Alarm: humidity above 60 %, over below 56 % / 湿度告警</h2><p class="muted">Sent here by an HTTP action, signed.</p><ul id="alarms"></ul></section>
<section><h2>History: every reading, in SQLite / 历史数据</h2><p class="muted" id="count"></p>
  <svg viewBox="0 0 600 180" preserveAspectRatio="none" role="img" aria-label="humidity and temperature"><polyline id="humidity" stroke="#0f766e"/><polyline id="temperature" stroke="#b45309"/></svg>
  <p class="muted small">green: humidity, 30 to 75 %; brown: temperature, 10 to 35 °C</p><table id="rows"></table></section>
<script>
  const put = (id, text) => (document.getElementById(id).textContent = text);
  const line = (id, rows, key, low, high) => document.getElementById(id).setAttribute('points', rows.map((row, i) => 600 - (i * 600) / 119 + ',' + (180 - (180 * (row[key] - low)) / (high - low))).join(' '));
  const time = (ms) => new Date(ms).toLocaleTimeString();
  async function load() {
    try {
      const { alarms, history } = await (await fetch('/data')).json();
      document.getElementById('alarms').replaceChildren(...alarms.map((one) => Object.assign(document.createElement('li'), { className: one.state, textContent: time(Number(one.timestamp)) + '  ' + one.text })));
      put('count', history.length ? 'newest ' + history.length + ' rows' : 'no row yet');
      line('humidity', history, 'humidity', 30, 75);
      line('temperature', history, 'temperature', 10, 35);
      document.getElementById('rows').replaceChildren(...history.slice(0, 8).map((row) => {
        const tr = document.createElement('tr');
        for (const text of [time(row.at), row.device, row.temperature + ' °C', row.humidity + ' %']) tr.append(Object.assign(document.createElement('td'), { textContent: text }));
        return tr;
      }));
    } catch {
      put('count', 'the demo has stopped');
    }
    setTimeout(load, 1000);
  }
  load();
</script>`;

const server = createServer(async (request, response) => {
  if (request.method === 'POST' && request.url === '/alarm') return take(request, response);
  if (request.method === 'GET' && request.url === '/data') {
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ alarms, history: await history() }));
  }
  if (request.method === 'GET' && request.url === '/') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return response.end(PAGE);
  }
  response.writeHead(404).end();
});
server.on('error', (error) => {
  console.error(`the demo's page cannot listen on port ${port}: ${error.message}`);
  process.exit(1);
});
server.listen(Number(port), '127.0.0.1', () => writeFileSync(portFile, String(server.address().port)));
