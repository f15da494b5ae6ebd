/**
 * The types that policies are written against, held against those of the kernel and the sandbox: when one side changes
 * without the other, this file does not compile.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { IdleVerdict as KernelIdle, PolicyVerdict as KernelVerdict, TurnoutEvent } from '../../src/core/events.ts';
import type { SharedView as KernelShared, View as KernelView } from '../../src/core/view.ts';
import { definePolicy, type PolicyEvent, type OptionSpec as PublishedSpec } from '../../src/policies/policy.ts';
import type { Plain } from '../../src/policies/published/events.ts';
import type { IdleVerdict, Verdict } from '../../src/policies/published/verdict.ts';
import type { SharedFacts, TargetFacts } from '../../src/policies/published/view.ts';
import type { OptionSpec } from '../../src/policies/sandbox/option-values.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Assignable both ways, and with the same fields on every level: a field that one side lacks is a difference. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? SameKeys<A, B> : 'B is not A') : 'A is not B';
type SameKeys<A, B> = [KeysOf<A>] extends [KeysOf<B>]
  ? [KeysOf<B>] extends [KeysOf<A>]
    ? true
    : { onlyB: Exclude<KeysOf<B>, KeysOf<A>> }
  : { onlyA: Exclude<KeysOf<A>, KeysOf<B>> };
/** The fields, down four levels, as paths. */
type KeysOf<T, Depth extends 0[] = []> = Depth['length'] extends 4
  ? never
  : T extends readonly (infer Item)[]
    ? KeysOf<Item, [...Depth, 0]>
    : T extends object
      ? { [K in keyof T & string]-?: K | `${K}.${KeysOf<NonNullable<T[K]>, [...Depth, 0]> & string}` }[keyof T & string]
      : never;
const same = <_Holds extends true>(): void => {};

describe('the types of turnout/policy', () => {
  it('show the same View, verdicts, options and events as the kernel', () => {
    same<Same<Plain<KernelShared>, SharedFacts>>();
    same<Same<Plain<KernelView>, SharedFacts & TargetFacts>>();
    same<Same<Plain<KernelVerdict>, Plain<Verdict>>>();
    same<Same<Plain<KernelIdle>, Plain<IdleVerdict>>>();
    same<Same<Readonly<OptionSpec>['type'], PublishedSpec['type']>>();
    same<Same<keyof OptionSpec, keyof PublishedSpec>>();
    same<Same<Plain<TurnoutEvent>['type'], PolicyEvent['type']>>();
    // what the kernel writes can be read as what policies get
    const read = (event: Plain<TurnoutEvent>): PolicyEvent => event;
    expect(read).toBeTypeOf('function');
  });

  it('know options by their schema, the memory by initial, and events by their type', () => {
    const policy = definePolicy({
      name: 'typed',
      apiVersion: 1,
      options: {
        keep: { type: 'model[]', default: [] },
        mode: { type: 'string', choices: ['strict', 'kind'], default: 'kind' },
        limits: { type: 'number{}', optional: true },
      },
      events: ['swap.finished'],
      initial: () => ({ total: 0 }),
      evolve(state, event, options) {
        same<Same<typeof event.data.tookMs, number>>();
        return { total: state.total + event.data.tookMs + options.keep.length };
      },
      plan(view) {
        same<Same<typeof view.options.mode, 'strict' | 'kind'>>();
        same<Same<typeof view.options.limits, { readonly [name: string]: number } | undefined>>();
        same<Same<typeof view.state, { total: number }>>();
        // @ts-expect-error there is no such option
        view.options.kept;
        // @ts-expect-error the view is frozen
        view.models.sort();
        return { action: 'wait', reason: `${view.options.keep.length} ${view.state.total}` };
      },
    });
    expect(policy.name).toBe('typed');
  });

  it('have a comment with an example on every type and every field', () => {
    const bare: string[] = [];
    for (const file of [
      'policy.ts',
      'published/view.ts',
      'published/verdict.ts',
      'published/options.ts',
      'published/events.ts',
    ]) {
      const lines = readFileSync(join(ROOT, 'src/policies', file), 'utf8').split('\n');
      let isPublic = false;
      for (const [n, line] of lines.entries()) {
        if (/^(export|interface|type) /.test(line)) isPublic = line.startsWith('export');
        const name = /^export (?:interface|type|function) (\w+)|^ {2,4}(?:readonly )?(\w+)\??(?:\(.*)?: .*[;{]$/.exec(
          line,
        );
        if (!isPublic || name === null || /^ {4,}(?:readonly )?\w+: .*\)$/.test(line)) continue;
        let from = n - 1;
        while (from > 0 && /^\s*(?:\*|\/\/)/.test(lines[from] ?? '')) from--;
        const comment = lines.slice(from, n).join('\n');
        if (!/\/\*\*[\s\S]*@example/.test(comment)) bare.push(`${file}:${n + 1} ${name[1] ?? name[2]}`);
      }
    }
    expect(bare).toEqual([]);
  });

  it('are narrowed by the names of a configuration', () => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-types-'));
    try {
      const names = "model: 'qwen' | 'llama'; tag: 'code'; group: '(default)'; device: 'gpu0'";
      writeFileSync(
        join(dir, 'names.d.ts'),
        `import 'turnout/policy';\ndeclare module 'turnout/policy' {\n  interface Names { ${names} }\n}\n`,
      );
      writeFileSync(
        join(dir, 'mine.mts'),
        `import { definePolicy } from 'turnout/policy';
        export default definePolicy({ name: 'mine', apiVersion: 1, plan: (view) => view.models.some(({ id }) => id === 'qwen')
          ? { action: 'delegate', planner: 'group', protect: ['llama'] }
          : { action: 'delegate', planner: 'group', protect: ['lama'] } });\n`,
      );
      writeFileSync(
        join(dir, 'tsconfig.json'),
        JSON.stringify({
          extends: join(ROOT, 'tsconfig.json'),
          files: ['names.d.ts', 'mine.mts'],
          include: [],
          compilerOptions: { types: [] },
        }),
      );
      let said = '';
      try {
        execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', dir], {
          encoding: 'utf8',
        });
      } catch (error) {
        said = (error as { stdout: string }).stdout;
      }
      expect(said.match(/error TS/g)).toHaveLength(1);
      expect(said).toContain(`"lama"`);
      expect(said).toContain(`Did you mean '"llama"'?`);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
