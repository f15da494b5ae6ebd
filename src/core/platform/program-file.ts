/**
 * Where files of turnout lie: its other programs (threads, helpers, the policy host) and what comes with it. Node runs it
 * from its sources (`src`, types stripped) or from what `npm run build` made of them (`dist`), and what started in one
 * must never go on in the other. No other file may ask for its own place: built, it is part of another.
 */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

const built = import.meta.url.endsWith('.js');

/** The package: where its `package.json` lies. */
export const ROOT = rootAbove(realpathSync(import.meta.dirname));

/** All of the code that runs. */
export const CODE = join(ROOT, built ? 'dist' : 'src');

/** `name`: path below `src` without its ending, e.g. `core/log/sqlite-writer`; the build must know it as an entry. */
export function programFile(name: string): string {
  return join(CODE, `${name}${built ? '.js' : '.ts'}`);
}

function rootAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootAbove(dirname(folder));
}
