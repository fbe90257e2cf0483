// HubCall: one call of a method, with all that the method may use.
//
//   arguments, uploads ─▶ body ─▶ output: item, item, …      only of a streaming method
//                          │  └─▶ reply: once               the value, the error, or the stream's end
//   cancellation ──────────┘                                told by CancelInvocation and at the end of
//                                                           the connection
//
// Thread: a value for any thread.  Allocates: what its parts say.

public struct HubCall: Sendable {
    public let caller: HubCaller
    /// As the client wrote it.
    public let target: String
    /// As many as the method was registered with.
    public internal(set) var arguments: HubArguments
    /// What the client streams up, one for each the method was registered with.
    public let uploads: [HubUploadBuffer]
    /// Where the items go; nil for a method that does not stream.
    public let output: HubOutput?
    public let cancellation: HubCancellation
    public internal(set) var reply: HubReply
    /// Lets go of the call's place among those that run at once, so that the connection reads on
    /// while the method waits for an answer of its client; and takes it back. They come in pairs,
    /// and a method with several such waits at once has several pairs open.
    let suspendSlot: @Sendable () -> Void
    let resumeSlot: @Sendable () -> Void

    init(
        caller: HubCaller, target: String, arguments: HubArguments,
        uploads: [HubUploadBuffer] = [], output: HubOutput? = nil,
        cancellation: HubCancellation = HubCancellation(), reply: HubReply,
        suspendSlot: @escaping @Sendable () -> Void = {},
        resumeSlot: @escaping @Sendable () -> Void = {}
    ) {
        self.caller = caller
        self.target = target
        self.arguments = arguments
        self.uploads = uploads
        self.output = output
        self.cancellation = cancellation
        self.reply = reply
        self.suspendSlot = suspendSlot
        self.resumeSlot = resumeSlot
    }

    /// For the tests of methods.
    public static func sample(
        caller: HubCaller = .sample(), target: String = "M", arguments: [RawValue] = [],
        reply: HubReply
    ) -> HubCall {
        HubCall(caller: caller, target: target, arguments: HubArguments(arguments), reply: reply)
    }
}
