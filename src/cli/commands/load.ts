/** `turnout load MODEL`: loads it now, in its turn; also ends a back-off. */
import { formatDuration } from '../../core/history/format.ts';
import { modelPath, needServer, requestJson } from '../client.ts';
import { type GlobalOptions, print, printJson } from '../output.ts';

export async function load(model: string, options: GlobalOptions): Promise<void> {
  const url = await needServer(options);
  const answer = await requestJson<{ msg: string; loadMs: number | null }>(
    url,
    `/api/models/load/${modelPath(model)}`,
    {
      method: 'POST',
    },
  );
  if (options.json === true) printJson(answer);
  else print(`${model} is ready${answer.loadMs === null ? '' : ` (it took ${formatDuration(answer.loadMs)} to load)`}`);
}
