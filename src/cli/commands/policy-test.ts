/**
 * `turnout policy test [FILE...]`: the test tables beside policies, in the real sandbox. FILE is a policy or a table;
 * without one every table in the current directory and in `policies` runs. Exit code 1 when a case fails.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TurnoutError } from '../../core/errors.ts';
import type { PolicyHost } from '../../policies/sandbox/types.ts';
import { type CaseResult, runCase } from '../../policies/testing/run-case.ts';
import { type GlobalOptions, print, printJson } from '../output.ts';
import { addRecordedCase } from './policy-from-log.ts';
import { programFile, withHost } from './policy-programs.ts';
import { type OpenTable, openTable, TABLE_NAME, tableBeside } from './policy-tables.ts';
import { caseText } from './policy-test-text.ts';

export interface TestOptions extends GlobalOptions {
  fromLog?: string;
  print?: boolean;
  config?: string;
}

interface TestedTable {
  table: string;
  policy: string;
  cases: CaseResult[];
}

export async function policyTest(files: string[], options: TestOptions): Promise<void> {
  if (options.fromLog !== undefined) {
    const [file, ...more] = files;
    if (file === undefined || more.length > 0) {
      throw new TurnoutError('usage', `policy test --from-log: expected one policy file, got ${files.length}`);
    }
    return addRecordedCase(file, options.fromLog, options);
  }
  const tables = files.length > 0 ? await Promise.all(files.map(tableOf)) : await tablesAround();
  if (tables.length === 0) {
    throw new TurnoutError(
      'not-found',
      'policy test: no *.test.yaml here or in ./policies; name a FILE, or make one with "turnout policy new"',
    );
  }
  const tested = await withHost({}, async (host) => {
    const done: TestedTable[] = [];
    for (const file of tables) done.push(await testTable(host, await openTable(file)));
    return done;
  });
  const all = tested.flatMap(({ cases }) => cases);
  const failed = all.filter(({ ok }) => !ok).length;
  if (options.json === true) printJson({ tables: tested, cases: all.length, failed });
  else {
    for (const { table, policy, cases } of tested) print([`${table} (${policy})`, ...cases.map(caseText)].join('\n'));
    print(`\n${all.length - failed} of ${all.length} cases hold${failed === 0 ? '' : `, ${failed} do not`}`);
  }
  if (failed > 0) process.exitCode = 1;
}

async function testTable(host: PolicyHost, { file, policyFile, table, blame }: OpenTable): Promise<TestedTable> {
  const program = await programFile(policyFile, null);
  const cases: CaseResult[] = [];
  for (const one of table.cases) {
    try {
      cases.push(await runCase(host, program, one));
    } catch (error) {
      throw blame(error);
    }
  }
  return { table: file, policy: policyFile, cases };
}

/** The table that is meant by a policy or a table. */
async function tableOf(file: string): Promise<string> {
  if (TABLE_NAME.test(file)) return file;
  const found = await tableBeside(file);
  if (found !== null) return found;
  throw new TurnoutError(
    'not-found',
    `policy test ${file}: no test table beside it; expected ${file.replace(/\.[^.]+$/, '')}.test.yaml`,
  );
}

async function tablesAround(): Promise<string[]> {
  const found: string[] = [];
  for (const dir of ['.', 'policies']) {
    try {
      const names = (await readdir(dir)).filter((name) => /\.test\.ya?ml$/.test(name)).sort();
      found.push(...names.map((name) => join(dir, name)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return found;
}
