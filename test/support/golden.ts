/**
 * Texts that were read and found good, in files: a test compares with them, and UPDATE_GOLDEN=1 writes them anew, to be
 * read again. Must never write without being told to.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** `name` is a path below test/fixtures. */
export async function expectGolden(name: string, text: string): Promise<void> {
  const path = fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
  if (process.env.UPDATE_GOLDEN === '1') {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return;
  }
  const golden = await readFile(path, 'utf8').catch(() => null);
  const how = 'read the new text, and if it is as good, write it with UPDATE_GOLDEN=1';
  if (golden === null) throw new Error(`${path} does not exist: ${how}`);
  expect(text, `test/fixtures/${name} differs: ${how}`).toBe(golden);
}
