// The page in headless Chromium, with a board over TLS on the other side. SCREENSHOT_DIR keeps pictures of what it showed.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { chromium } from 'playwright-core';
import { api, climateTsl, credentials, makeDevice, makeProduct, startServer, until } from '../harness.mjs';

const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const profile = mkdtempSync(path.join(tmpdir(), 'tercet-chromium-'));
const tsl = JSON.stringify({
  ...JSON.parse(climateTsl),
  events: [{ identifier: 'tooHot', name: 'Too hot', type: 'alert', outputData: [{ identifier: 'temperature', name: 'Temperature', dataType: { type: 'double', specs: {} } }] }],
});
const problems = [];
let server, triple, board, browser, page;

const base = () => `/sys/${triple.productKey}/${triple.deviceName}/thing`;
const post = (values) =>
  board.publishAsync(`${base()}/event/property/post`, JSON.stringify({ id: '1', version: '1.0', params: values, method: 'thing.event.property.post' }), { qos: 1 });
const tooHot = (temperature) =>
  board.publishAsync(`${base()}/event/tooHot/post`, JSON.stringify({ id: '2', version: '1.0', params: { temperature }, method: 'thing.event.tooHot.post' }), { qos: 1 });
const shoot = (name) => process.env.SCREENSHOT_DIR && page.screenshot({ path: path.join(process.env.SCREENSHOT_DIR, `${name}.png`), fullPage: true });
const text = (test) => page.locator(`[data-test="${test}"]`).first().innerText();

before(async () => {
  assert.ok(existsSync(chromiumPath), `${chromiumPath} is missing: apt-get install chromium`);
  server = await startServer();
  triple = await makeDevice(server, await makeProduct(server, { tsl }), 'board-1');
  const { host, port } = server.listener('mqtts');
  const login = { protocol: 'mqtts', host, port, ca: readFileSync(server.ca), reconnectPeriod: 0 };
  // A refused login first, so that there is something to diagnose.
  await assert.rejects(mqtt.connectAsync({ ...login, ...credentials(triple), password: triple.deviceSecret }));
  board = await mqtt.connectAsync({ ...login, ...credentials(triple) });
  board.on('message', (topic, payload) => {
    const asked = JSON.parse(payload);
    if (!topic.endsWith('/property/set')) return;
    board.publish(`${topic}_reply`, JSON.stringify({ id: asked.id, code: 200, data: {}, message: 'success', version: '1.0' }), { qos: 1 });
    post(asked.params);
  });
  await board.subscribeAsync(`${base()}/service/property/set`, { qos: 1 });
  await post({ temperature: 20.5, humidity: 41 });
  await tooHot(41.5);

  browser = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath,
    headless: true,
    locale: 'en-GB',
    viewport: { width: 1280, height: 900 },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  page = browser.pages()[0] ?? (await browser.newPage());
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
});

after(async () => {
  await browser?.close();
  await board?.endAsync(true);
  await server?.stop();
  rmSync(profile, { recursive: true, force: true });
});

test('without a session the page asks for the password and its API denies', async () => {
  await page.goto(`${server.openapi}/`);
  await page.waitForURL(/\/login/);
  const denied = await page.evaluate(async () => (await fetch('/console/api/QueryFleet', { method: 'POST', headers: { 'x-tercet-console': '1' }, body: '{}' })).status);
  assert.equal(denied, 401);
  problems.length = 0; // the browser logs the 401
});

test('the printed link logs in once and shows the fleet with its latest values', async () => {
  await page.goto(server.page);
  await page.waitForURL(`${server.openapi}/`);
  await page.locator('[data-test="device-row"]').first().waitFor();
  assert.match(await text('device-row'), /board-1[\s\S]*Online[\s\S]*20\.5/);
  assert.equal(await text('total'), '1');
  await shoot('fleet');
});

test('a posted value appears in the fleet without asking again', async () => {
  await post({ temperature: 21.25 });
  await until(async () => /21\.25/.test(await text('device-row')), 'the new value in the table');
});

