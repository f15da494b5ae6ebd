/** The model that a call of turnout's own API names, or the 404 that says which name is near. */
import type { Config } from '../../core/config/config.ts';
import { TurnoutError } from '../../core/errors.ts';
import type { ModelId } from '../../core/ids.ts';
import type { ApiContext, App } from '../context.ts';
import { pathOf } from '../forward/path.ts';
import { nameInPath, nearestHelp, resolveName } from '../names.ts';

/** By id or alias. Throws `not-found`. */
export function namedModel(config: Config, name: string): ModelId {
  const model = resolveName(config, name);
  if (model !== null) return model;
  throw new TurnoutError('not-found', `model not found${nearestHelp(config, name)}`);
}

/** The one behind `prefix` in the path. Throws `not-found`, or `bad-request` for a name that cannot be decoded. */
export function modelInPath(app: App, ctx: ApiContext, prefix: string): ModelId {
  return namedModel(app.router.config(), nameInPath(pathOf(ctx.req.url ?? ''), prefix));
}
