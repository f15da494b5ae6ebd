/** The fold of what turnout as a whole does: its life, its configuration, its log, and repairs. */
import { type Fold, modelOf, nothing } from './fold-common.ts';
import { modelsOf } from './fold-models.ts';

export const ROUTER = {
  'router.started': (state, event) => {
    state.phase = 'running';
    state.started = event.position;
    state.seed = event.data.seed;
    state.drainingSince = null;
    state.logTroubled = null;
    state.stalled = null;
    state.planEpoch++;
  },
  'router.draining': (state, event) => {
    state.phase = 'draining';
    state.drainingSince = event.at;
    state.planEpoch++;
  },
  'router.stopped': (state) => {
    state.phase = 'stopped';
  },
  'clock.stepped': nothing,
  'config.applied': (state, event) => {
    state.settings = event.data.settings;
    state.configHash = event.data.hash;
    state.models = modelsOf(state, event.data.settings.models);
    state.planEpoch++;
  },
  'log.gap': nothing,
  'log.troubled': (state, event) => {
    state.logTroubled = { code: event.data.code, message: event.data.message, since: event.at };
  },
  'log.recovered': (state) => {
    state.logTroubled = null;
  },
  'log.replaced': nothing,
  'unload.requested': nothing,
  'stall.detected': (state, event) => {
    state.stalled = event.data.what;
    const model = modelOf(state, event.model);
    if (model !== undefined) {
      model.blocked = null;
      model.pending = null;
    }
    state.planEpoch++;
  },
} satisfies Partial<Fold>;
