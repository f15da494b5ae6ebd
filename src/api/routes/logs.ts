/**
 * Logs as text (spec 3.14): the history, and live streams of turnout's own lines, of all models, or of one.
 */
import { answerError, answerRedirect, answerText } from '../answer.ts';
import type { ApiContext, App } from '../context.ts';
import { apiError } from '../error-body.ts';
import { pathOf } from '../forward/path.ts';
import { nameInPath, resolveName } from '../names.ts';
import { queryOf } from '../query.ts';
import { streamRuns } from '../stream/output-stream.ts';
import { streamMonitor } from '../stream/text-stream.ts';

const STREAM = '/logs/stream';

/** `GET /logs`: browsers are sent to the page, programs get the combined history. */
export function logs(app: App, ctx: ApiContext): void {
  if ((ctx.req.headers.accept ?? '').includes('text/html')) return answerRedirect(ctx, 302, '/ui/');
  answerText(ctx, app.textLog.combined.history());
}

/** `GET /logs/stream[/proxy|/upstream|/<model…>]`, with history unless the query has `no-history`. */
export async function logStream(app: App, ctx: ApiContext): Promise<void> {
  const path = pathOf(ctx.req.url ?? '');
  const history = !queryOf(ctx.req.url).has('no-history');
  const source = path.length <= STREAM.length + 1 ? '' : nameInPath(path, `${STREAM}/`);
  if (source === '') return streamMonitor(ctx, app, app.textLog.combined, history);
  if (source === 'proxy') return streamMonitor(ctx, app, app.textLog.proxy, history);
  if (source === 'upstream') return streamRuns(ctx, app, null, history);
  const model = resolveName(app.router.config(), source);
  if (model !== null) return streamRuns(ctx, app, model, history);
  answerError(ctx, apiError('bad-request', "invalid logger. Use 'proxy', 'upstream' or a model's ID"));
}
