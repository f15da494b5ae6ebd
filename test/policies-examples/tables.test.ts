/** Every example has a table of cases beside it, and answers as it says, in the real sandbox. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openTable } from '../../src/cli/commands/policy-tables.ts';
import { createPolicyHost } from '../../src/policies/sandbox/policy-host.ts';
import { runCase } from '../../src/policies/testing/run-case.ts';
import { EXAMPLES, FOLDER } from './examples.ts';

const LINES_MAX = 60;
const CASES_MIN = 5;

const host = createPolicyHost();
afterAll(() => host.close());

it('there are at least twelve, each under its own name', () => {
  const names = 'lru vram-budget protect-and-refuse office-hours per-client-priority fair-share minimum-residency';
  const more = 'return-to-default keep-prompt-cache session-stickiness warm-redirect game-mode keep-hot';
  expect(EXAMPLES.map(({ name }) => name).sort()).toEqual(expect.arrayContaining(`${names} ${more}`.split(' ')));
});

it('have the types that turnout/policy tells', () => {
  const root = join(FOLDER, '..');
  const tsc = join(root, 'node_modules/.bin/tsc');
  expect(execFileSync(process.execPath, [tsc, '-p', 'policies-examples'], { cwd: root, encoding: 'utf8' })).toBe('');
});

const withTables = await Promise.all(
  EXAMPLES.map(async (example) => ({ ...example, open: await openTable(join(FOLDER, `${example.name}.test.yaml`)) })),
);

describe.each(withTables)('$name', ({ open: { table, policyFile }, ...example }) => {
  it('is short, and begins with the wish that it answers and where it was told', () => {
    expect(example.source.trimEnd().split('\n').length).toBeLessThan(LINES_MAX);
    const head = example.source.slice(0, example.source.indexOf('\n\n')).replaceAll('\n// ', ' ');
    expect(head).toMatch(/^\/\/ .*".+".* \([^)]*#\d+/);
    expect(example.source).toContain(`name: '${example.name}'`);
  });

  it('has a table of its own with enough cases', () => {
    expect(policyFile).toBe(example.file);
    expect(table.cases.length).toBeGreaterThanOrEqual(CASES_MIN);
  });

  it.each(table.cases)('$name', async (one) => {
    const result = await runCase(host, example, one);
    expect(result, JSON.stringify(result, null, 2)).toMatchObject({
      ok: true,
      differences: [],
      fault: null,
      illegal: null,
    });
  });
});

it('the README lists every one of them, and nothing else', () => {
  const listed = [...readFileSync(join(FOLDER, 'README.md'), 'utf8').matchAll(/^\| \[([^\]]+)\]\(\1\) /gm)].map(
    ([, file]) => file,
  );
  expect(listed.sort()).toEqual(EXAMPLES.map(({ file }) => basename(file)).sort());
});

it('the coding model is kept hot by at most ten lines', () => {
  const hot = EXAMPLES.find(({ name }) => name === 'keep-hot');
  expect(hot?.source.trimEnd().split('\n').length).toBeLessThanOrEqual(10);
});
