/**
 * Test tables on disk: which one belongs to a policy, and reading them, YAML or a module that exports the same structure.
 * What is wrong with one is told with its place.
 */
import { access, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Diagnostic } from '../../core/config/diagnostics.ts';
import { renderDiagnostics } from '../../core/config/render.ts';
import { readYamlData } from '../../core/config/yaml-data.ts';
import { TurnoutError } from '../../core/errors.ts';
import { type PolicyTable, readTable, TableFault } from '../../policies/testing/table.ts';

export const TABLE_NAME = /\.test\.(?:ya?ml|m?[jt]s)$/;
const KINDS = ['.test.yaml', '.test.yml', '.test.js', '.test.mjs', '.test.ts'];
const POLICY_KINDS = ['.js', '.ts', '.mjs', '.mts'];

export interface OpenTable {
  file: string;
  policyFile: string;
  table: PolicyTable;
  /** Gives a problem of a case its place in the file; anything else is given back. */
  blame(error: unknown): unknown;
}

/** Path of the table of a policy, null when there is none. */
export async function tableBeside(policy: string): Promise<string | null> {
  const stem = policy.replace(/\.[^./\\]+$/, '');
  return firstThatExists(KINDS.map((kind) => stem + kind));
}

/** Throws TurnoutError 'not-found' or 'bad-request'. */
export async function openTable(file: string): Promise<OpenTable> {
  const { data, place } = await dataOf(file);
  const blame = (error: unknown): unknown =>
    error instanceof TableFault ? new TurnoutError('bad-request', renderDiagnostics([place(error)])) : error;
  let table: PolicyTable;
  try {
    table = readTable(data);
  } catch (error) {
    throw blame(error);
  }
  return { file, policyFile: await policyOf(file, table), table, blame };
}

async function dataOf(file: string): Promise<{ data: unknown; place(fault: TableFault): Diagnostic }> {
  if (!/\.ya?ml$/.test(file)) {
    const blank = { severity: 'error', code: 'table', line: 0, column: 0, length: 0, source: '', help: null } as const;
    const place = ({ path, message }: TableFault): Diagnostic => ({
      ...blank,
      file,
      message: `${path.join('.')}: ${message}`,
    });
    return { data: JSON.parse(JSON.stringify(await moduleAt(file))), place };
  }
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new TurnoutError('not-found', `read test table "${file}": ${(cause as Error).message}`, { cause });
  }
  const read = readYamlData(file, text);
  if ('errors' in read) throw new TurnoutError('bad-request', renderDiagnostics(read.errors));
  const place = ({ path, message }: TableFault) =>
    read.problem(path, message, /^unknown key/.test(message) ? 'key' : 'value');
  return { data: read.value, place };
}

/** A test is the user's own program: unlike the policy it runs here. */
async function moduleAt(file: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(resolve(file)).href)) as { default?: unknown };
    return module.default ?? null;
  } catch (cause) {
    throw new TurnoutError('bad-request', `read test table "${file}": ${(cause as Error).message}`, { cause });
  }
}

async function policyOf(file: string, { policy }: PolicyTable): Promise<string> {
  if (policy !== null) return join(dirname(file), policy);
  const stem = join(dirname(file), basename(file).replace(TABLE_NAME, ''));
  const found = await firstThatExists(POLICY_KINDS.map((kind) => stem + kind));
  if (found !== null) return found;
  throw new TurnoutError(
    'not-found',
    `test table "${file}": no policy ${stem}.js beside it; name it with "policy: ./file.js"`,
  );
}

async function firstThatExists(files: readonly string[]): Promise<string | null> {
  for (const file of files) {
    try {
      await access(file);
      return file;
    } catch {
      // the next name
    }
  }
  return null;
}
