/** `turnout logs MODEL`: what a run of a model wrote; from the running turnout, or from the newest file when none runs. */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TurnoutError } from '../../core/errors.ts';
import { modelId, runId } from '../../core/ids.ts';
import { outputFile } from '../../core/output-file.ts';
import { readOutput } from '../../core/runtime/local/output-read.ts';
import { findTurnout, modelPath, needStateDir, request } from '../client.ts';
import type { GlobalOptions } from '../output.ts';

interface LogsOptions extends GlobalOptions {
  run?: string;
  follow?: boolean;
}

export async function logs(model: string, options: LogsOptions): Promise<void> {
  if (options.run !== undefined && !/^\d+$/.test(options.run)) {
    throw new TurnoutError(
      'usage',
      `read --run "${options.run}": expected the number of a run, as "turnout events" shows it`,
    );
  }
  const found = await findTurnout(options);
  if (found.url === null) {
    if (options.follow === true) {
      throw new TurnoutError(
        'not-found',
        `follow the output of ${model}: no running turnout found (looked in ${found.looked.join(', ')})`,
      );
    }
    process.stdout.write(await fromFile(needStateDir(found), model, options.run));
    return;
  }
  const query = new URLSearchParams();
  if (options.run !== undefined) query.set('run', options.run);
  if (options.follow === true) query.set('follow', '1');
  const response = await request(found.url, `/api/models/output/${modelPath(model)}?${query}`);
  for await (const chunk of response.body ?? []) process.stdout.write(chunk as Uint8Array);
}

async function fromFile(dir: string, model: string, run: string | undefined): Promise<Buffer> {
  const folder = dirname(outputFile(modelId(model), runId(0)));
  let names: string[] = [];
  try {
    names = (await readdir(join(dir, folder))).filter((name) => /^\d+\.log$/.test(name));
  } catch (cause) {
    throw new TurnoutError('not-found', `read the output of "${model}": nothing of it in ${join(dir, folder)}`, {
      cause,
    });
  }
  const newest = names.map((name) => Number.parseInt(name, 10)).sort((a, b) => b - a)[0];
  const wanted = run === undefined ? newest : Number(run);
  if (wanted === undefined || !names.includes(`${wanted}.log`)) {
    throw new TurnoutError(
      'not-found',
      `read the output of "${model}": no run ${wanted ?? ''} in ${join(dir, folder)}`,
    );
  }
  return readOutput(dir, join(folder, `${wanted}.log`));
}
