// A list of listeners. `subscribe` returns the function that ends the subscription.

export class Emitter {
  #listeners = new Set();

  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // Listeners that subscribe or leave during the call take effect with the next one.
  emit(value) {
    for (const listener of [...this.#listeners]) listener(value);
  }
}
