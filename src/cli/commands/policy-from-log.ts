/**
 * `turnout policy test FILE --from-log N`: a recorded decision as a case of the policy's test table, appended to it or
 * printed. What was decided then is what the case expects; the author changes that to what should have been decided.
 */
import { readFile, writeFile } from 'node:fs/promises';
import type { Json } from '../../core/config/canonical.ts';
import { withItem, yamlOf } from '../../core/config/yaml-data.ts';
import { TurnoutError } from '../../core/errors.ts';
import { memoryIn, tellingMemory } from '../../policies/testing/instrument.ts';
import type { Recorded } from '../../policies/testing/recorded.ts';
import { caseFrom } from '../../policies/testing/reduce.ts';
import { patiently } from '../../policies/testing/run-case.ts';
import { print, printJson, warn } from '../output.ts';
import { openPast, type Past, recordedDecision, replayOf } from './policy-past.ts';
import { configOf, mustLoad, type ProgramFile, programFile, withHost } from './policy-programs.ts';
import { tableBeside } from './policy-tables.ts';
import type { TestOptions } from './policy-test.ts';

export async function addRecordedCase(file: string, wanted: string, options: TestOptions): Promise<void> {
  const program = await programFile(file, await configOf(options.config));
  const past = await openPast(options);
  try {
    const recorded = await recordedDecision(past, wanted);
    const one = caseFrom(recorded, program.options, await memoryThen(past, program, recorded));
    if (options.json === true) return printJson(one);
    if (options.print === true) return print(yamlOf([one]).trimEnd());
    const table = (await tableBeside(file)) ?? `${file.replace(/\.[^./\\]+$/, '')}.test.yaml`;
    if (!/\.ya?ml$/.test(table)) {
      throw new TurnoutError('usage', `${table} is a program, which turnout does not edit; take the case with --print`);
    }
    await writeFile(table, withItem(await textOf(table), 'cases', one));
    print(`${table}: added "${String(one['name'])}"; it expects what was decided then, change that to what should be`);
  } finally {
    await past.close();
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** What the policy remembered at that moment, undefined where it remembers nothing. */
async function memoryThen(past: Past, program: ProgramFile, { view, decision }: Recorded): Promise<Json | undefined> {
  const source = tellingMemory(program.source);
  return withHost({ replay: replayOf(past) }, async (host) => {
    const more = { models: view.models.map(({ id }) => id), position: decision.data.viewPosition };
    const { hooks } = await mustLoad(host, program, more);
    if (!hooks.evolve) return undefined;
    if (source !== null) await mustLoad(host, { ...program, source }, more);
    const told = await patiently(() => host.ask('live', 'plan', JSON.stringify(view), 1));
    const memory = source !== null && told.ok ? memoryIn(told.value.logs) : undefined;
    if (memory === undefined)
      warn('turnout: the memory of the policy could not be told; give it in the case as "state"');
    return memory;
  });
}
