/**
 * `turnout policy types`: the names of a configuration as a `.d.ts`, so that an editor knows every model, tag, group and
 * device that a policy may name. Written from the configuration alone; must never load a policy.
 */
import { writeFile } from 'node:fs/promises';
import type { Config } from '../../core/config/config.ts';
import { settingsOf } from '../../core/config/settings.ts';
import { TurnoutError } from '../../core/errors.ts';
import { print } from '../output.ts';
import { configOf } from './policy-programs.ts';

export const TYPES_FILE = 'turnout-policy.d.ts';

export async function policyTypes(options: { config?: string; out?: string; print?: boolean }): Promise<void> {
  const config = await configOf(options.config);
  if (config === null) throw new TurnoutError('usage', 'policy types: give the configuration with --config FILE');
  const text = typesText(config, options.config ?? '');
  if (options.print === true) return print(text.trimEnd());
  const out = options.out ?? TYPES_FILE;
  await writeFile(out, text);
  print(`${out}: ${config.models.size} models of ${options.config}; write it again when they change`);
}

/** `config` null: nothing is known, so every id stays a string. */
export function typesText(config: Config | null, from: string): string {
  const names = config === null ? [] : namesOf(config);
  const command = `turnout policy types --config ${from === '' ? 'config.yaml' : from}`;
  const about =
    config === null
      ? `// Empty: every model id is a string. Fill it with: ${command}`
      : `// Made by turnout from ${from}; do not edit, write it again with: ${command}`;
  const body = names.map(([name, all]) => `    ${name}: ${all};\n`).join('');
  return `${about}\nexport {};\n\ndeclare module 'turnout/policy' {\n  interface Names {\n${body}  }\n}\n`;
}

function namesOf(config: Config): [string, string][] {
  const { models, groups, devices } = settingsOf(config, 'only compared, never kept');
  const used = new Set(models.map(({ group }) => group));
  const all: [string, string][] = [
    ['model', unionOf(models.map(({ id }) => id))],
    ['tag', unionOf([...new Set(models.flatMap(({ tags }) => tags))])],
    ['group', unionOf(groups.map(({ id }) => id).filter((id) => used.has(id)))],
    ['device', unionOf(devices.map(({ id }) => id))],
  ];
  // of what there is none any text may be named, so that a policy can be written for other configurations too
  return all.filter(([, union]) => union !== '');
}

function unionOf(words: readonly string[]): string {
  return words.map((word) => JSON.stringify(word)).join(' | ');
}
