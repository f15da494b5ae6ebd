/**
 * `GET /api/models/output/<model…>`: what a run of a model printed, as plain text. `run=N` names an older run,
 * `follow=1` goes on with what comes, `no-history` leaves out what was.
 */
import type { RunId } from '../../core/ids.ts';
import { LIMITS } from '../../core/limits.ts';
import { answerError, answerText } from '../answer.ts';
import type { ApiContext, App } from '../context.ts';
import { apiError } from '../error-body.ts';
import { pathOf } from '../forward/path.ts';
import { nameInPath, nearestHelp, resolveName } from '../names.ts';
import { flagParam, numberParam, queryOf } from '../query.ts';
import { currentRuns } from '../stream/follow-runs.ts';
import { streamFile, streamRuns } from '../stream/output-stream.ts';

export async function modelOutput(app: App, ctx: ApiContext): Promise<void> {
  const query = queryOf(ctx.req.url);
  const run = numberParam(query, 'run', 1, Number.MAX_SAFE_INTEGER);
  const follow = flagParam(query, 'follow');
  const history = !query.has('no-history');
  const name = nameInPath(pathOf(ctx.req.url ?? ''), '/api/models/output/');
  const config = app.router.config();
  const model = resolveName(config, name);
  if (model === null) {
    answerError(ctx, apiError('not-found', `model not found${nearestHelp(config, name)}`));
    return;
  }
  if (follow && run === undefined) return streamRuns(ctx, app, model, history);
  const file = run === undefined ? (await currentRuns(app, model))[0]?.file : await fileOfRun(app, model, run as RunId);
  if (file === undefined) {
    const what = run === undefined ? `model "${model}" was never started` : `model "${model}" has no run ${run}`;
    answerError(ctx, apiError('not-found', `read output: ${what}, as far as the log goes back`));
    return;
  }
  if (follow) return streamFile(ctx, app, file, history ? LIMITS.textRingBytes : 0);
  answerText(ctx, history ? await app.output.readOutput(app.stateDir, file) : '');
}

async function fileOfRun(app: App, model: string, run: RunId): Promise<string | undefined> {
  const [event] = await app.router.log.read({ from: run, to: run });
  return event?.type === 'process.starting' && event.model === model ? event.data.logFile : undefined;
}
