/** A state that can be watched. */

/** A store with `get()`, `set(changes)` and `watch(key, listener)`, which returns a function that stops watching. */
export function createStore(state) {
  const watchers = new Map();
  return {
    get: () => state,
    set(changes) {
      const changed = Object.keys(changes).filter((key) => !Object.is(state[key], changes[key]));
      state = { ...state, ...changes };
      for (const key of changed) for (const listener of [...(watchers.get(key) ?? [])]) listener(state[key], state);
    },
    watch(key, listener) {
      if (!watchers.has(key)) watchers.set(key, new Set());
      watchers.get(key).add(listener);
      listener(state[key], state);
      return () => watchers.get(key).delete(listener);
    },
  };
}
