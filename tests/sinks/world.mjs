// What the tests of rules and their targets have in common.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import mqtt from 'mqtt';
import { readFileSync } from 'node:fs';
import { api, credentials, run, until } from '../harness.mjs';

// A board of MQTT.js's, logged in over TLS.
export function board(server, triple) {
  const { host, port } = server.listener('mqtts');
  return new Promise((resolve, reject) => {
    const link = mqtt.connect(`mqtts://${host}:${port}`, { ...credentials(triple), ca: readFileSync(server.ca), rejectUnauthorized: true, reconnectPeriod: 0, clean: true });
    link.once('error', reject);
    link.once('connect', () => resolve({
      link,
      post: (params) => link.publishAsync(`/sys/${triple.productKey}/${triple.deviceName}/thing/event/property/post`, JSON.stringify({ id: '1', version: '1.0', params, method: 'thing.event.property.post' }), { qos: 1 }),
      update: (body) => link.publishAsync(`/${triple.productKey}/${triple.deviceName}/user/update`, typeof body === 'string' ? body : JSON.stringify(body), { qos: 1 }),
      stop: () => link.endAsync(true),
    }));
  });
}

// A web server that keeps what it gets. `answer(request)` gives {status, body, headers}; by default 200 {}.
export async function webServer(answer = () => ({}), port = 0) {
  const requests = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const got = { method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() };
      requests.push(got);
      const given = await answer(got, requests.length);
      if (given === 'drop') return request.socket.destroy();
      response.writeHead(given.status ?? 200, { 'content-type': 'application/json', ...given.headers });
      response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body ?? {}));
    });
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { requests, port: server.address().port, url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }) };
}

// A rule that runs; gives its number and its actions'.
export async function makeRule(server, { name, productKey, select = '*', topic = '+/user/update', type = 1, where = '', alarm, actions, binary = false }) {
  const made = await api(server, 'CreateRule', { Name: name, ProductKey: productKey, Select: select, ShortTopic: topic, TopicType: type, ...(where ? { Where: where } : {}), ...(alarm ? { Alarm: JSON.stringify(alarm) } : {}), ...(binary ? { DataType: 'BINARY' } : {}) });
  const numbers = [];
  for (const [kind, configuration, isError] of actions) {
    const action = await api(server, 'CreateRuleAction', { RuleId: made.RuleId, Type: kind, Configuration: JSON.stringify(configuration), ...(isError ? { ErrorActionFlag: true } : {}) });
    numbers.push(action.ActionId);
  }
  await api(server, 'StartRule', { RuleId: made.RuleId });
  return { rule: made.RuleId, actions: numbers };
}

export const state = async (server, action) => (await api(server, 'GetRuleAction', { ActionId: action })).RuleActionInfo.State;

// Rows of a SQLite file, through Python's own module.
export async function sqlite(file, sql) {
  const script = 'import json,sqlite3,sys\nc=sqlite3.connect("file:"+sys.argv[1]+"?mode=ro",uri=True)\nc.row_factory=sqlite3.Row\nprint(json.dumps([dict(r) for r in c.execute(sys.argv[2])]))';
  const got = await run('python3', ['-c', script, file, sql]);
  if (got.code !== 0) throw new Error(got.err);
  return JSON.parse(got.out);
}

// A program that listens on a port; stopped by `stop`.
export async function listening(command, args, port, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let out = '', exited;
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (out += chunk));
  const gone = new Promise((resolve) => child.on('exit', (code, signal) => resolve((exited = { code, signal }))));
  await until(() => {
    if (exited) throw new Error(`${command} ended: ${JSON.stringify(exited)}\n${out}`);
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
      socket.on('error', () => resolve(false));
    });
  }, `${command} listens on ${port}`, 60000);
  return { child, output: () => out, stop: async (signal = 'SIGTERM') => { child.kill(signal); await gone; } };
}

export async function freePort() {
  const { createServer: plain } = await import('node:net');
  const probe = plain();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
