/** `turnout log backup FILE`: one file with the whole log, proven, also while turnout runs. */
import { formatBytes } from '../../core/history/format.ts';
import { backupLog } from '../../core/log/sqlite-backup.ts';
import { type GlobalOptions, print, printJson } from '../output.ts';
import { interruptible, logDirOf, percent } from './log-common.ts';

export async function logBackup(file: string, options: GlobalOptions): Promise<void> {
  const dir = await logDirOf(options);
  const done = await interruptible((signal, progress) =>
    backupLog(dir, file, {
      signal,
      onProgress: (what, share) =>
        progress.show(what === 'copying' ? `copying the event log: ${percent(share)}` : 'checking the copy'),
    }),
  );
  if (done === null) return;
  if (options.json === true) return printJson(done);
  print(`${done.file} holds the event log up to event ${done.position} (${formatBytes(done.bytes)}) and is intact`);
}
