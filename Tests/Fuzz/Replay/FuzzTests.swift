import Foundation
import FuzzTargets
import Testing
import TestSupport

/// Whatever the bytes: no parser traps, none reads outside of them, and what it reads it can write.
/// A few thousand inputs here; `scripts/fuzz` has the fuzzer.
@Suite("Fuzz") struct FuzzTests {
    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Corpus")

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
