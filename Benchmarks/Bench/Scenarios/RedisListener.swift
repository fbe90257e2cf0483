// RedisListener: how long a broadcast takes to a plain subscriber, which is Redis's own share.
//
//   Publisher ─▶ Redis ─┬▶ server ─▶ client       fanout
//                       └▶ this subscriber        redis
//
// Thread: a thread of its own reads; `init` and `stop` belong to the coordinator.
// Allocates: per message.  Source: Redis, "Pub/Sub".

import CLinux
import Hub
import Loop
import Measure
import Synchronization

final class RedisListener {
    private let state = State()
    private var thread: NativeThread?

    private final class State: Sendable {
        let isStopping = Atomic(false)
        let outcome = Monitor<Result<StampLatencies, BenchError>?>(nil)
    }

    /// How soon a stop is noticed.
    private static let patienceMilliseconds: Int32 = 100

    /// Subscribed when this returns.
    init(host: String, port: UInt16, channel: String) throws(BenchError) {
        let socket = Handover(value: try RedisSocket(host: host, port: port))
        var command = RedisCommand("SUBSCRIBE", argumentCount: 1, byteCount: 96)
        command.append(channel)
        try socket.value.send(command.bytes)
        let answer = String(decoding: try socket.value.receive(), as: UTF8.self)
        guard answer.hasPrefix("*3") else {
            throw BenchError(description: "redis at \(socket.value.address) answers \(answer)")
        }
        thread = NativeThread(name: "listener") { [state] in
            let result = Result { () throws(BenchError) in
                try Self.listen(socket.value, state)
            }
            state.outcome.update { $0 = result }
        }
    }

    /// The socket is the thread's alone once it runs.
    private struct Handover: @unchecked Sendable { let value: RedisSocket }

    private static func listen(
        _ socket: RedisSocket, _ state: State
    ) throws(BenchError) -> StampLatencies {
        var latencies = StampLatencies()
        while !state.isStopping.load(ordering: .relaxed) {
            let bytes = try socket.receive(atMost: patienceMilliseconds)
            latencies.read(bytes, at: clinux_monotonic_ns())
        }
        return latencies
    }

    /// What was due at `start` of CLOCK_MONOTONIC or later.
    func stop(countedFrom start: UInt64) throws(BenchError) -> Histogram {
        state.isStopping.store(true, ordering: .relaxed)
        thread?.join()
        thread = nil
        guard let latencies = try state.outcome.withLock({ $0 })?.get() else {
            preconditionFailure("the thread has ended")
        }
        return latencies.histogram(from: start)
    }
}
