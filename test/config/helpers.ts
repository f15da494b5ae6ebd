/** Shortcuts for the tests of the configuration: texts in, configurations or one line per problem out. */
import type { Config, ModelConfig } from '../../src/core/config/config.ts';
import type { Diagnostic } from '../../src/core/config/diagnostics.ts';
import { type LoadOptions, loadConfig } from '../../src/core/config/load.ts';
import { modelId } from '../../src/core/ids.ts';

/** Text between backticks may be indented like the code around it. */
export function yaml(text: string): string {
  const lines = text.replace(/^\n/, '').split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const indent = Math.min(...indents);
  return lines.map((line) => line.slice(indent)).join('\n');
}

export function load(text: string, options?: LoadOptions): Config {
  const result = loadConfig([{ file: 'config.yaml', text }], options);
  if ('config' in result) return result.config;
  throw new Error(result.errors.map(oneLine).join('\n'));
}

/** Fails unless the configuration is refused. */
export function errorsOf(text: string, options?: LoadOptions): Diagnostic[] {
  const result = loadConfig([{ file: 'config.yaml', text }], options);
  if ('config' in result) throw new Error('the configuration was accepted');
  return result.errors;
}

export function warningsOf(text: string, options?: LoadOptions): Diagnostic[] {
  return load(text, options).warnings;
}

/** `6:5 unknown key "x" in models.llama`. */
export function oneLine({ line, column, message }: Diagnostic): string {
  return `${line}:${column} ${message}`;
}

export function model(config: Config, id: string): ModelConfig {
  const found = config.models.get(modelId(id));
  if (found === undefined) throw new Error(`no model "${id}"`);
  return found;
}
