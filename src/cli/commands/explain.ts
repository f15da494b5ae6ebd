/** `turnout explain`: why. Asks the running turnout, or folds its log when none runs. */
import { TurnoutError } from '../../core/errors.ts';
import {
  collectModel,
  collectRequest,
  type Explanation,
  explainModel,
  explainNow,
  explainRequest,
} from '../../core/history/explain.ts';
import { foldLog } from '../../core/history/fold-log.ts';
import { modelId } from '../../core/ids.ts';
import { openLogForReading } from '../../core/log/read-only.ts';
import { findTurnout, modelPath, needStateDir, request, requestJson } from '../client.ts';
import { type GlobalOptions, print, printJson } from '../output.ts';

export async function explain(what: string | undefined, options: GlobalOptions): Promise<void> {
  const found = await findTurnout(options);
  const explanation =
    found.url === null
      ? await fromFile(needStateDir(found), what, options)
      : await fromServer(found.url, what, options.utc === true);
  if (options.json === true) printJson(explanation);
  else print(explanation.text.join('\n'));
}

async function fromServer(url: string, what: string | undefined, utc: boolean): Promise<Explanation<unknown>> {
  const query = utc ? '?utc=1' : '';
  if (what === undefined) return requestJson(url, `/api/explain${query}`);
  if (!isRequest(what)) return requestJson(url, `/api/explain/model/${modelPath(what)}${query}`);
  return (await request(url, `/api/explain/request/${encodeURIComponent(what)}${query}`)).json() as Promise<
    Explanation<unknown>
  >;
}

/** Ids of requests begin with `req_`, those of turnout's own loads with `idle_`; a bare number is the position of the request's arrival. */
function isRequest(what: string): boolean {
  return /^(?:req|idle)_/.test(what) || /^\d+$/.test(what);
}

async function fromFile(dir: string, what: string | undefined, options: GlobalOptions): Promise<Explanation<unknown>> {
  const log = await openLogForReading(dir);
  const style = { now: Date.now(), utc: options.utc === true };
  try {
    if (what === undefined) return explainNow(await foldLog(log, log.head), style);
    if (isRequest(what)) {
      const key = await log.findRequest(what);
      const explanation = key === null ? null : explainRequest(await collectRequest(log, key), key, style);
      if (explanation !== null) return explanation;
      throw new TurnoutError('not-found', `explain request "${what}": no such request in the log in ${dir}`);
    }
    const state = await foldLog(log, log.head);
    const explanation = explainModel(state, modelId(what), await collectModel(log, modelId(what)), style);
    if (explanation !== null) return explanation;
    const known = [...state.models.keys()].join(', ');
    throw new TurnoutError('not-found', `explain "${what}": no such model in the log in ${dir}; it knows ${known}`);
  } finally {
    await log.close();
  }
}
