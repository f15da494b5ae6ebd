/**
 * Test tables of policies: what `x.test.yaml` holds, checked for its shape. What a case gives and expects is read where it
 * is used (given.ts, match.ts). Must never run anything.
 */
import type { Json } from '../../core/config/canonical.ts';
import { didYouMean } from '../../core/config/nearest.ts';
import type { BuiltInName } from '../../core/settings.ts';
import type { Hook } from '../sandbox/types.ts';

export type Fields = { [name: string]: Json };
export type TablePath = (string | number)[];

/** One row: this is given, that is expected. */
export interface PolicyCase {
  name: string;
  hook: Hook;
  given: Fields;
  expect: Json;
  options: Fields;
  fallback: BuiltInName | null;
  /** Text of a configuration; null = made up from what is given. */
  config: string | null;
  /** Where it stands in the table. */
  path: TablePath;
}

export interface PolicyTable {
  /** File of the policy as written, relative to the table; null = the one of the same name. */
  policy: string | null;
  cases: PolicyCase[];
}

/** Something in a table cannot be understood. Thrown and caught by whoever reads tables; `path` says where. */
export class TableFault extends Error {
  readonly path: TablePath;

  constructor(path: TablePath, message: string) {
    super(message);
    this.path = path;
  }
}

const TABLE = ['policy', 'fallback', 'options', 'config', 'cases'];
const CASE = ['name', 'given', 'hook', 'expect', 'options', 'fallback', 'config'];
const HOOKS: Hook[] = ['plan', 'rank', 'idle'];
const BUILT_INS: BuiltInName[] = ['group', 'matrix', 'budget'];

/** Throws TableFault. */
export function readTable(data: unknown): PolicyTable {
  const table = fieldsOf(data, [], TABLE);
  const { cases } = table;
  if (!Array.isArray(cases)) throw new TableFault(['cases'], `"cases" must be a list of cases, got ${show(cases)}`);
  const policy = table['policy'] === undefined ? null : textOf(table['policy'], ['policy']);
  return { policy, cases: cases.map((one, n) => readCase(one, ['cases', n], table)) };
}

function readCase(data: unknown, path: TablePath, table: Fields): PolicyCase {
  const one = fieldsOf(data, path, CASE);
  const hook = oneOf(one['hook'] ?? 'plan', [...path, 'hook'], HOOKS);
  const name = textOf(one['name'], [...path, 'name']);
  if (one['expect'] === undefined) {
    throw new TableFault(path, `the case "${name}" must say what it expects, such as expect: { action: swap }`);
  }
  const config = one['config'] ?? table['config'] ?? null;
  const fallback = one['fallback'] ?? table['fallback'] ?? null;
  const shared = fieldsOf(table['options'] ?? {}, ['options']);
  return {
    name,
    hook,
    given: fieldsOf(one['given'] ?? {}, [...path, 'given']),
    expect: one['expect'],
    options: { ...shared, ...fieldsOf(one['options'] ?? {}, [...path, 'options']) },
    fallback:
      fallback === null
        ? null
        : oneOf(fallback, one['fallback'] === undefined ? ['fallback'] : [...path, 'fallback'], BUILT_INS),
    config: config === null ? null : textOf(config, one['config'] === undefined ? ['config'] : [...path, 'config']),
    path,
  };
}

/** A mapping, of known fields where they are named. */
export function fieldsOf(data: unknown, path: TablePath, known?: readonly string[]): Fields {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new TableFault(path, `${nameOf(path)} must be a mapping, got ${show(data)}`);
  }
  const unknown = known === undefined ? undefined : Object.keys(data).find((key) => !known.includes(key));
  if (unknown !== undefined) throw unknownKey(unknown, path, known ?? []);
  return data as Fields;
}

export function unknownKey(key: string, path: TablePath, known: readonly string[]): TableFault {
  const help = didYouMean(key, known) ?? `expected one of ${known.join(', ')}`;
  return new TableFault([...path, key], `unknown key "${key}"; ${help}`);
}

export function textOf(data: unknown, path: TablePath): string {
  if (typeof data === 'string' && data !== '') return data;
  throw new TableFault(path, `${nameOf(path)} must be text, got ${show(data)}`);
}

export function oneOf<const T extends string>(data: unknown, path: TablePath, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === data);
  if (found !== undefined) return found;
  throw new TableFault(path, `${nameOf(path)} must be one of ${allowed.join(', ')}, got ${show(data)}`);
}

export function listOf(data: unknown, path: TablePath): Json[] {
  if (Array.isArray(data)) return data;
  throw new TableFault(path, `${nameOf(path)} must be a list, got ${show(data)}`);
}

export function nameOf(path: TablePath): string {
  const last = path.at(-1);
  if (last === undefined) return 'the table';
  return typeof last === 'number' ? `item ${last + 1}` : `"${last}"`;
}

export function show(value: unknown): string {
  return value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value).slice(0, 120);
}
