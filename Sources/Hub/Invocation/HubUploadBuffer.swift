// HubUploadBuffer: what a client streams up, between its connection and the method that reads it.
//
//   loop: type 2 ─▶ push ─▶ [ item item … ] ─▶ next ─▶ the method, any thread
//                    └ full: the connection reads no further until `onRoom` is called
//   loop: type 3 ─▶ end ─▶ finished or failed, behind the last item
//
// Thread: any.  Allocates: when the row of items grows.
// Source: SignalR HubProtocol, "Streaming"; capacity and texts as .NET 8.

import Synchronization

public final class HubUploadBuffer: Sendable {
    public enum Event: Equatable, Sendable {
        case item(RawValue)
        /// The client has sent all.
        case finished
        /// The client's text, or ours where the connection has ended or an item does not fit.
        case failed(String)
    }

    private struct State {
        /// In the order of arrival; taken from `first` on.
        var items: [RawValue] = []
        var first = 0
        var ending: Event?
        var waiter: (@Sendable (Event) -> Void)?
        /// The connection waits for room.
        var isFull = false

        var count: Int { items.count - first }

        mutating func take() -> Event? {
            guard count > 0 else { return ending }
            let item = items[first]
            first += 1
            if count == 0 {
                items.removeAll(keepingCapacity: true)
                first = 0
            }
            return .item(item)
        }
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let onRoom: @Sendable () -> Void

    /// - Parameters:
    ///   - capacity: items that wait before the connection reads no further.
    ///   - onRoom: called on the reader's thread when there is room again.
    init(capacity: Int, onRoom: @escaping @Sendable () -> Void = {}) {
        precondition(capacity > 0)
        self.capacity = capacity
        self.onRoom = onRoom
    }

    // MARK: The method's side

    /// Gives the next item or the end, at once or later. One caller at a time; after the end, the end
    /// again.
    public func next(_ receive: @escaping @Sendable (Event) -> Void) {
        let (event, hasRoom) = state.withLock { state -> (Event?, Bool) in
            precondition(state.waiter == nil, "an upload has one reader")
            let event = state.take()
            if event == nil { state.waiter = receive }
            let hasRoom = state.isFull && state.count < capacity
            if hasRoom { state.isFull = false }
            return (event, hasRoom)
        }
        if hasRoom { onRoom() }
        if let event { receive(event) }
    }

    // MARK: The connection's side

    /// Nothing more is to be read from the client.
    var isFull: Bool { state.withLock { $0.isFull } }

    /// Takes an item; behind the one that makes it full nothing more is to be read before `onRoom`.
    func push(_ item: RawValue) {
        let waiter = state.withLock { state -> (@Sendable (Event) -> Void)? in
            if state.ending != nil { return nil }
            if let waiter = state.waiter {
                state.waiter = nil
                return waiter
            }
            state.items.append(item)
            state.isFull = state.count >= capacity
            return nil
        }
        waiter?(.item(item))
    }

    /// The first ending counts. `ending` is no item.
    func end(_ ending: Event) {
        let waiter = state.withLock { state -> (@Sendable (Event) -> Void)? in
            if state.ending != nil { return nil }
            state.ending = ending
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?(ending)
    }

    /// The method has ended: what waits is dropped, and nobody waits for room.
    func drop() {
        let wasFull = state.withLock { state in
            defer { state.isFull = false }
            state.items = []
            state.first = 0
            state.ending = state.ending ?? .finished
            return state.isFull
        }
        if wasFull { onRoom() }
    }
}
