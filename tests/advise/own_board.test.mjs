// Our board scores 100 %. Several advisors at once, each with some of the points and a board of its own: a back-off that
// grows as it should would otherwise make this a matter of minutes. link.dead takes 75 s and is left to the full run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advise, ownBoard, tell } from './advisor.mjs';

const groups = {
  'a session, its commands and an unacknowledged post': 'tls.handshake,login,session,post,command,puback,connack.slow,backoff.rate',
  'servers that close, answer with garbage or not at all': 'connack.closed-before,connack.closed-after,connack.garbage,connack.withheld',
  'every CONNACK code': 'connack.refused-1,connack.refused-2,connack.refused-3,connack.refused-4,connack.refused-5',
  'certificates with wrong dates or names': 'certificate.expired,certificate.not-yet-valid,certificate.wrong-host,tls.no-fallback',
  'certificates of the wrong signer': 'certificate.wrong-ca,certificate.self-signed,certificate.sha1',
  'the pauses between attempts': 'backoff.grows,backoff.jitter',
};

test('our board scores 100 %', { concurrency: Object.keys(groups).length }, async (t) => {
  await Promise.all(Object.entries(groups).map(([what, points]) => t.test(what, async () => {
    const report = await advise(points, ownBoard());
    assert.equal(report.score, 100, tell(report));
    assert.equal(report.code, 0);
    assert.equal(report.passed, report.points.length);
  })));
});
