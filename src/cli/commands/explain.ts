/** `turnout explain`: why. Asks the running turnout, or folds its log when none runs. */
import { TurnoutError } from '../../core/errors.ts';
import { collectModel, type Explanation, explainModel, explainNow } from '../../core/history/explain.ts';
import { explainPositionOf, explainRequestOf, nearestDecision } from '../../core/history/explain-log.ts';
import { foldLog } from '../../core/history/fold-log.ts';
import { type Moment, readMoment } from '../../core/history/moment.ts';
import { modelId } from '../../core/ids.ts';
import { findTurnout, modelPath, requestJson } from '../client.ts';
import { print, printJson } from '../output.ts';
import { openPastLog, type PastLog, type PastOptions } from './past-log.ts';

interface ExplainFlags extends PastOptions {
  /** A moment: what was decided about the model nearest to it. */
  at?: string;
}

type Told = Explanation<unknown>;

export async function explain(what: string | undefined, options: ExplainFlags): Promise<void> {
  const clock = { now: Date.now(), utc: options.utc === true };
  const at = options.at === undefined ? null : readMoment('--at', options.at, clock);
  if (at !== null && (what === undefined || isRequest(what) || isPosition(what))) {
    throw new TurnoutError('usage', 'use --at: name the model that is meant, as in: turnout explain qwen --at 03:00');
  }
  const found = options.file === undefined ? await findTurnout(options) : null;
  const explanation =
    found?.url == null
      ? await fromFile(what, at, options)
      : await requestJson<Told>(found.url, pathOf(what, at, options.utc === true));
  if (options.json === true) printJson(explanation);
  else print(explanation.text.join('\n'));
}

function pathOf(what: string | undefined, at: Moment | null, utc: boolean): string {
  const query = new URLSearchParams();
  if (utc) query.set('utc', '1');
  if (at !== null) query.set('at', String('position' in at ? at.position : Math.round(at.time)));
  const tail = query.size === 0 ? '' : `?${query}`;
  if (what === undefined) return `/api/explain${tail}`;
  if (isRequest(what)) return `/api/explain/request/${encodeURIComponent(what)}${tail}`;
  return isPosition(what) ? `/api/explain/position/${what}${tail}` : `/api/explain/model/${modelPath(what)}${tail}`;
}

/** Ids of requests begin with `req_`, those of turnout's own loads with `idle_`. */
const isRequest = (what: string): boolean => /^(?:req|idle)_/.test(what);

const isPosition = (what: string): boolean => /^\d{1,15}$/.test(what);

async function fromFile(what: string | undefined, at: Moment | null, options: ExplainFlags): Promise<Told> {
  const log = await openPastLog(options);
  try {
    const style = await clockOf(log, { now: Date.now(), utc: options.utc === true });
    if (what === undefined) return explainNow(await foldLog(log, log.head), style);
    if (isRequest(what)) return await requestFrom(log, what, style);
    if (isPosition(what)) return must(await explainPositionOf(log, Number(what), style), `position ${what}`, log);
    return await modelFrom(log, what, at, style);
  } finally {
    await log.close();
  }
}

/** Of a log that nobody writes any more "now" is where it ends. */
async function clockOf(log: PastLog, style: { now: number; utc: boolean }) {
  const [last] = await log.read({ limit: 1, reverse: true });
  return { ...style, now: last?.at ?? style.now };
}

async function requestFrom(log: PastLog, id: string, style: { now: number; utc: boolean }): Promise<Told> {
  const key = await log.findRequest(id);
  return must(key === null ? null : await explainRequestOf(log, key, style), `request "${id}"`, log);
}

async function modelFrom(
  log: PastLog,
  name: string,
  at: Moment | null,
  style: { now: number; utc: boolean },
): Promise<Told> {
  const model = modelId(name);
  const state = await foldLog(log, log.head);
  const known = state.models.has(model) ? '' : `; it knows ${[...state.models.keys()].join(', ')}`;
  if (at === null)
    return must(explainModel(state, model, await collectModel(log, model), style), `model "${name}"`, log, known);
  const position = await nearestDecision(log, model, at);
  const told = position === null ? null : await explainPositionOf(log, position, style);
  return must(told, `what was decided about "${name}"`, log, known);
}

function must(told: Told | null, what: string, log: PastLog, more = ''): Told {
  if (told !== null) return told;
  throw new TurnoutError('not-found', `explain ${what}: there is no such thing in the log in ${log.where}${more}`);
}
