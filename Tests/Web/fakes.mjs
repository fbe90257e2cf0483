// Stand-ins for the browser: a clock that only moves when told, a scripted WebSocket, a storage.

export class FakeClock {
    #now = 0;
    #timers = new Map();
    #nextId = 1;

    now = () => this.#now;

    setTimeout = (action, delay) => {
        const id = this.#nextId++;
        this.#timers.set(id, { action, due: this.#now + delay });
        return id;
    };

    clearTimeout = (id) => {
        this.#timers.delete(id);
    };

    // Milliseconds until each pending timer fires, soonest first.
    get pending() {
        return [...this.#timers.values()].map(({ due }) => due - this.#now).sort((a, b) => a - b);
    }

    advance(duration) {
        const end = this.#now + duration;
        for (;;) {
            const due = [...this.#timers].filter(([, timer]) => timer.due <= end);
            due.sort(([, a], [, b]) => a.due - b.due);
            if (due.length === 0) break;
            const [id, timer] = due[0];
            this.#timers.delete(id);
            this.#now = timer.due;
            timer.action();
        }
        this.#now = end;
    }
}

export class FakeSocket {
    sent = [];
    isClosed = false;

    constructor(url) {
        this.url = url;
    }

    send(text) {
        this.sent.push(text);
    }

    close() {
        this.isClosed = true;
    }

    open() {
        this.onopen({});
    }

    receive(text) {
        this.onmessage({ data: text });
    }

    drop() {
        this.onclose({ code: 1006, wasClean: false });
    }

    // What was sent, parsed, one entry per record.
    get records() {
        return this.sent.flatMap((text) => text.split("\u001e").slice(0, -1)).map((text) => JSON.parse(text));
    }
}

export class FakeStorage {
    #values = new Map();

    getItem(key) {
        return this.#values.get(key) ?? null;
    }

    setItem(key, value) {
        this.#values.set(key, value);
    }

    removeItem(key) {
        this.#values.delete(key);
    }
}

// Lets promise reactions that are already due run.
export async function settle() {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
