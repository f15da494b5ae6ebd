/** `turnout doctor`: each thing that can be wrong, made wrong, and what it says to do. */
import { chmod, mkdir, open, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/commands/doctor-finding.ts';
import { modelFilesOf } from '../../src/cli/commands/doctor-programs.ts';
import { checkNode, checkStateDir } from '../../src/cli/commands/doctor-state.ts';
import { openSqliteLog } from '../../src/core/log/sqlite.ts';
import { freePorts } from '../support/ports.ts';
import { makePlace, type Place } from './run.ts';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});
afterAll(() => place.remove());

async function examine(...args: string[]): Promise<{ code: number | null; found: Map<string, Finding> }> {
  const free = await freePorts(1);
  const { code, out, err } = await place.cli(['doctor', '--json', '--listen', `127.0.0.1:${free}`, ...args]);
  if (err !== '') throw new Error(err);
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  return { code, found: new Map(findings.map((finding) => [finding.what, finding])) };
}

describe('turnout doctor', () => {
  it('finds nothing wrong with a machine that can run turnout', async () => {
    const { code, found } = await examine('--state-dir', join(place.dir, 'fresh'));
    expect(code).toBe(0);
    expect([...found.values()].map(({ level }) => level)).not.toContain('fail');
    expect(found.get('node')?.found).toBe(process.versions.node);
    expect(found.get('event log')?.found).toBe('none yet');
  });

  it('prints a line for each thing, with its remedy below', async () => {
    const config = await place.file('lost.yaml', 'models: {a: {cmd: "no-such-program --port ${PORT}"}}');
    const { code, out } = await place.cli(['doctor', '--config', config, '--state-dir', 'fresh']);
    expect(code).toBe(1);
    expect(out).toMatch(/^ok {4}node: /m);
    expect(out).toMatch(/^fail {2}program no-such-program: not found in PATH, for a\n {6}remedy: install it/m);
  });

  it('says that a port is taken, and by whom', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const config = await place.file('port.yaml', `startPort: ${port}\nmodels: {a: {cmd: "node \${PORT}"}}`);
    try {
      const { code, found } = await examine('--config', config, '--listen', `127.0.0.1:${port}`);
      expect(code).toBe(1);
      expect(found.get(`listen 127.0.0.1:${port}`)).toMatchObject({
        level: 'fail',
        found: expect.stringContaining('EADDRINUSE'),
      });
      expect(found.get('port of a')).toMatchObject({
        level: 'fail',
        found: expect.stringContaining(`:${port} already`),
      });
    } finally {
      server.close();
    }
  });

  it('looks for the programs and files of a configuration', async () => {
    const program = await place.file('server.sh', '#!/bin/sh\n');
    await chmod(program, 0o755);
    const plain = await place.file('plain.sh', '#!/bin/sh\n');
    await chmod(plain, 0o644);
    const model = await place.file('here.gguf', '');
    const config = await place.file(
      'files.yaml',
      `models:
  a: {cmd: "${program} --port \${PORT} -m ${model}", cmdStop: "no-stopper \${PID}"}
  b: {cmd: "${plain} --port \${PORT} --model=${place.dir}/gone.gguf --mmproj ${place.dir}/lost.bin"}
  c: {cmd: "docker run -p \${PORT}:1 image -m /inside/x.gguf"}
  d: {cmd: "node \${PORT} --model org/name", proxy: "http://far.example:1"}
`,
    );
    const { found } = await examine('--config', config);
    expect(found.get(`program ${program}`)).toMatchObject({ level: 'ok' });
    expect(found.get(`program ${plain}`)).toMatchObject({ level: 'fail', found: 'may not be executed, for b' });
    expect(found.get('program no-stopper')).toMatchObject({ level: 'fail', found: 'not found in PATH, for a' });
    expect(found.get('program node')).toMatchObject({ level: 'ok' });
    expect(found.get('model files')).toMatchObject({ level: 'ok', found: '1 found' });
    const missing = [...found.keys()].filter((what) => what.startsWith('model file '));
    expect(missing).toEqual([`model file ${place.dir}/gone.gguf`, `model file ${place.dir}/lost.bin`]);
  });

  it('names the first error of a configuration', async () => {
    const config = await place.file('bad.yaml', 'globalTTL: -1\nstartPort: 0\n');
    const { code, found } = await examine('--config', config);
    expect(code).toBe(1);
    expect(found.get(`configuration ${config}`)).toMatchObject({
      level: 'fail',
      found: '2 errors, the first in line 1: globalTTL must be >= 0',
      remedy: `turnout check ${config}`,
    });
  });

  it('proves an event log, and notices damage without touching it', async () => {
    const dir = join(place.dir, 'log');
    const { log } = await openSqliteLog({ dir });
    log.putBlob('hash', 'bytes');
    await log.flush();
    await log.close();
    expect((await examine('--state-dir', dir)).found.get('event log')).toMatchObject({ level: 'ok' });
    const file = await open(join(dir, 'events.db'), 'r+');
    await file.write('damage', 100);
    await file.close();
    const { code, found } = await examine('--state-dir', dir);
    expect(code).toBe(1);
    expect(found.get('event log')).toMatchObject({ level: 'fail', remedy: expect.stringContaining('moves it aside') });
  });

  it('says that a state directory is none', async () => {
    const file = await place.file('not-a-directory', '');
    const { code, found } = await examine('--state-dir', file);
    expect(code).toBe(1);
    expect(found.get('state directory')).toMatchObject({
      level: 'fail',
      found: expect.stringContaining('is not a directory'),
    });
  });
});

describe('a check of doctor', () => {
  it.each([
    ['26.1.0', 'ok'],
    ['24.0.0', 'ok'],
    ['20.19.0', 'fail'],
    ['25.0.0', 'fail'],
  ])('takes node %s as %s', (version, level) => {
    expect(checkNode(version).level).toBe(level);
  });

  it('only warns of a state directory that nobody asked for', async () => {
    const file = join(place.dir, 'a-file');
    await writeFile(file, '');
    expect(checkStateDir(join(file, 'below'), false).level).toBe('warn');
    expect(checkStateDir(join(file, 'below'), true).level).toBe('fail');
    await mkdir(join(place.dir, 'there'));
    expect(checkStateDir(join(place.dir, 'there', 'not', 'yet'), true).level).toBe('ok');
  });

  it.each([
    [['-m', '/a/b'], ['/a/b']],
    [['--model', './b.gguf'], ['./b.gguf']],
    [['--model=/x.bin', '--port', '1'], ['/x.bin']],
    [['--model', 'org/name'], []],
    [['--hf', 'https://host/x.gguf'], []],
    [
      ['-c', 'exec serve --x /a.gguf --y=/b.safetensors'],
      ['/a.gguf', '/b.safetensors'],
    ],
    [['--lora', 'c.gguf:0.5'], ['c.gguf']],
  ])('finds the files of %j', (args, expected) => {
    expect(modelFilesOf(args)).toEqual(expected);
  });
});
