/** Where a turnout keeps its things: `--state-dir`, `$TURNOUT_STATE_DIR`, else a directory per listen port. */
import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TurnoutError } from '../core/errors.ts';

type Env = Record<string, string | undefined>;

/** Parent of the default directories. */
export function stateHome(env: Env = process.env): string {
  return join(env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'turnout');
}

export function stateDirOf(given: string | undefined, name: string, env: Env = process.env): string {
  const chosen = given ?? env.TURNOUT_STATE_DIR;
  return chosen === undefined || chosen === '' ? join(stateHome(env), name) : resolve(chosen);
}

export interface PreparedState {
  dir: string;
  /** Set when the default could not be written: everything lives in a temporary directory, events in memory only. */
  fallback: string | null;
}

/**
 * Makes the directory, readable by its owner only. A directory that the user named must be writable, else `state-dir`;
 * the default one is replaced by a temporary one (design section 4).
 */
export async function prepareStateDir(dir: string, named: boolean): Promise<PreparedState> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await access(dir, constants.W_OK | constants.X_OK);
    return { dir, fallback: null };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (named) {
      const message = `use state directory "${dir}": expected a directory that can be written, got: ${reason}; make it so, or name another with --state-dir`;
      throw new TurnoutError('state-dir', message, { cause });
    }
    const fallback = `state directory "${dir}" cannot be written (${reason}); events are kept in memory only. Name another with --state-dir`;
    return { dir: await mkdtemp(join(tmpdir(), 'turnout-')), fallback };
  }
}

/** The key of the spec digests: made once, readable by its owner only. */
export async function digestKey(dir: string): Promise<string> {
  const file = join(dir, 'digest.key');
  try {
    await writeFile(file, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return (await readFile(file, 'utf8')).trim();
}
