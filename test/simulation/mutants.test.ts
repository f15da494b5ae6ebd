/** The simulation proves something only if it finds bugs: each deliberate one must be found. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const SEEDS = 400;

function simulate(mutant: string): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, [MAIN, '--mutant', mutant, '--count', String(SEEDS)]);
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (out += text));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out })));
}

describe.concurrent('a deliberate bug is found', () => {
  it.each(Object.entries(MUTANTS))('%s', { timeout: 180_000 }, async (name) => {
    const { code, out } = await simulate(name);
    expect(out).toMatch(/^found by seed \d+: /);
    expect(code).toBe(0);
  });
});
