/** Programs and files that a configuration names, as `turnout doctor` sees them. Must never run one. */
import { accessSync, constants, statSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import type { Config, ModelConfig } from '../../core/config/config.ts';
import { parseCommand } from '../../core/runtime/local/command.ts';
import { type Finding, failed, ok, warned } from './doctor-finding.ts';

/** Their arguments name files of another place. */
const ELSEWHERE = new Set(['docker', 'podman', 'nerdctl', 'kubectl', 'ssh', 'wsl', 'wsl.exe', 'srun', 'apptainer']);

const MODEL_FLAGS = new Set(['-m', '--model', '-md', '--model-draft', '--mmproj', '--diffusion-model', '--vae']);
const MODEL_FILE = /(?:^|[\s=:'"])([^\s=:'"]+\.(?:gguf|safetensors))(?=$|[\s'":,])/g;

/** `path` is where programs are looked for, as `$PATH` has it. */
export function checkPrograms(config: Config, path: string): Finding[] {
  const findings: Finding[] = [];
  const users = new Map<string, string[]>();
  for (const model of config.models.values()) {
    for (const text of [model.cmd, model.cmdStop]) {
      const [program] = wordsOf(text);
      if (program === undefined) continue;
      const list = users.get(program);
      if (list === undefined) users.set(program, [model.id]);
      else if (list.at(-1) !== model.id) list.push(model.id);
    }
  }
  for (const [program, models] of users) {
    const what = `program ${program}`;
    const problem = programProblem(program, path);
    if (problem === null) findings.push(ok(what, `can be executed, for ${some(models)}`));
    else findings.push(failed(what, `${problem}, for ${some(models)}`, remedyFor(program)));
  }
  return findings;
}

function remedyFor(program: string): string {
  return program.includes('/')
    ? 'correct the path in cmd, or make it executable with chmod +x'
    : 'install it, write its whole path in cmd, or add its directory to PATH';
}

function programProblem(program: string, path: string): string | null {
  if (program.includes('/')) return fileProblem(program, constants.X_OK, 'may not be executed');
  const places = path.split(delimiter).filter((folder) => folder !== '');
  const found = places.some((folder) => fileProblem(join(folder, program), constants.X_OK, '') === null);
  return found ? null : 'not found in PATH';
}

/** Files of models that commands name. */
export function checkModelFiles(config: Config): Finding[] {
  const findings: Finding[] = [];
  let found = 0;
  for (const model of config.models.values()) {
    const [program = '', ...args] = wordsOf(model.cmd);
    if (ELSEWHERE.has(basename(program))) continue;
    for (const file of modelFilesOf(args)) {
      const problem = fileProblem(file, constants.R_OK, 'may not be read');
      if (problem === null) found += 1;
      else findings.push(missingFile(model, file, problem));
    }
  }
  return found === 0 ? findings : [ok('model files', `${found} found`), ...findings];
}

function missingFile(model: ModelConfig, file: string, problem: string): Finding {
  const what = `model file ${file}`;
  if (file.startsWith('~')) return warned(what, `"~" is not replaced in cmd, for ${model.id}`, 'write the whole path');
  return failed(what, `${problem}, for ${model.id}`, 'download it, or correct the path in cmd');
}

/** Paths only: `--model org/name` of a hub is none. */
export function modelFilesOf(args: readonly string[]): string[] {
  const files = new Set<string>();
  args.forEach((arg, i) => {
    const [flag = '', inline] = splitFlag(arg);
    const value = inline ?? args[i + 1] ?? '';
    if (MODEL_FLAGS.has(flag) && /^(?:[~.]{0,2}\/)/.test(value)) files.add(value);
    for (const [, file = ''] of arg.matchAll(MODEL_FILE))
      if (!file.includes('://') && !file.startsWith('//')) files.add(file);
  });
  return [...files];
}

function splitFlag(arg: string): [string, string | undefined] {
  const at = arg.startsWith('-') ? arg.indexOf('=') : -1;
  return at === -1 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

function fileProblem(file: string, mode: number, refusal: string): string | null {
  try {
    // a model may be a directory, a program may not
    if (mode === constants.X_OK && !statSync(file).isFile()) return 'is not a file';
    accessSync(file, mode);
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no such file' : refusal;
  }
}

/** None when the command is empty. */
function wordsOf(text: string): string[] {
  return /^(?:\s*(?:#.*)?(?:\n|$))*$/.test(text) ? [] : parseCommand(text);
}

const NAMES_MAX = 3;

function some(models: readonly string[]): string {
  const shown = models.slice(0, NAMES_MAX).join(', ');
  return models.length > NAMES_MAX ? `${shown} and ${models.length - NAMES_MAX} more` : shown;
}
