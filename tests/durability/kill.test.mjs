// The server is killed with SIGKILL again and again under QoS 1 load. Every post whose PUBACK arrived must be in history,
// exactly once, and every restart must take less than two seconds. TERCET_KILLS (200) is how often.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import mqtt from 'mqtt';
import { api, credentials, makeDevice, makeProduct, startServer } from '../harness.mjs';

const kills = Number(process.env.TERCET_KILLS ?? 200);
const boards = 6, window = 16;
const base = Date.now() - 6 * 3600_000; // original timestamps: one per post, so that a post can be told from another

class Board {
  constructor(triple) {
    this.triple = triple;
    this.next = 0;
    this.acknowledged = new Set();
    this.unanswered = new Set();
  }
  async load(server, until) {
    const { host, port } = server.listener('plain');
    const topic = `/sys/${this.triple.productKey}/${this.triple.deviceName}/thing/event/property/post`;
    let client;
    try {
      client = await mqtt.connectAsync({ protocol: 'mqtt', host, port, reconnectPeriod: 0, connectTimeout: 3000, ...credentials(this.triple, { securemode: 3 }) });
    } catch {
      return; // killed meanwhile
    }
    client.on('error', () => {});
    const again = [...this.unanswered]; // what was not answered before the kill is sent once more, as MQTT allows
    const worker = async () => {
      while (Date.now() < until.deadline && client.connected) {
        const number = again.pop() ?? this.next++;
        this.unanswered.add(number);
        const payload = JSON.stringify({ id: String(number % 4294967295), version: '1.0', params: { temperature: { value: (number % 1000) / 10, time: base + number } } });
        const acknowledged = await new Promise((resolve) => {
          client.publish(topic, payload, { qos: 1 }, (error) => resolve(!error));
          client.once('close', () => resolve(false));
        });
        if (!acknowledged) return;
        this.unanswered.delete(number);
        this.acknowledged.add(number);
      }
    };
    client.setMaxListeners(0);
    await Promise.all(Array.from({ length: window }, worker));
    client.end(true);
  }
}

async function historyOf(server, triple) {
  const points = new Map();
  let start = base;
  for (;;) {
    const answer = await api(server, 'QueryDevicePropertyData', { ProductKey: triple.productKey, DeviceName: triple.deviceName, Identifier: 'temperature', StartTime: start, EndTime: Date.now(), PageSize: 100, Asc: 1 });
    for (const point of answer.Data.List.PropertyInfo) points.set(Number(point.Time), (points.get(Number(point.Time)) ?? 0) + 1);
    if (!answer.Data.NextValid) return points;
    start = Number(answer.Data.NextTime);
  }
}

test(`${kills} kills under QoS 1 load lose no acknowledged post and duplicate none`, { timeout: 880_000 }, async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tercet-durability-'));
  let server = await startServer({ directory });
  const productKey = await makeProduct(server);
  const fleet = [];
  for (let i = 0; i < boards; i++) fleet.push(new Board(await makeDevice(server, productKey)));
  let slowest = 0;
  for (let round = 0; round < kills; round++) {
    const until = { deadline: Date.now() + 120 + Math.random() * 250 };
    const loads = fleet.map((board) => board.load(server, { deadline: until.deadline + 1000 }));
    await new Promise((resolve) => setTimeout(resolve, until.deadline - Date.now()));
    await server.kill('SIGKILL');
    await Promise.all(loads);
    const started = performance.now();
    server = await startServer({ directory });
    slowest = Math.max(slowest, performance.now() - started);
  }
  let acknowledged = 0, lost = 0, duplicated = 0, unknown = 0;
  for (const board of fleet) {
    const points = await historyOf(server, board.triple);
    acknowledged += board.acknowledged.size;
    for (const number of board.acknowledged) if (!points.has(base + number)) lost++;
    for (const [time, count] of points) {
      if (count > 1) duplicated++;
      if (time - base >= board.next) unknown++;
    }
  }
  console.log(`${kills} kills, ${acknowledged} acknowledged posts, ${lost} lost, ${duplicated} duplicated, slowest restart ${slowest.toFixed(0)} ms`);
  await server.stop();
  assert.ok(acknowledged > kills * 10, `the load was real: ${acknowledged}`);
  assert.equal(lost, 0);
  assert.equal(duplicated, 0);
  assert.equal(unknown, 0);
  assert.ok(slowest < 2000, `every restart under 2 s, the slowest took ${slowest} ms`);
});
