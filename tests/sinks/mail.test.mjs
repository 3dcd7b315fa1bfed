// Rules into e-mail, against a small SMTP server that keeps letters, wants TLS and a login, and says no.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import { api, makeDevice, makeProduct, startServer, until } from '../harness.mjs';
import { board, makeRule, state } from './world.mjs';

let server, productKey;
before(async () => {
  server = await startServer();
  productKey = await makeProduct(server);
});
after(async () => { await server.stop(); });

// RFC 5321 as far as one letter needs it. `refuse` is asked for each reader: a line such as "550 no such user", or nothing.
async function postOffice({ secure, refuse = () => undefined }) {
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
  const office = createServer(talk);
  await new Promise((resolve) => office.listen(0, '127.0.0.1', resolve));
  return { letters, port: office.address().port, stop: () => new Promise((resolve) => office.close(resolve)) };
}
const header = (letter, name) => {
  const at = letter.lines.findIndex((line) => line.startsWith(`${name}:`));
  let text = letter.lines[at].slice(name.length + 1);
  for (let i = at + 1; letter.lines[i].startsWith(' '); ++i) text += letter.lines[i];
  return text.trim().replace(/\?=\s+=\?/g, '?==?').replace(/=\?UTF-8\?B\?(.*?)\?=/g, (_, part) => Buffer.from(part, 'base64').toString('latin1'));
};
const body = (letter) => Buffer.from(letter.lines.slice(letter.lines.indexOf('') + 1).join(''), 'base64').toString();

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
  const lines = () => office.letters.flatMap((one) => body(one).trimEnd().split('\r\n'));
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
