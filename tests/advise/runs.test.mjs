// How a run begins, ends and says what it left out.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { run, tercet } from '../harness.mjs';
import { advise, ownBoard, tell } from './advisor.mjs';

test('with nobody connecting the run ends by itself and nothing was seen', async () => {
  const report = await advise('login', async () => async () => {}, { limit: 1 });
  assert.equal(report.code, 1);
  assert.deepEqual(report.points.map((one) => one.outcome), ['not-seen', 'not-seen', 'not-seen']);
});

test('over plain TCP the points of TLS are left out and said so', async () => {
  const report = await advise('tls,login,certificate.sha1', ownBoard(), { args: ['--plain'] });
  assert.equal(report.code, 0, tell(report));
  assert.equal(report.leftOutPlain, 'tls.handshake, tls.no-fallback, certificate.sha1');
  assert.deepEqual(report.points.map((one) => one.id), ['login.fields', 'login.timestamp', 'login.keep-alive']);
});

test('--quick leaves out what takes a minute and says so', async () => {
  const report = await advise('login.keep-alive,link,connack.withheld', ownBoard(), { args: ['--quick'] });
  assert.equal(report.code, 0, tell(report));
  assert.equal(report.leftOutQuick, 'connack.withheld, link.dead');
});

test('a login in plain TCP beside a TLS run is seen', async () => {
  const device = (ready) => ownBoard()({ ...ready, port: ready.plainPort, ca: '' });
  const report = await advise('tls.no-fallback', device, { args: ['--plain-port', '0'], limit: 5 });
  assert.equal(report.of('tls.no-fallback').outcome, 'fail', tell(report));
  assert.match(report.of('tls.no-fallback').evidence, /plain TCP/);
});

test('a device that does not know the CA is told what to do', async () => {
  const device = (ready) => {
    const ca = path.join(ready.directory, 'other.pem');
    writeFileSync(ca, rootCertificates[0]);
    return ownBoard()({ ...ready, ca });
  };
  const report = await advise('tls.handshake,certificate.expired', device, { limit: 8 });
  assert.equal(report.code, 1);
  assert.equal(report.of('tls.handshake').outcome, 'fail', tell(report));
  assert.match(report.of('tls.handshake').remedy, /ca\.pem/);
  assert.notEqual(report.of('certificate.expired').outcome, 'pass', 'to refuse everything is no merit');
});

test('a wrong secret is examined', async () => {
  const device = (ready) => ownBoard()(ready);
  const report = await advise('login.fields', device, { args: ['--device-secret', 'f'.repeat(32)] });
  assert.equal(report.of('login.fields').outcome, 'fail', tell(report));
  assert.ok(report.of('login.fields').remedy.length > 10);
});

test('a point that does not exist and a set that is no object are refused', async () => {
  for (const args of [['--points', 'nonsense'], ['--set', '[1]'], ['--quick', '--points', 'link']]) {
    const done = await run(tercet, ['advise', '--listen', '127.0.0.1', '--port', '0', '--dir', '/nonexistent', ...args]);
    assert.equal(done.code, 2, done.err);
  }
});
