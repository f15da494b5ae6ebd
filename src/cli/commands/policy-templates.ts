/**
 * What `turnout policy new` writes: a policy that is worth keeping, a table that tests it, and what editors need. As they
 * are they pass `policy check` and `policy test`.
 */

export function policyTemplate(name: string, typescript: boolean): string {
  return `${typescript ? '' : '// @ts-check\n'}/**
 * The usual, but the models in "keep" stay loaded.
 * What a view holds and what may be answered: hover over a word here, or read docs/policies.md of turnout.
 */
import { definePolicy } from 'turnout/policy';

export default definePolicy({
  name: '${name}',
  apiVersion: 1,
  options: {
    keep: { type: 'model[]', default: [], doc: 'Models that no request may evict.' },
  },
  plan(view) {
    return { action: 'delegate', protect: [...view.options.keep] };
  },
});
`;
}

export function tableTemplate(): string {
  return `# What the policy is given, and what it must answer then: turnout policy test
options: { keep: [coding] }
cases:
  - name: makes room for what is asked for
    given:
      target: small
      models:
        small: {}
        large: { phase: ready, idleMs: 5m }
    options: { keep: [] }
    expect: { action: delegate, resolved: { action: swap, evict: [large] } }

  - name: keeps the coding model
    given:
      target: small
      models:
        small: {}
        coding: { phase: ready, idleMs: 30m }
    expect: { protect: [coding], resolved: { action: wait } }
`;
}

/** For editors and \`tsc\`. \`types\`: where turnout/policy lies, when it cannot be found from here. */
export function editorTemplate(typescript: boolean, types: string | null): string {
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2024'],
    module: 'nodenext',
    moduleResolution: 'nodenext',
    types: [],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    ...(typescript ? {} : { allowJs: true, checkJs: true }),
    ...(types === null ? {} : { paths: { 'turnout/policy': [types] } }),
  };
  return `${JSON.stringify({ compilerOptions, include: ['*.js', '*.ts'] }, null, 2)}\n`;
}
