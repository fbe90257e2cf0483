// MetricsDesk: answers scrapes, one round of questions for all that ask at one time.
//
//   request ─▶ askers ─▶ round begins ─┬▶ every loop ──┐
//                ▲                     └▶ a worker ────┤ answers, by mailbox
//                │ came during a round: the next one   ▼
//                └────────────────────────── all here, or patience over ─▶ text ─▶ askers answered
//
// What has not come in time is left out: a graph with a gap is right where a zero would be wrong.
//
// Thread: the metrics' loop.  Allocates: per round.

import Loop
import WS

final class MetricsDesk {
    /// Shorter than every scraper's own (10 s as Prometheus comes).
    static let patience: Duration = .seconds(2)
    /// How often the patience is looked at.
    private static let checkInterval: Duration = .milliseconds(100)

    private struct Answer: Sendable {
        enum Part: Sendable { case loop(LoopFigures?), stored(StoredFigures?) }

        let round: Int
        let part: Part
    }

    private struct Asker {
        let format: MetricsText.Format
        let responder: Responder
    }

    private struct Round {
        let number: Int
        let askers: [Asker]
        let deadline: MonotonicInstant
        /// Answers that have not come.
        var missingCount: Int
        var loops: [LoopFigures] = []
        var stored: StoredFigures?
    }

    private let sources: MetricsSources
    private let time: any TimeSource
    private let patience: Duration
    private var mailbox: Mailbox<Answer>?
    /// Nil between scrapes.
    private var round: Round?
    /// For the next round.
    private var askers: [Asker] = []
    private var roundCount = 0

    /// Called on the loop's thread, before its first tick. The loop's timer keeps the desk alive.
    init(
        _ sources: MetricsSources, on reactor: Reactor, patience: Duration = MetricsDesk.patience
    ) {
        self.sources = sources
        self.patience = patience
        time = reactor.time
        mailbox = reactor.makeMailbox { [unowned self] in receive($0) }
        reactor.every(Self.checkInterval) { [self] in losePatience() }
    }

    /// - Parameter accept: the header of the request.
    func scrape(accept: String?, _ responder: Responder) {
        askers.append(Asker(format: MetricsText.Format(accept: accept), responder: responder))
        if round == nil { beginRound() }
    }

    private func beginRound() {
        guard let mailbox else { preconditionFailure("made in init") }
        roundCount += 1
        let number = roundCount
        // The loops have all been added before this one was started.
        round = Round(
            number: number, askers: askers,
            deadline: time.monotonicNow.advanced(by: patience),
            missingCount: sources.loops.count + 1)
        askers = []
        sources.loops.ask { mailbox.post(Answer(round: number, part: .loop($0))) }
        sources.stored.read { mailbox.post(Answer(round: number, part: .stored($0))) }
    }

    private func receive(_ answer: Answer) {
        // Too late: its round has been answered without it.
        guard answer.round == round?.number else { return }
        switch answer.part {
        case .loop(let figures): if let figures { round?.loops.append(figures) }
        case .stored(let figures): round?.stored = figures
        }
        round?.missingCount -= 1
        if round?.missingCount == 0 { endRound() }
    }

    private func losePatience() {
        if let round, time.monotonicNow >= round.deadline { endRound() }
    }

    private func endRound() {
        guard let ended = round else { return }
        round = nil
        let report = MetricsReport(
            sources: sources, process: ProcessFigures.now(),
            loops: ended.loops.sorted { $0.number < $1.number }, stored: ended.stored)
        for asker in ended.askers {
            asker.responder.respond(
                Response(
                    .ok, contentType: asker.format.contentType, body: report.text(asker.format)))
        }
        if !askers.isEmpty { beginRound() }
    }
}

@available(*, unavailable)
extension MetricsDesk: Sendable {}
