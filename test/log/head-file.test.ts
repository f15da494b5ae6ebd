/** The head file tells how far the log reached, or that it cannot be told. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openHead, readHead } from '../../src/core/log/head-file.ts';
import { tempDir } from './log-fixtures.ts';

const noWarning = (text: string) => expect.unreachable(text);

describe('the head file', () => {
  it('is missing before it was written, and tells what it was opened with', async () => {
    const path = join(tempDir(), 'head.json');
    expect(readHead(path)).toBe('missing');
    const head = openHead(path, { position: 3, hash: 'abc' }, noWarning);
    expect(readHead(path)).toEqual({ position: 3, hash: 'abc' });
    await head.close();
  });

  it('ends at the newest of many advances, in place', async () => {
    const path = join(tempDir(), 'head.json');
    const head = openHead(path, { position: 0, hash: 'root' }, noWarning);
    const { ino } = statSync(path);
    for (let position = 1; position <= 1_000; position += 1) head.advance({ position, hash: `hash ${position}` });
    await head.settled();
    expect(readHead(path)).toEqual({ position: 1_000, hash: 'hash 1000' });
    head.advance({ position: 1_001, hash: 'x' });
    await head.close();
    await head.close();
    expect(readHead(path)).toEqual({ position: 1_001, hash: 'x' });
    expect(statSync(path)).toMatchObject({ ino, size: 256 });
  });

  it('may be abandoned in the middle of a write', async () => {
    const path = join(tempDir(), 'head.json');
    const head = openHead(path, { position: 0, hash: 'root' }, noWarning);
    head.advance({ position: 1, hash: 'one' });
    head.abandon();
    await head.settled();
    const again = openHead(path, { position: 2, hash: 'two' }, noWarning);
    await again.close();
    expect(readHead(path)).toEqual({ position: 2, hash: 'two' });
  });

  it.each(['', '{', 'null', '{"position":3,"hash":"abc","check":"0000000000000000"}', '{"position":"3"}'])(
    'is unreadable as %j',
    (text) => {
      const path = join(tempDir(), 'head.json');
      writeFileSync(path, text);
      expect(readHead(path)).toBe('unreadable');
    },
  );

  it('is unreadable with any digit changed', async () => {
    const path = join(tempDir(), 'head.json');
    await openHead(path, { position: 345, hash: 'abc' }, noWarning).close();
    writeFileSync(path, readFileSync(path, 'utf8').replace('345', '245'));
    expect(readHead(path)).toBe('unreadable');
  });

  it('is unreadable as a directory', () => {
    const path = join(tempDir(), 'head.json');
    mkdirSync(path);
    expect(readHead(path)).toBe('unreadable');
  });
});
