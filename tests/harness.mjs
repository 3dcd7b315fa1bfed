// Starts a real `tercet serve` for one test file, and stops it. TERCET names the executable.
import { spawn } from 'node:child_process';
import { createHmac, randomUUID, createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url)); // import.meta.dirname needs a newer Node than Debian's

export const tercet = process.env.TERCET ?? path.resolve(here, '../build/release/cli/tercet');
export const climateTsl = readFileSync(path.resolve(here, '../device/climate/climate.tsl.json'), 'utf8');

// The folder in which a run leaves what it has proved, a file for each test file: interop/matrix.mjs makes the matrix of
// features and clients of it. A file begins anew with its run, so what failed this time is not proved by the last.
const proofs = process.env.TERCET_PROOFS && path.join(process.env.TERCET_PROOFS, `${path.basename(process.argv[1] ?? 'none')}.jsonl`);
if (proofs?.includes('.test.mjs')) {
  mkdirSync(path.dirname(proofs), { recursive: true });
  writeFileSync(proofs, '');
}
// The last statement of a test: what it has proved, by client. proved({ 'MQTT.js': ['shadow'] })
export function proved(what) {
  if (proofs) appendFileSync(proofs, JSON.stringify(what) + '\n');
}

export async function until(claim, what, milliseconds = 15000) {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const value = await claim();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function startServer({ config = '', directory = mkdtempSync(path.join(tmpdir(), 'tercet-test-')) } = {}) {
  const ready = path.join(directory, 'ready.json');
  rmSync(ready, { force: true });
  const args = ['serve', '--data', path.join(directory, 'data'), '--ephemeral', '--ready', ready];
  if (config) {
    writeFileSync(path.join(directory, 'tercet.toml'), config);
    args.push('--config', path.join(directory, 'tercet.toml'));
  }
  const child = spawn(tercet, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  let exited;
  const gone = new Promise((resolve) => child.on('exit', (code, signal) => resolve((exited = { code, signal }))));
  await until(() => {
    if (exited) throw new Error(`tercet serve ended with ${JSON.stringify(exited)}:\n${output}`);
    return existsSync(ready);
  }, `tercet serve is ready:\n${output}`);
  const info = JSON.parse(readFileSync(ready, 'utf8'));
  return {
    ...info,
    directory,
    child,
    output: () => output,
    listener: (name) => {
      const found = info.listeners.find((one) => one.name === name);
      if (!found) throw new Error(`no listener '${name}' among ${info.listeners.map((one) => one.name)}`);
      return found;
    },
    kill: async (signal = 'SIGKILL') => {
      child.kill(signal);
      return gone;
    },
    stop: async () => {
      if (!exited) child.kill('SIGTERM');
      const how = await gone;
      rmSync(directory, { recursive: true, force: true });
      return how;
    },
  };
}

// The management API, signed with ACS3-HMAC-SHA256 by this file's own few lines (the official SDKs have tests of their own).
export async function api(server, action, parameters = {}) {
  const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
  const query = Object.keys(parameters).sort().map((name) => `${name}=${encode(String(parameters[name]))}`).join('&');
  const host = new URL(server.openapi).host;
  const empty = createHash('sha256').update('').digest('hex');
  const headers = {
    host,
    'x-acs-action': action,
    'x-acs-content-sha256': empty,
    'x-acs-date': new Date().toISOString().replace(/\.\d+Z/, 'Z'),
    'x-acs-signature-nonce': randomUUID(),
    'x-acs-version': '2018-01-20',
  };
  const names = Object.keys(headers).sort();
  const canonical = ['POST', '/', query, names.map((name) => `${name}:${headers[name]}\n`).join(''), names.join(';'), empty].join('\n');
  const toSign = 'ACS3-HMAC-SHA256\n' + createHash('sha256').update(canonical).digest('hex');
  const signature = createHmac('sha256', server.accessKeySecret).update(toSign).digest('hex');
  headers.authorization = `ACS3-HMAC-SHA256 Credential=${server.accessKeyId},SignedHeaders=${names.join(';')},Signature=${signature}`;
  delete headers.host;
  const answer = await fetch(`${server.openapi}/?${query}`, { method: 'POST', headers });
  const body = await answer.json();
  if (!answer.ok || body.Success !== true) throw new Error(`${action}: HTTP ${answer.status} ${JSON.stringify(body)}`);
  return body;
}

export async function makeProduct(server, { name = 'climate', tsl = climateTsl, nodeType = 0 } = {}) {
  const made = await api(server, 'CreateProduct', { ProductName: `${name}${Math.floor(Math.random() * 1e9)}`, NodeType: nodeType, DataFormat: 1 });
  const productKey = made.Data.ProductKey;
  if (tsl) await api(server, 'ImportThingModelTsl', { ProductKey: productKey, TslStr: tsl });
  return productKey;
}

export async function makeDevice(server, productKey, deviceName) {
  const made = await api(server, 'RegisterDevice', { ProductKey: productKey, ...(deviceName ? { DeviceName: deviceName } : {}) });
  return { productKey, deviceName: made.Data.DeviceName, deviceSecret: made.Data.DeviceSecret, iotId: made.Data.IotId };
}

export function sign(method, secret, content) {
  return createHmac(method.replace('hmac', ''), secret).update(content).digest('hex');
}

// The official login of 2.1 and 2.2.
export function credentials(triple, { method = 'hmacsha256', clientId, timestamp = '2524608000000', securemode = 2, extra = '' } = {}) {
  const id = clientId ?? `${triple.productKey}.${triple.deviceName}`;
  return {
    clientId: `${id}|timestamp=${timestamp},securemode=${securemode},signmethod=${method}${extra}|`,
    username: `${triple.deviceName}&${triple.productKey}`,
    password: sign(method, triple.deviceSecret, `clientId${id}deviceName${triple.deviceName}productKey${triple.productKey}timestamp${timestamp}`),
  };
}

export async function refusals(server, triple) {
  const name = triple.deviceName ? { DeviceName: triple.deviceName } : {};  // without one: of the whole product
  const answer = await api(server, 'QueryRefusals', { ProductKey: triple.productKey, ...name, PageSize: 50, Lang: 'en' });
  return answer.Data.Refusal ?? [];
}

// A program of its own with our CA trusted; resolves to its printed lines.
export function runNode(server, script, args = [], environment = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: server.ca, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '', err = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    const limit = setTimeout(() => child.kill('SIGKILL'), 60000);
    child.on('exit', (code) => {
      clearTimeout(limit);
      if (code === 0) resolve(out);
      else reject(new Error(`${path.basename(script)} ended with ${code}:\n${out}\n${err}`));
    });
  });
}

export function run(command, args, { input, timeout = 30000, environment = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
    let out = '', err = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    // A program that needs no input may be gone before it is written: that is no failure of it.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    const limit = setTimeout(() => child.kill('SIGKILL'), timeout);
    child.on('error', (error) => resolve({ code: -1, out, err: String(error) }));
    child.on('exit', (code, signal) => {
      clearTimeout(limit);
      resolve({ code, signal, out, err });
    });
  });
}
