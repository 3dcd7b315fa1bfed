// Rules into e-mail, against a small SMTP server that keeps letters, wants TLS and a login, and says no.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { api, makeDevice, makeProduct, startServer, until } from '../harness.mjs';
import { board, letterBody, makeRule, postOffice, state } from './world.mjs';

let server, productKey;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => { await server.stop(); });

const header = (letter, name) => {
  const at = letter.lines.findIndex((line) => line.startsWith(`${name}:`));
  let text = letter.lines[at].slice(name.length + 1);
  for (let i = at + 1; letter.lines[i].startsWith(' '); ++i) text += letter.lines[i];
  return text.trim().replace(/\?=\s+=\?/g, '?==?').replace(/=\?UTF-8\?B\?(.*?)\?=/g, (_, part) => Buffer.from(part, 'base64').toString('latin1'));
};

test('a letter goes over TLS with a login, its subject in any language, what gathers in one letter', async () => {
  const triple = await makeDevice(server, productKey);
  const pki = path.dirname(server.ca);
  const { readdirSync } = await import('node:fs');
  const files = readdirSync(pki);
  const secure = { key: readFileSync(path.join(pki, files.find((one) => /^server.*key/.test(one)) ?? 'server.key')), cert: readFileSync(path.join(pki, files.find((one) => /^server.*(crt|pem)$/.test(one) && !/key/.test(one)) ?? 'server.pem')) };
  const office = await postOffice({ secure });
  await makeRule(server, { name: 'mail', productKey, select: 'n', actions: [['MAIL', { url: `smtp://localhost:${office.port}`, from: 'board@example.com', to: ['a@example.com', 'b@example.com'], user: 'me', password: 'hush', ca_file: server.ca, subject: '厨房太潮湿了，请打开窗户通风，谢谢大家的配合 ${deviceName}', text: '${deviceName}: ${n}', per_minute: 60 }]] });
  const sensor = await board(server, triple);
  for (let n = 1; n <= 10; ++n) await sensor.update({ n });
  const lines = () => office.letters.flatMap((one) => letterBody(one).trimEnd().split('\r\n'));
  await until(() => lines().length >= 10, 'ten lines');
  assert.deepEqual(lines(), Array.from({ length: 10 }, (_, i) => `${triple.deviceName}: ${i + 1}`));
  const letter = office.letters[0];
  assert.ok(letter.encrypted);
  assert.equal(letter.user, 'me:hush');
  assert.deepEqual([letter.from, ...letter.to], ['board@example.com', 'a@example.com', 'b@example.com']);
  assert.match(Buffer.from(header(letter, 'Subject'), 'latin1').toString(), new RegExp(`^厨房太潮湿了，请打开窗户通风，谢谢大家的配合 ${triple.deviceName}`));
  assert.ok(office.letters.length < 10);
  await sensor.stop();
  await office.stop();
});

test('a reader that is not there makes a dead letter; a password never goes over an open connection', async () => {
  const triple = await makeDevice(server, productKey);
  const office = await postOffice({ secure: null, refuse: () => '550 no such user' });
  const made = await makeRule(server, { name: 'nobody', productKey, select: 'n', actions: [['MAIL', { url: `smtp://127.0.0.1:${office.port}`, tls: false, from: 'board@example.com', to: 'gone@example.com', delivery: { first_pause_ms: 20, longest_pause_ms: 50 } }]] });
  const sensor = await board(server, triple);
  await sensor.update({ n: 1 });
  const letters = await until(async () => { const got = await api(server, 'QueryDeadLetters', { ActionId: made.actions[0] }); return got.Total === 1 && got.Data.List.Letter; }, 'a dead letter');
  assert.match(letters[0].Cause, /550/);
  await assert.rejects(api(server, 'CreateRuleAction', { RuleId: made.rule, Type: 'MAIL', Configuration: JSON.stringify({ url: 'smtp://x', tls: false, user: 'u', password: 'p', from: 'a@b', to: 'c@d' }) }), /a password is not sent over a connection that may be open/);
  const open = await makeRule(server, { name: 'open', productKey, select: 'n', actions: [['MAIL', { url: `smtp://127.0.0.1:${office.port}`, from: 'board@example.com', to: 'x@example.com', user: 'u', password: 'p', delivery: { first_pause_ms: 20, longest_pause_ms: 50 } }]] });
  await sensor.update({ n: 2 });
  await until(async () => /SSL|TLS|STARTTLS/i.test((await state(server, open.actions[0])).Cause), 'the cause');
  assert.equal(office.letters.length, 0);
  await sensor.stop();
  await office.stop();
});
