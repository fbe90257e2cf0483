// Telemetry: the tracer of this process and what stands behind it.
//
//   Tracer ─▶ SpanBuffer ─▶ (links loop) SpanExporter ─▶ HTTPClient ─▶ collector
//
// Thread: made by main; `tracer` for any thread.  Allocates: in init.

import Loop
import WS

public final class Telemetry: Sendable {
    public let tracer: Tracer
    /// Nil when nothing is exported.
    private let commands: Mailbox<Command>?

    private enum Command: Sendable {
        case export
        case flush(Monitor<Bool>)
    }

    /// Records nothing.
    public static let off = Telemetry(tracer: .off, commands: nil)

    private init(tracer: Tracer, commands: Mailbox<Command>?) {
        self.tracer = tracer
        self.commands = commands
    }

    /// On the thread of the loop that shall carry the exports.
    ///
    /// - Parameter roles: of this process, for its name where the settings give none.
    public static func start(
        _ settings: TelemetrySettings, roles: Set<ServiceRole>, on reactor: Reactor,
        random: any RandomSource = SystemRandom()
    ) throws(TLSConfigurationError) -> Telemetry {
        guard let url = settings.url else { return off }
        let tls = url.origin.isEncrypted ? try TLSClientContext(settings.tls) : nil
        let buffer = SpanBuffer(
            countMax: settings.queueCountMax, batchCountMax: settings.batchCountMax)
        let exporter = SpanExporter(
            settings, url: url, resource: settings.resource(roles: roles, random: random),
            buffer: buffer, client: HTTPClient(reactor: reactor, tls: tls), reactor: reactor)
        let commands = reactor.makeMailbox(of: Command.self) { command in
            switch command {
            case .export: exporter.export()
            case .flush(let isDone): exporter.flush { isDone.update { $0 = true } }
            }
        }
        buffer.onFullBatch { commands.post(.export) }
        let tracer = Tracer(
            sink: buffer, sampler: settings.sampler, time: reactor.time, random: random)
        return Telemetry(tracer: tracer, commands: commands)
    }

    /// Sends what waits; for the end of the process. False if it has not all gone in that time.
    @discardableResult
    public func flush(atMost timeout: Duration = .seconds(5)) -> Bool {
        guard let commands else { return true }
        let isDone = Monitor(false)
        guard commands.post(.flush(isDone)) else { return false }
        return isDone.wait(atMost: timeout) { $0 ? true : nil } ?? false
    }
}
