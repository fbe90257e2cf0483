import Foundation
import FuzzTargets
import Testing
import TestSupport

@testable import Hub

/// Whatever the bytes: no parser traps, none reads outside of them, and what it reads it can write.
/// A few thousand inputs here; `scripts/fuzz` has the fuzzer.
@Suite("Fuzz") struct FuzzTests {
    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fuzz/Corpus")

    private static func corpus(_ target: FuzzTarget) throws -> [[UInt8]] {
        let files = try FileManager.default.contentsOfDirectory(
            at: folder.appending(path: target.rawValue), includingPropertiesForKeys: nil)
        return try files.sorted { $0.path < $1.path }.map { Array(try Data(contentsOf: $0)) }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `all claims hold for the kept inputs and for every prefix of them`(
        target: FuzzTarget
    ) throws {
        let memory = GuardedBytes(byteCountMax: 1 << 16)
        for input in try Self.corpus(target) {
            for count in [input.count] + Array(0..<min(input.count, 128)) {
                #expect(violation(of: input.prefix(count), target, memory) == nil)
            }
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `all claims hold for inputs that are nearly right`(target: FuzzTarget) throws {
        try run(target, seed: 1, count: 2500)
    }

    /// `FUZZ_SEED` repeats a run that failed.
    @Test(arguments: FuzzTarget.allCases)
    func `all claims hold for others in each run`(target: FuzzTarget) throws {
        let given = ProcessInfo.processInfo.environment["FUZZ_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: 0...999_999_999)
        print("Fuzz \(target.rawValue): FUZZ_SEED=\(seed)")
        try run(target, seed: seed, count: 1000)
    }

    private func run(_ target: FuzzTarget, seed: UInt64, count: Int) throws {
        let memory = GuardedBytes(byteCountMax: 1 << 16)
        var mutator = Mutator(
            seeds: try Self.corpus(target), random: SeededGenerator(seed: seed))
        for index in 0..<count {
            let input = mutator.next()
            if let text = violation(of: input[...], target, memory) {
                Issue.record("seed \(seed), input \(index): \(text): \(input)")
            }
        }
    }

    private func violation(
        of input: ArraySlice<UInt8>, _ target: FuzzTarget, _ memory: GuardedBytes
    ) -> String? {
        input.withUnsafeBytes { bytes in memory.with(bytes) { target.violation($0) } }
    }

    // MARK: Messages of any kind

    @Test(arguments: HubProtocol.allCases, 0..<4)
    func `any message that is written and read is the same`(
        hubProtocol: HubProtocol, seed: Int
    ) {
        var random = SeededGenerator(seed: UInt64(seed) + 11)
        for _ in 0..<500 {
            let message = randomMessage(hubProtocol, using: &random)
            let violation = MessageClaims.violation(returning: message, through: hubProtocol)
            #expect(violation == nil, "\(message)")
        }
    }

    @Test func `a read outside of the input ends the process`() async {
        await #expect(processExitsWith: .failure) {
            let memory = GuardedBytes(byteCountMax: 64)
            _ = [1, 2].withUnsafeBytes { bytes in
                memory.with(bytes) {
                    $0.baseAddress?.load(fromByteOffset: $0.count, as: UInt8.self)
                }
            }
        }
    }
}

private func randomMessage(
    _ hubProtocol: HubProtocol, using random: inout SeededGenerator
) -> HubMessage {
    func chance() -> Bool { Bool.random(using: &random) }
    func text() -> String { "t\(UInt16.random(in: 0...9999, using: &random))é\u{1E}\"" }
    func count(_ countMax: Int) -> Int { Int.random(in: 0...countMax, using: &random) }
    let headers = (0..<(chance() ? 0 : count(3))).map { Header("h\($0)" + text(), text()) }
    func value() -> RawValue {
        let value = randomValue(depth: 2, using: &random)
        guard hubProtocol == .json else { return MessagePackVectors.raw(value) }
        var writer = JSONWriter()
        do { try writer.value(value) } catch { return .null }
        return .json(RawJSON(writer))
    }
    func call(id: String?) -> Invocation {
        Invocation(
            target: text(), arguments: (0..<count(10)).map { _ in value() }, invocationID: id,
            headers: headers, streamIDs: (0..<(chance() ? 0 : count(3))).map { _ in text() })
    }
    switch Int.random(in: 1...9, using: &random) {
    case 1: return .invocation(call(id: chance() ? text() : nil))
    case 2: return .streamItem(headers: headers, invocationID: text(), item: value())
    case 3:
        let outcomes: [Completion.Outcome] = [.void, .error(text()), .error(""), .result(value())]
        let outcome = outcomes[Int.random(in: 0..<outcomes.count, using: &random)]
        return .completion(Completion(invocationID: text(), outcome: outcome, headers: headers))
    case 4: return .streamInvocation(call(id: text()))
    case 5: return .cancelInvocation(headers: headers, invocationID: text())
    case 6: return .ping
    case 7: return .close(CloseMessage(error: chance() ? text() : nil, allowReconnect: chance()))
    case 8: return .ack(sequenceID: Int64(bitPattern: random.next()))
    default: return .sequence(sequenceID: Int64(bitPattern: random.next()))
    }
}
