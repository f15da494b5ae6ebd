import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// The threads of the log are started a thousand times, each of which would take the types off the same files again.
process.env['NODE_COMPILE_CACHE'] ??= resolve('node_modules/.cache/node-compile-cache');

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/real/**'],
    alias: [
      { find: /^[./]+(core\/)?platform\/program-file\.ts$/, replacement: resolve('test/support/program-file.ts') },
    ],
    globalSetup: 'test/support/built.ts',
    pool: 'forks',
    maxWorkers: 3, // much of the time is waiting for processes
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
