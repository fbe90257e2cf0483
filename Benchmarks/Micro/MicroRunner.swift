// MicroRunner: runs a case often enough that the clock's own cost vanishes, several times over.
//
//   prepare ─▶ check one operation ─▶ calibrate (double the count until a round is long enough)
//           ─▶ rounds ─▶ MicroResult
//
// The minimum is what the part costs when nobody disturbs; the median tells how much somebody did.
//
// Thread: one.  Allocates: between the rounds.

import CLinux
import CMicro

/// What was measured of one case.
struct MicroResult: Codable, Equatable, Sendable {
    var name: String
    var clock: MicroCase.Clock
    var nanosecondsMin: Double
    var nanosecondsMedian: Double
    /// Bytes of one operation; 0 where they are not the point.
    var byteCount: Int
    /// Of the whole rounds' operations; nil where the heap could not be watched.
    var allocationsPerOperation: Double?
    var operationsPerRound: Int
    var roundCount: Int

    /// 10^6 bytes per second at the minimum; nil where bytes are not the point.
    var megabytesPerSecond: Double? {
        byteCount == 0 ? nil : Double(byteCount) * 1000 / nanosecondsMin
    }
}

/// A case gave something else than it must: its figures would mean nothing.
struct WrongSum: Error, Equatable, CustomStringConvertible {
    let name: String
    let operationCount: Int
    let sum: UInt64
    let expected: UInt64

    var description: String {
        "\(name): \(operationCount) operations gave \(sum), not \(expected);"
            + " its expectation or the part it measures is wrong"
    }
}

/// However many operations a body is asked for, it takes no time.
struct NothingToMeasure: Error, Equatable, CustomStringConvertible {
    let name: String

    var description: String {
        "\(name): takes no time; its operations depend on nothing and are left out"
    }
}

struct MicroRunner {
    var roundCount = 9
    /// A round takes this long or longer.
    var roundNanoseconds: UInt64 = 50_000_000

    func run(_ subject: MicroCase) throws -> MicroResult {
        let body = try subject.prepare()
        _ = try timed(subject, body, operationCount: 1)
        let operationCount = try calibrate(subject, body)

        var nanoseconds: [Double] = []
        nanoseconds.reserveCapacity(roundCount)
        var allocationCount: Int64 = 0
        for _ in 0..<roundCount {
            let before = cmicro_allocation_count()
            let elapsed = try timed(subject, body, operationCount: operationCount)
            allocationCount += cmicro_allocation_count() - before
            nanoseconds.append(Double(elapsed) / Double(operationCount))
        }
        nanoseconds.sort()
        let isHeapWatched = cmicro_allocation_count() >= 0
        return MicroResult(
            name: subject.name, clock: subject.clock, nanosecondsMin: nanoseconds[0],
            nanosecondsMedian: nanoseconds[roundCount / 2], byteCount: subject.byteCount,
            allocationsPerOperation: isHeapWatched
                ? Double(allocationCount) / Double(operationCount * roundCount) : nil,
            operationsPerRound: operationCount, roundCount: roundCount)
    }

    /// More operations than this in a round are none: the compiler has taken them away.
    private static let operationCountMax = 1 << 40

    /// The operations that fill a round.
    private func calibrate(_ subject: MicroCase, _ body: MicroCase.Body) throws -> Int {
        var operationCount = 1
        while true {
            let elapsed = try timed(subject, body, operationCount: operationCount)
            if elapsed >= roundNanoseconds { return operationCount }
            guard operationCount <= Self.operationCountMax else {
                throw NothingToMeasure(name: subject.name)
            }
            // From a quarter on, the time of one operation is known well enough for one leap.
            let isKnown = elapsed >= max(1, roundNanoseconds / 4)
            operationCount *= isKnown ? Int(roundNanoseconds / elapsed) + 1 : 2
        }
    }

    private func now(_ clock: MicroCase.Clock) -> UInt64 {
        switch clock {
        case .processor: cmicro_thread_ns()
        case .wall: clinux_monotonic_ns()
        }
    }

    /// Nanoseconds of `operationCount` operations, whose sum is checked behind the clock.
    private func timed(
        _ subject: MicroCase, _ body: MicroCase.Body, operationCount: Int
    ) throws -> UInt64 {
        let start = now(subject.clock)
        let sum = body(operationCount)
        let elapsed = now(subject.clock) - start
        let expected = subject.expected(UInt64(operationCount))
        guard sum == expected else {
            throw WrongSum(
                name: subject.name, operationCount: operationCount, sum: sum, expected: expected)
        }
        return elapsed
    }
}
