/**
 * The examples of a llama-swap checkout, when `TURNOUT_TEST_LLAMA_SWAP_DIR` says where one is: turnout knows every key in
 * them and refuses nothing but what llama-swap refuses in its own examples.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/core/config/diagnostics.ts';
import { loadConfig } from '../../src/core/config/load.ts';
import { oneLine } from './helpers.ts';

const dir = process.env.TURNOUT_TEST_LLAMA_SWAP_DIR;

/** Some examples are shortened or older than the program: it does not load them either. */
const REFUSED_BY_BOTH = [
  /proxy uses \$\{PORT\} but cmd does not/,
  /unknown model "/,
  /no model config for "/,
  /legacy list syntax/,
];

interface Example {
  name: string;
  text: string;
}

function examplesIn(checkout: string): Example[] {
  const files = readdirSync(checkout, { recursive: true, encoding: 'utf8' })
    .filter((file) => /^(?:config\.example\.yaml|(?:docs|docker)\/.*\.(?:ya?ml|md))$/.test(file))
    .sort();
  return files.flatMap((file) => {
    const text = readFileSync(join(checkout, file), 'utf8');
    const texts = file.endsWith('.md')
      ? [...text.matchAll(/^```ya?ml\n([\s\S]*?)^```/gm)].map(([, one = '']) => one)
      : [text];
    // other programs have YAML files too
    return texts.filter((one) => /^models:/m.test(one)).map((one, i) => ({ name: `${file} ${i + 1}`, text: one }));
  });
}

function problemsOf({ text }: Example): Diagnostic[] {
  const env = Object.fromEntries([...text.matchAll(/\$\{env\.(\w+)\}/g)].map(([, name = '']) => [name, 'value']));
  const result = loadConfig([{ file: 'config.yaml', text }], { env });
  return 'errors' in result ? [...result.errors, ...result.warnings] : result.config.warnings;
}

describe.skipIf(dir === undefined)('the examples of llama-swap', () => {
  const examples = dir === undefined ? [] : examplesIn(dir);

  it('are there', () => {
    expect(examples.map(({ name }) => name)).toContain('config.example.yaml 1');
  });

  it.each(examples)('are read: $name', (example) => {
    const problems = problemsOf(example);
    const errors = problems.filter(({ severity }) => severity === 'error').map(oneLine);
    expect(errors.filter((error) => !REFUSED_BY_BOTH.some((known) => known.test(error)))).toEqual([]);
    expect(problems.filter(({ code }) => code === 'unknown-key').map(oneLine)).toEqual([]);
  });
});
