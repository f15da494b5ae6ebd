/** The ballast takes up room until it is needed. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freeBallast, keepBallast } from '../../src/core/log/ballast.ts';
import { tempDir } from './log-fixtures.ts';

const BYTES = 2 * 1024 * 1024 + 5;

describe('the ballast', () => {
  it('has its size, is replaced when it has another, and is not written again', async () => {
    const path = join(tempDir(), 'ballast');
    writeFileSync(path, 'short');
    expect(await keepBallast(path, BYTES)).toBeNull();
    const first = statSync(path);
    expect(first.size).toBe(BYTES);
    expect(first.blocks * 512).toBeGreaterThanOrEqual(BYTES - 4096);
    expect(await keepBallast(path, BYTES)).toBeNull();
    expect(statSync(path).mtimeMs).toBe(first.mtimeMs);
  });

  it('is not made where there is not much more room, nor when it is to have no size', async () => {
    const path = join(tempDir(), 'ballast');
    expect(await keepBallast(path, Number.MAX_SAFE_INTEGER)).toBeNull();
    expect(await keepBallast(path, 0)).toBeNull();
    expect(freeBallast(path)).toBe(false);
  });

  it('can be freed once', async () => {
    const path = join(tempDir(), 'ballast');
    await keepBallast(path, 1_000);
    expect(freeBallast(path)).toBe(true);
    expect(freeBallast(path)).toBe(false);
  });

  it('says why it cannot be made', async () => {
    const path = join(tempDir(), 'ballast', 'below');
    mkdirSync(path, { recursive: true });
    expect(await keepBallast(path, 1_000_000)).toMatch(/^make the ballast file ".+": /);
  });
});
