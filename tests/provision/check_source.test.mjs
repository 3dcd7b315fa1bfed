// A build with a triple in its source is refused: by the command, by scripts/no-secrets, and by the CMake function.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, tercet } from '../harness.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'tercet-source-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const clean = '#define DEVICE_SECRET "YOUR_DEVICE_SECRET"\nint main() { return 0; }\n';
const leaky = '#define DEVICE_SECRET "9f2c41d07be85a6630cd1ef4a7925b18"\nint main() { return 0; }\n';
const source = path.join(folder, 'main', 'main.c');
mkdirSync(path.dirname(source));

for (const [what, command] of [
  ['tercet check-source', [tercet, 'check-source']],
  ['scripts/no-secrets', [path.join(root, 'scripts/no-secrets')]],
])
  test(`${what} passes placeholders and names the line of a secret`, async () => {
    writeFileSync(source, clean);
    const passed = await run(command[0], [...command.slice(1), folder], { timeout: 120000 });
    assert.equal(passed.code, 0, passed.err);
    writeFileSync(source, leaky);
    const found = await run(command[0], [...command.slice(1), folder]);
    assert.equal(found.code, 1);
    assert.match(found.err, /main\.c:1: DEVICE_SECRET: 32 hex digits/);
    assert.match(found.err, /remedy: .*tercet provision/s);
    assert.ok(!found.err.includes('9f2c41d0'));
  });

for (const [how, program] of [['tercet', tercet], ['the script alone', 'TERCET_PROGRAM-NOTFOUND']])
  test(`a firmware build with a secret in its source stops before the firmware is made, by ${how}`, async () => {
    writeFileSync(path.join(folder, 'CMakeLists.txt'), `cmake_minimum_required(VERSION 3.16)
project(firmware C)
add_executable(firmware main/main.c)
include(${path.join(root, 'cmake/no_secrets.cmake')})
tercet_refuse_secrets(firmware)
`);
    const build = path.join(folder, 'build', path.basename(program));
    const configured = await run('cmake', ['-S', folder, '-B', build, '-G', 'Ninja', `-DTERCET_PROGRAM=${program}`], { timeout: 60000 });
    assert.equal(configured.code, 0, configured.err);
    writeFileSync(source, leaky);
    const refused = await run('cmake', ['--build', build], { timeout: 60000 });
    assert.notEqual(refused.code, 0);
    assert.match(refused.out + refused.err, /main\.c:1: DEVICE_SECRET/);
    assert.ok(!existsSync(path.join(build, 'firmware')));
    writeFileSync(source, clean);
    const built = await run('cmake', ['--build', build], { timeout: 60000 });
    assert.equal(built.code, 0, built.out + built.err);
    assert.ok(existsSync(path.join(build, 'firmware')));
  });
