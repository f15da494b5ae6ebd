/** From the order to start a model to its process, and what can go wrong on the way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { modelId, runId } from '../../src/core/ids.ts';
import { outputFile } from '../../src/core/output-file.ts';
import { fixture, freePort, readIfThere, setUp, waitFor } from './harness.ts';

describe('launch()', () => {
  test('starts the program in a group of its own, with its mark and environment, and stdin empty', async () => {
    const { launch, started, exited, output, runtime } = await setUp();
    const run = await launch(`sh -c 'echo "$A $B run=$TURNOUT_RUN"; cat; ps -o pgid= -p $$; exec sleep 1000'`, {
      env: ['A=1', 'A=two', 'B=x=y'],
    });
    const { pid, startTime, bootId, baseUrl } = await started(run);
    await waitFor('its output', () => output(run).includes(String(pid)));
    expect(output(run)).toMatch(new RegExp(`^two x=y run=${run}:[0-9a-f]{12}\\n\\s*${pid}\\n$`));
    expect(startTime).toMatch(/^\d+$/);
    expect(bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect(baseUrl).toBe('');
    await runtime.stop(run);
    await exited(run);
  });

  test('writes the output to a file that only its owner can read', async () => {
    const { launch, exited, stateDir } = await setUp();
    const run = await launch(fixture('crash.sh', 0));
    await exited(run);
    const file = join(stateDir, outputFile(modelId('org/model:7b'), run));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
    expect(statSync(join(file, '../..')).mode & 0o777).toBe(0o700);
  });

  test('does nothing the second time', async () => {
    const { spec, runtime, exited, typesOf, output } = await setUp();
    const order = spec(`sh -c 'echo once'`);
    await Promise.all([runtime.launch(order), runtime.launch(order)]);
    await exited(order.run);
    await runtime.launch(order);
    expect(typesOf(order.run)).toEqual(['accepted', 'started', 'exited']);
    expect(output(order.run)).toBe('once\n');
  });

  test('says which command does not exist', async () => {
    const { launch, exited, typesOf } = await setUp();
    const run = await launch('no-such-server --port 1');
    expect(await exited(run)).toMatchObject({ by: 'spawn', code: null, signal: null, tail: [] });
    expect((await exited(run)).detail).toBe(
      'failed to start command "no-such-server": there is no such program (ENOENT)',
    );
    expect(typesOf(run)).toEqual(['accepted', 'exited']);
  });

  test('says which command may not be executed', async () => {
    const { launch, exited, dir } = await setUp();
    const file = join(dir, 'server');
    writeFileSync(file, '#!/bin/sh\n');
    chmodSync(file, 0o600);
    const run = await launch(file);
    expect((await exited(run)).detail).toBe(`failed to start command "${file}": it may not be executed (EACCES)`);
  });

  test('tells a missing interpreter from a missing program', async () => {
    const { launch, exited, dir } = await setUp();
    const file = join(dir, 'server');
    writeFileSync(file, '#!/no/such/interpreter\n');
    chmodSync(file, 0o700);
    const run = await launch(file);
    expect((await exited(run)).detail).toContain('its interpreter does not exist (ENOENT)');
  });

  test('says when the arguments are too long', async () => {
    const { launch, exited } = await setUp();
    const run = await launch(`true ${'x'.repeat(200_000)}`);
    expect(await exited(run)).toMatchObject({ by: 'spawn' });
    expect((await exited(run)).detail).toContain('(E2BIG)');
  });

  test('refuses a command without a word', async () => {
    const { launch, exited } = await setUp();
    const run = await launch('# nothing');
    expect((await exited(run)).detail).toBe('unable to get sanitized command: empty command');
  });

  test('looks for the program in the PATH of turnout, not in that of the model', async () => {
    const { launch, exited, output } = await setUp();
    const run = await launch('sh -c "echo $0 found; echo $PATH"', { env: ['PATH=/nowhere'] });
    expect(await exited(run)).toMatchObject({ code: 0, by: 'itself' });
    expect(output(run)).toBe('sh found\n/nowhere\n');
  });

  test('fails at once when the port is taken, and names its owner', async () => {
    const { launch, exited, typesOf } = await setUp();
    const port = await freePort();
    const stranger = spawn(process.execPath, ['-e', `require('net').createServer().listen(${port}, '127.0.0.1')`]);
    onTestFinished(async () => {
      stranger.kill('SIGKILL');
      if (stranger.exitCode === null && stranger.signalCode === null) await once(stranger, 'exit');
    });
    const tables = () => readIfThere('/proc/net/tcp')?.includes(`0100007F:${hex(port)} 00000000:0000 0A`);
    await waitFor('the stranger to listen', tables);
    const run = await launch('sleep 1000', { proxy: `http://localhost:${port}/v1` });
    expect(await exited(run)).toMatchObject({ by: 'spawn', code: null });
    expect((await exited(run)).detail).toMatch(
      new RegExp(`^port-in-use: process ${stranger.pid} \\(".+"\\) accepts connections on 127.0.0.1:${port} already`),
    );
    expect(typesOf(run)).toEqual(['accepted', 'exited']);
  });

  test('does not care who answers on another machine', async () => {
    const { launch, exited } = await setUp();
    const run = await launch('true', { proxy: 'http://model.invalid:80' });
    expect(await exited(run)).toMatchObject({ code: 0 });
  });

  test('starts nothing when it is stopped before that', async () => {
    const { spec, runtime, exited, typesOf } = await setUp();
    for (const end of [runtime.stop, runtime.kill]) {
      const order = spec('sleep 1000', { proxy: `http://127.0.0.1:${await freePort()}` });
      await runtime.launch(order);
      await end(order.run);
      expect(await exited(order.run)).toMatchObject({
        by: 'turnout',
        detail: 'stopped before its process was started',
      });
      expect(typesOf(order.run)).toEqual(['accepted', 'stopping', 'exited']);
    }
  });

  test('starts the model although its output has no place', async () => {
    const { launch, exited, warnings, stateDir } = await setUp();
    writeFileSync(join(stateDir, 'logs'), 'a file where a directory should be');
    const run = await launch(`sh -c 'echo lost; exit 4'`);
    expect(await exited(run)).toMatchObject({ code: 4, by: 'itself', tail: [] });
    expect(warnings.join()).toContain(`cannot keep the output of run ${run} of "org/model:7b"`);
  });

  test('never writes outside the state directory', async () => {
    const { launch, exited, warnings, dir } = await setUp();
    const run = await launch(`sh -c 'echo x'`, { logFile: 'logs/../../escaped.log' });
    await exited(run);
    expect(readIfThere(join(dir, 'escaped.log'))).toBeNull();
    expect(warnings.join()).toContain('expected a path below "logs/"');
  });

  test('keeps the outputs of three runs of a model', async () => {
    const { launch, exited, output } = await setUp();
    const done = [];
    for (const id of [8, 9, 10, 11, 12]) {
      done.push(await launch(`sh -c 'echo ${id}'`, { run: runId(id) }));
      await exited(runId(id));
    }
    expect(done.map(output)).toEqual(['', '', '10\n', '11\n', '12\n']);
  });
});

test('a listener that throws does not keep others from being told', async () => {
  const { runtime, launch, exited, warnings } = await setUp();
  const off = runtime.observe(() => {
    throw new Error('broken listener');
  });
  runtime.observe(() => {});
  const run = await launch('true');
  await exited(run);
  off();
  expect(warnings.join()).toContain('broken listener');
});

const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
