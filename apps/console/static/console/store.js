/**
 * What the page knows, in one observable object. What lives here: a state, a way to change it and to hear of changes.
 * What does not: how anything looks or where it comes from.
 */

/** A store over `state`: `get()`, `set(changes)` and `watch(key, listener)`, which returns a way to stop watching. */
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
