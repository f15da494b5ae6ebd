/** The output of models: its end in events, its size, and how people read it. */
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { modelId, runId } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { outputFile, runOfOutputFile } from '../../src/core/output-file.ts';
import { createFloodMeter } from '../../src/core/runtime/local/flood.ts';
import { cutFile, MARKER_BYTES } from '../../src/core/runtime/local/output-cut.ts';
import { followOutput, readOutput } from '../../src/core/runtime/local/output-read.ts';
import { tailLines } from '../../src/core/runtime/local/output-tail.ts';
import { fixture, setUp, waitFor } from './harness.ts';

const MiB = 1024 * 1024;
const RELATIVE = 'logs/m/7.log';

describe('outputFile()', () => {
  test('keeps models apart and inside the directory', () => {
    expect(outputFile(modelId('org/model:7b'), runId(5))).toBe('logs/org%2Fmodel%3A7b/5.log');
    expect(outputFile(modelId('..'), runId(5))).toBe('logs/%2E%2E/5.log');
    expect(outputFile(modelId('lone \ud800'), runId(5))).toBe('logs/lone%20%EF%BF%BD/5.log');
    expect(runOfOutputFile(outputFile(modelId('a.b'), runId(12)))).toBe(12);
    expect(runOfOutputFile('logs/notes.txt')).toBeNull();
  });
});

describe('tailLines()', () => {
  const lines = (text: string): string[] => tailLines(Buffer.from(text, 'latin1'));
  test('keeps the last 20 lines and leaves blank ones out', () => {
    expect(lines(`${Array.from({ length: 30 }, (_, i) => `${i}\n\n`).join('')}`)).toEqual(
      Array.from({ length: 20 }, (_, i) => String(i + 10)),
    );
    expect(lines('')).toEqual([]);
  });
  test('takes the last drawing of a progress bar', () => {
    expect(lines('loading 10%\rloading 100%\r\ndone\r\n')).toEqual(['loading 100%', 'done']);
  });
  test('keeps out control characters and terminal sequences, but tabs', () => {
    expect(lines('\x1b[1;31mbad\x1b[0m\tthing\x07\x00\x7f')).toEqual(['bad\tthing']);
  });
  test('tolerates invalid UTF-8', () => {
    expect(lines('a\xffb')).toEqual(['a�b']);
  });
  test('shortens long lines', () => {
    const [line] = lines('x'.repeat(5000));
    expect(line).toHaveLength(LIMITS.outputLineCharsMax);
    expect(line?.endsWith('…')).toBe(true);
  });
});

describe('the flood meter', () => {
  const second = 1000;
  const feed = (bytesPerSec: (second: number) => number, seconds: number): (number | null)[] => {
    const meter = createFloodMeter();
    let total = 0;
    return Array.from({ length: seconds }, (_, i) => {
      total += bytesPerSec(i);
      return meter(i * second, total);
    });
  };
  test('reports more than 20 MiB/s over 10 s, once', () => {
    const reports = feed(() => 30 * MiB, 60).flatMap((report, at) => (report === null ? [] : [[at, report]]));
    expect(reports).toEqual([[10, 30 * MiB]]);
  });
  test('is not excited by a burst', () => {
    expect(feed((at) => (at === 5 ? 150 * MiB : 1), 60).some((report) => report !== null)).toBe(false);
  });
  test('sees through pauses of a second', () => {
    expect(feed((at) => (at % 2) * 60 * MiB, 60).some((report) => report !== null)).toBe(true);
  });
});

describe('a file that grew too large', () => {
  test('is cut to the newest part below a line that says how much is gone, time and again', async () => {
    const { path, dir } = files();
    const line = (i: number): string => `line ${String(i).padStart(6, '0')}\n`;
    const text = (from: number, to: number): string =>
      Array.from({ length: to - from }, (_, i) => line(from + i)).join('');
    writeFileSync(path, text(0, 10_000));
    const fd = openSync(path, 'r+');
    onTestFinished(() => closeSync(fd));
    await cutFile(fd, 12_000);
    let kept = readFileSync(path, 'utf8');
    expect(kept.split('\n')[0]).toBe('log.truncated: 000000000108012 bytes of older output removed');
    expect(kept.slice(MARKER_BYTES)).toBe(text(9001, 10_000));
    appendFileSync(path, text(10_000, 11_000));
    await cutFile(fd, 12_000);
    kept = readFileSync(path, 'utf8');
    expect(kept.split('\n')[0]).toBe('log.truncated: 000000000120012 bytes of older output removed');
    expect(kept.slice(MARKER_BYTES)).toBe(text(10_001, 11_000));
    expect((await readOutput(dir, RELATIVE, 100)).toString()).toBe(text(10_992, 11_000));
  });

  test('never passes the limit for long while its child goes on writing, and has no hole', async () => {
    const { launch, exited, output, runtime } = await setUp();
    const run = await launch(fixture('chatter.mjs', 24));
    await waitFor('the end of the flood', () => {
      const text = output(run);
      return (
        text.length <= LIMITS.outputFileBytesMax && text.startsWith('log.truncated') && text.includes('caught up\n')
      );
    });
    const [, afterwards = ''] = output(run).split('caught up\n');
    await waitFor(
      'the child to go on',
      () => (output(run).split('caught up\n')[1]?.length ?? 0) > afterwards.length + 500,
    );
    await runtime.kill(run);
    const { tail } = await exited(run);
    const text = output(run);
    expect(text).not.toContain('\0');
    const numbers = [...text.matchAll(/^line (\d{9}) x{80}$/gm)].map((match) => Number(match[1]));
    expect(tail.at(-1)).toContain(String(numbers.at(-1)));
    // what the child wrote in the instant of a cut may be missing; nothing is out of order
    expect(numbers.every((number, i) => i === 0 || number > (numbers[i - 1] as number))).toBe(true);
  });

  test('is cut a last time when its run ends', async () => {
    const { launch, exited, output } = await setUp();
    const run = await launch(`sh -c 'head -c 30000000 /dev/zero | tr "\\\\0" "y"; echo; echo the end'`);
    expect((await exited(run)).tail.at(-1)).toBe('the end');
    expect(output(run).length).toBeLessThanOrEqual(LIMITS.outputFileBytesMax);
  });
});

