/**
 * Reading the configuration again while running: a good one is applied, a bad one changes nothing and is said in the log
 * and in `/api/health`. Asked again while at it, it reads once more: the last edit always counts.
 */
import type { Config } from '../core/config/config.ts';
import type { ConfigPaths } from '../core/config/read.ts';
import { readConfig } from '../core/config/read.ts';
import { renderDiagnostics } from '../core/config/render.ts';
import type { Router } from '../core/runtime/router.ts';
import type { TextLog } from '../core/runtime/text-log.ts';

const NOTE = 'reload';

export interface ReloadPorts {
  paths: ConfigPaths;
  router: Router;
  textLog: TextLog;
}

/** The function that reloads; it resolves when the files, as they were when it was called, have been dealt with. */
export function createReloader({ paths, router, textLog }: ReloadPorts): (why: string) => Promise<void> {
  let running: Promise<void> | null = null;
  let again = false;

  async function once(why: string): Promise<void> {
    const result = await readConfig(paths);
    if ('errors' in result) {
      const first = result.errors[0];
      const where = first === undefined ? '' : ` (${first.file}:${first.line}: ${first.message})`;
      router.note(
        NOTE,
        `the configuration was not reloaded, the one before goes on: ${result.errors.length} errors${where}`,
        result.errors,
      );
      textLog.warn(
        `${why}: not reloaded, the configuration before goes on\n${renderDiagnostics([...result.errors, ...result.warnings])}`,
      );
      return;
    }
    const { config } = result;
    if (config.warnings.length > 0) textLog.warn(`${why}:\n${renderDiagnostics(config.warnings)}`);
    const change = describeChange(router.config(), config);
    router.note(NOTE, null);
    router.reload(config);
    textLog.setLevel(config.logLevel);
    textLog.setToStdout(config.logToStdout);
    textLog.info(`${why}: reloaded, ${change}`);
  }

  return (why) => {
    if (running !== null) {
      again = true;
      return running;
    }
    running = (async () => {
      do {
        again = false;
        await once(why);
      } while (again);
    })().finally(() => {
      running = null;
    });
    return running;
  };
}

function describeChange(before: Config, after: Config): string {
  const added = [...after.models.keys()].filter((id) => !before.models.has(id));
  const removed = [...before.models.keys()].filter((id) => !after.models.has(id));
  const parts = [`${after.models.size} models`];
  if (added.length > 0) parts.push(`new: ${added.join(', ')}`);
  if (removed.length > 0) parts.push(`gone: ${removed.join(', ')}`);
  return parts.join('; ');
}
