// HubLoopMessage: what other threads send to a loop's hub.
//
// A token names the connection; when it is gone, whoever waits for an answer is told.
//
// Thread: values on their way from any thread to one loop.  Allocates: what they hold.

import Loop

enum HubLoopMessage: Sendable {
    case deliver(HubTarget, EncodedInvocation)

    // What methods say; `serial` names the call on its connection.
    case reply(EventToken, serial: UInt32, HubOutcome)
    /// `taken` is called once: true when the next item may be sent.
    case item(EventToken, serial: UInt32, RawValue, taken: @Sendable (Bool) -> Void)
    /// An upload that was full has room again.
    case room(EventToken)
    case suspendSlot(EventToken, serial: UInt32)
    case resumeSlot(EventToken, serial: UInt32)
    case request(EventToken, HubCaller.Request)
    case membership(connectionID: String, HubCaller.Request)
    case decided(EventToken, ConnectDecision)

    // What the backplane and other loops say.
    /// The backplane listens for the connection.
    case subscribed(EventToken)
    /// Requests of its client find the session on whichever pod they come to.
    case reachable(EventToken)
    /// `answered` is called once, with nil at once if the client is not here.
    case ask(ClientQuestion, answered: @Sendable (ClientAnswer?) -> Void)
    /// The same for a request of a client without a WebSocket.
    case transport(TransportRequest, answered: @Sendable (TransportAnswer?) -> Void)
    /// Nobody waits for this poll any more.
    case abandoned(TransportRequest)
    /// From a socket of another loop to the session that it carries.
    case relay(RelayEvent, RelayedSocket, connectionID: String)
    /// From a session of another loop to the socket that carries it.
    case relayed(EventToken, RelayOrder)
    /// No loop and no pod holds the connection of this request.
    case unheld(TransportAttempt)
}
