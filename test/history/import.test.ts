/** What is opened as an export: only a whole one, and nothing is left behind. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exportLines } from '../../src/core/history/export.ts';
import { writeExport } from '../../src/core/history/export-write.ts';
import { importInto, openExport } from '../../src/core/history/import.ts';
import { openLogForReading } from '../../src/core/log/read-only.ts';
import { openTestLog, randomFrom, readAll, tempDir } from '../log/log-fixtures.ts';
import { changed, keptLog, opened, written } from './export-support.ts';

const SEED = Number(process.env['TURNOUT_TEST_SEED'] ?? Date.now() % 1_000_000);
const FLIPS = Number(process.env['TURNOUT_TEST_FLIPS'] ?? 40);
const ALL = { version: '0', now: 0, redact: false, relabel: false, policies: false };
let tmp: string;

beforeEach(() => {
  tmp = tempDir();
  vi.stubEnv('TMPDIR', tmp);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** What openings of exports left in the directory for temporary files. */
const left = () => readdirSync(tmp).filter((name) => name.startsWith('turnout-export-'));

async function slice(): Promise<string> {
  return (await written(await keptLog('0.1.0'), { base: 100 })).file;
}

function bytesOf(bytes: Buffer): string {
  const to = join(tempDir(), 'changed.turnout');
  writeFileSync(to, bytes);
  return to;
}

describe('a file that is not a whole export', () => {
  it('is refused wherever it was cut off', async () => {
    const bytes = readFileSync(await slice());
    for (const part of [0.001, 0.01, 0.3, 0.7, 0.99]) {
      const cut = bytesOf(bytes.subarray(0, Math.max(3, Math.floor(bytes.length * part))));
      await expect(openExport(cut), String(part)).rejects.toMatchObject({ code: 'log-damaged' });
    }
    const lastLine = /[^\n]*\n$/;
    const ended = changed(await slice(), (text) => text.replace(lastLine, ''));
    await expect(openExport(ended)).rejects.toThrow('expected a whole one, got one that ends early');
    expect(left()).toEqual([]);
  });

  it(`is refused when a byte of it changed, or says the same all the same (seed ${SEED})`, async () => {
    const file = await slice();
    const whole = readFileSync(file);
    const events = await readAll(await opened(file));
    const random = randomFrom(SEED);
    for (let flip = 0; flip < FLIPS; flip++) {
      const bytes = Buffer.from(whole);
      const at = Math.floor(random() * bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      const log = await openExport(bytesOf(bytes)).catch((error: { code: string }) => error);
      if ('code' in log) expect(['log-damaged', 'usage']).toContain(log.code);
      else {
        expect(await readAll(log)).toEqual(events);
        await log.close();
      }
    }
  });

  it.each<[string, (text: string) => string, string]>([
    [
      'a line lacks what it is to hold',
      (text) => text.replace('"blob":{"hash":', '"blob":{"hasp":'),
      'a line that is none of its own: {"blob":{"hasp":',
    ],
    ['the header lacks its range', (text) => text.replace(/"base":\d+,/, ''), 'a header without its range'],
    [
      'an event is missing',
      (text) => text.replace(/\{"event":\{"position":120,.*\n/, ''),
      'events 88 where it says 89',
    ],
    ['an event says something else', (text) => text.replace('"outcome":"ok"', '"outcome":"cut"'), 'sha256'],
    [
      'events changed places',
      (text) => text.replace(/(\{"event":\{"position":120,.*\n)(.*\n)/, '$2$1'),
      'event 120 after 121',
    ],
    [
      'the state is missing',
      (text) => text.replace(/\{"event":\{"type":"log.rebased".*\n/, ''),
      'where the state at 100',
    ],
    ['something follows', (text) => `${text}{"event":{}}\n`, 'more after its last line'],
    [
      'a line is none',
      (text) => text.replace('{"event":{"position":120', '{"event"{"position":120'),
      'none of its own',
    ],
  ])('is refused when %s', async (_, change, message) => {
    const file = changed(await slice(), change);
    await expect(openExport(file)).rejects.toMatchObject({ code: 'log-damaged' });
    await expect(openExport(file)).rejects.toThrow(message);
  });

  it('of a newer turnout is told to be that', async () => {
    const format = changed(await slice(), (text) =>
      text.replace('"turnoutExport":1,"turnout":"9.9.9"', '"turnoutExport":7,"turnout":"12.0"'),
    );
    await expect(openExport(format)).rejects.toThrow('expected an export of format 1, got format 7 of turnout 12.0');
    const event = changed(await slice(), (text) =>
      text.replaceAll('"type":"request.granted","version":1', '"type":"request.granted","version":4'),
    );
    await expect(openExport(event)).rejects.toThrow(
      'got event "request.granted" of version 4, written by turnout 9.9.9',
    );
    const type = changed(await slice(), (text) => text.replaceAll('"request.granted"', '"request.dreamt"'));
    await expect(openExport(type)).rejects.toMatchObject({ code: 'log-damaged' });
  });

  it('is named as something else when it is', async () => {
    const expected = 'expected an export or a backup, as "turnout export" and "turnout log backup" write them';
    for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), gzipSync('hello\n'), gzipSync('{"event":{}}\n')]) {
      await expect(openExport(bytesOf(bytes))).rejects.toMatchObject({ code: 'usage' });
      await expect(openExport(bytesOf(bytes))).rejects.toThrow(expected);
    }
    await expect(openExport('/nowhere')).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('writing an export', () => {
  it('never overwrites a file, and leaves none when it is stopped', async () => {
    const log = await keptLog('0.1.0');
    const dir = tempDir();
    const file = join(dir, 'slice.turnout');
    const lines = () => exportLines(log, { ...ALL, base: 0, head: log.head });
    const stop = new AbortController();
    async function* stopping() {
      const all = lines();
      for (;;) {
        const { value, done } = await all.next();
        if (done === true) return value;
        stop.abort();
        yield value;
      }
    }
    await expect(writeExport(file, stopping(), stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
    expect(readdirSync(dir)).toEqual([]);
    writeFileSync(file, 'mine');
    const again = writeExport(file, lines(), new AbortController().signal);
    await expect(again).rejects.toMatchObject({ code: 'conflict' });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    const nowhere = writeExport(join(dir, 'no', 'x'), lines(), new AbortController().signal);
    await expect(nowhere).rejects.toMatchObject({ code: 'state-dir' });
  });
});

describe('an export that is opened', () => {
  it('leaves nothing behind, not even if nobody closes it', async () => {
    const log = await openExport(await slice());
    expect(left()).toEqual([]);
    expect(await readAll(log)).toHaveLength(90);
    expect((await log.stateAt(150)).position).toBe(150);
    await log.close();
    expect(left()).toEqual([]);
  });

  it('becomes the log of a state directory that has none, on which a turnout can start', async () => {
    const file = await slice();
    const dir = join(tempDir(), 'state');
    expect(await importInto(file, dir, {})).toBe(189);
    const log = await openLogForReading(dir);
    expect(await readAll(log)).toEqual(await readAll(await opened(file)));
    await log.close();
    expect(await openTestLog(dir)).toMatchObject({ head: 189, replaced: null, warnings: [] });
    await expect(importInto(file, dir, {})).rejects.toMatchObject({ code: 'log-locked' });
    const taken = join(tempDir(), 'taken');
    await importInto(file, taken, {});
    await expect(importInto(file, taken, {})).rejects.toMatchObject({ code: 'conflict' });
  });
});