test("a device's page shows live values, its history and what was refused", async () => {
  await page.getByRole('link', { name: 'board-1' }).click();
  await page.locator('[data-test="value-temperature"]').waitFor();
  assert.match(await text('value-temperature'), /Temperature[\s\S]*21\.25/);
  await until(async () => Number(await page.locator('[data-test="chart"]').getAttribute('data-points')) >= 2, 'the history');
  assert.ok(await page.locator('[data-test="chart"] canvas').isVisible());
  const refusal = await text('refusal');
  assert.match(refusal, /sign\.|password\./);
  assert.match(refusal, /What to do/);
  const before = Number(await page.locator('[data-test="chart"]').getAttribute('data-points'));
  await post({ temperature: 22.75 });
  await until(async () => /22\.75/.test(await text('value-temperature')), 'the live value');
  await until(async () => Number(await page.locator('[data-test="chart"]').getAttribute('data-points')) > before, 'the new point');
  await until(async () => (await page.locator('[data-test="event"]').count()) === 1, 'the event from before');
  assert.match(await text('event'), /Too hot[\s\S]*Alert[\s\S]*41\.5/);
  await tooHot(42.25);
  await until(async () => /42\.25/.test(await text('event')), 'the new event, first');
  await shoot('device');
});

test('a set goes to the board, and its answer and new value come back', async () => {
  await page.locator('[data-test="set-report_interval"]').fill('7');
  await page.locator('[data-test="send"]').click();
  await until(async () => /answered 200/.test(await text('set-state').catch(() => '')), "the board's answer");
  await until(async () => /7/.test(await text('value-report_interval').catch(() => '')), 'the new interval');
});

test('the rules are shown with what they have sent, and can be stopped and started', async () => {
  const before = page.url();
  const rule = await api(server, 'CreateRule', { Name: 'keep', ProductKey: triple.productKey, Select: 'items.temperature.value AS t', ShortTopic: '+/thing/event/property/post', TopicType: 0 });
  await api(server, 'CreateRuleAction', { RuleId: rule.RuleId, Type: 'FILE', Configuration: '{"path":"readings.jsonl"}' });
  await api(server, 'StartRule', { RuleId: rule.RuleId });
  await page.goto(`${server.openapi}/rules`);
  await page.locator('[data-test="rule"]').first().waitFor();
  assert.match(await text('rule'), /keep[\s\S]*running[\s\S]*SELECT items\.temperature\.value AS t FROM[\s\S]*FILE[\s\S]*readings\.jsonl/);
  await post({ temperature: 22.5 });
  await until(async () => (await text('sent')) === '1', 'one record was sent');
  await shoot('rules');
  await page.locator('[data-test="rule"] button').first().click();
  await until(async () => /stopped/.test(await text('rule')), 'the rule is stopped');
  await page.locator('[data-test="rule"] button').first().click();
  await until(async () => /running/.test(await text('rule')), 'the rule runs');
  await page.goto(before);
});

test('the language can be changed, and the remedy changes with it', async () => {
  await page.locator('[data-test="language"]').click();
  await page.getByRole('heading', { name: '实时数据' }).waitFor();
  await until(async () => /怎么改/.test(await text('refusal')), 'the remedy in Chinese');
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot('device-zh-dark');
  await page.goto(`${server.openapi}/refusals`);
  await page.locator('[data-test="refusal"]').first().waitFor();
  await shoot('diagnosis-zh-dark');
});

test('the page fits a phone', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const address of ['/', `/device/${triple.productKey}/board-1`, '/refusals']) {
    await page.goto(server.openapi + address);
    await page.waitForLoadState('load');
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(overflow <= 0, `${address} is ${overflow} pixels too wide`);
  }
  await shoot('phone');
});

test('a board that goes away is seen to go away', async () => {
  await page.goto(`${server.openapi}/`);
  await page.locator('[data-test="device-row"]').first().waitFor();
  await board.endAsync(true);
  await until(async () => /离线/.test(await text('device-row')), 'offline in the table');
});

test('nothing went wrong in the browser: no error, no violation of the content policy', () => {
  assert.deepEqual(problems, []);
});
