/**
 * In place of `src/core/platform/program-file.ts` (vitest.config.ts): what tests start beside themselves, threads and the
 * policy host, is what was built, as users have it and in half the time.
 */
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
export const CODE = join(ROOT, 'dist');
export const programFile = (name: string): string => join(CODE, `${name}.js`);
