/**
 * Reads configuration files and hands their texts to the loader (spec 2.1). The only file of the configuration that
 * touches the disk.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { LIMITS } from '../limits.ts';
import type { Diagnostic } from './diagnostics.ts';
import { type ConfigResult, type ConfigSource, type LoadOptions, loadConfig } from './load.ts';

export interface ConfigPaths {
  /** `--config`. */
  config?: string | undefined;
  /** `--config-dir`: its `*.yml` and `*.yaml` files are merged after `--config`, in the order of their names. */
  configDir?: string | undefined;
}

/** Never rejects: what cannot be read is an error in the result. The environment is that of the process by default. */
export async function readConfig(paths: ConfigPaths, options: LoadOptions = {}): Promise<ConfigResult> {
  const found = await findFiles(paths);
  if ('errors' in found) return { ...found, warnings: [] };
  const sources: ConfigSource[] = [];
  const errors: Diagnostic[] = [];
  for (const file of found.files) {
    const result = await readText(file);
    if ('text' in result) sources.push({ file, text: result.text });
    else errors.push(fileProblem('config-unreadable', file, result.problem));
  }
  if (errors.length > 0) return { errors, warnings: [] };
  const result = loadConfig(sources, { storeCheck, ...options, env: options.env ?? process.env });
  if (!('config' in result)) return result;
  return { config: { ...result.config, files: found.files.map((file) => resolve(file)) } };
}

async function findFiles({ config, configDir }: ConfigPaths): Promise<{ files: string[] } | { errors: Diagnostic[] }> {
  const files = config === undefined ? [] : [config];
  if (configDir !== undefined) {
    let names: string[];
    try {
      const entries = await readdir(configDir, { withFileTypes: true });
      names = entries.filter((entry) => !entry.isDirectory() && /\.ya?ml$/.test(entry.name)).map((entry) => entry.name);
    } catch (error) {
      const message = `-config-dir ${configDir}: cannot read the directory, ${reasonOf(error)}`;
      return { errors: [fileProblem('config-unreadable', configDir, message)] };
    }
    names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    if (config !== undefined && names.some((name) => resolve(configDir, name) === resolve(config))) {
      const message = `"${config}" is given by --config and lies in --config-dir "${configDir}" too`;
      return { errors: [fileProblem('config-twice', config, message, 'remove it from one of them')] };
    }
    files.push(...names.map((name) => join(configDir, name)));
  }
  if (files.length > 0) return { files };
  const where = configDir === undefined ? '' : `: "${configDir}" has no *.yml or *.yaml file`;
  return { errors: [fileProblem('config-missing', configDir ?? '', `no configuration sources found${where}`, HELP)] };
}

const HELP = 'give --config FILE or --config-dir DIR';

/** Reads at most what a configuration may have, so that a device or an endless pipe costs an error. */
async function readText(file: string): Promise<{ text: string } | { problem: string }> {
  try {
    const handle = await open(file, 'r');
    try {
      const buffer = Buffer.alloc(LIMITS.configBytesMax + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) break;
      }
      if (length > LIMITS.configBytesMax) return { problem: `the file is larger than ${LIMITS.configBytesMax} bytes` };
      return { text: new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length)) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { problem: `cannot read the configuration "${file}": ${reasonOf(error)}` };
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
      return 'no such file or directory';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    case 'ENOTDIR':
      return 'it is not a directory';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'it is not UTF-8 text';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** The rules of spec 2.2: a file that can be written, or a place where one can be made. */
function storeCheck(path: string): string | null {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) return 'is a directory, expected a file';
    accessSync(found === undefined ? dirname(path) : path, constants.W_OK);
    return null;
  } catch (error) {
    return `is not writable: ${reasonOf(error)}`;
  }
}

function fileProblem(code: string, file: string, message: string, help: string | null = null): Diagnostic {
  return { severity: 'error', code, message, file, line: 0, column: 0, length: 0, source: '', help };
}
