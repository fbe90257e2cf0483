// CallTable: what one connection has under way.
//
//   calls      type 1 and 4 that have not ended      by the serial their reply carries
//   uploads    streams of the client                 by its stream ids
//   questions  what the hub asks the client          by our invocation ids
//   handlers   of whoever wants to know of the end
//   blocked    the invocation that waits for a slot; whatever is behind it waits with it
//
// An object of its own, because most connections have nothing under way most of the time.
//
// Thread: one loop.  Allocates: with a connection's first call; freed with its last.

final class CallTable {
    struct Call {
        let serial: UInt32
        /// Nil: the caller wants no answer.
        let invocationID: String?
        let target: String
        let isStreaming: Bool
        /// It is one of those that `HubOptions.parallelInvocationCountMax` counts.
        let takesSlot: Bool
        let cancellation: HubCancellation
        let uploads: [HubUploadBuffer]
        /// Of a streaming method that shall send its next item when the client has caught up.
        var waiting: [@Sendable (Bool) -> Void] = []
        /// Times it waits for its client now.
        var suspensionCount = 0

        var holdsSlot: Bool { takesSlot && suspensionCount == 0 }
    }

    /// An invocation that has not begun.
    struct Blocked {
        let invocation: Invocation
        let wantsStream: Bool
    }

    private(set) var calls: [Call] = []
    private var uploads: [(id: String, buffer: HubUploadBuffer)] = []
    private var questions: [(id: String, answered: @Sendable (ClientAnswer?) -> Void)] = []
    private var endHandlers: [@Sendable () -> Void] = []
    /// Of whoever has sent something and waits until the client has caught up.
    private var senders: [@Sendable () -> Void] = []
    var blocked: Blocked?

    var isEmpty: Bool {
        calls.isEmpty && uploads.isEmpty && questions.isEmpty && blocked == nil
            && endHandlers.isEmpty && senders.isEmpty
    }

    /// Somebody waits for an end: of a call, an upload, an answer of the client.
    var isUnderWay: Bool {
        !calls.isEmpty || !uploads.isEmpty || !questions.isEmpty || blocked != nil
    }

    var slotCount: Int { calls.count { $0.holdsSlot } }

    /// Nothing more may be read from the client.
    var stopsReading: Bool { blocked != nil || uploads.contains { $0.buffer.isFull } }

    // MARK: Calls

    func begin(_ call: Call, uploadIDs: [String]) {
        calls.append(call)
        uploads += zip(uploadIDs, call.uploads).map { ($0, $1) }
    }

    func call(_ serial: UInt32) -> Call? { calls.first { $0.serial == serial } }

    func isStreaming(_ invocationID: String) -> Bool {
        calls.contains { $0.isStreaming && $0.invocationID == invocationID }
    }

    /// Ends a call; what is left of its uploads is dropped.
    func end(_ serial: UInt32) -> Call? {
        guard let place = calls.firstIndex(where: { $0.serial == serial }) else { return nil }
        let call = calls.remove(at: place)
        call.cancellation.disarm()
        for buffer in call.uploads {
            buffer.drop()
            uploads.removeAll { $0.buffer === buffer }
        }
        for taken in call.waiting { taken(false) }
        return call
    }

    /// - Returns: whether a slot is free now that was not before.
    func suspendSlot(_ serial: UInt32) -> Bool {
        guard let place = calls.firstIndex(where: { $0.serial == serial }) else { return false }
        defer { calls[place].suspensionCount += 1 }
        return calls[place].holdsSlot
    }

    /// - Returns: whether the call holds its slot again, were there one free or not.
    func resumeSlot(_ serial: UInt32) -> Bool {
        guard let place = calls.firstIndex(where: { $0.serial == serial }) else { return false }
        calls[place].suspensionCount -= 1
        assert(calls[place].suspensionCount >= 0, "suspensions and resumptions come in pairs")
        return calls[place].holdsSlot
    }

    func cancel(_ invocationID: String) {
        guard let place = calls.firstIndex(where: { $0.invocationID == invocationID }) else {
            return
        }
        let waiting = calls[place].waiting
        calls[place].waiting = []
        calls[place].cancellation.cancel()
        for taken in waiting { taken(false) }
    }

    // MARK: Items of a streaming method

    /// `taken` is called when the client has caught up.
    func wait(_ taken: @escaping @Sendable (Bool) -> Void, _ serial: UInt32) {
        guard let place = calls.firstIndex(where: { $0.serial == serial }) else {
            return taken(false)
        }
        calls[place].waiting.append(taken)
    }

    func waitForRoom(_ taken: @escaping @Sendable () -> Void) { senders.append(taken) }

    /// The client has caught up.
    func wake() {
        let taken = senders
        senders = []
        for sender in taken { sender() }
        for place in calls.indices where !calls[place].waiting.isEmpty {
            let waiting = calls[place].waiting
            calls[place].waiting = []
            for taken in waiting { taken(true) }
        }
    }

    // MARK: What the client streams and answers

    func upload(_ streamID: String) -> HubUploadBuffer? {
        uploads.first { $0.id == streamID }?.buffer
    }

    /// The client has sent the end of a stream; later items of it are strangers.
    func endUpload(_ streamID: String, _ ending: HubUploadBuffer.Event) {
        guard let place = uploads.firstIndex(where: { $0.id == streamID }) else { return }
        uploads.remove(at: place).buffer.end(ending)
    }

    func ask(_ invocationID: String, answered: @escaping @Sendable (ClientAnswer?) -> Void) {
        questions.append((invocationID, answered))
    }

    /// Nil if nobody has asked, or the answer is another connection's to give.
    func answer(_ invocationID: String) -> (@Sendable (ClientAnswer?) -> Void)? {
        guard let place = questions.firstIndex(where: { $0.id == invocationID }) else { return nil }
        return questions.remove(at: place).answered
    }

    // MARK: The end

    /// - Parameter handler: called once, before the hub is told of the end.
    func whenEnded(_ handler: @escaping @Sendable () -> Void) { endHandlers.append(handler) }

    /// The connection has ended: whoever works or waits for it is told.
    func endAll(connectionID: String) {
        // Before their calls are cancelled, so that readers are told why.
        for (_, buffer) in uploads { buffer.end(.failed("The underlying connection was closed.")) }
        for call in calls {
            call.cancellation.cancel()
            for taken in call.waiting { taken(false) }
        }
        for (_, answered) in questions { answered(.disconnected(connectionID: connectionID)) }
        for sender in senders { sender() }
        for handler in endHandlers { handler() }
        calls = []
        senders = []
        uploads = []
        questions = []
        endHandlers = []
        blocked = nil
    }
}
