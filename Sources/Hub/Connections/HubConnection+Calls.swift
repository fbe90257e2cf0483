// HubConnection+Calls: what a client calls, streams and answers, and what its methods say.
//
//   type 1, 4 ─▶ a free slot? ─▶ method ─▶ reply ─▶ type 3        items of a streaming method: type 2
//                 none: blocked, and everything behind it
//   type 2    ─▶ upload          type 3 ─▶ question, else upload          type 5 ─▶ cancellation
//
// Thread: the connection's loop.  Allocates: per call its message, reply and cancellation.
// Source: SignalR HubProtocol, "Invocations", "Streaming"; slots and texts as .NET 8.

import Loop

extension HubConnection {
    // MARK: From the client

    func call(_ invocation: Invocation, wantsStream: Bool) {
        let dispatcher = loop.server.dispatcher
        switch dispatcher.decide(invocation, wantsStream: wantsStream) {
        case .refuse(let text): sendError(text, invocation.invocationID)
        case .call(let method):
            if let isAllowed = method.isAllowed, !isAllowed(makeCaller()) {
                return sendError(
                    dispatcher.unauthorizedText(target: invocation.target),
                    invocation.invocationID)
            }
            let table = callTable()
            guard hasRoom(for: method, in: table) else {
                table.blocked = CallTable.Blocked(
                    invocation: invocation, wantsStream: wantsStream)
                return
            }
            if let text = clash(of: invocation, wantsStream: wantsStream, in: table) {
                return sendError(text, invocation.invocationID)
            }
            begin(invocation, method, table)
        }
    }

    /// Begins the invocation that waited, if it need not wait any longer.
    func startBlocked() {
        while machine.isActive, let table = calls, let blocked = table.blocked {
            table.blocked = nil
            call(blocked.invocation, wantsStream: blocked.wantsStream)
            if table.blocked != nil { return }
        }
    }

    /// Streaming methods and those with uploads run beside the others.
    private func hasRoom(for method: HubMethod, in table: CallTable) -> Bool {
        if table.calls.count >= options.invocationCountMax {
            loop.count(.invocations)
            return false
        }
        if method.takesSlot, table.slotCount >= options.parallelInvocationCountMax {
            loop.count(.parallelInvocations)
            return false
        }
        return true
    }

    /// Two streams with one id could not be told apart.
    private func clash(
        of invocation: Invocation, wantsStream: Bool, in table: CallTable
    ) -> String? {
        if wantsStream, let id = invocation.invocationID, table.isStreaming(id) {
            return "Invocation ID '\(id)' is already in use."
        }
        if let id = invocation.streamIDs.first(where: { table.upload($0) != nil }) {
            return loop.server.dispatcher.text(
                ofHubException: "Stream ID '\(id)' is already in use.", target: invocation.target)
        }
        return nil
    }

    private func begin(_ invocation: Invocation, _ method: HubMethod, _ table: CallTable) {
        lastSerial += 1
        let (mailbox, token, serial) = (loop.mailbox, token, lastSerial)
        let reply = HubReply { mailbox.post(.reply(token, serial: serial, $0)) }
        let uploads = invocation.streamIDs.map { _ in
            HubUploadBuffer(capacity: options.uploadItemCountMax) { mailbox.post(.room(token)) }
        }
        let output = HubOutput { item, taken in
            if !mailbox.post(.item(token, serial: serial, item, taken: taken)) { taken(false) }
        }
        let call = CallTable.Call(
            serial: serial, invocationID: invocation.invocationID, target: invocation.target,
            isStreaming: method.isStreaming, takesSlot: method.takesSlot,
            cancellation: HubCancellation(), uploads: uploads)
        table.begin(call, uploadIDs: invocation.streamIDs)
        if call.holdsSlot { machine.invocationBegan() }
        do throws(BindingFailure) {
            try method.body(
                HubCall(
                    caller: makeCaller(), target: invocation.target,
                    arguments: HubArguments(invocation.arguments), uploads: uploads,
                    output: method.isStreaming ? output : nil, cancellation: call.cancellation,
                    reply: reply,
                    suspendSlot: { mailbox.post(.suspendSlot(token, serial: serial)) },
                    resumeSlot: { mailbox.post(.resumeSlot(token, serial: serial)) }))
        } catch {
            reply.discard()
            end(call)
            return sendError(
                loop.server.dispatcher.text(for: error, target: invocation.target),
                invocation.invocationID)
        }
        guard let outcome = reply.methodReturned() else { return }
        // Items that were sent inside the method are in the mailbox, and the end comes behind them.
        if method.isStreaming {
            mailbox.post(.reply(token, serial: serial, outcome))
        } else {
            complete(call, outcome)
        }
    }

