// What the tests of rules and their targets have in common.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { connect, createServer as createPlain } from 'node:net';
import tls from 'node:tls';
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
  const probe = createPlain();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

// RFC 5321 as far as one letter needs it. `refuse` is asked for each reader: a line such as "550 no such user", or nothing, or
// "silence" for no answer at all.
export async function postOffice({ secure, refuse = () => undefined }) {
  const letters = [];
  const talk = (plain) => {
    let socket = plain, rest = '', letter = null, user = '', inData = false, asked = false;
    const say = (line) => socket.write(`${line}\r\n`);
    const hear = (line) => {
      if (inData) {
        if (line === '.') { inData = false; letters.push({ ...letter, user }); return say('250 kept'); }
        letter.lines.push(line.startsWith('..') ? line.slice(1) : line);
        return;
      }
      const word = line.split(/[ :]/)[0].toUpperCase();
      if (word === 'EHLO') return say(socket === plain && secure ? '250-post\r\n250 STARTTLS' : '250-post\r\n250 AUTH PLAIN');
      if (word === 'STARTTLS') {
        say('220 go on');
        socket = new tls.TLSSocket(plain, { isServer: true, key: secure.key, cert: secure.cert });
        socket.on('data', take);
        socket.on('error', () => {});
        return;
      }
      if (word === 'AUTH' && line.split(' ').length < 3) { asked = true; return say('334 '); }
      if (word === 'AUTH' || asked) {
        user = Buffer.from(asked ? line : line.split(' ')[2], 'base64').toString().split('\0').slice(1).join(':');
        asked = false;
        return say(user === 'me:hush' ? '235 welcome' : '535 no');
      }
      if (word === 'MAIL') { letter = { from: /<(.*?)>/.exec(line)[1], to: [], lines: [], encrypted: socket !== plain }; return say('250 ok'); }
      if (word === 'RCPT') {
        const to = /<(.*)>/.exec(line)[1], no = refuse(to);
        if (no === 'silence') return undefined;
        if (!no) letter.to.push(to);
        return say(no ?? '250 ok');
      }
      if (word === 'DATA') { inData = true; return say('354 go on'); }
      if (word === 'QUIT') { say('221 bye'); return socket.end(); }
      say('250 ok');
    };
    const take = (chunk) => {
      rest += chunk;
      for (let end; (end = rest.indexOf('\r\n')) >= 0;) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        hear(line);
      }
    };
    plain.on('data', (chunk) => { if (socket === plain) take(chunk); });
    plain.on('error', () => {});
    say('220 post');
  };
  const office = createPlain(talk);
  await new Promise((resolve) => office.listen(0, '127.0.0.1', resolve));
  return { letters, port: office.address().port, stop: () => new Promise((resolve) => office.close(resolve)) };
}
export const letterBody = (letter) => Buffer.from(letter.lines.slice(letter.lines.indexOf('') + 1).join(''), 'base64').toString();
