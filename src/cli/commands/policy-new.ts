/**
 * `turnout policy new NAME`: a policy, its test table, and types and settings for editors. Must never overwrite a file of
 * the user's: what is shared by all policies of a directory is left as it is, anything else in the way is an error.
 */
import { existsSync } from 'node:fs';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { TurnoutError } from '../../core/errors.ts';
import { ROOT } from '../../core/platform/program-file.ts';
import { print } from '../output.ts';
import { configOf } from './policy-programs.ts';
import { editorTemplate, policyTemplate, tableTemplate } from './policy-templates.ts';
import { TYPES_FILE, typesText } from './policy-types.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export interface NewOptions {
  ts?: boolean;
  dir?: string;
  config?: string;
}

export async function policyNew(name: string, options: NewOptions): Promise<void> {
  if (!NAME.test(name)) {
    const message = `policy new "${name}": expected 1 to 64 letters, digits, dots, dashes or underscores`;
    throw new TurnoutError('usage', message);
  }
  const { ts = false, dir = '.' } = options;
  const config = await configOf(options.config);
  const policy = join(dir, `${name}.${ts ? 'ts' : 'js'}`);
  const table = join(dir, `${name}.test.yaml`);
  await mkdir(dir, { recursive: true });
  for (const file of [policy, table]) {
    if (await exists(file))
      throw new TurnoutError('conflict', `policy new: "${file}" is there already; choose another name`);
  }
  await writeFile(policy, policyTemplate(name, ts), { flag: 'wx' });
  await writeFile(table, tableTemplate(), { flag: 'wx' });
  const shared: [string, string][] = [
    [join(dir, TYPES_FILE), typesText(config, options.config ?? '')],
    [join(dir, ts ? 'tsconfig.json' : 'jsconfig.json'), editorTemplate(ts, typesPath(dir))],
  ];
  const kept: string[] = [];
  for (const [file, text] of shared) {
    if (await exists(file)) kept.push(file);
    else await writeFile(file, text, { flag: 'wx' });
  }
  print([`${policy}: the policy`, `${table}: its tests`, ...shared.map(([file]) => noteOn(file, kept))].join('\n'));
  print(`\nNext:\n  turnout policy check ${policy}\n  turnout policy test ${policy}`);
  print(`\nTo read:\n  ${join(ROOT, 'docs/policies.md')}`);
  print(`\nTo use it, in the configuration:\n  turnout:\n    planner: policy\n    policy: { file: ${policy} }`);
}

function noteOn(file: string, kept: string[]): string {
  if (kept.includes(file)) return `${file}: was there, left as it is`;
  return `${file}: ${file.endsWith('.d.ts') ? 'the names that editors know' : 'for editors'}`;
}

/** Null when `turnout/policy` is found from that directory as packages are. */
function typesPath(dir: string): string | null {
  try {
    createRequire(join(resolve(dir), 'policy.js')).resolve('turnout/policy');
    return null;
  } catch {
    const source = join(ROOT, 'src/policies/policy.ts');
    return existsSync(source) ? source : join(ROOT, 'dist/policies/policy.d.ts');
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
