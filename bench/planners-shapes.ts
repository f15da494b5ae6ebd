/**
 * Other shapes of load, on which keeping models from being swapped out must do no harm: one model, two models and people
 * who chat, a batch job beside one person, requests without any order, and agents that stay with a model for longer or
 * shorter than those of the main comparison. Must never depend on time or on what a contender did.
 */
import {
  type Agent,
  agentsWorkload,
  type BenchModel,
  drawsOf,
  FIVE_MODELS,
  logNormal,
  type Step,
  serviceMs,
  type Workload,
} from './planners-workload.ts';

const DEVICE_GIB = 24;
const CHAT_PAUSE_MS = 45_000; // a person reads the answer and types
const CHAT_PAUSE_MAX_MS = 1_200_000;
const BATCH_WORKERS = 8;
const BATCH_GAP_MS = 20;

/** Ten models of 4 to 13 GiB; one to four of them fit. */
const TEN_MODELS: readonly BenchModel[] = Array.from({ length: 10 }, (_, i) => ({
  id: `model-${i}`,
  gib: 4 + i,
  loadMs: 10_000 + ((i * 3) % 10) * 5_500,
}));

const [BIG, OTHER] = FIVE_MODELS as readonly [BenchModel, BenchModel];

function agent(seed: number, no: number, requests: number, step: (no: number) => Step): Agent {
  const startMs = drawsOf(seed, no, -2).int(0, 5_000);
  return { client: `client-${no + 1}`, startMs, steps: Array.from({ length: requests }, (_, i) => step(i)) };
}

function steps(seed: number, no: number, model: (random: ReturnType<typeof drawsOf>) => string, thinkMs: number) {
  return (i: number): Step => {
    const random = drawsOf(seed, no, i);
    const think = logNormal(random, thinkMs, 0.8, CHAT_PAUSE_MAX_MS);
    return { model: model(random), serviceMs: serviceMs(random), thinkMs: think };
  };
}

export function oneModel(seed: number, requests: number): Workload {
  const agents = [0, 1, 2].map((no) =>
    agent(
      seed,
      no,
      requests,
      steps(seed, no, () => BIG.id, 1_500),
    ),
  );
  return { name: 'one model, three agents', deviceGib: DEVICE_GIB, models: [BIG], agents };
}

/** Two people on each of two models that do not fit together. */
export function chat(seed: number, requests: number): Workload {
  const agents = [0, 1, 2, 3].map((no) => {
    const model = no % 2 === 0 ? BIG.id : OTHER.id;
    return agent(
      seed,
      no,
      requests,
      steps(seed, no, () => model, CHAT_PAUSE_MS),
    );
  });
  return { name: 'two models, four people who chat', deviceGib: DEVICE_GIB, models: [BIG, OTHER], agents };
}

/** Workers that ask without a pause for one model, and a person on another one that does not fit beside it. */
export function batch(seed: number, requests: number): Workload {
  const workers = Array.from({ length: BATCH_WORKERS }, (_, no) =>
    agent(
      seed,
      no,
      requests,
      steps(seed, no, () => OTHER.id, BATCH_GAP_MS),
    ),
  );
  const person = BATCH_WORKERS;
  const asks = Math.ceil(requests / 4);
  const agents = [
    ...workers,
    agent(
      seed,
      person,
      asks,
      steps(seed, person, () => BIG.id, CHAT_PAUSE_MS),
    ),
  ];
  return { name: 'a batch job beside one person', deviceGib: DEVICE_GIB, models: [BIG, OTHER], agents };
}

export function noOrder(seed: number, requests: number): Workload {
  const any = (random: ReturnType<typeof drawsOf>) => random.pick(TEN_MODELS).id;
  const agents = [0, 1, 2, 3].map((no) => agent(seed, no, requests, steps(seed, no, any, 1_500)));
  return { name: 'ten models, asked for at random', deviceGib: DEVICE_GIB, models: TEN_MODELS, agents };
}

export const SHAPES: readonly ((seed: number, requests: number) => Workload)[] = [
  oneModel,
  chat,
  batch,
  noOrder,
  ...[1, 2, 3, 8].map((visits) => (seed: number, requests: number) => agentsWorkload(seed, requests, visits)),
];
