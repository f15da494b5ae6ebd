import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/real/**'],
    globalSetup: 'test/support/built.ts',
    pool: 'forks',
    maxWorkers: 3, // much of the time is waiting for processes
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
