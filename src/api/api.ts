/**
 * The HTTP side of turnout put together: koa with one outer middleware, the server with its settings, upgrades beside
 * them, and how all of it ends. Knows the kernel only as a `Router`.
 * Must never keep the process alive after `close`.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import Koa, { type ExtendableContext } from 'koa';
import { LIMITS } from '../core/limits.ts';
import { type ApiContext, type ApiOptions, type ApiState, type App, keysOf } from './context.ts';
import { markExpecting } from './continue.ts';
import { createHttpServer, type Listening, listenOn, listenOnInherited, type ServerHooks } from './listen.ts';
import { outerMiddleware } from './outer.ts';
import { routesOf } from './routes/routes.ts';
import { serverLife } from './server-life.ts';
import { followRuns } from './stream/follow-runs.ts';
import { createOpenStreams } from './stream/open-streams.ts';
import { handleUpgrade, isUpgrade } from './upgrade.ts';
import { createUpstreams } from './upstreams.ts';

export interface Api {
  /** Listens on `host:port` or `:port`. Throws `port-in-use` or `usage`. */
  listen(hostPort: string): Promise<Listening>;
  /** The same on a socket inherited as this descriptor. */
  listenOnInherited(fd: number): Promise<Listening>;
  /** What listens, to be held by somebody else while a successor starts. */
  readonly server: Server;
  /** Whether each answer is the last on its connection: so from when a hand-over is likely. */
  lastAnswers(on: boolean): void;
  /**
   * Takes no more connections but leaves the socket to its successor; resolves when whoever had connected was answered, or
   * after `withinMs` by cutting what is left.
   */
  release(withinMs: number): Promise<void>;
  /** Ends log streams and event feeds, which would otherwise never end. Idempotent. */
  closeStreams(): void;
  /**
   * Takes no more connections and resolves when the last answer has ended; after `withinMs` (30 s) what is left is cut.
   * May be called again with less patience.
   */
  close(withinMs?: number): Promise<void>;
}

export function createApi(options: ApiOptions): Api {
  const app: App = {
    ...options,
    keys: keysOf(options.router.config),
    streams: createOpenStreams(),
    upstreams: createUpstreams(options.router),
  };
  const handle = koaOf(app);
  const answer = (req: IncomingMessage, res: ServerResponse): void => {
    life.asked(req, res);
    void handle(req, res);
  };
  const hooks: ServerHooks = {
    request: answer,
    expectsContinue(req, res) {
      markExpecting(req);
      answer(req, res);
    },
    isUpgrade,
    upgrade(req, socket, head) {
      life.upgraded(socket);
      void handleUpgrade(app, req, socket, head);
    },
  };
  const server = createHttpServer(hooks, options.tls ?? null);
  const life = serverLife(server);

  const output = new AbortController();
  const toStdout = app.textLog.toStdout;
  if (toStdout === 'upstream' || toStdout === 'both') copyOutputToLog(app, output.signal);

  return {
    server,
    listen: (hostPort) => listenOn(server, hostPort),
    async listenOnInherited(fd) {
      const listening = await listenOnInherited(server, fd);
      life.inherited(fd);
      return listening;
    },
    lastAnswers: life.lastAnswers,
    async release(withinMs) {
      app.streams.closeAll();
      await life.release(withinMs);
    },
    closeStreams: () => app.streams.closeAll(),
    async close(withinMs = LIMITS.shutdownMs) {
      app.streams.closeAll();
      await life.close(withinMs);
      output.abort();
      await app.upstreams.close();
    },
  };
}

type Finish = (ctx: ApiContext, middleware: () => Promise<void>) => Promise<void>;

/**
 * Koa around the outer middleware. What is relayed is answered when the middleware returns; koa, which would first listen
 * for the end of every answer, finishes the others only.
 */
function koaOf(app: App): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  const koa = new Koa<ApiState>();
  const outer = outerMiddleware(app, routesOf(app));
  const finish = (koa as unknown as { handleRequest: Finish }).handleRequest.bind(koa);
  // Everything else ends in the outer middleware; koa's own handler would drop the headers that were set.
  koa.context.onerror = function onerror(this: ExtendableContext, error: Error | null): void {
    if (error === null || error === undefined) return;
    app.textLog.debug(`answering a request failed: ${error.message}`);
    if (!this.res.writableEnded) this.res.destroy();
  };
  return async (req, res) => {
    const ctx = koa.createContext(req, res) as unknown as ApiContext;
    res.statusCode = 404; // as koa has it, for an answer that sets none
    await outer(ctx);
    if (ctx.respond === false) return;
    const { statusCode } = res;
    await finish(ctx, async () => {
      res.statusCode = statusCode;
    });
  };
}

/** `logToStdout: upstream` or `both` (spec 7): what models print goes where the log lines go. */
function copyOutputToLog(app: App, signal: AbortSignal): void {
  const onChunk = (chunk: Buffer): void => app.textLog.upstream.write(chunk);
  followRuns(app, { model: null, history: false, signal, onChunk }).catch((error: unknown) => {
    app.textLog.warn(`follow the output of the models: ${error}`);
  });
}
