/** The fold of what turnout as a whole does: its life, its configuration, its log, and repairs. */
import { type Fold, modelOf, nothing } from './fold-common.ts';
import { modelsOf } from './fold-models.ts';
import { stateFrom } from './state-codec.ts';

export const ROUTER = {
  'router.started': (state, event) => {
    state.phase = 'running';
    state.started = event.position;
    state.seed = event.data.seed;
    state.drainingSince = null;
    state.wallStepsMs = 0;
    state.idleSince = event.at;
    state.devices = new Map();
    state.policies = new Map();
    state.policyWakeAt = null;
    state.rank = [];
    state.logTroubled = null;
    state.stalled = null;
    state.planEpoch++;
  },
  'router.draining': (state, event) => {
    state.phase = event.data.keep === true ? 'leaving' : 'draining';
    state.drainingSince = event.at;
    state.planEpoch++;
  },
  'router.stopped': (state) => {
    state.phase = 'stopped';
  },
  'clock.stepped': (state, event) => {
    state.wallStepsMs += event.data.byMs;
  },
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
  'log.rebased': (state, event) => {
    Object.assign(state, stateFrom(event.data.state));
  },
  'unload.requested': (state, event) => {
    for (const id of event.data.models) {
      const model = modelOf(state, id);
      if (model !== undefined) model.idleLoadAt = event.at;
    }
  },
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
