/** Examples on the page about planners: each configuration loads, in turnout and in llama-swap's reading of it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/core/config/load.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/planners.md'), 'utf8');
const examples = [...page.matchAll(/^## (.+)$[^#]*?^```yaml\n([\s\S]*?)^```$/gm)].map(([, title = '', text = '']) => ({
  title,
  text,
}));

describe('docs/planners.md', () => {
  it('has a worked example of every planner', () => {
    expect(examples.map(({ title }) => title)).toEqual(['budget', 'group', 'matrix', 'A policy of your own']);
  });

  it.each(examples)('has an example of $title that loads', ({ text }) => {
    const result = loadConfig([{ file: 'example.yaml', text }], { env: {} });
    expect('errors' in result ? result.errors : []).toEqual([]);
    const warnings = 'config' in result ? result.config.warnings : [];
    expect(warnings.filter(({ code }) => code !== 'not-supported')).toEqual([]);
  });

  it.each(examples)('has an example of $title that llama-swap reads', ({ text }) => {
    const result = loadConfig([{ file: 'example.yaml', text }], { env: {}, reader: 'llama-swap' });
    expect('errors' in result ? result.errors : []).toEqual([]);
  });
});
