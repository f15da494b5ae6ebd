/**
 * `turnout check`: everything that is wrong with configurations, and what the good ones mean. Starts nothing. Exit code 0,
 * 1 when one has errors.
 */
import type { Config } from '../../core/config/config.ts';
import type { Diagnostic } from '../../core/config/diagnostics.ts';
import { type ConfigPaths, readConfig } from '../../core/config/read.ts';
import { renderDiagnostics } from '../../core/config/render.ts';
import { TurnoutError } from '../../core/errors.ts';
import { print, printJson } from '../output.ts';
import { type Meaning, meaningOf } from './check-meaning.ts';
import { policyDiagnostics } from './check-policies.ts';
import { countText, githubText, meaningText } from './check-text.ts';

interface CheckOptions {
  configDir?: string;
  json?: boolean;
  format?: 'text' | 'github';
  llamaSwap?: boolean;
}

interface Checked {
  name: string;
  ok: boolean;
  errors: Diagnostic[];
  warnings: Diagnostic[];
  /** Null where there are errors, and where llama-swap's view is asked for. */
  meaning: Meaning | null;
}

/** Each file is a configuration of its own; with `--config-dir` there is at most one, and both are one configuration. */
export async function check(files: string[], options: CheckOptions): Promise<void> {
  const { configDir } = options;
  if (files.length === 0 && configDir === undefined) {
    throw new TurnoutError('usage', 'check: give a FILE or --config-dir DIR');
  }
  if (files.length > 1 && configDir !== undefined) {
    throw new TurnoutError('usage', `check: expected at most one file with --config-dir, got ${files.length}`);
  }
  if (options.json === true && options.format === 'github') {
    throw new TurnoutError('usage', 'check: expected one of --json and --format github, got both');
  }
  const targets: ConfigPaths[] = files.length === 0 ? [{ configDir }] : files.map((config) => ({ config, configDir }));
  const checked: Checked[] = [];
  for (const paths of targets) checked.push(await checkOne(paths, options));
  if (options.json === true) printJson({ configs: checked });
  else if (options.format === 'github') printGithub(checked);
  else print(checked.map((one) => textOf(one, options)).join('\n\n'));
  if (checked.some(({ ok }) => !ok)) process.exitCode = 1;
}

async function checkOne(paths: ConfigPaths, { llamaSwap }: CheckOptions): Promise<Checked> {
  const name = [paths.config, paths.configDir].filter((path) => path !== undefined).join(' and ');
  const result = await readConfig(paths, { reader: llamaSwap === true ? 'llama-swap' : 'turnout' });
  if ('errors' in result) return { name, ok: false, ...result, meaning: null };
  const { config } = result;
  const errors = llamaSwap === true ? [] : await policyDiagnostics(config);
  if (errors.length > 0) return { name, ok: false, errors, warnings: config.warnings, meaning: null };
  return { name, ok: true, errors: [], warnings: config.warnings, meaning: readable(config, llamaSwap) };
}

function readable(config: Config, llamaSwap: boolean | undefined): Meaning | null {
  return llamaSwap === true ? null : meaningOf(config);
}

function textOf({ name, ok, errors, warnings, meaning }: Checked, { llamaSwap }: CheckOptions): string {
  const colour = process.stdout.hasColors?.() ?? false;
  const all = [...errors, ...warnings];
  const blocks = all.length === 0 ? [] : [renderDiagnostics(all, { colour })];
  const counts = `${countText(errors.length, 'error')}, ${countText(warnings.length, 'warning')}`;
  if (llamaSwap === true) blocks.push(`${name}: llama-swap ${ok ? 'reads' : 'refuses'} it: ${counts}`);
  else blocks.push(`${name}: ${ok ? 'ok' : 'refused'}: ${counts}`);
  if (meaning !== null) blocks.push(meaningText(meaning));
  return blocks.join('\n\n');
}

function printGithub(checked: Checked[]): void {
  const all = checked.flatMap(({ errors, warnings }) => [...errors, ...warnings]);
  if (all.length > 0) print(githubText(all));
}
