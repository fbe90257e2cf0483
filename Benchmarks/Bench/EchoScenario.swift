// EchoScenario: each connection sends a message, waits for its echo and sends the next.
//
//   send frame ─▶ (socket full: EPOLLOUT) ─▶ wait ─▶ receive echo, compare ─▶ record ─▶ send frame
//
// Closed loop: the load adapts to the server, so the rate is a capacity and the latencies are those
// of a saturated server. They say nothing about a server under a given rate.
//
// Thread: one.  Allocates: nothing while the clock runs.

import CLinux
import Glibc
import Loop
import WS

/// Plain values behind a raw pointer: the loop below runs without checks and reference counts.
private struct Lane {
    var descriptor: Int32
    var sentByteCount = 0
    var receivedByteCount = 0
    var sentAt: UInt64 = 0
}

struct EchoScenario: ~Copyable {
    private let options: BenchOptions
    private let frame: [UInt8]
    /// The frame the server has to send for it.
    private let echo: [UInt8]

    private static let eventCountMax = 256
    private static let bufferByteCount = 64 * 1024

    init(_ options: BenchOptions) {
        self.options = options
        let payload = (0..<options.byteCount).map { UInt8(truncatingIfNeeded: 32 + $0 % 90) }
        echo = FrameWriter.makeFrame(payload, as: .text)
        frame = Self.masked(payload, unmaskedFrame: echo)
    }

    /// The same frame as a client sends it (RFC 6455 §5.3), with one key for all messages.
    private static func masked(_ payload: [UInt8], unmaskedFrame: [UInt8]) -> [UInt8] {
        let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        var frame = Array(unmaskedFrame.dropLast(payload.count))
        frame[1] |= 0x80
        frame += key
        for (index, byte) in payload.enumerated() { frame.append(byte ^ key[index % 4]) }
        return frame
    }

    func run() throws(BenchError) -> Measurement {
        let sockets = UnsafeMutablePointer<BenchSocket>.allocate(capacity: options.connectionCount)
        var openCount = 0
        defer {
            sockets.deinitialize(count: openCount)
            sockets.deallocate()
        }
        let poller = clinux_epoll_create()
        guard poller >= 0 else { throw BenchError(description: "no epoll descriptor") }
        defer { _ = clinux_close(poller) }
        var lanes: [Lane] = []
        for index in 0..<options.connectionCount {
            (sockets + index).initialize(to: try BenchSocket(options))
            openCount += 1
            lanes.append(Lane(descriptor: sockets[index].descriptor))
            let result = clinux_epoll_ctl(
                poller, EPOLL_CTL_ADD, lanes[index].descriptor,
                EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLET.rawValue, UInt64(index))
            guard result == 0 else { throw BenchError(description: "epoll_ctl: \(-result)") }
        }
        return try measure(&lanes, poller)
    }

    private func measure(_ lanes: inout [Lane], _ poller: Int32) throws(BenchError) -> Measurement {
        var latencies = LatencyHistogram()
        let processorTime = ProcessorTime(process: options.serverProcess)
        let start = clinux_monotonic_ns()
        let end = start + UInt64(options.duration.nanoseconds)
        let result = lanes.withUnsafeMutableBufferPointer { lanes in
            Result { () throws(BenchError) in
                try exchange(lanes, poller, until: end, &latencies)
            }
        }
        try result.get()
        let elapsed = clinux_monotonic_ns() - start
        return Measurement(
            elapsedNanoseconds: elapsed, latencies: latencies,
            serverMicroseconds: processorTime?.elapsedMicroseconds())
    }

    private func exchange(
        _ lanes: UnsafeMutableBufferPointer<Lane>, _ poller: Int32, until end: UInt64,
        _ latencies: inout LatencyHistogram
    ) throws(BenchError) {
        let buffer = UnsafeMutableRawPointer.allocate(
            byteCount: Self.bufferByteCount, alignment: 64)
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Self.eventCountMax)
        defer {
            buffer.deallocate()
            events.deallocate()
        }
        for lane in lanes.indices { try begin(&lanes[lane], clinux_monotonic_ns()) }
        while true {
            let count = clinux_epoll_wait(poller, events, Int32(Self.eventCountMax), 100)
            let now = clinux_monotonic_ns()
            if now >= end { return }
            for position in 0..<max(0, Int(count)) {
                let lane = lanes.baseAddress! + Int(events[position].data.u64)
                try sendRest(&lane.pointee)
                try receive(&lane.pointee, buffer, &latencies)
            }
        }
    }

    private func begin(_ lane: inout Lane, _ now: UInt64) throws(BenchError) {
        lane.sentByteCount = 0
        lane.receivedByteCount = 0
        lane.sentAt = now
        try sendRest(&lane)
    }

    private func sendRest(_ lane: inout Lane) throws(BenchError) {
        while lane.sentByteCount < frame.count {
            let sent = frame.withUnsafeBytes {
                clinux_send(
                    lane.descriptor, $0.baseAddress! + lane.sentByteCount,
                    frame.count - lane.sentByteCount)
            }
            if sent == -Int(EAGAIN) { return }
            guard sent > 0 else { throw BenchError(description: "send failed: errno \(-sent)") }
            lane.sentByteCount += sent
        }
    }

    /// Edge-triggered: reads until the echo is complete, or nothing is left.
    private func receive(
        _ lane: inout Lane, _ buffer: UnsafeMutableRawPointer, _ latencies: inout LatencyHistogram
    ) throws(BenchError) {
        while true {
            let count = clinux_recv(lane.descriptor, buffer, Self.bufferByteCount)
            if count == -Int(EAGAIN) { return }
            guard count > 0 else {
                throw BenchError(description: "the server closed a connection (\(count))")
            }
            guard lane.receivedByteCount + count <= echo.count, isEcho(lane, buffer, count) else {
                throw BenchError(description: "the server sent something else than the message")
            }
            lane.receivedByteCount += count
            if lane.receivedByteCount == echo.count {
                let now = clinux_monotonic_ns()
                latencies.record(now - lane.sentAt)
                // Nothing more can come before the next message, so there is no need to see EAGAIN.
                return try begin(&lane, now)
            }
        }
    }

    private func isEcho(_ lane: Lane, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Bool {
        echo.withUnsafeBytes {
            memcmp($0.baseAddress! + lane.receivedByteCount, buffer, count) == 0
        }
    }
}
