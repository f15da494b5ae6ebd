/** The machine and the state directory, as `turnout doctor` sees them. Must never write or make anything. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { TurnoutError } from '../../core/errors.ts';
import { openLogForReading } from '../../core/log/read-only.ts';
import { type Finding, failed, ok, reasonOf, warned } from './doctor-finding.ts';

const NODE_MAJORS = [24, 26];

export function checkNode(version: string): Finding {
  const major = Number(version.split('.')[0]);
  if (NODE_MAJORS.includes(major)) return ok('node', version);
  const expected = NODE_MAJORS.join(' or ');
  return failed(
    'node',
    `${version}, expected ${expected}`,
    `install Node ${NODE_MAJORS.at(-1)}, or run turnout by npx`,
  );
}

/** The database is the one native part that everything needs. */
export async function checkNativeParts(): Promise<Finding> {
  try {
    const { expectedSchema } = await import('../../core/log/sqlite-schema.ts');
    expectedSchema();
    return ok('native parts', 'better-sqlite3 loads');
  } catch (error) {
    const remedy =
      'run "npm install" again with this Node; its processor and libc must be ones that turnout is built for';
    return failed('native parts', `better-sqlite3 does not load: ${reasonOf(error)}`, remedy);
  }
}

/** `named` by the user: then it must work; the default one is replaced by a log in memory. */
export function checkStateDir(dir: string, named: boolean): Finding {
  const what = 'state directory';
  const existing = nearestExisting(dir);
  try {
    if (!statSync(existing).isDirectory()) throw new Error(`"${existing}" is not a directory`);
    accessSync(existing, constants.W_OK | constants.X_OK);
    return ok(what, existing === dir ? dir : `${dir} (it will be made)`);
  } catch (error) {
    const found = `${dir} cannot be written: ${reasonOf(error)}`;
    if (named) return failed(what, found, 'name another with --state-dir, or let this user write there');
    return warned(what, `${found}; events would be kept in memory only`, 'name another with --state-dir');
  }
}

function nearestExisting(path: string): string {
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

/** Reads all of it: damage in a page that is not read is not known. */
export async function checkLog(dir: string): Promise<Finding> {
  const what = 'event log';
  if (!existsSync(dir)) return ok(what, 'none yet');
  try {
    const log = await openLogForReading(dir);
    const { head } = log;
    await log.close();
    return ok(what, `intact, ${head} events`);
  } catch (error) {
    if (!(error instanceof TurnoutError)) throw error;
    if (error.code === 'not-found') return ok(what, 'none yet');
    if (error.code === 'log-damaged') {
      return failed(what, error.message, 'the next start moves it aside untouched and begins a new one; copy it first');
    }
    return warned(what, error.message, 'try again as the user that turnout runs as');
  }
}
