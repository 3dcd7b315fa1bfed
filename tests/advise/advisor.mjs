// Starts `tercet advise` for some points, lets a device connect to it, and gives back its report.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tercet, until } from '../harness.mjs';

export const triple = { productKey: 'a1B2c3D4e5F', deviceName: 'sensor_01', deviceSecret: '0123456789abcdef0123456789abcdef' };

function start(args) {
  const child = spawn(tercet, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const run = { child, out: '', err: '' };
  child.stdout.on('data', (chunk) => (run.out += chunk));
  child.stderr.on('data', (chunk) => (run.err += chunk));
  run.ended = new Promise((resolve) => child.on('exit', (code) => resolve((run.code = code))));
  return run;
}

// device: called with { port, plainPort, ca, directory }; gives back a function that ends it.
export async function advise(points, device, { args = [], limit = 150, language = 'en' } = {}) {
  const directory = mkdtempSync(path.join(tmpdir(), 'tercet-advise-'));
  const tripleFile = path.join(directory, 'triple.json');
  writeFileSync(tripleFile, JSON.stringify(triple), { mode: 0o600 });
  const ready = path.join(directory, 'ready.json');
  const advisor = start(['advise', '--listen', '127.0.0.1', '--port', '0', '--dir', directory, '--ready', ready, '--json',
    '--triple', tripleFile, '--limit', String(limit), '--lang', language, '--points', points, ...args]);
  let endDevice = async () => {};
  try {
    await until(() => {
      if (advisor.code !== undefined) throw new Error(`tercet advise ended with ${advisor.code}: ${advisor.err}`);
      return existsSync(ready);
    }, 'tercet advise is ready');
    endDevice = await device({ ...JSON.parse(readFileSync(ready, 'utf8')), directory, tripleFile });
    const code = await advisor.ended;
    const report = JSON.parse(advisor.out);
    return { code, ...report, of: (id) => report.points.find((one) => one.id === id), log: advisor.err };
  } finally {
    advisor.child.kill('SIGKILL');
    await endDevice();
    rmSync(directory, { recursive: true, force: true });
  }
}

// Our own climate board, a process of its own.
export const ownBoard = (extra = []) => async ({ port, ca, directory, tripleFile }) => {
  const trust = ca ? ['--ca', ca] : ['--plain'];
  const board = start(['device', '--triple', tripleFile, '--host', 'localhost', '--port', String(port), ...trust, '--interval', '2',
    '--sensor', 'model', '--state', path.join(directory, 'state'), ...extra]);
  return async () => {
    board.child.kill('SIGKILL');
    await board.ended;
  };
};

export const tell = (report) =>
  report.points.map((one) => `${one.outcome} ${one.id}: ${one.evidence}`).join('\n') + '\n' + report.log;
