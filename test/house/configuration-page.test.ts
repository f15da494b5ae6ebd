import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configurationExamples, configurationPage } from '../../scripts/configuration-page.ts';
import { loadConfig } from '../../src/core/config/load.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const env = { TURNOUT_KEY: 'key', PEER_KEY: 'key' };

describe('docs/configuration.md', () => {
  it('is what the schema says: run "npm run docs" after changing it', () => {
    expect(readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8')).toBe(configurationPage());
  });

  it.each(configurationExamples().map(({ path, text }) => [path, text]))(
    'has an example of %s that loads',
    (_path, text) => {
      const result = loadConfig([{ file: 'example.yaml', text }], { env });
      const errors = 'errors' in result ? result.errors : [];
      // the only thing that can be wrong with an example: what it is an example of does not exist yet
      expect(errors.filter(({ code }) => code !== 'not-supported')).toEqual([]);
      const warnings = 'config' in result ? result.config.warnings : [];
      expect(warnings.filter(({ code }) => code !== 'not-supported' && code !== 'no-effect')).toEqual([]);
    },
  );

  it.each(configurationExamples().map(({ path, text }) => [path, text]))(
    'has an example of %s that llama-swap reads',
    (_path, text) => {
      const result = loadConfig([{ file: 'example.yaml', text }], { env, reader: 'llama-swap' });
      expect('errors' in result ? result.errors : []).toEqual([]);
    },
  );
});
