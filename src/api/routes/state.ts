/**
 * `GET /api/state?at=`: what `/api/ps` said at a moment of the past, folded from the log; with `diff=` what is different
 * at another one. A bare number below a hundred thousand millions is a position, above it ms since 1970.
 */
import type { Json } from '../../core/config/canonical.ts';
import { diffPictures } from '../../core/history/diff.ts';
import { type Moment, positionOf } from '../../core/history/moment.ts';
import { pastFacts } from '../../core/history/past-state.ts';
import type { State } from '../../core/state.ts';
import type { ApiContext, App } from '../context.ts';
import { queryOf } from '../query.ts';
import { momentAt, pastOf } from './past.ts';
import { pictureOf } from './ps.ts';

export async function stateRoute(app: App, ctx: ApiContext): Promise<void> {
  const query = queryOf(ctx.req.url);
  const before = await pictureAt(app, momentAt(app, query, 'at') ?? { position: app.router.log.durable });
  const other = momentAt(app, query, 'diff');
  if (other === null) {
    ctx.body = before;
    return;
  }
  const after = await pictureAt(app, other);
  ctx.body = { from: before.position, to: after.position, differences: diffPictures(asJson(before), asJson(after)) };
}

export type PastPicture = ReturnType<typeof pastPicture>;

/** Everything that is shown of a state of the past. */
export function pastPicture(state: Readonly<State>, at: number | null) {
  const facts = pastFacts(state, at);
  return { ...facts, ...pictureOf(state, facts.at, () => '') };
}

/** The same values as they look on the way to a client. */
export function asJson(picture: PastPicture): { [key: string]: Json } {
  return JSON.parse(JSON.stringify(picture)) as { [key: string]: Json };
}

async function pictureAt(app: App, moment: Moment): Promise<PastPicture> {
  const log = pastOf(app);
  const position = await positionOf(log, moment);
  return pastPicture(await log.stateAt(position), 'time' in moment ? Math.min(moment.time, app.router.now()) : null);
}
