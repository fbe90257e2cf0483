// StoredFigures: what lies in the database and in the queues, waiting for somebody.
//
// Asked on a worker, because the engines' calls block; what cannot be asked is left out, so that a
// graph has a gap there and no zero.
//
// Thread: a worker.  Allocates: the list.

import Loop
import Synchronization

struct StoredFigures: Equatable, Sendable {
    /// Events that wait to be published; nil if unknown, or not this process's concern.
    var outboxCount: Int?
    /// Messages by queue, dead-letter queues among them.
    var queues: [Queue] = []

    struct Queue: Equatable, Sendable {
        let name: String
        let messageCount: Int
    }
}

/// Reads them, one reading at a time: a database that hangs must not fill the workers with scrapes.
final class StoredFiguresReader: Sendable {
    private let store: any OrderStore
    private let bus: any MessageBus
    private let workers: WorkerPool
    private let readsOutbox: Bool
    private let queues: [String]
    private let isReading = Atomic<Bool>(false)

    /// - Parameter roles: a queue is the concern of those who consume it, the outbox of those who
    ///   fill it; so services of one role each do not count the same messages twice.
    init(
        store: any OrderStore, bus: any MessageBus, queues: QueueNames, roles: Set<ServiceRole>,
        workers: WorkerPool
    ) {
        self.store = store
        self.bus = bus
        self.workers = workers
        readsOutbox = !roles.isDisjoint(with: [.accept, .process])
        var names: [String] = []
        if roles.contains(.process) { names.append(queues.accepted) }
        if roles.contains(.notification) { names.append(queues.processed) }
        self.queues = names.flatMap { [$0, EmbeddedQueue.deadLetters(of: $0)] }
    }

    /// Calls `answer` once, on a worker or at once; nil when the workers are too busy.
    func read(_ answer: @escaping @Sendable (StoredFigures?) -> Void) {
        if isReading.exchange(true, ordering: .acquiringAndReleasing) { return answer(nil) }
        let isQueued = workers.submit { [self] isLate in
            let figures = isLate ? nil : readNow()
            isReading.store(false, ordering: .releasing)
            answer(figures)
        }
        if !isQueued {
            isReading.store(false, ordering: .releasing)
            answer(nil)
        }
    }

    private func readNow() -> StoredFigures {
        var figures = StoredFigures()
        // An engine that is away has said so in the log and in `contoso_dependency_up`.
        if readsOutbox { figures.outboxCount = try? store.outboxDepth() }
        for queue in queues {
            guard let count = try? bus.depth(of: queue) else { continue }
            figures.queues.append(StoredFigures.Queue(name: queue, messageCount: count))
        }
        return figures
    }
}
