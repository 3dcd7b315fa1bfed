import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { credentials, makeDevice, makeProduct, proved, run, startServer } from '../harness.mjs';

let server;
before(async () => { server = await startServer(); });
after(async () => { await server.stop(); });

test('the Paho C client posts over TLS and reads its reply', async () => {
  const productKey = await makeProduct(server);
  const triple = await makeDevice(server, productKey);
  const { host, port } = server.listener('mqtts');
  const login = credentials(triple);
  const base = `/sys/${productKey}/${triple.deviceName}/thing/event/property/post`;
  const done = await run(process.env.PAHO_CLIENT, [`ssl://${host}:${port}`, server.ca, login.clientId, login.username, login.password, base, `${base}_reply`, '{"id":"77","version":"1.0","params":{"humidity":33}}']);
  assert.equal(done.code, 0, done.err);
  const reply = JSON.parse(done.out);
  assert.equal(reply.code, 200);
  assert.equal(reply.id, '77');
  proved({ 'Paho C': ['login over TLS', 'property post and reply'] });
});
