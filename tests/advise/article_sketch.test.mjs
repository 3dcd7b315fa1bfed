// The tutorial's sketch fails where it should, and each failure comes with what to change.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advise, tell, triple } from './advisor.mjs';
import { articleBoard } from './article_board.mjs';

function expect(report, outcomes) {
  for (const [id, [outcome, evidence, remedy]] of Object.entries(outcomes)) {
    const point = report.of(id);
    assert.equal(point?.outcome, outcome, `${id}\n${tell(report)}`);
    if (evidence) assert.match(point.evidence, evidence);
    if (outcome !== 'pass') assert.match(point.remedy, remedy, `${id} says what to change`);
  }
  assert.equal(report.points.length, Object.keys(outcomes).length, 'every point is looked at here');
  assert.equal(report.code, report.failed + report.notSeen > 0 ? 1 : 0);
}

const cases = {
  'its login, posts and commands': ['tls.handshake,login,session,post,command.set,command.wrong-type', 'en', {
    'tls.handshake': ['pass'],
    'login.fields': ['fail', /article/, /timestamp/],
    'login.timestamp': ['pass'],
    'login.keep-alive': ['pass'],
    'session.subscribe': ['pass', /property\/set/],
    'session.features': ['pass'],
    'post.envelope': ['pass'],
    'post.ids': ['fail', /id 123 was used twice/, /count the id up/],
    'command.set': ['fail', /no answer/, /set_reply/],
    'command.wrong-type': ['fail', /no answer/, /460/],
  }],
  'messages that it survives, and one that it drops': ['command.broken-json,command.duplicate,command.large', 'en', {
    'command.broken-json': ['pass', /lived on/],
    'command.duplicate': ['pass', /two PUBACKs/],
    'command.large': ['pass', /lived on/],
  }],
  'certificates it believes, every one': ['certificate,tls.no-fallback', 'zh', {
    'tls.no-fallback': ['pass'],
    ...Object.fromEntries(['expired', 'not-yet-valid', 'wrong-host', 'wrong-ca', 'self-signed'].map((kind) =>
      [`certificate.${kind}`, ['fail', /believed it and sent its login/, /根证书.*setInsecure/]])),
    'certificate.sha1': ['fail', /believed it/, /SHA-1.*setInsecure/],
  }],
  'a server that refuses': ['backoff.grows,backoff.jitter', 'en', {
    'backoff.grows': ['fail', /pauses 5\.\d/, /double the longest pause/],
    'backoff.jitter': ['fail', /any other device/, /random/],
  }],
  'a post that is not acknowledged': ['puback,connack.slow,connack.refused-4', 'en', {
    'puback.withheld': ['fail', /QoS 0/, /QoS 1/],
    'connack.slow': ['pass'],
    'connack.refused-4': ['pass', /came again after 5/],
  }],
};

test('the sketch of the tutorial', { concurrency: Object.keys(cases).length }, async (t) => {
  await Promise.all(Object.entries(cases).map(([what, [points, language, outcomes]]) =>
    t.test(what, async () => expect(await advise(points, articleBoard(triple), { language }), outcomes))));
});