    func push(_ item: RawValue, to streamID: String) {
        guard let upload = calls?.upload(streamID) else { return }
        upload.push(item)
        if upload.isFull { loop.count(.uploadItems) }
    }

    func completed(_ completion: Completion) {
        guard let table = calls else { return }
        if let answered = table.answer(completion.invocationID) {
            switch completion.outcome {
            case .result(let value): answered(.result(value))
            case .void: answered(.result(.null))
            case .error(let text): answered(.error(text))
            }
        } else if case .error(let text) = completion.outcome {
            table.endUpload(completion.invocationID, .failed(text))
        } else {
            table.endUpload(completion.invocationID, .finished)
        }
        dropTableIfEmpty()
    }

    // MARK: From the methods

    /// A method has answered after it had returned.
    func replied(_ outcome: HubOutcome, serial: UInt32) {
        guard let call = calls?.call(serial) else { return }
        complete(call, outcome)
        readOn()
    }

    func send(
        item: RawValue, serial: UInt32, taken: @escaping @Sendable (Bool) -> Void
    ) {
        guard let table = calls, let call = table.call(serial), machine.isActive,
            let id = call.invocationID, !call.cancellation.isCancelled
        else { return taken(false) }
        send(.streamItem(headers: [], invocationID: id, item: item))
        guard link.isBackpressured else { return taken(true) }
        loop.count(.streamWaits)
        table.wait(taken, serial)
    }

    /// Calls `taken` as soon as the client keeps up.
    func waitForRoom(_ taken: @escaping @Sendable () -> Void) {
        guard link.isBackpressured else { return taken() }
        loop.count(.streamWaits)
        callTable().waitForRoom(taken)
    }

    /// The method waits for the client; whatever the client sends is read meanwhile.
    func suspendSlot(serial: UInt32) {
        guard calls?.suspendSlot(serial) == true else { return }
        machine.invocationEnded(at: now)
        readOn()
    }

    func resumeSlot(serial: UInt32) {
        if calls?.resumeSlot(serial) == true { machine.invocationBegan() }
    }

    /// The hub wants this client's answer.
    func ask(_ question: ClientQuestion, answered: @escaping @Sendable (ClientAnswer?) -> Void) {
        guard machine.canSend else { return answered(nil) }
        guard let record = question.invocation.record(for: hubProtocol) else {
            answered(.unavailable(reason: "The question is not in the client's protocol."))
            return lacksProtocol()
        }
        callTable().ask(question.invocationID, answered: answered)
        send(Array(record), isTracked: true)
    }

    // MARK: Ending a call

    private func complete(_ call: CallTable.Call, _ outcome: HubOutcome) {
        end(call)
        guard let id = call.invocationID else { return }
        send(
            .completion(
                loop.server.dispatcher.completion(
                    id: id, target: call.target, isStreaming: call.isStreaming, outcome: outcome)))
    }

    /// Its slot as it is now, not as it was when the call began.
    private func end(_ call: CallTable.Call) {
        if calls?.end(call.serial)?.holdsSlot == true { machine.invocationEnded(at: now) }
        dropTableIfEmpty()
    }

    private func sendError(_ text: String, _ invocationID: String?) {
        guard let invocationID else { return }
        send(.completion(Completion(invocationID: invocationID, outcome: .error(text))))
    }

    func callTable() -> CallTable {
        if let calls { return calls }
        let made = CallTable()
        calls = made
        return made
    }

    private func dropTableIfEmpty() {
        if calls?.isEmpty == true { calls = nil }
    }
}