describe('readOutput()', () => {
  test('gives the newest bytes from the beginning of a line', async () => {
    const { path, dir } = files();
    writeFileSync(path, 'first line\nsecond line\nthird line\n');
    expect((await readOutput(dir, RELATIVE)).toString()).toBe('first line\nsecond line\nthird line\n');
    expect((await readOutput(dir, RELATIVE, 15)).toString()).toBe('third line\n');
  });
  test('is empty when there is no file', async () => {
    const { dir } = files();
    expect(await readOutput(dir, 'logs/m/8.log')).toHaveLength(0);
  });
  test('refuses a path outside logs', async () => {
    const { dir } = files();
    await expect(readOutput(dir, 'logs/../../secret')).rejects.toThrow('expected a path below "logs/"');
    await expect(readOutput(dir, '/etc/passwd')).rejects.toThrow('expected a path below "logs/"');
  });
});

describe('followOutput()', () => {
  test('gives history, then what is added', async () => {
    const { path, dir } = files();
    writeFileSync(path, 'old\n');
    const follower = follow(dir);
    await waitFor('history', () => follower.text() === 'old\n');
    appendFileSync(path, 'new\n');
    await waitFor('the new line', () => follower.text() === 'old\nnew\n');
    await follower.end();
  });

  test('leaves history out when asked, and waits for a file that is not there yet', async () => {
    const { path, dir } = files();
    writeFileSync(path, 'old\n');
    const late = follow(dir, { relative: 'logs/m/8.log' });
    const follower = follow(dir, { history: 0 });
    // the marker shows that it follows; from then on not a byte may be missing
    await waitFor('it to follow', () => {
      appendFileSync(path, '.');
      return follower.text() !== '';
    });
    appendFileSync(path, 'new\n');
    await waitFor('the new line', () => follower.text().endsWith('new\n'));
    expect(follower.text()).not.toContain('old');
    writeFileSync(join(dir, 'logs/m/8.log'), 'at last');
    await waitFor('the late file', () => late.text() === 'at last');
    await follower.end();
    await late.end();
  });

  test('keeps its place when the file is cut under it', async () => {
    const { path, dir } = files();
    const fd = openSync(path, 'a+');
    onTestFinished(() => closeSync(fd));
    const block = (name: string): string => `${name} ${'x'.repeat(90)}\n`.repeat(500);
    appendFileSync(path, block('a'));
    const follower = follow(dir);
    await waitFor('history', () => follower.text().length === block('a').length);
    for (const name of ['b', 'c', 'd']) {
      const writer = openSync(path, 'r+');
      appendFileSync(path, block(name));
      await cutFile(writer, 60_000);
      closeSync(writer);
      appendFileSync(path, `after ${name}\n`);
      await waitFor(`what came after ${name}`, () => follower.text().endsWith(`after ${name}\n`));
    }
    expect(follower.text()).toBe(
      ['a', 'b', 'c', 'd'].map((name) => block(name) + (name === 'a' ? '' : `after ${name}\n`)).join(''),
    );
    await follower.end();
  });

  test('goes on when somebody else empties the file', async () => {
    const { path, dir } = files();
    writeFileSync(path, 'a long line of history\n');
    const follower = follow(dir);
    await waitFor('history', () => follower.text() !== '');
    writeFileSync(path, '');
    await waitFor('it to see that', () => {
      appendFileSync(path, '.');
      return follower.text().endsWith('.');
    });
    await follower.end();
  });

  test('reads no further while a chunk is being handled', async () => {
    const { path, dir } = files();
    writeFileSync(path, 'x'.repeat(90 * 1024));
    const controller = new AbortController();
    let open = 0;
    let most = 0;
    let bytes = 0;
    const done = followOutput(dir, RELATIVE, {
      signal: controller.signal,
      onChunk: async (chunk) => {
        open += 1;
        most = Math.max(most, open);
        await new Promise((resolve) => setImmediate(resolve));
        bytes += chunk.length;
        open -= 1;
      },
    });
    await waitFor('all of it', () => bytes === 90 * 1024);
    controller.abort();
    await done;
    expect(most).toBe(1);
  });
});

test('a file that cannot be written is not cut, and stays as it is', async () => {
  const { path } = files();
  writeFileSync(path, 'x'.repeat(100));
  const fd = openSync(path, 'r');
  onTestFinished(() => closeSync(fd));
  await expect(cutFile(fd, 10)).rejects.toThrow('EBADF');
  expect(statSync(path).size).toBe(100);
});

function files(): { dir: string; path: string } {
  const dir = mkdtempSync(join(tmpdir(), 'turnout-output-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'logs/m'), { recursive: true });
  return { dir, path: join(dir, RELATIVE) };
}

function follow(dir: string, options: { history?: number; relative?: string } = {}) {
  const { relative = RELATIVE, ...more } = options;
  const controller = new AbortController();
  let text = '';
  const onChunk = (chunk: Buffer): void => {
    text += chunk.toString();
  };
  const done = followOutput(dir, relative, { signal: controller.signal, onChunk, ...more });
  return {
    text: () => text,
    end: async () => {
      controller.abort();
      await done;
    },
  };
}
