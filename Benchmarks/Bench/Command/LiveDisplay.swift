// LiveDisplay: what a run shows of itself, once a second.
//
// Thread: the coordinator's.  Allocates: the text.

import CLinux
import Measure

final class LiveDisplay {
    private let options: BenchOptions
    private var display: LiveProgress
    private var rates: [Double] = []
    private var lastSecond = -1

    /// Seconds of the sparkline.
    private static let rateCountMax = 60

    init(_ options: BenchOptions) {
        self.options = options
        display = LiveProgress(style: LiveProgress.style(quiet: options.isQuiet))
    }

    /// - Parameters:
    ///   - start: of the phase, on CLOCK_MONOTONIC.
    ///   - duration: of the phase, in seconds; nil if nobody knows.
    func show(_ glance: Crew.Glance, phase: String, since start: UInt64, duration: Double?) {
        if let second = glance.second, second.at > lastSecond {
            lastSecond = second.at
            rates = rates.suffix(Self.rateCountMax - 1) + [Double(second.finishedCount)]
        }
        let finished = glance.second.flatMap { $0.finishedCount > 0 ? $0 : nil }
        display.show(
            RunProgress(
                scenario: options.scenarioOrDefault.rawValue, phase: phase,
                elapsed: Double(clinux_monotonic_ns() - start) / 1e9, duration: duration,
                connectionCount: glance.openCount, connectionTarget: options.connectionCount,
                rates: rates, errorCount: glance.errorCount, p50: finished?.p50,
                p99: finished?.p99))
    }

    /// The report follows.
    func end() { display.end() }
}
