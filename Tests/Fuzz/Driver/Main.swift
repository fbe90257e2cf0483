// fuzz: libFuzzer in front of one FuzzTarget; scripts/fuzz builds and runs it.
//
//   libFuzzer ─▶ input ─▶ GuardedBytes ─▶ FuzzTarget ─▶ a violation ends the process, and libFuzzer
//                                                       writes the input that led to it
//
// The address sanitizer looks at our own memory, the guard pages at the input.
//
// Thread: main only.  Allocates: freely.
// Source: llvm.org/docs/LibFuzzer.html, "Using libFuzzer as a library".

import FuzzTargets
import Glibc

/// Of the fuzzer's library; calls its third argument until its time has passed.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ argc: UnsafeMutablePointer<CInt>,
    _ argv: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ check: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

@main enum Main {
    private static let byteCountMax = 1 << 20
    private static let target: FuzzTarget = {
        let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
        guard let target = FuzzTarget(rawValue: name) else {
            let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
            fatalError("FUZZ_TARGET is one of \(names)")
        }
        return target
    }()
    nonisolated(unsafe) private static let memory = GuardedBytes(byteCountMax: byteCountMax)

    static func main() {
        var (argc, argv) = (CommandLine.argc, CommandLine.unsafeArgv)
        exit(
            runDriver(&argc, &argv) { start, count in
                if count <= Main.byteCountMax { Main.check(start, count) }
                return 0
            })
    }

    private static func check(_ start: UnsafePointer<UInt8>, _ count: Int) {
        let input = UnsafeRawBufferPointer(start: start, count: count)
        if let violation = memory.with(input, { target.violation($0) }) {
            fatalError("not true for \(target): \(violation)")
        }
    }
}
