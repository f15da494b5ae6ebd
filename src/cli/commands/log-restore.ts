/** `turnout log restore FILE`: puts a backup in the place of the log, which is kept under another name. */
import { restoreLog } from '../../core/log/sqlite-backup.ts';
import { type GlobalOptions, print, printJson } from '../output.ts';
import { interruptible, logDirOf, percent } from './log-common.ts';

export async function logRestore(file: string, options: GlobalOptions): Promise<void> {
  const dir = await logDirOf(options);
  const done = await interruptible((signal, progress) =>
    restoreLog(dir, file, {
      signal,
      onProgress: (what, share) =>
        progress.show(what === 'copying' ? `copying the backup: ${percent(share)}` : 'checking the copy'),
    }),
  );
  if (done === null) return;
  if (options.json === true) return printJson(done);
  print(`the event log in ${done.dir} is the backup now, up to event ${done.position}`);
  if (done.movedTo !== null) print(`the one that was there is ${done.movedTo}`);
}
