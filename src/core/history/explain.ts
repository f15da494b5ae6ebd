/**
 * The door to explanations: why a request waited, why a model is loaded or not, what everything waits for now.
 * The three are pure; `collect*` gathers for them what a log holds.
 */
export { collectModel, collectRequest } from './collect.ts';
export { explainModel } from './explain-model.ts';
export { explainNow } from './explain-now.ts';
export { explainRequest } from './explain-request.ts';
export type { ExplainOptions, Explanation } from './explanation.ts';
