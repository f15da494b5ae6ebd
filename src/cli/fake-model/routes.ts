/**
 * Which path is answered by what. A leading `/v1` is optional, as in llama.cpp: turnout forwards the versionless
 * spellings without it (spec 3.2).
 * Must never hold logic: one line per path.
 */
import { answer } from './answer.ts';
import { chat } from './dialects/chat.ts';
import { completions } from './dialects/completions.ts';
import { type Dialect, openAiError } from './dialects/dialect.ts';
import { completion, infill } from './dialects/llama-cpp.ts';
import { messages } from './dialects/messages.ts';
import { responses } from './dialects/responses.ts';
import type { Exchange } from './exchange.ts';
import type { FakeModel } from './model.ts';
import * as others from './others.ts';

export interface Route {
  handle(model: FakeModel, exchange: Exchange): Promise<void> | void;
  /** Work of the model, which the switches to misbehave apply to; pages about the model are not. */
  inference: boolean;
  error: Dialect['error'];
}

type Handler = Route['handle'];

function text(dialect: Dialect): Route {
  return { handle: (model, exchange) => answer(model, exchange, dialect), inference: true, error: dialect.error };
}

function work(handle: Handler): Route {
  return { handle, inference: true, error: openAiError };
}

function about(handle: Handler): Route {
  return { handle, inference: false, error: openAiError };
}

const ROUTES: ReadonlyMap<string, Route> = new Map([
  ['POST /chat/completions', text(chat)],
  ['POST /completions', text(completions)],
  ['POST /responses', text(responses)],
  ['POST /messages', text(messages)],
  ['POST /messages/count_tokens', { ...work(others.countTokens), error: messages.error }],
  ['POST /completion', text(completion)],
  ['POST /infill', text(infill)],
  ['POST /embeddings', work(others.embeddings)],
  ['POST /rerank', work(others.rerank)],
  ['POST /reranking', work(others.rerank)],
  ['POST /audio/speech', work(others.speech)],
  ['POST /audio/voices', work(others.voices)],
  ['GET /audio/voices', work(others.voices)],
  ['POST /audio/transcriptions', work(others.transcription)],
  ['POST /images/generations', work(others.images)],
  ['POST /images/edits', work(others.images)],
  ['POST /sdapi/txt2img', work(others.sdImages)],
  ['POST /sdapi/img2img', work(others.sdImages)],
  ['GET /sdapi/loras', work(others.loras)],
  ['POST /tasks/run', work(others.task)],
  ['GET /models', about(others.models)],
  ['GET /props', about(others.props)],
  ['GET /slots', about(others.slots)],
  ['GET /', about(others.page)],
]);

const ECHO = work(others.echo);

/** The route of a path without its query, or undefined. HEAD is answered as GET. */
export function routeOf(method: string, path: string): Route | undefined {
  if (path === '/fake/echo') return ECHO;
  return ROUTES.get(`${method === 'HEAD' ? 'GET' : method} ${path.replace(/^(\/sdapi)?\/v1(?=\/)/, '$1')}`);
}
