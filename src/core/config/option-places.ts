/**
 * What a policy says of its options, as diagnostics with their place in the configuration. Reads the files of the
 * configuration again, because only whoever loads the policy knows what its options may be.
 */
import { readFile } from 'node:fs/promises';
import type { Config } from './config.ts';
import type { Diagnostic } from './diagnostics.ts';
import type { Path } from './tree.ts';
import { readYamlData, type YamlData } from './yaml-data.ts';

/** As the policy host tells it: `message` goes on after the option's name; `option` is empty when the whole is not right. */
export interface OptionProblem {
  option: string;
  message: string;
}

/** The problem as a sentence. */
export function optionSentence({ option, message }: OptionProblem): string {
  return option === '' ? message : `option "${option}" ${message}`;
}

const OPTIONS: Path = ['turnout', 'policy', 'options'];

/** One error for each problem, in its order. Where the place cannot be found again the file alone is named. */
export async function optionDiagnostics(
  { files, redact }: Pick<Config, 'files' | 'redact'>,
  problems: readonly OptionProblem[],
): Promise<Diagnostic[]> {
  const texts: YamlData[] = [];
  for (const file of files) {
    const read = await readYaml(file);
    if (read !== null) texts.push(read);
  }
  return problems.map((problem) => {
    const { option } = problem;
    const path = option === '' ? OPTIONS : [...OPTIONS, option];
    // what is missing is shown where it would stand; the last file that says something wins
    const places = [path, OPTIONS, OPTIONS.slice(0, 2)].map((at) => ({
      at,
      text: texts.findLast((text) => has(text, at)),
    }));
    const { at, text } = places.find((one) => one.text !== undefined) ?? { at: path, text: undefined };
    const where = at === path && !problem.message.startsWith('is not known') ? 'value' : 'key';
    const [message = '', ...help] = optionSentence(problem).split('; ');
    const blank = { line: 0, column: 0, length: 0, source: '', file: files[0] ?? '', severity: 'error' as const };
    const placed = text?.problem(at, message, where) ?? blank;
    const source = redact(placed.source);
    return { ...placed, source, message, code: 'policy-options', help: help.length === 0 ? null : help.join('; ') };
  });
}

async function readYaml(file: string): Promise<YamlData | null> {
  try {
    const read = readYamlData(file, await readFile(file, 'utf8'));
    return 'errors' in read ? null : read;
  } catch {
    return null; // it was read a moment ago; without it there is no line to show
  }
}

function has({ value }: YamlData, path: Path): boolean {
  let here: unknown = value;
  for (const step of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return false;
    here = (here as Record<string, unknown>)[step];
  }
  return true;
}
