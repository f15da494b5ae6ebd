/**
 * Upgrades bypass koa, so whatever the outer middleware does is done here by hand: target, host, key, origin, and the
 * access line. Only WebSockets to `/upstream/<model>/…` are upgraded; every other request that offers an upgrade (`h2c`
 * of curl and Java) is an ordinary one.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ModelId } from '../core/ids.ts';
import { http } from '../core/platform/node-http.ts';
import { accessLine, beginAccess, CLIENT_GONE_STATUS } from './access-log.ts';
import { admit, served } from './admission.ts';
import type { ApiState, App } from './context.ts';
import { type ApiError, apiError, errorOfRefusal, errorOfThrown, renderError } from './error-body.ts';
import { serveReport, wasServed } from './forward/result.ts';
import { checkTarget, hasForeignOrigin, isCrossSite } from './guard.ts';
import { passThroughArrival, splitUpstream } from './routes/upstream.ts';

/** A WebSocket handshake to a place that can answer it (spec 4.8: token lists, in any case). */
export function isUpgrade(req: IncomingMessage): boolean {
  const { upgrade, connection } = req.headers;
  return (
    (req.url ?? '').startsWith('/upstream/') &&
    /\bwebsocket\b/i.test(upgrade ?? '') &&
    /(?:^|,)\s*upgrade\s*(?:,|$)/i.test(connection ?? '')
  );
}

/** Serves one upgrade to its end. Never rejects. */
export async function handleUpgrade(app: App, req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const access = beginAccess(req);
  const state: ApiState = { id: app.router.newRequestId(), keyLabel: null, bytes: null };
  // Whoever reads the socket next hears of its end; here an error only must not end the process.
  socket.on('error', () => socket.destroy());
  let status: number;
  try {
    status = await upgrade(app, req, socket, head, state);
  } catch (error) {
    app.textLog.error(`upgrade ${state.id} failed: ${error instanceof Error ? error.stack : error}`);
    status = refuse(req, socket, state, errorOfThrown(error));
  }
  const line = accessLine(access, status, state.bytes ?? 0);
  if (line !== null) app.textLog.access(line);
}

async function upgrade(app: App, req: IncomingMessage, socket: Duplex, head: Buffer, state: ApiState): Promise<number> {
  const refused = refusalOf(app, req, state);
  if (refused !== null) return refuse(req, socket, state, refused);
  const split = splitUpstream(app.router, req.url ?? '');
  if (split === null || split.rest === null) {
    return refuse(req, socket, state, apiError('not-found', 'model not found'));
  }
  const { rest } = split;
  if (app.router.config().models.get(split.model)?.ignoreWebsockets === true) {
    return passIgnored(app, req, socket, head, state, split.model, rest);
  }
  const stopWatching = destroyAtEnd(socket);
  const { ticket, grant } = await admit(app.router, passThroughArrival(app, { req, state }, split, rest), socket);
  stopWatching();
  if (grant === null) return CLIENT_GONE_STATUS;
  if (!grant.granted) return refuse(req, socket, state, errorOfRefusal(grant));
  const { run, baseUrl } = grant;
  const result = await served(ticket, () =>
    app.upstreams.passThrough.upgrade(req, socket, head, {
      run,
      baseUrl,
      path: rest,
      onQuiet: ticket.quiet,
      sent: state,
    }),
  );
  state.bytes = result.bytes;
  if (wasServed(result)) ticket.finish(serveReport(result));
  else ticket.leave({ status: result.status, bytes: result.bytes });
  if (result.status !== null) return result.status;
  return result.error === null ? CLIENT_GONE_STATUS : refuse(req, socket, state, errorOfThrown(result.error));
}

/**
 * A WebSocket of a model with `compat.ignoreWebsockets` passes the kernel by (spec 4.8): it starts nothing, keeps nothing
 * loaded and takes no place; the model may leave under it.
 */
async function passIgnored(
  app: App,
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  state: ApiState,
  model: ModelId,
  path: string,
): Promise<number> {
  const live = app.router.state().models.get(model)?.run;
  if (live?.phase !== 'ready') {
    const reason = `model ${model} is not loaded; ignored websocket requests cannot start it`;
    return refuse(req, socket, state, apiError('model-not-loaded', reason));
  }
  const { run, baseUrl } = live;
  const result = await app.upstreams.passThrough.upgrade(req, socket, head, { run, baseUrl, path, sent: state });
  state.bytes = result.bytes;
  if (result.status !== null) return result.status;
  return result.error === null ? CLIENT_GONE_STATUS : refuse(req, socket, state, errorOfThrown(result.error));
}

/** Nobody reads the socket while it waits, so the end of its client has to be looked for; early bytes stay in it. */
function destroyAtEnd(socket: Duplex): () => void {
  const onEnd = (): void => {
    socket.destroy();
  };
  const onReadable = (): void => {
    if (socket.readableLength === 0) socket.read();
  };
  socket.on('end', onEnd).on('readable', onReadable);
  return () => {
    socket.off('end', onEnd).off('readable', onReadable);
  };
}

/** What the outer middleware would have refused, or null. */
function refusalOf(app: App, req: IncomingMessage, state: ApiState): ApiError | null {
  try {
    checkTarget(req);
  } catch (error) {
    return errorOfThrown(error);
  }
  const keys = app.keys();
  if (keys.required) {
    state.keyLabel = keys.check(req.headers);
    if (state.keyLabel === null) return apiError('unauthorized', 'unauthorized: invalid or missing API key');
  }
  // A page may open a WebSocket to anywhere, unasked; its origin is all that tells where it came from.
  if (isCrossSite(req) || hasForeignOrigin(req)) {
    return apiError('forbidden', 'refuse a WebSocket: a page of another site may not open one');
  }
  return null;
}

function refuse(req: IncomingMessage, socket: Duplex, state: ApiState, error: ApiError): number {
  const { status, headers, body } = renderError(error, req.headers.accept ?? '');
  if (socket.destroyed || socket.writableEnded) return status;
  const bytes = Buffer.from(body);
  state.bytes = bytes.length;
  const lines = [
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `x-turnout-request-id: ${state.id}`,
    `content-length: ${bytes.length}`,
    'connection: close',
  ];
  socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]), () => socket.destroy());
  return status;
}
